"""Would the synthetic rows around a person be likelier if that person were in the training data?

The attacker holds the synthetic table and a `reference` table of n other people from the same
population. They estimate the population's density p from the reference with kernels K, and again
as it would be with the person's row x among the people, and ask which of the two explains the
synthetic rows z nearest to x better:

    score(x) = sum over z of log [ (n p(z) + K(z - x)) / ((n + 1) p(z)) ]

One more kernel needs no second fit, so the ratio has this closed form. It counts a synthetic row
near x for much where the population is thin and for little in a crowd. p(z) is not let fall
below what a reference row 2.1 bandwidths off would give: where nobody of the reference is near,
the ratio would say no more than how empty the place is.

Distances are Euclidean on whitened principal components of the encoding (`measure/whitening.py`).
Leaks come in two widths, so there are two kernels:

    ratio    a tenth of Scott's bandwidth: copies and near-copies. The headline.
    wide     Scott's bandwidth: kinds of people who are drawn too often

Scott's bandwidth, at which the paper estimates densities, is for a smooth curve through all the
data, far too wide to feel a row that was moved by 2 %. The narrow one and the number of components
were chosen on Adult with every row noised so (experiments/known_answers); other tables may want
others.

References:
    Ward, Wang & Cheng 2025, Gen-LRA (arXiv:2508.21146). Scott 1992: bandwidth n^(-1 / (d + 4))
    for unit variance in d dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.measure.lineup import Lineup, Rows, lineup_of
from tabveil.measure.verdict import judge
from tabveil.measure.whitening import Whitening
from tabveil.seeding import child_rng

_PAIRS = 2**22
"""Pairs of rows held at once: 16 MB of float32."""
_FLOOR = 0.1
"""Least n p(z), in units of a kernel's peak."""
_FAR = -60.0
"""Exponents are cut here: what is below is 0, and float32 computes it very slowly."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class LikelihoodRatio:
    """Membership inference by a local likelihood ratio.

    Attributes:
        n_components: directions kept; fewer where the reference spreads in fewer.
        n_nearest: synthetic rows whose likelihood is compared.
        bandwidth: of `ratio`, as a share of Scott's.
        max_reference: at most so many reference rows carry a kernel.
    """

    n_components: int = 20
    n_nearest: int = 50
    bandwidth: float = 0.1
    max_reference: int = 3000

    name: ClassVar[str] = "likelihood_ratio"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and a sample of the same population, and asks of a "
        "person whose row they know: are the synthetic rows around it likelier with this person?"
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack with `ratio`; scores as in `measure.verdict`. Raises CannotTell as a lineup."""
        return judge(lineup_of(data), self.signals(data)["ratio"], name=self.name)

    def signals(self, data: EvalInput) -> Mapping[str, Values]:
        """`ratio` and `wide` of each target, shape (n,), high for "member".

        A reference without any spread says nothing: all targets then score alike.
        """
        return data.memo.get(repr(self), lambda: self._signals(lineup_of(data)))

    def _signals(self, lineup: Lineup) -> dict[str, Values]:
        whitening, targets, reference = lineup.once(repr(self), lambda: self._known(lineup))
        synthetic = whitening(lineup.synthetic.encoded)
        scott = len(reference) ** (-1 / (reference.shape[1] + 4))
        return _log_ratios(
            targets,
            reference,
            synthetic,
            bandwidths={"ratio": self.bandwidth * scott, "wide": scott},
            k=min(self.n_nearest, len(synthetic)),
            device=_device(lineup.limits.device),
        )

    def _known(self, lineup: Lineup) -> tuple[Whitening, Values, Values]:
        """What does not depend on the synthetic table: directions, targets, reference."""
        rows = lineup.reference
        whitening = Whitening.fit(rows.encoded, self.n_components)
        rng = child_rng(lineup.seed, self.name, "reference")
        drawn = _draw(rows, self.max_reference, rng)
        return whitening, whitening(lineup.targets.encoded), whitening(drawn.encoded)


def _draw(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    if len(rows) <= most:
        return rows
    return rows.take(np.sort(rng.choice(len(rows), size=most, replace=False)))


def _device(wanted: str) -> str:
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def _log_ratios(
    targets: Values,
    reference: Values,
    synthetic: Values,
    *,
    bandwidths: Mapping[str, float],
    k: int,
    device: str,
) -> dict[str, Values]:
    """The score of each target by bandwidth, shape (n,), from rows of shape (_, d)."""
    x, r, z = (
        torch.as_tensor(rows, dtype=torch.float32, device=device)
        for rows in (targets, reference, synthetic)
    )
    masses = {name: torch.empty(len(z), device=device) for name in bandwidths}
    for rows in _chunks(len(z), len(r)):
        squared = _squared(z[rows], r)
        for name, h in bandwidths.items():
            masses[name][rows] = _kernel(squared, h).sum(1)
    scores = {name: np.empty(len(x)) for name in bandwidths}
    constant = k * np.log(len(r) / (len(r) + 1))
    for rows in _chunks(len(x), max(len(z), k * x.shape[1])):
        near = _squared(x[rows], z).topk(k, largest=False).indices
        squared = (x[rows, None] - z[near]).square().sum(2)  # free of cancellation, for copies
        for name, h in bandwidths.items():
            gain = _kernel(squared, h) / masses[name][near].clamp(min=_FLOOR)
            scores[name][rows] = gain.double().log1p().sum(1).cpu().numpy() + constant
    return scores


def _chunks(n: int, width: int) -> Iterator[slice]:
    step = max(1, _PAIRS // max(1, width))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def _squared(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Squared distances of all pairs, shape (n_left, n_right), by a matrix product."""
    norms = left.square().sum(1)[:, None] + right.square().sum(1)
    return torch.addmm(norms, left, right.T, alpha=-2)


def _kernel(squared: torch.Tensor, bandwidth: float) -> torch.Tensor:
    """Gaussian of unit peak; constants cancel in the ratio."""
    return (squared * (-0.5 / bandwidth**2)).clamp_(_FAR, 0).exp_()
