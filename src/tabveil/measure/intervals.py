"""How sure may we be of a measured success?

95 % intervals and standard errors for what attacks report. They have to be honest at the edges,
too: a perfect separation of 20 rows is strong evidence, not certainty, so no interval here has
zero width.

    what                                   interval
    -------------------------------------  ---------------------------------------------------
    AUC                                    DeLong on the logit scale; at the edges the bound of
                                           a proportion over the smaller sample
    true-positive rate at a false-positive Clopper-Pearson at the effective sample size, which
    rate                                   counts the threshold's own uncertainty
    proportion                             Clopper-Pearson (exact)
    difference of two proportions          Newcombe (hybrid score)

References:
    DeLong, DeLong & Clarke-Pearson 1988; Sun & Xu 2014 (its fast form by mid-ranks).
    Birnbaum & Klose 1957: var(AUC) ≤ AUC (1 - AUC) / min(m, n), whatever the distributions.
    Hsieh & Turnbull 1996: variance of an ROC curve at an estimated threshold.
    Korn & Graubard 1998: Clopper-Pearson at an effective sample size.
    Newcombe 1998, method 10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from tabveil.contracts import Advantage
from tabveil.errors import DataError

Z95 = 1.959964
"""Standard errors in half a two-sided 95 % interval."""


_FEW_BEFORE_THRESHOLD = 1.05
"""Only a tenth of the others shape a partial area: its plain error is a little too small."""


@dataclass(frozen=True)
class Estimate:
    """A number, its 95 % interval and the standard error that a lower bound is made from."""

    value: float
    low: float
    high: float
    se: float

    @property
    def advantage(self) -> Advantage:
        """The same, as a component of the risk; upper bounds from the upper half."""
        return Advantage(self.value, self.se, max(0.0, self.high - self.value) / Z95)


def proportion(successes: float, n: float) -> tuple[float, float]:
    """Clopper-Pearson 95 % interval of `successes / n`; either may be fractional.

    Raises:
        DataError: not 0 <= successes <= n, or n = 0.

    >>> low, high = proportion(0, 20)
    >>> low, round(high, 3)
    (0.0, 0.168)
    """
    if not 0 <= successes <= n or n <= 0:
        raise DataError(f"{successes} successes of {n} trials is no proportion")
    if float(successes).is_integer() and float(n).is_integer():
        exact = stats.binomtest(int(successes), int(n)).proportion_ci(0.95, method="exact")
        return float(exact.low), float(exact.high)
    low = stats.beta.ppf(0.025, successes, n - successes + 1) if successes > 0 else 0.0
    high = stats.beta.ppf(0.975, successes + 1, n - successes) if successes < n else 1.0
    return float(low), float(high)


def difference_of_proportions(
    *, members: float, n_members: float, others: float, n_others: float
) -> Estimate:
    """Share of members minus share of others, in [-1, 1], with Newcombe's interval.

    The standard error is the lower half of the interval in units of 1.96, so that a lower bound
    made from it keeps the interval's honesty when a count is 0.
    """
    value = members / n_members - others / n_others
    low, high = confint_proportions_2indep(
        members, n_members, others, n_others, method="newcomb", compare="diff"
    )
    return Estimate(value, float(low), float(high), se=(value - float(low)) / Z95)


def auc(
    *, members: NDArray[np.float64], others: NDArray[np.float64], inflation: float = 1.0
) -> Estimate:
    """Chance that a member scores higher than another row; ties count one half.

    Args:
        members: shape (m,), scores of the members, high for "member".
        others: shape (n,), scores of the non-members.
        inflation: factor on DeLong's standard error, for scores that are not independent.

    Returns:
        AUC in [0, 1] with DeLong's standard error, or the lower half of the interval in units of
        1.96 where that is larger: near 1 a symmetric bound would promise too much. Where
        DeLong's is 0 (perfect separation, or all scores equal) the interval is that of a
        proportion over the smaller sample, the widest that any distributions could call for.

    Raises:
        DataError: fewer than two scores on a side, or NaN.
    """
    _check(members, others)
    m, n = len(members), len(others)
    ranks = stats.rankdata(np.concatenate([members, others]))
    above = (ranks[:m] - stats.rankdata(members)) / n
    below = 1 - (ranks[m:] - stats.rankdata(others)) / m
    value = float(above.mean())
    se = inflation * float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    inside = value * (1 - value)
    if se == 0 or inside == 0:
        n_least = min(m, n)
        low, high = proportion(value * n_least, n_least)
        return Estimate(value, low, high, se=(high - low) / (1 if inside == 0 else 2) / Z95)
    centre, spread = np.log(value / (1 - value)), Z95 * se / inside
    low, high = (float(1 / (1 + np.exp(-(centre + step)))) for step in (-spread, spread))
    return Estimate(value, low, high, se=max(se, (value - low) / Z95))


def partial_auc(
    *,
    members: NDArray[np.float64],
    others: NDArray[np.float64],
    fpr: float,
    inflation: float = 1.0,
) -> Estimate:
    """Area under the ROC curve up to a false-positive rate, standardised: ½ shows nothing.

    The variance is that of the influence values: of a member, how much of the first `fpr` others
    it lies above; of one of those others, how many more members lie above it than above the
    threshold. The threshold's own uncertainty is in the second. At the edge (all values equal)
    the interval is that of a proportion over the smaller sample.

    Args:
        members: shape (m,), scores of the members, high for "member".
        others: shape (n,), scores of the non-members.
        fpr: where the curve is cut, in (0, 1).
        inflation: factor on the standard error, for scores that are not independent.

    References:
        McClish 1989 (standardisation).

    Raises:
        DataError: fewer than two scores on a side, or NaN.
    """
    _check(members, others)
    m, n = len(members), len(others)
    ordered = np.sort(others)
    not_above = (
        np.searchsorted(ordered, members, "left") + np.searchsorted(ordered, members, "right")
    ) / (2 * n)
    of_members = np.clip(fpr - (1 - not_above), 0, None)
    mine = np.sort(members)
    position = (np.searchsorted(mine, others, "left") + np.searchsorted(mine, others, "right")) / 2
    at_threshold = np.quantile(1 - position / m, fpr)
    of_others = np.clip(at_threshold - (1 - position / m), 0, None)
    area = float(of_members.mean())
    se = inflation * float(np.sqrt(of_members.var(ddof=1) / m + of_others.var(ddof=1) / n))
    least, most = fpr**2 / 2, fpr
    value = 0.5 * (1 + (area - least) / (most - least))
    se *= _FEW_BEFORE_THRESHOLD / (2 * (most - least))
    if se == 0:
        low, high = proportion(value * min(m, n), min(m, n))
        return Estimate(value, low, high, se=(high - low) / 2 / Z95)
    return Estimate(value, max(0.0, value - Z95 * se), min(1.0, value + Z95 * se), se)


@dataclass(frozen=True)
class RateAtFpr:
    """A true-positive rate, and the false-positive rate it really stands at."""

    tpr: Estimate
    fpr: float


def tpr_at_fpr(
    *,
    members: NDArray[np.float64],
    others: NDArray[np.float64],
    fpr: float,
    rng: np.random.Generator,
) -> RateAtFpr:
    """Share of the members that score above nearly all non-members.

    The threshold is the r-th largest of the n non-members, r = ⌊fpr (n + 1)⌋, at least 1: a
    fresh non-member lies above it with mean chance r / (n + 1), which is the `fpr` returned
    and what members without a secret show on average, however small n. (Counting the false
    positives among the same n non-members would say (r - 1) / n and find an advantage in
    noise.) Ties are broken at random: a stable sort would rank the members first.

    Variance: that of the count of members, plus that of the threshold, which moves the rate
    along the ROC curve by its slope (Hsieh & Turnbull). The slope is taken between half and
    twice the rate and is never below 1, its value for a curve that shows nothing.

    Args:
        members: shape (m,), scores of the members, high for "member".
        others: shape (n,), scores of the non-members.
        fpr: wanted false-positive rate, in (0, 1).
        rng: breaks ties.

    Raises:
        DataError: fewer than two scores on a side, or NaN.
    """
    _check(members, others)
    m, n = len(members), len(others)
    pooled = np.concatenate([members, others])
    order = np.lexsort((rng.random(m + n), pooled))
    is_member = order[::-1] < m
    members_above = np.cumsum(is_member)[~is_member]

    r = int(np.clip(np.floor(fpr * (n + 1)), 1, n))
    count, reached = float(members_above[r - 1]), r / (n + 1)
    wider, narrower = min(2 * r, n), max(r // 2, 1)
    gained = (members_above[wider - 1] - members_above[narrower - 1]) / m
    slope = max(1.0, gained * (n + 1) / max(wider - narrower, 1))
    smoothed = (count + 0.5) / (m + 1)
    counting = smoothed * (1 - smoothed) / m
    variance = counting + slope**2 * reached * (1 - reached) / n
    n_effective = m * counting / variance
    low, high = proportion(count / m * n_effective, n_effective)
    return RateAtFpr(Estimate(count / m, low, high, se=float(np.sqrt(variance))), reached)


def _check(members: NDArray[np.float64], others: NDArray[np.float64]) -> None:
    if min(len(members), len(others)) < 2:
        raise DataError(f"an interval needs two rows a side, got {len(members)}, {len(others)}")
    if np.isnan(members).any() or np.isnan(others).any():
        raise DataError("a score is NaN; rows without a score must be left out before")
