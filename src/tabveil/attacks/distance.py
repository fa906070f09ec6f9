"""Do training rows lie closer to the synthetic table than rows the model never saw?

The attacker holds the synthetic table and a `reference` table of other people from the same
population. For a person's row x they compare how near the two tables come:

    score(x) = log(d(x, reference) + s) - log(d(x, synthetic) + s)

with d the mean distance to the k nearest rows (`measure/distance.py`): k = 1 finds copies, k = 5
is steadier. Without the reference, rows of common people would look like members, since every
table comes near them; `nearest`, the raw distance to the closest record (DCR), is that older
attack. s, a tiny share of the mean distance, keeps a distance of zero finite; a larger one hides
copies among chance neighbours.

Numbers are compared by value, in standard deviations: near-copies are near in value, while little
noise passes many ranks where values are dense or tied. All columns together are looked at by rank,
too, which does not care for skew.

They look through several sets of columns: a row kept in most columns and displaced far in a few
is no near copy as a whole, but it is one through the columns that were kept.

The reference and synthetic tables may differ in size. A larger table comes nearer to everybody,
members or not, so that the scores shift but their order hardly changes. Cutting the larger one to
size would hide leaks: a copied row is found only if it is kept.

References:
    Chen et al. 2020, GAN-Leaks (arXiv:1909.03935): nearest distance, calibrated with a
    reference. Yao et al. 2025, The DCR Delusion (arXiv:2505.01524): what raw distances overlook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.errors import ConfigError
from tabveil.measure.encode import Encoded
from tabveil.measure.intervals import auc
from tabveil.measure.lineup import Lineup, lineup_of
from tabveil.measure.verdict import judge
from tabveil.seeding import child_rng

NEIGHBOURS = (1, 5)
RAW = {"all": "nearest", "ranks": "nearest_ranks"}
"""View → the signal that is its raw distance."""
N_THIRDS = 3

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """Membership inference by calibrated nearest-neighbour distances.

    Attributes:
        smoothing: s as a share of the mean distance to the reference; above 0.
    """

    smoothing: float = 1e-4

    name: ClassVar[str] = "distance"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and a sample of the same population, and asks of a "
        "person whose row they know: was this person in the training data?"
    )

    def signals(self, data: EvalInput) -> Mapping[str, Values]:
        """Scores of each target.

        Returns:
            calibrated_<view>_k<k>: as above, for every view of the columns and k = 1; for all
                columns k = 5, too. The view `ranks` is all columns with numbers by rank.
            nearest, nearest_ranks: minus the distance to the nearest synthetic row, all columns.

        Raises:
            CannotTell: the lineup cannot be made.
            ConfigError: smoothing is not above 0.
        """
        if not self.smoothing > 0:
            raise ConfigError(f"attack.distance.smoothing={self.smoothing} must be above 0")
        return data.memo.get(repr(self), lambda: self._signals(lineup_of(data)))

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack the lineup's targets with all columns, by value, and the one nearest row.

        Returns:
            The scores of `measure.verdict.judge`, `auc` first; then `auc_raw`, the AUC of the
            distance to `synthetic` alone, which is no part of the risk.

        Raises:
            As `signals`.
        """
        signals, lineup = self.signals(data), lineup_of(data)
        raw = auc(
            members=signals["nearest"][lineup.is_member],
            others=signals["nearest"][~lineup.is_member],
        )
        return [
            *judge(lineup, signals["calibrated_all_k1"], name=self.name),
            Score("auc_raw", raw.value, raw.low, raw.high),
        ]

    def _signals(self, lineup: Lineup) -> Mapping[str, Values]:
        signals = {}
        views = views_of(lineup.targets.encoded, seed=lineup.seed)
        searches = {view: (columns, True) for view, columns in views.items()}
        if lineup.targets.encoded.numeric:
            searches["ranks"] = views["all"], False
        for view, (columns, by_value) in searches.items():
            is_whole = columns == views["all"]
            neighbours = NEIGHBOURS if is_whole else (1,)
            looked_at = None if is_whole else columns
            known, seen = (
                search(k=max(neighbours), columns=looked_at, by_value=by_value)
                for search in (lineup.reference_distances, lineup.synthetic_distances)
            )
            for k in neighbours:
                signals[f"calibrated_{view}_k{k}"] = self._calibrated(known[:, :k], seen[:, :k])
            if view in RAW:
                signals[RAW[view]] = -seen[:, 0]
        return signals

    def _calibrated(self, known: Values, seen: Values) -> Values:
        """From the distances to the k nearest reference and synthetic rows, shape (n, k)."""
        far, near = known.mean(axis=1), seen.mean(axis=1)
        floor = self.smoothing * float(far.mean()) or 1.0
        calibrated: Values = np.log(far + floor) - np.log(near + floor)
        return calibrated


def views_of(encoded: Encoded, *, seed: int) -> dict[str, tuple[str, ...]]:
    """Names of the columns to look through, sorted, by view; none is empty or there twice.

    Which columns share a random view depends on their names and the seed, never on their order.
    """
    names = sorted({*encoded.numeric, *encoded.categorical})
    rng = child_rng(seed, "distance", "views")
    halves = np.array_split(rng.permutation(len(names)), 2)
    thirds = np.array_split(rng.permutation(len(names)), N_THIRDS)
    wanted = {
        "all": tuple(names),
        "categorical": encoded.categorical,
        "numeric": encoded.numeric,
        **{f"half_{i}": _names(names, half) for i, half in enumerate(halves, 1)},
        **{
            f"without_third_{i}": _names(names, np.setdiff1d(np.arange(len(names)), third))
            for i, third in enumerate(thirds, 1)
        },
    }
    views: dict[str, tuple[str, ...]] = {}
    for view, columns in wanted.items():
        if columns and columns not in views.values():
            views[view] = columns
    return views


def _names(names: list[str], positions: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(names[i] for i in sorted(positions))
