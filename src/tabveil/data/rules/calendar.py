"""What of a date's place in the week, or in the year, is kept?

A rule about the table, not about any row (every row obeys it): see `dated` for how it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.rules.when import Mask

PARTS = ("weekday", "month")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEVELS = {"weekday": WEEKDAYS, "month": MONTHS}
Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class Calendar:
    """The `parts` of a date, "weekday", "month" or both, fall as the table's do."""

    column: str
    parts: tuple[str, ...] = PARTS
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{' and '.join(self.parts)} of {self.column}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return (self.column,)

    def holds(self, table: pd.DataFrame) -> Mask:
        """Every row obeys, shape (n,)."""
        return np.ones(len(table), dtype=bool)


def days_of(values: pd.Series[Any]) -> Days:
    """Dates as local days, shape (n,); NaT where missing."""
    dates = pd.to_datetime(values)
    local = dates.dt.tz_localize(None) if dates.dt.tz is not None else dates
    return np.asarray(local.to_numpy().astype("datetime64[D]"))


def part_codes(days: Days, part: str) -> NDArray[np.int64]:
    """The weekday (0 is Monday) or the month (0 is January) of days, shape (n,); -1 for NaT."""
    absent = np.isnat(days)
    known = np.where(absent, np.datetime64(0, "D"), days)
    if part == "weekday":
        codes = (known.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    else:
        codes = known.astype("datetime64[M]").astype(np.int64) % 12
    return np.where(absent, -1, codes)
