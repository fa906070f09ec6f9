"""How does a sampled date fall on a weekday, and in a month, as the table's dates do?

To a model a date is a number, in which neither shows. Here it learns the weekday and the month as
columns of their own beside the number, and the sampled date moves to the nearest one that has
both: to the same day of the nearest such month, then by at most six days within the month. So a
date of the table comes back exactly, whatever its resolution, and a missing one stays missing. No
date moves to where fewer than five training dates lie further out; it stays where it is then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.frames import with_columns
from tabveil.data.rounding import SHARED_ROWS, step_for
from tabveil.data.rules.calendar import LEVELS, Calendar, Days, days_of, part_codes
from tabveil.data.schema import MADE, Column, Schema

Codes = NDArray[np.int64]
_BOUND_PARTS = 200
"""A bound is rounded inwards to a step of at least a 200th of the range, so that it is no one's."""
_FURTHEST = 2**63 // 86_400
"""Days from 1970 on that a date counted in seconds can have: the year 9999 is a common one."""


@dataclass(frozen=True)
class Dated:
    """The parts of one date, as columns that only the model sees.

    Attributes:
        low, high: days since 1970 within which a date may move.
        levels: of each part, those that enough training dates hold.
        made: the model's columns, one a part.
    """

    rule: Calendar
    low: int
    high: int
    levels: tuple[tuple[str, ...], ...]
    made: tuple[Column, ...]

    @classmethod
    def learn(cls, train: pd.DataFrame, rule: Calendar, schema: Schema, min_count: int) -> Self:
        """Learn the bounds. With too few dates none moves."""
        days = days_of(train[rule.column])
        numbers = days[~np.isnat(days)].astype(np.float64)
        shared = max(min_count, SHARED_ROWS)
        levels = tuple(_levels(days, part, max(1, min_count)) for part in rule.parts)
        if len(numbers) < shared:
            return cls(rule, 0, -1, levels, _made(rule, schema))
        low, high = np.sort(numbers)[[shared - 1, -shared]].tolist()
        step = max(1.0, step_for(high - low, _BOUND_PARTS)) if high > low else 1.0
        ends = (int(np.ceil(low / step) * step), int(np.floor(high / step) * step))
        return cls(rule, *ends, levels, _made(rule, schema))

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to redraw."""
        del seed
        return table

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Move the dates to the parts drawn. A table that shows none is left as it is."""
        if self.made[0].name not in table:
            return table
        values, days = table[self.rule.column], days_of(table[self.rule.column])
        wanted = {
            part: pd.Index(LEVELS[part]).get_indexer(pd.Index(table[column.name])).astype(np.int64)
            for part, column in zip(self.rule.parts, self.made, strict=True)
        }
        known = np.flatnonzero(~np.isnat(days))
        there = days[known]
        moved = self._in_month(there, wanted["month"][known]) if "month" in wanted else there
        if "weekday" in wanted:
            moved = self._on_weekday(moved, wanted["weekday"][known])
        rest = table.drop(columns=[column.name for column in self.made])
        changed = moved != there
        if not changed.any():
            return rest
        rows = known[changed]
        values = values.copy()
        values.iloc[rows] = _shifted(values.iloc[rows], (moved - there)[changed])
        return with_columns(rest, {self.rule.column: values})

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Show each part in a column of its own."""
        del whole, seed
        days = days_of(hidden[self.rule.column])
        shown = {
            column.name: np.array([*LEVELS[part], np.nan], dtype=object)[part_codes(days, part)]
            for part, column in zip(self.rule.parts, self.made, strict=True)
        }
        return with_columns(hidden, shown)

    @property
    def way(self) -> pd.Timedelta:
        """How far a date may move within its month."""
        return pd.Timedelta(6 if "weekday" in self.rule.parts else 0, unit="D")

    def asking(self, low: pd.Timestamp, high: pd.Timestamp) -> dict[str, list[str]]:
        """The model's columns -> the levels that days from `low` to `high` can have."""
        first, last = (np.datetime64(end.tz_localize(None), "D") for end in (low, high))
        if last - first > np.timedelta64(366, "D"):
            return {}
        days = np.arange(first, last + 1)
        return {
            column.name: [level for level in known if level in _levels(days, part, 1)]
            for part, known, column in zip(self.rule.parts, self.levels, self.made, strict=True)
        }

    def to_dict(self) -> dict[str, Any]:
        """The bounds and the levels."""
        levels = [list(known) for known in self.levels]
        return {"low": self.low, "high": self.high, "levels": levels}

    @classmethod
    def from_dict(cls, rule: Calendar, data: Mapping[str, Any], schema: Schema) -> Self:
        """Read `to_dict`'s data. Raises ValueError or KeyError when it is not that."""
        low, high = data["low"], data["high"]
        if not all(type(end) is int and abs(end) <= _FURTHEST for end in (low, high)):
            raise ValueError("bounds of dates are whole numbers of days")
        levels = tuple(tuple(known) for known in data["levels"])
        for part, known in zip(rule.parts, levels, strict=True):
            if len(set(known)) < len(known) or set(known) - set(LEVELS[part]):
                raise ValueError("levels are weekdays or months, each once")
        return cls(rule, low, high, levels, _made(rule, schema))

    def _in_month(self, days: Days, wanted: Codes) -> Days:
        """The same day of the nearest month that is wanted, shape (n,); -1: any month."""
        months = days.astype("datetime64[M]")
        place = days - months.astype("datetime64[D]")
        back = (months.astype(np.int64) % 12 - wanted) % 12
        best, least = days.copy(), np.full(len(days), np.inf)
        for step in (-back, 12 - back):
            month = months + step.astype("timedelta64[M]")
            last = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
            moved = np.minimum(month.astype("datetime64[D]") + place, last)
            way = np.abs((moved - days).astype(np.int64))
            nearer = (wanted >= 0) & (back > 0) & self._within(moved) & (way < least)
            best, least = np.where(nearer, moved, best), np.where(nearer, way, least)
        return best

    def _on_weekday(self, days: Days, wanted: Codes) -> Days:
        """The nearest day on the weekday that is wanted, shape (n,), in its month if need be."""
        ahead = (wanted - part_codes(days, "weekday")) % 7
        best, least = days.copy(), np.full(len(days), np.inf)
        for step in (ahead, ahead - 7):
            moved = days + step.astype("timedelta64[D]")
            leaves = moved.astype("datetime64[M]") != days.astype("datetime64[M]")
            way = np.abs(step) + 7 * (leaves & ("month" in self.rule.parts))
            nearer = (wanted >= 0) & (ahead > 0) & self._within(moved) & (way < least)
            best, least = np.where(nearer, moved, best), np.where(nearer, way, least)
        return best

    def _within(self, days: Days) -> NDArray[np.bool_]:
        numbers = days.astype(np.int64)
        return np.asarray((numbers >= self.low) & (numbers <= self.high), dtype=bool)


