"""In which rows does a rule speak?

A `When` is one column and what it must hold, in the words of a `where` on sampled rows:

    {"number_of_reviews": 0}             a level
    {"InternetService": ["No", null]}    any of these; null is the missing one
    {"age": {"max": 15}}                 a range of numbers, ends included, either end optional
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.levels import Level

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class When:
    """Rows in which `column` holds one of `values`, or a number from `low` to `high`.

    Attributes:
        column: the column looked at.
        values: the levels meant, None for the missing one; empty: the range is meant.
        low, high: ends of the range, both included; None: open.
    """

    column: str
    values: tuple[Level, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def is_range(self) -> bool:
        """Whether a range is meant, rather than levels."""
        return not self.values

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows are meant, shape (n,)."""
        values = table[self.column]
        if self.is_range:
            return between(values, self.low, self.high) & ~missing_in(values)
        return is_level(values, self.values)

    def to_dict(self) -> dict[str, Any]:
        """The condition as a `where`: column -> list of levels, or range."""
        if not self.is_range:
            return {self.column: list(self.values)}
        ends = {"min": self.low, "max": self.high}
        return {self.column: {key: end for key, end in ends.items() if end is not None}}

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read `to_dict`'s data, or a single level. Raises ValueError when it is neither."""
        if not isinstance(data, Mapping) or len(data) != 1:
            raise ValueError("one column and what it holds are needed, like {reviews: 0}")
        ((column, wanted),) = data.items()
        if not isinstance(column, str):
            raise ValueError("a column's name is a text")
        if not isinstance(wanted, Mapping):
            values = wanted if isinstance(wanted, list | tuple) else [wanted]
            if not values:
                raise ValueError("an empty list is met by no row")
            return cls(column, tuple(map(read_level, values)))
        if not wanted or set(wanted) - {"min", "max"}:
            raise ValueError("a range has 'min', 'max' or both")
        ends = {key: read_number(end) for key, end in wanted.items()}
        return cls(column, (), ends.get("min"), ends.get("max"))

    def __str__(self) -> str:
        """The condition as a rule's name ends."""
        if self.is_range:
            return f"{self.column} is {range_text(self.low, self.high)}"
        return f"{self.column} is {' or '.join(map(level_text, self.values))}"


def missing_in(values: pd.Series[Any]) -> Mask:
    """Which values are missing, shape (n,)."""
    return np.asarray(values.isna().to_numpy(), dtype=bool)


def is_level(values: pd.Series[Any], levels: Sequence[Level]) -> Mask:
    """Which values are one of `levels`, shape (n,); None stands for missing ones."""
    named = values.isin([level for level in levels if level is not None])
    rows = np.asarray(named.to_numpy(), dtype=bool)
    return rows | missing_in(values) if None in levels else rows


def between(values: pd.Series[Any], low: Any, high: Any) -> Mask:
    """Which values are missing or lie in [low, high], shape (n,); None: open.

    Ends of dates are ISO texts; without a zone, they are in the column's.
    """
    rows = np.ones(len(values), dtype=bool)
    for end, is_low in ((low, True), (high, False)):
        if end is not None:
            limit = date_end(end, values) if isinstance(end, str) else end
            beyond = values < limit if is_low else values > limit
            rows &= ~np.asarray(beyond.fillna(False), dtype=bool)
    return rows


def date_end(end: str, values: pd.Series[Any]) -> pd.Timestamp:
    """An ISO text as a date comparable with `values`. Raises ValueError for other texts."""
    zone, date = getattr(values.dtype, "tz", None), pd.Timestamp(end)
    if pd.isna(date):
        raise ValueError(f"{end!r} is no date")
    if date.tz is None or zone is None:
        return date.tz_localize(None).tz_localize(zone)
    return date.tz_convert(zone)


def read_level(value: Any) -> Level:
    """A level from JSON. Raises ValueError for anything else."""
    if value is not None and not isinstance(value, str | bool | int | float):
        raise ValueError(f"{value!r} is no level: a text, a number, a truth value or null")
    return None if value is None else value if isinstance(value, str | bool) else _finite(value)


def read_number(value: Any) -> float:
    """A finite number from JSON. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return _finite(value)


def _finite(value: float) -> float:
    if not np.isfinite(float(value)):
        raise ValueError(f"{value!r} is not finite")
    return value


def level_text(level: Level) -> str:
    """A level as a rule's name says it."""
    return "missing" if level is None else repr(level)


def range_text(low: Any, high: Any) -> str:
    """A range as a rule's name says it.

    >>> range_text(0, None)
    'at least 0'
    """
    if low is None or high is None:
        return f"at most {high}" if low is None else f"at least {low}"
    return f"from {low} to {high}"
