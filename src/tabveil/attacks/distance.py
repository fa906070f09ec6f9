"""Do training rows lie closer to the synthetic table than rows the model never saw?

The attacker holds the synthetic table and a `reference` table of other people from the same
population. For a person's row x they compare how near the two tables come:

    score(x) = log(d(x, reference) + s) - log(d(x, synthetic) + s)

with d the mean distance to the k nearest rows (`measure/distance.py`). Without the reference,
rows of common people would look like members, since every table comes near them; `auc_raw` is
that older attack. s, a tiny share of the mean distance, keeps a distance of zero finite; a larger
one hides copies among chance neighbours (on a table of four columns with 10 % copies, 1 % of the
mean distance found a third as many at a false-positive rate of 1 % as 0.01 % did).

What makes a comparison of members with non-members fair:

- Both are held against the same reference and synthetic rows, and neither occurs in the
  reference more than the other. Where one does, the attack refuses to answer.
- A target is a distinct row. Twins are one target: the split keeps them on one side, and
  counting them apart would make one frequent row look like many independent findings.
- The reference and synthetic tables may differ in size. A larger table comes nearer to
  everybody, members or not, so that the scores shift but their order hardly changes. Cutting
  the larger one to size would hide leaks: a copied row is found only if it is kept. So the cap
  on the rows searched is far above the cap on the rows attacked, which only costs precision.

References:
    Chen et al. 2020, GAN-Leaks (arXiv:1909.03935): nearest distance, calibrated with a
    reference. Carlini et al. 2022 (arXiv:2112.03570): the rate at a low false-positive rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Advantage, Direction, EvalInput, Score
from tabveil.errors import ConfigError, EvaluationError
from tabveil.measure.distance import Device, nearest
from tabveil.measure.encode import DistanceEncoder, Encoded
from tabveil.measure.intervals import Estimate, auc, difference_of_proportions, tpr_at_fpr
from tabveil.seeding import child_rng

MIN_ROWS = 20
"""Fewer rows on any side and no finding could be told from chance."""
MIN_OUTLIERS = 5
"""Fewer outliers on a side, and nothing can be said of them."""
OUTLIER_SHARE = 0.1
"""Outliers: the decile of targets farthest from `reference`, whom averages overlook."""
LOW_FPR = 0.01
MAX_OVERLAP = 0.05
"""Rate by which train may occur in the reference more than control, or less: room for chance
in tables of few distinct rows, none for splits that overlap."""
N_CURVE = 200

_Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
"""One number per member, shape (n_members,), and per other target, shape (n_others,)."""


@dataclass(frozen=True)
class Distance:
    """Membership inference by calibrated nearest-neighbour distance.

    Attributes:
        k: neighbours whose distances are averaged; 1 finds copies, more is steadier.
        max_rows: at most so many members and non-members are attacked; None: all.
        max_searched: at most so many synthetic and reference rows are searched; None: all.
        smoothing: s as a share of the mean distance to the reference; above 0.
        device: "auto" takes a GPU when there is one.
    """

    k: int = 1
    max_rows: int | None = 10_000
    max_searched: int | None = 50_000
    smoothing: float = 1e-4
    device: Device = "auto"

    name: ClassVar[str] = "distance"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the released table and a sample of the same population, and asks of a "
        "person whose row they know: was this person in the training data?"
    )

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack `train` (members) and `control` (non-members).

        Returns:
            auc: chance that a member scores above a non-member, in [0, 1]; ½ shows nothing.
            tpr_at_1pct_fpr: share of members above all but 1 % of the non-members.
            auc_raw: the same as auc from the distance to `synthetic` alone.
            auc_outliers: auc among the targets farthest from `reference`.
            copies_excess: share of members with an exact copy in `synthetic` minus that of
                non-members, in [-1, 1], over all rows, not only those attacked.

        Raises:
            EvaluationError: it cannot tell: fewer than 20 rows of a table, or distinct targets,
                or a reference that holds rows of train or control.
            DataError: a table lacks a column or holds what its kind cannot.
            ConfigError: smoothing is not above 0.
        """
        if not self.smoothing > 0:
            raise ConfigError(f"attack.distance.smoothing={self.smoothing} must be above 0")
        rng = child_rng(data.seed, self.name)
        members, others, reference, synthetic = _encode(data)
        targets = _sample(members, self.max_rows, rng), _sample(others, self.max_rows, rng)
        reference = _sample(reference, self.max_searched, rng)
        searched = _sample(synthetic, self.max_searched, rng)
        from_reference = self._distances(targets, reference)
        from_synthetic = self._distances(targets, searched)
        scores = self._calibrated(from_reference, from_synthetic)
        return [
            _auc("auc", scores, _detail(scores, reference, searched)),
            _tail(scores, rng),
            _auc("auc_raw", (-from_synthetic[0], -from_synthetic[1]), {}, risk=False),
            _outliers(scores, from_reference),
            _copies(members, others, synthetic),
        ]

    def _distances(self, targets: tuple[Encoded, Encoded], table: Encoded) -> _Pair:
        members, others = (
            nearest(rows, table, k=self.k, device=self.device).distance.mean(axis=1)
            for rows in targets
        )
        return members, others

    def _calibrated(self, from_reference: _Pair, from_synthetic: _Pair) -> _Pair:
        """Scores of members and of others, high for "member"."""
        floor = self.smoothing * float(np.concatenate(from_reference).mean()) or 1.0
        members, others = (
            np.log(known + floor) - np.log(seen + floor)
            for known, seen in zip(from_reference, from_synthetic, strict=True)
        )
        return members, others