def _levels(days: Days, part: str, min_count: int) -> tuple[str, ...]:
    """The weekdays or months that so many of the days hold."""
    codes = part_codes(days, part)
    counts = np.bincount(codes[codes >= 0], minlength=len(LEVELS[part]))
    return tuple(LEVELS[part][code] for code in np.flatnonzero(counts >= min_count))


def _made(rule: Calendar, schema: Schema) -> tuple[Column, ...]:
    names = []
    for part in rule.parts:
        name = f"{part} of {rule.column}"
        while name in schema.names:
            name = f"({name})"
        names.append(name)
    why = "shown beside the date"
    return tuple(Column(name, "categorical", "object", None, why, MADE) for name in names)


def _shifted(values: pd.Series[Any], by: NDArray[np.timedelta64]) -> Any:
    """Dates moved by whole days; the hour on the clock stays."""
    zone = getattr(values.dtype, "tz", None)
    local = values.dt.tz_localize(None) + pd.to_timedelta(by)
    if zone is None:
        return local.astype(values.dtype).array
    # As in `numbers`: both hours of an autumn night read as summer time; a skipped one moves on.
    summer = np.ones(len(local), dtype=bool)
    there = local.dt.tz_localize(zone, ambiguous=summer, nonexistent="shift_forward")
    return there.astype(values.dtype).array
