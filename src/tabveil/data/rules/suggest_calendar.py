"""Dates that prefer weekdays, or the same months in every year.

Weekdays are held against an even week. Months are looked at in whole years only: what a table
that ends in June holds is a trend, which the date as a number shows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from tabveil.data.rules.calendar import Calendar, Days, days_of, part_codes
from tabveil.data.schema import Schema

_APART = 0.15
"""Total variation from an even week or year. Set after Airbnb's weekdays (.14) were tried: keeping
them showed no gain and may have cost some prediction (experiments/calendar)."""
_CHANCE = 0.001
"""Of a chi-square test, so that noise in small tables shows nothing."""
_ROWS_A_YEAR = 100
"""In a year with fewer dates, months say nothing."""
_WHOLE = 0.8
"""Of the dates, those of whole years. Set after Airbnb was tried, where half a year holds most: to
be on the safe side, for what months cost there is not clear (experiments/calendar)."""
_ALIKE = 0.5
"""Correlation of a year's months with the other years': a season comes back."""


def calendars(table: pd.DataFrame, schema: Schema) -> tuple[Calendar, ...]:
    """The dates that prefer weekdays or months; identifiers and the group column are left out."""
    found = []
    for name in schema.modelled().of_kind("datetime"):
        days = days_of(table[name])
        present = days[~np.isnat(days)]
        told = {"weekday": _has_week(present), "month": _has_season(present)}
        if any(told.values()):
            found.append(Calendar(name, tuple(part for part, is_told in told.items() if is_told)))
    return tuple(found)


def _has_week(days: Days) -> bool:
    return len(days) > 0 and _is_uneven(np.bincount(part_codes(days, "weekday"), minlength=7))


def _has_season(days: Days) -> bool:
    if not len(days):
        return False
    first, last = days.min(), days.max() + np.timedelta64(1, "D")
    years = days.astype("datetime64[Y]")
    months = part_codes(days, "month")
    whole = []
    for year in np.unique(years):
        is_whole = year.astype("datetime64[D]") >= first.astype("datetime64[M]")
        is_whole &= (year + 1).astype("datetime64[M]") <= last.astype("datetime64[M]") + 1
        counts = np.bincount(months[years == year], minlength=12)
        if is_whole and counts.sum() >= _ROWS_A_YEAR:
            whole.append(counts)
    if len(whole) < 2 or np.sum(whole) < _WHOLE * len(days):
        return False
    if not _is_uneven(np.sum(whole, axis=0)):
        return False
    shares = np.array([counts / counts.sum() for counts in whole])
    others = (shares.sum(axis=0) - shares) / (len(shares) - 1)
    alike = [np.corrcoef(one, rest)[0, 1] for one, rest in zip(shares, others, strict=True)]
    return bool(np.mean(alike) >= _ALIKE)


def _is_uneven(counts: NDArray[np.int64]) -> bool:
    shares = counts / counts.sum()
    apart = np.abs(shares - 1 / len(shares)).sum() / 2
    even = counts.sum() / len(counts)
    chi_square = ((counts - even) ** 2 / even).sum()
    return bool(apart >= _APART and chdtrc(len(counts) - 1, chi_square) < _CHANCE)
