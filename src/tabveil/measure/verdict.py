"""How well does one number per target tell members from others?

Turns a signal (high for "member") into the scores that every membership attack reports, for all
targets and for the outliers:

    score               what                                            guessing   interval
    ------------------  ----------------------------------------------  ---------  ----------------
    auc                 chance that a member scores above another       .5         DeLong
    tpr_at_1pct_fpr     members found while accusing 1 % of the others  .01        Clopper-Pearson
    tpr_at_01pct_fpr    the same at 0.1 %; needs 10,000 others          .001       Clopper-Pearson
    partial_auc         the ROC curve up to 10 %, standardised          .5         influence values
    epsilon             log-odds of the surest guesses being right      0          Clopper-Pearson
    …_outliers          each of them among the outliers

Four of them are components of the risk: tail and far tail (tpr_at_1pct_fpr and tpr_at_01pct_fpr,
less what chance gives), bulk (2 auc - 1) and outlier (2 auc_outliers - 1). The low end of the curve
matters most: an attacker who is sure of a few people does them full harm (Carlini et al. 2022,
arXiv:2112.03570). The far tail is small as a risk, but sees what nothing else does: of near-copies
in one row of a hundred, found with certainty, as many people lie beyond one in a thousand others as
beyond one in a hundred, where chance puts ten times as many. With fewer than 5,000 others it hangs
on a handful of them, and is no component.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tabveil.contracts import Advantage, Score
from tabveil.measure.epsilon import MOST, audit_epsilon
from tabveil.measure.intervals import Z95, Estimate, auc, partial_auc, tpr_at_fpr
from tabveil.measure.lineup import Lineup
from tabveil.seeding import child_rng

MIN_A_SIDE = 5
"""Fewer outliers on a side, and nothing can be said of them."""
CROSS_FITTED = 1.3
"""Factor on DeLong's standard error of cross-fitted scores: two models, each learnt from the rows
that the other one ranks, spread more than independent scores do (experiments/calibration)."""
LOW_FPR, LOWER_FPR, PARTIAL_FPR = 0.01, 0.001, 0.1
FEWEST_BEYOND = 5
"""Others beyond the far tail's threshold, at least."""
_AS_GOOD_AS_CHANCE = 0.3
"""Of tables without a leak, the share that shows at least as much: nothing to be sure of."""
N_CURVE = 200

Values = NDArray[np.float64]


def judge(lineup: Lineup, signal: Values, *, name: str, cross_fitted: bool = False) -> list[Score]:
    """Score a signal: all targets first, then the outliers; `auc` is the headline.

    Args:
        lineup: who was asked about, and who is a member.
        signal: shape (n_targets,), finite, high for "member".
        name: of the attack; part of the seed that breaks ties.
        cross_fitted: the signal was learnt from the lineup itself, in two folds.
    """
    return judge_among(
        signal,
        is_member=lineup.is_member,
        is_outlier=lineup.is_outlier,
        rng=child_rng(lineup.seed, "verdict", name),
        cross_fitted=cross_fitted,
        sizes={"n_reference": len(lineup.reference), "n_synthetic": len(lineup.synthetic)},
    )


def judge_among(
    signal: Values,
    *,
    is_member: NDArray[np.bool_],
    is_outlier: NDArray[np.bool_],
    rng: np.random.Generator,
    cross_fitted: bool = False,
    sizes: Mapping[str, int] | None = None,
) -> list[Score]:
    """The same without a lineup; masks have shape (n_targets,)."""
    inflation = CROSS_FITTED if cross_fitted else 1.0
    scores = []
    for suffix, among in (("", np.ones_like(is_member)), ("_outliers", is_outlier)):
        members, others = signal[among & is_member], signal[among & ~is_member]
        if too_few(among & is_member, among & ~is_member):
            found = _nothing_known()
        else:
            found = _judge(members, others, rng, inflation)
        detail = {"n_members": len(members), "n_others": len(others), **(sizes or {})}
        scores += [
            replace(score, name=score.name + suffix, detail={**score.detail, **detail})
            for score in found
        ]
    return [_without_minor_advantage(score) for score in scores]


def too_few(members: NDArray[np.bool_], others: NDArray[np.bool_]) -> bool:
    """Whether nothing can be said of the targets under these masks, each shape (n_targets,)."""
    return bool(min(members.sum(), others.sum()) < MIN_A_SIDE)


def _without_minor_advantage(score: Score) -> Score:
    """Components of the risk are both tails, the bulk and the outliers' bulk, and no others."""
    major = score.name in ("auc", "tpr_at_1pct_fpr", "tpr_at_01pct_fpr", "auc_outliers")
    return score if major else replace(score, advantage=None)


