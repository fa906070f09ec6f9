"""Rare levels and extreme values: kept out of the model, put back by their shares afterwards.

A level that few rows hold, or an income at the end of its range, points at a person. Before
training, rare levels become one pooled level and numbers and dates are clipped to an inner
quantile range. After sampling, each column's levels come at their shares in the training pool
and the reference, whatever the model could not learn (`pooled_levels`).

What is written down is of pool and reference together, of which a model's members are a part:
names of levels that `min_count` of those rows hold, shares with three digits, and the ends of
ranges, which are rounded and have at least `min_count` rows at or beyond them. From the reference
alone, 45 rows of a table of 300, the ends would cut off a ninth of the rows on each side; from the
pool alone, a level that ten of 286 rows hold would lose its name two times in five.

What it costs and gives was measured in experiments/protections; docs/pooling.md sums it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, get_args

import numpy as np
import pandas as pd

from tabveil.data.numbers import dtype_bounds, to_floats
from tabveil.data.pooled_levels import PooledColumn, Stands, learn_levels
from tabveil.data.rounding import SHARED_ROWS, on_step, step_for
from tabveil.data.schema import MADE, Column, Schema
from tabveil.errors import ConfigError, DataError
from tabveil.seeding import child_rng

CLIP_PARTS = 200
"""A clipping bound is rounded to a step of at least a 200th of the inner range."""


@dataclass(frozen=True)
class ClippedColumn:
    """The range that a numeric or datetime column is clipped to; a date as ISO text."""

    name: str
    low: float | str
    high: float | str


@dataclass(frozen=True)
class PoolingRule:
    """What `Pooling.learn` found: which levels to pool, which ranges to clip to.

    Attributes:
        min_count: rows that hold each level that is named.
    """

    schema: Schema
    min_count: int
    pooled: tuple[PooledColumn, ...]
    clipped: tuple[ClippedColumn, ...]

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Pool and clip a table with the rule's schema; `table` is not changed.

        A level that the rule does not know is rare.
        """
        changed = table.copy()
        for pooled in self.pooled:
            if pooled.label is not None:
                changed[pooled.name] = pooled.pool(table[pooled.name])
        for clipped in self.clipped:
            column = self.schema[clipped.name]
            changed[clipped.name] = _clip(table[clipped.name], clipped, column)
        return changed

    def apply_schema(self) -> Schema:
        """The schema of what `apply` returns: columns with a pooled level hold text."""
        names = {column.name for column in self.pooled if column.label is not None}
        columns = tuple(
            replace(c, kind="categorical", dtype="object") if c.name in names else c
            for c in self.schema.columns
        )
        return replace(self.schema, columns=columns)

    def for_training(self, train: pd.DataFrame, *, min_count: int = 1) -> Self:
        """The rule for a model that learns from `train`, shape (n_train, n_columns).

        Levels that fewer than `min_count` training rows hold are pooled, too (a target's two
        commonest are not), since the model would not learn them.
        """
        least = max(self.min_count, min_count)
        columns = tuple(
            c.for_training(train[c.name], least, n_sure=_n_sure(c.name, self.schema))
            for c in self.pooled
        )
        return replace(self, pooled=columns)

    def measured(self, sampled: pd.DataFrame) -> Self:
        """The rule with the shares at which a model draws levels, of rows that it drew.

        A share within two standard errors of what it should be passes for right.
        """
        columns = tuple(c.measured(sampled[c.name]) for c in self.pooled)
        return replace(self, pooled=columns)

    def undo(self, table: pd.DataFrame, *, seed: int) -> pd.DataFrame:
        """Give the cells of a sampled table levels at their shares; no pooled one is left.

        Numbers and dates are moved back into the range that they were clipped to: bounds that a
        model rounds outwards would else bring what it never saw. Cells are drawn in row order, so
        the first rows of a longer table get the same levels.
        """
        restored = table.reset_index(drop=True)
        for column in self.pooled:
            uniform = child_rng(seed, "undo", column.name).random(len(table))
            dtype = self.schema[column.name].dtype
            restored[column.name] = column.restore(restored[column.name], uniform, dtype)
        for clipped in self.clipped:
            column_of = self.schema[clipped.name]
            restored[clipped.name] = _clip(restored[clipped.name], clipped, column_of)
        return self.schema.restore(restored).set_axis(table.index)

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON-able data; `from_dict` gives an equal rule back."""
        return {
            "schema": self.schema.to_json(),
            "min_count": self.min_count,
            "pooled": [asdict(column) for column in self.pooled],
            "clipped": [asdict(column) for column in self.clipped],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError when it is not that."""
        try:
            schema = Schema.from_json(data["schema"])
            min_count = int(data["min_count"])
            pooled = tuple(PooledColumn.from_dict(entry) for entry in data["pooled"])
            clipped = tuple(ClippedColumn(**entry) for entry in data["clipped"])
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise DataError(f"not a pooling rule: {type(error).__name__}: {error}") from error
        for name in [*(p.name for p in pooled), *(c.name for c in clipped)]:
            schema[name]  # raises when there is no such column
        return cls(schema, min_count, pooled, clipped)


