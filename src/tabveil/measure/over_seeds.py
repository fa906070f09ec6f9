"""How sure may we be of a number that several trained models gave on the same rows?

Two things move such a number. The *rows*: another draw of people to attack would give another
one, and all models feel it together, because they are attacked on the same people. The *model*:
another seed gives other weights. With k models, c_s the number of model s and SE_s its standard
error over rows,

    mean    = average of c_s
    margin² = z² · average of SE_s²  +  t² · S² / k,     S² the variance between the c_s

with z of the normal and t of Student's distribution with k - 1 degrees of freedom: few seeds say
little of their own variance. Margins, not variances, are added in squares (the method of variance
estimates recovery; Zou and Donner 2008, Statistics in Medicine 27), so that the bound is right
where one of the two vanishes. The first term does not shrink with k: the rows are the same. What
of their error the models do not share is counted twice (once in SE_s, once in S), which errs on
the wide side.

A release is one model, not an average. What is said of it therefore bounds both: the mean of all
models of its configuration, and its own number with its own rows' error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tabveil.contracts import Advantage
from tabveil.errors import DataError


@dataclass(frozen=True)
class OverSeeds:
    """A number over several models.

    Attributes:
        values: one a model, in the order of the seeds.
        row_ses: standard error over rows of each.
        row_df: degrees of freedom that these standard errors have; inf: as good as known.
        ses_above: the same for upper bounds, where intervals are lopsided; None: as `row_ses`.
    """

    values: tuple[float, ...]
    row_ses: tuple[float, ...]
    row_df: float = float("inf")
    ses_above: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        above = self.row_ses if self.ses_above is None else self.ses_above
        if not self.values or not len(self.values) == len(self.row_ses) == len(above):
            raise DataError("a number over seeds needs a value and a standard error of each model")

    @classmethod
    def of(cls, advantages: Sequence[Advantage]) -> OverSeeds:
        """The advantages of an attack over several models."""
        return cls(
            tuple(one.value for one in advantages),
            tuple(one.se for one in advantages),
            ses_above=tuple(one.above for one in advantages),
        )

    @property
    def mean(self) -> float:
        """The average over models."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Standard deviation between models; 0 for a single one."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    def margin(self, confidence: float, *, above: bool = False) -> float:
        """How far the mean may lie above its truth, one-sided: rows and models together.

        With `above`: below its truth.
        """
        k = len(self.values)
        ses = self._above if above else self.row_ses
        of_rows = _t(confidence, self.row_df) * np.sqrt(np.mean(np.square(ses)))
        of_models = _t(confidence, k - 1) * self.spread / np.sqrt(k) if k > 1 else 0.0
        return float(np.hypot(of_rows, of_models))

    def upper(self, confidence: float = 0.95) -> float:
        """One-sided upper bound, of the mean and of the first model's own number."""
        own = _t(confidence, self.row_df) * self._above[0]
        return max(self.mean + self.margin(confidence, above=True), self.values[0] + own)

    def lower(self, confidence: float = 0.95) -> float:
        """One-sided lower bound, of the mean and of the first model's own number."""
        return min(self.mean - self.margin(confidence), self.values[0] - self._own(confidence))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided interval of the mean."""
        level = _two_sided(confidence)
        return self.mean - self.margin(level), self.mean + self.margin(level, above=True)

    def shown(self, n_tried: int = 1, confidence: float = 0.95) -> float:
        """What is shown beyond 0: a lower bound that holds for `n_tried` numbers at once.

        The larger of the bounds of the mean and of the first model's own: a leak of either is one,
        and two were looked at.
        """
        level = 1 - (1 - confidence) / (2 * max(1, n_tried))
        return max(self.mean - self.margin(level), self.values[0] - self._own(level))

    def detectable(self, n_tried: int, confidence: float, power: float) -> float:
        """The smallest true number that `shown` would put above 0 with this chance.

        By the error of the first model over rows: what these rows could have shown of one model.
        """
        level = 1 - (1 - confidence) / (2 * max(1, n_tried))
        return (_t(level, self.row_df) + _t(power, self.row_df)) * self.row_ses[0]

    @property
    def _above(self) -> tuple[float, ...]:
        return self.row_ses if self.ses_above is None else self.ses_above

    def _own(self, confidence: float) -> float:
        return _t(confidence, self.row_df) * self.row_ses[0]


def jackknife(without: Sequence[float]) -> float:
    """Standard error over rows from the numbers that leave out one of g equal parts of them each.

    The grouped jackknife (Tukey 1958; Miller 1974, Biometrika 61); g - 1 degrees of freedom.
    """
    g = len(without)
    if g < 2:
        raise DataError("a jackknife needs two parts of the rows at least")
    return float(np.sqrt((g - 1) / g * np.square(np.array(without) - np.mean(without)).sum()))


def _two_sided(confidence: float) -> float:
    return 1 - (1 - confidence) / 2


def _t(level: float, df: float) -> float:
    return float(stats.norm.ppf(level) if not np.isfinite(df) else stats.t.ppf(level, max(df, 1.0)))