def _judge(
    members: Values, others: Values, rng: np.random.Generator, inflation: float
) -> list[Score]:
    area = _widened(auc(members=members, others=others, inflation=inflation), members, others)
    start = partial_auc(members=members, others=others, fpr=PARTIAL_FPR, inflation=inflation)
    bulk = Advantage(2 * area.value - 1, 2 * area.se)
    tail, far_tail = (
        _rate(name, members, others, fpr, rng)
        for name, fpr in (("tpr_at_1pct_fpr", LOW_FPR), ("tpr_at_01pct_fpr", LOWER_FPR))
    )
    return [
        Score("auc", area.value, area.low, area.high, bulk, {"roc": roc(members, others)}),
        tail,
        _far(far_tail, n_others=len(others), inflation=inflation),
        Score("partial_auc", start.value, start.low, start.high),
        _epsilon(members, others, rng),
    ]


def _widened(area: Estimate, members: Values, others: Values) -> Estimate:
    """Few rows estimate their own spread badly: it is not taken to be less than chance's own."""
    m, n = len(members), len(others)
    chance = float(np.sqrt((m + n + 1) / (12 * m * n)))
    return area if min(m, n) > 500 else replace(area, se=max(area.se, chance))


def _far(tail: Score, *, n_others: int, inflation: float) -> Score:
    """The far tail, a component only where a few others make its threshold, not one or two.

    Scores that were learnt from each other come in clusters, which so few people feel.
    """
    if n_others * LOWER_FPR < FEWEST_BEYOND or tail.advantage is None:
        return replace(tail, advantage=None)
    found = tail.advantage
    return replace(tail, advantage=replace(found, se=inflation * found.se, se_above=found.above))


def _rate(
    name: str, members: Values, others: Values, fpr: float, rng: np.random.Generator
) -> Score:
    found = tpr_at_fpr(members=members, others=others, fpr=fpr, rng=rng)
    tpr = found.tpr
    # Too few non-members for this threshold: the rate there is lower than the one measured.
    low = tpr.low if found.fpr <= fpr else 0.0
    advantage = tpr.value - found.fpr
    se = _tail_se(
        advantage,
        tpr.se,
        count=round(tpr.value * len(members)),
        members=len(members),
        rank=round(found.fpr * (len(others) + 1)),
        others=len(others),
    )
    beyond = Advantage(advantage, se, max(se, (tpr.high - tpr.value) / Z95))
    return Score(name, tpr.value, low, tpr.high, beyond, {"fpr": found.fpr})


def _tail_se(
    advantage: float, se: float, *, count: int, members: int, rank: int, others: int
) -> float:
    """The standard error that gives the advantage its exact chance of being none.

    Without a leak the number of members above the `rank`-th largest of the others is
    beta-binomial. A normal error would be far too wide for so small a rate, or, on a handful of
    rows, too narrow. Far from chance it is the estimate's own; at what is as good as chance, where
    the exact one would be 0 / 0, it is not less than the estimate's own.
    """
    if advantage <= 0:
        return se
    chance = float(stats.betabinom.sf(count - 1, members, rank, others + 1 - rank))
    if chance >= _AS_GOOD_AS_CHANCE:
        return max(se, float(advantage / stats.norm.isf(_AS_GOOD_AS_CHANCE)))
    return float(advantage / stats.norm.isf(chance)) if chance > 1e-3 else se


def _epsilon(members: Values, others: Values, rng: np.random.Generator) -> Score:
    found = audit_epsilon(members=members, others=others, rng=rng)
    detail = {"n_guesses": found.n_guesses, "n_right": found.n_right}
    return Score("epsilon", found.value, found.low, found.high, detail=detail)


def _nothing_known() -> list[Score]:
    """What is said of too few targets: nothing, and nothing can be excluded."""
    return [
        Score("auc", 0.5, 0.0, 1.0, Advantage(0.0, 1.0)),
        Score("tpr_at_1pct_fpr", LOW_FPR, 0.0, 1.0, Advantage(0.0, 1.0)),
        Score("tpr_at_01pct_fpr", LOWER_FPR, 0.0, 1.0),
        Score("partial_auc", 0.5, 0.0, 1.0),
        Score("epsilon", 0.0, 0.0, MOST),
    ]


def roc(members: Values, others: Values) -> dict[str, list[float]]:
    """The ROC curve: half its points evenly, half on a log axis for its low end."""
    members, others = np.sort(members)[::-1], np.sort(others)[::-1]
    even = np.linspace(0, len(others), N_CURVE // 2)
    fine = np.geomspace(1, len(others), N_CURVE // 2)
    n_false = np.unique(np.concatenate([even, fine]).astype(int))
    thresholds = np.append(others, -np.inf)[n_false]
    n_true = np.searchsorted(-members, -thresholds, side="left")
    curve: dict[str, Any] = {
        "fpr": (n_false / len(others)).tolist(),
        "tpr": (n_true / len(members)).tolist(),
    }
    return curve
