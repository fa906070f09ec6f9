"""How are rare levels and extreme values kept out of the model, and put back afterwards?

A level that few rows hold, or an income at the end of its range, points at a person. Before
training, rare levels become one pooled level and numbers and dates are clipped to an inner
quantile range. The rule is learnt from `reference`, so it says nothing about `train`. After
sampling, a pooled cell is given a rare level again, drawn by the reference's own frequencies,
independently of the rest of the row.

What it costs and gives was measured in experiments/protections; docs/pooling.md sums it up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.levels import Level, find_levels, positions_of, read_levels, values_of
from tabveil.data.numbers import dtype_bounds, to_floats
from tabveil.data.rounding import SHARED_ROWS, on_step, step_for, to_digits
from tabveil.data.schema import MADE, Column, Schema
from tabveil.errors import ConfigError, DataError
from tabveil.seeding import child_rng

POOLED = "(rare)"
"""Name of the pooled level; brackets are added where a column has a level of that name."""
CLIP_PARTS = 200
"""A clipping bound is rounded to a step of at least a 200th of the inner range."""


@dataclass(frozen=True)
class PooledColumn:
    """What is pooled in one categorical column.

    Attributes:
        label: the pooled level's name.
        kept: levels that stay; missing values always do.
        rare: levels that a pooled cell may become again, with `rates`, their shares. Only levels
            that enough reference rows hold; without any, the most common kept level.

    What a model was trained on may lack some of them; see `for_trained`.
    """

    name: str
    label: str
    kept: tuple[Level, ...]
    rare: tuple[Level, ...]
    rates: tuple[float, ...]


@dataclass(frozen=True)
class ClippedColumn:
    """The range that a numeric or datetime column is clipped to; a date as ISO text."""

    name: str
    low: float | str
    high: float | str


@dataclass(frozen=True)
class PoolingRule:
    """What `Pooling.learn` found: which levels to pool, which ranges to clip to."""

    schema: Schema
    pooled: tuple[PooledColumn, ...]
    clipped: tuple[ClippedColumn, ...]

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Pool and clip a table with the rule's schema; `table` is not changed.

        A level that the reference did not hold is rare.
        """
        changed = table.copy()
        for pooled in self.pooled:
            changed[pooled.name] = _pool(table[pooled.name], pooled)
        for clipped in self.clipped:
            column = self.schema[clipped.name]
            changed[clipped.name] = _clip(table[clipped.name], clipped, column)
        return changed

    def apply_schema(self) -> Schema:
        """The schema of what `apply` returns: pooled columns hold text."""
        names = {column.name for column in self.pooled}
        columns = tuple(
            replace(c, dtype="object") if c.name in names else c for c in self.schema.columns
        )
        return replace(self.schema, columns=columns)

    def for_trained(self, pooled: pd.DataFrame, *, min_count: int = 1) -> Self:
        """The rule with those levels only that a model of `pooled` can draw.

        Such a model knows the levels that `min_count` rows hold, and must say so when it is asked
        for others. Where it draws pooled cells and there is no rare level, the most common kept
        one is what they become.
        """
        columns = tuple(
            _known(c, find_levels(pooled[c.name], min_count=min_count)) for c in self.pooled
        )
        return replace(self, pooled=columns)

    def undo(self, table: pd.DataFrame, *, seed: int) -> pd.DataFrame:
        """Give every pooled cell of a sampled table a rare level of its column.

        Cells are drawn in row order, so the first rows of a longer table get the same levels.
        """
        restored = table.reset_index(drop=True)
        for column in self.pooled:
            uniform = child_rng(seed, "undo", column.name).random(len(table))
            dtype = self.schema[column.name].dtype
            restored[column.name] = _unpool(restored[column.name], column, uniform, dtype)
        return self.schema.restore(restored).set_axis(table.index)

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON-able data; `from_dict` gives an equal rule back."""
        return {
            "schema": self.schema.to_json(),
            "pooled": [asdict(column) for column in self.pooled],
            "clipped": [asdict(column) for column in self.clipped],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError when it is not that."""
        try:
            schema = Schema.from_json(data["schema"])
            pooled = tuple(_pooled_from_dict(entry) for entry in data["pooled"])
            clipped = tuple(ClippedColumn(**entry) for entry in data["clipped"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"not a pooling rule: {type(error).__name__}: {error}") from error
        for name in [*(p.name for p in pooled), *(c.name for c in clipped)]:
            schema[name]  # raises when there is no such column
        return cls(schema, pooled, clipped)


@dataclass(frozen=True)
class Pooling:
    """How strongly to pool and clip; zeros change nothing.

    Args:
        min_rate: levels that fewer reference rows hold are pooled, in [0, 0.5).
        clip: numbers and dates are clipped to the [clip, 1 - clip] quantiles, in [0, 0.5).
        min_count: reference rows that must hold a rare level for it to come back, at least 1.
    """

    min_rate: float = 0.01
    clip: float = 0.01
    min_count: int = 5

    def learn(self, reference: pd.DataFrame, schema: Schema) -> PoolingRule:
        """Learn the rule from `reference`, shape (n_reference, n_columns).

        At least one level of a column is kept, and at least two of the target: a pooled target
        could not be predicted.

        Raises:
            ConfigError: a parameter out of its range.
            DataError: `reference` has no rows.
        """
        for name, value in (("min_rate", self.min_rate), ("clip", self.clip)):
            if not 0 <= value < 0.5:
                raise ConfigError(f"pooling.{name}={value}: must be in [0, 0.5)")
        if self.min_count < 1:
            raise ConfigError(f"pooling.min_count={self.min_count}: must be at least 1")
        if not len(reference):
            raise DataError("pooling needs reference rows, and the reference split has none")
        levels = schema.of_kind("categorical") if self.min_rate else []
        levels = [name for name in levels if schema[name].form != MADE]
        numbers = schema.of_kind("numeric", "datetime") if self.clip else []
        pooled = [self._learn_levels(reference[name], name == schema.target) for name in levels]
        clipped = [self._learn_range(reference[name], schema[name]) for name in numbers]
        return PoolingRule(
            schema,
            tuple(column for column in pooled if column is not None),
            # A target clipped to one value could not be predicted.
            tuple(c for c in clipped if c and not (c.low == c.high and c.name == schema.target)),
        )

    def _learn_levels(self, values: pd.Series[Any], is_target: bool) -> PooledColumn | None:
        levels = [level for level in find_levels(values) if level is not None]
        if not levels:
            return None
        positions = positions_of(values, levels)
        counts = np.bincount(positions[positions >= 0], minlength=len(levels))
        by_count = np.argsort(-counts, kind="stable")
        is_kept = counts >= max(self.min_rate * len(values), self.min_count)
        is_kept[by_count[: 2 if is_target else 1]] = True
        kept = tuple(levels[i] for i in by_count if is_kept[i])
        back = [i for i in by_count if not is_kept[i] and counts[i] >= self.min_count]
        rates = to_digits(counts[back] / counts[back].sum()) if back else []
        label = POOLED
        while label in levels:
            label = f"({label})"
        rare = tuple(levels[i] for i in back)
        return PooledColumn(str(values.name), label, kept, rare, tuple(rates))

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


def _pool(values: pd.Series[Any], column: PooledColumn) -> pd.Series[Any]:
    stays = (positions_of(values, column.kept) >= 0) | values.isna().to_numpy()
    return values.astype(object).where(stays, column.label)


def _clip(values: pd.Series[Any], clipped: ClippedColumn, column: Column) -> pd.Series[Any]:
    if isinstance(clipped.low, str):
        low, high = pd.Timestamp(clipped.low), pd.Timestamp(clipped.high)
        return values.mask(values < low, low).mask(values > high, high)
    floats = to_floats(values, column)
    ends = [clipped.low, float(clipped.high)]
    if column.decimals == 0:
        ends = [int(end) for end in ends]
    return values.mask(floats < ends[0], ends[0]).mask(floats > ends[1], ends[1])


def _known(column: PooledColumn, levels: Sequence[Level]) -> PooledColumn:
    rare, rates = (column.rare, column.rates) if column.rare else (column.kept[:1], (1.0,))
    if column.label not in levels:
        rare, rates = (), ()
    kept = tuple(level for level in column.kept if level in levels)
    return replace(column, kept=kept, rare=rare, rates=rates)


def _unpool(
    values: pd.Series[Any], column: PooledColumn, uniform: NDArray[np.float64], dtype: str
) -> Any:
    rare, rates = (column.rare, column.rates) if column.rare else (column.kept[:1], (1.0,))
    levels = tuple(dict.fromkeys((*column.kept, *rare)))
    rare_rows = (values == column.label).to_numpy(dtype=bool)
    edges = np.cumsum(rates)
    codes = positions_of(values.mask(rare_rows), levels)
    drawn = np.searchsorted(edges[:-1], uniform[rare_rows] * edges[-1], side="right")
    codes[rare_rows] = np.array([levels.index(level) for level in rare], dtype=np.int64)[drawn]
    codes[codes < 0] = len(levels)  # missing
    return values_of(codes, (*levels, None), dtype)


def _pooled_from_dict(entry: Mapping[str, Any]) -> PooledColumn:
    kept, rare = read_levels(entry["kept"]), read_levels(entry["rare"])
    rates = tuple(map(float, entry["rates"]))
    if len(rare) != len(rates) or not np.isfinite(rates).all() or min(rates, default=1) <= 0:
        raise ValueError("a positive rate for each rare level is needed")
    return PooledColumn(str(entry["name"]), str(entry["label"]), kept, rare, rates)