@dataclass(frozen=True)
class Pooling:
    """How strongly to pool and clip; zeros and a `min_count` of 1 change nothing.

    Args:
        min_rate: levels of a smaller share are pooled, in [0, 0.5).
        clip: numbers and dates are clipped to the [clip, 1 - clip] quantiles, in [0, 0.5).
        min_count: rows of the tables that are learnt from that must hold a level for it to be
            named, at least 1. With 1, and a `min_rate` of 0, levels are the model's own affair.
        other: what stands in drawn rows for levels that fewer hold: `label`, a made-up level, or
            `commonest`, the column's commonest one.
    """

    min_rate: float = 0.01
    clip: float = 0.01
    min_count: int = 5
    other: Stands = "label"

    def learn(self, pool: pd.DataFrame, reference: pd.DataFrame, schema: Schema) -> PoolingRule:
        """Learn the rule from both tables.

        At least two levels of the target are kept: a pooled target could not be predicted.

        Args:
            pool: shape (n_pool, n_columns), all rows that a model may be trained on.
            reference: shape (n_reference, n_columns).
            schema: of both.

        Raises:
            ConfigError: a parameter out of its range.
            DataError: `reference` has no rows.
        """
        for name, value in (("min_rate", self.min_rate), ("clip", self.clip)):
            if not 0 <= value < 0.5:
                raise ConfigError(f"pooling.{name}={value}: must be in [0, 0.5)")
        if self.min_count < 1:
            raise ConfigError(f"pooling.min_count={self.min_count}: must be at least 1")
        if self.other not in get_args(Stands):
            raise ConfigError(f"pooling.other={self.other}: must be label or commonest")
        if not len(reference):
            raise DataError("pooling needs reference rows, and the reference split has none")
        values = pd.concat([pool, reference], ignore_index=True)
        names = schema.of_kind("categorical", "boolean")
        if not self.min_rate and self.min_count == 1:
            names = []
        levels = [schema[name] for name in names if schema[name].form != MADE]
        numbers = schema.of_kind("numeric", "datetime") if self.clip else []
        pooled = [
            learn_levels(
                values[column.name],
                column,
                min_rate=self.min_rate,
                min_count=self.min_count,
                other=self.other,
                n_sure=_n_sure(column.name, schema),
            )
            for column in levels
        ]
        clipped = [self._learn_range(values[name], schema[name]) for name in numbers]
        return PoolingRule(
            schema,
            self.min_count,
            tuple(column for column in pooled if column is not None),
            # A target clipped to one value could not be predicted.
            tuple(c for c in clipped if c and not (c.low == c.high and c.name == schema.target)),
        )

    def _learn_range(self, values: pd.Series[Any], column: Column) -> ClippedColumn | None:
        present = values.dropna()
        if present.empty:
            return None
        clip = min(max(self.clip, self.min_count / len(present)), 0.49)  # nobody's value alone
        if column.kind == "datetime":
            low, high = _round_dates(*present.quantile([clip, 1 - clip], interpolation="nearest"))
            return ClippedColumn(column.name, low.isoformat(), high.isoformat())
        floats = to_floats(present, column)
        ends = np.quantile(floats, [clip, 1 - clip], method="nearest")
        if ends[0] < ends[1]:
            step = step_for(ends[1] - ends[0], CLIP_PARTS)
            grain = 0.0 if column.decimals is None else 10.0**-column.decimals
            ends = np.array(
                [
                    end  # a value of enough rows is nobody's alone
                    if np.count_nonzero(floats == end) >= max(self.min_count, SHARED_ROWS)
                    else on_step(end, max(step, grain))
                    for end in ends.tolist()
                ]
            )
        return ClippedColumn(column.name, *dtype_bounds(column, float(ends[0]), float(ends[1])))


def _n_sure(name: str, schema: Schema) -> int:
    """Levels that are kept whoever holds them: a pooled target could not be predicted."""
    return 2 if name == schema.target else 0


def _round_dates(low: pd.Timestamp, high: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Round two dates outwards to a coarse unit of the time between them."""
    for unit in ("D", "h", "min", "s"):
        if high - low >= CLIP_PARTS * pd.Timedelta(1, unit):
            wall = low.tz_localize(None).floor(unit), high.tz_localize(None).ceil(unit)
            low, high = (
                date.tz_localize(low.tz, ambiguous=True, nonexistent="shift_forward")
                for date in wall
            )
            break
    return low, high


def _clip(values: pd.Series[Any], clipped: ClippedColumn, column: Column) -> pd.Series[Any]:
    if isinstance(clipped.low, str):
        low, high = pd.Timestamp(clipped.low), pd.Timestamp(clipped.high)
        return values.mask(values < low, low).mask(values > high, high)
    floats = to_floats(values, column)
    ends = [clipped.low, float(clipped.high)]
    if column.decimals == 0:
        ends = [int(end) for end in ends]
    return values.mask(floats < ends[0], ends[0]).mask(floats > ends[1], ends[1])