def _encode(data: EvalInput) -> tuple[Encoded, Encoded, Encoded, Encoded]:
    """Members, other targets, reference and synthetic rows, fit to be compared.

    Each in an order that only their content decides, so that no draw depends on the order they
    came in; members and others without twins.
    """
    encoder = DistanceEncoder.fit(data.reference, data.schema)
    tables = (data.train, data.control, data.reference, data.synthetic)
    encoded = [encoder.transform(table) for table in tables]
    keys = [rows.row_keys() for rows in encoded]
    first = [np.unique(key, return_index=True)[1] for key in keys[:2]]
    order = [*first, *(np.argsort(key, kind="stable") for key in keys[2:])]
    for split, kept in zip(("train", "control", "reference", "synthetic"), order, strict=True):
        if len(kept) < MIN_ROWS:
            raise EvaluationError(
                f"cannot tell: {split} has {len(kept)} rows that are targets or to be searched, "
                f"identical targets counted once; the distance attack needs {MIN_ROWS}"
            )
    _check_overlap(*(np.isin(key, keys[2]) for key in keys[:2]))
    members, others, reference, synthetic = (
        rows.take(kept) for rows, kept in zip(encoded, order, strict=True)
    )
    return members, others, reference, synthetic


def _sample(rows: Encoded, most: int | None, rng: np.random.Generator) -> Encoded:
    if most is None or len(rows) <= most:
        return rows
    return rows.take(rng.choice(len(rows), size=most, replace=False))


def _check_overlap(in_train: NDArray[np.bool_], in_control: NDArray[np.bool_]) -> None:
    """Refuse when train or control occurs in the reference more than the other does.

    A member that finds itself there would look unknown, a non-member too well known.
    """
    gap = _difference(in_train, in_control)
    if gap.low > MAX_OVERLAP or gap.high < -MAX_OVERLAP:
        raise EvaluationError(
            f"cannot tell: {in_train.mean():.1%} of train and {in_control.mean():.1%} of control "
            f"occur in reference; the splits overlap, split the table again"
        )


def _difference(members: NDArray[np.bool_], others: NDArray[np.bool_]) -> Estimate:
    return difference_of_proportions(
        members=int(members.sum()),
        n_members=len(members),
        others=int(others.sum()),
        n_others=len(others),
    )


def _auc(name: str, scores: _Pair, detail: Mapping[str, Any], *, risk: bool = True) -> Score:
    found = auc(members=scores[0], others=scores[1])
    advantage = Advantage(2 * found.value - 1, 2 * found.se) if risk else None
    return Score(name, found.value, found.low, found.high, advantage, detail)


def _tail(scores: _Pair, rng: np.random.Generator) -> Score:
    found = tpr_at_fpr(members=scores[0], others=scores[1], fpr=LOW_FPR, rng=rng)
    tpr = found.tpr
    # Too few non-members for a 1 % threshold: the rate there is lower than the one measured.
    low = tpr.low if found.fpr <= LOW_FPR else 0.0
    # In a small table the normal bound would stay below the exact interval: the wider one counts.
    se = max(tpr.se, (tpr.high - tpr.value) / 1.96)
    advantage = Advantage(tpr.value - found.fpr, se)
    return Score("tpr_at_1pct_fpr", tpr.value, low, tpr.high, advantage, {"fpr": found.fpr})


def _outliers(scores: _Pair, from_reference: _Pair) -> Score:
    """The attack on the targets farthest from the reference, picked alike on both sides."""
    far = np.quantile(np.concatenate(from_reference), 1 - OUTLIER_SHARE)
    members, others = (side[away >= far] for side, away in zip(scores, from_reference, strict=True))
    detail = {"n_members": len(members), "n_others": len(others)}
    n, m = len(members), len(others)
    if min(n, m) < MIN_OUTLIERS:  # nothing is known of them, so nothing can be excluded
        return Score("auc_outliers", 0.5, 0.0, 1.0, Advantage(0.0, 1.0), detail)
    score = _auc("auc_outliers", (members, others), detail)
    assert score.advantage is not None
    # Few rows estimate their own spread badly: it is not taken to be less than chance's own.
    chance = 2 * np.sqrt((n + m + 1) / (12 * n * m))
    return replace(
        score, advantage=Advantage(score.advantage.value, max(score.advantage.se, chance))
    )


def _copies(members: Encoded, others: Encoded, synthetic: Encoded) -> Score:
    released = synthetic.row_keys()
    copied, twins = (np.isin(rows.row_keys(), released) for rows in (members, others))
    found = _difference(copied, twins)
    detail = {"members_rate": float(copied.mean()), "others_rate": float(twins.mean())}
    advantage = Advantage(found.value, found.se)
    return Score("copies_excess", found.value, found.low, found.high, advantage, detail)


def _detail(scores: _Pair, reference: Encoded, synthetic: Encoded) -> dict[str, Any]:
    """Sizes, and the ROC curve: half its points evenly, half on a log axis for its low end."""
    members, others = (np.sort(side)[::-1] for side in scores)
    even = np.linspace(0, len(others), N_CURVE // 2)
    fine = np.geomspace(1, len(others), N_CURVE // 2)
    n_false = np.unique(np.concatenate([even, fine]).astype(int))
    thresholds = np.append(others, -np.inf)[n_false]
    n_true = np.searchsorted(-members, -thresholds, side="left")
    return {
        "roc": {
            "fpr": (n_false / len(others)).tolist(),
            "tpr": (n_true / len(members)).tolist(),
        },
        "n_members": len(members),
        "n_others": len(others),
        "n_reference": len(reference),
        "n_synthetic": len(synthetic),
    }
