"""Any table becomes complete numbers, and comes back as it was.

Models want floats without gaps and small whole numbers; tables hold texts, dates, missing values
and nullable types. A `TableCodec` turns each modelled column into at most one float column and at
most one code column, and back:

    numeric     float; where values are missing: filled with a rounded median, plus a code:
                0 present, 1 missing
    datetime    as numeric: steps of the coarsest unit that fits, counted from 2000-01-01
    categorical, boolean
                code of the level; missing is a level of its own, the last
    constant, or all missing
                nothing: the codec remembers the value

The codec travels as JSON inside an artifact. It holds levels, and bounds rounded outwards (see
`rounding`), never a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.grain import Grain
from tabveil.data.levels import Level, codes_of, find_levels, positions_of, read_levels, values_of
from tabveil.data.numbers import Clock, clock_of, dtype_bounds, from_floats, to_floats
from tabveil.data.rounding import SHARED_ROWS, on_step, outer_bounds, step_for
from tabveil.data.schema import Column, Schema
from tabveil.errors import DataError

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class LevelColumn:
    """A column of levels. `None`, if there, is the missing level and stands last."""

    name: str
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class NumberColumn:
    """A numeric or datetime column.

    Attributes:
        low, high: bounds of decoded floats; equal where every value is the same.
        fill: stands in for a missing value while encoded.
        missing: whether values are missing.
        clock: datetime only: what one step of the float means.
        grain: numeric only: what drawn numbers are multiples of, or how many decimals they need.

    `low`, `high` and `fill` are None where every value is missing.
    """

    name: str
    low: float | None
    high: float | None
    fill: float | None
    missing: bool
    clock: Clock | None = None
    grain: Grain | None = None

    @property
    def has_float(self) -> bool:
        """Whether there is more than one value to model."""
        return self.low is not None and self.low != self.high

    @property
    def has_code(self) -> bool:
        """Whether present and missing values mix."""
        return self.missing and self.fill is not None


@dataclass(frozen=True)
class TableCodec:
    """A reversible encoding of one table's columns."""

    schema: Schema
    columns: tuple[LevelColumn | NumberColumn, ...]

    @classmethod
    def learn(cls, train: pd.DataFrame, schema: Schema, *, min_count: int = 1) -> Self:
        """Learn the encoding of `train`, shape (n_train, n_columns), whose schema is given.

        Levels that fewer than `min_count` rows hold are left out, the missing one too; a column's
        commonest level stays. A numeric or datetime column with fewer values is taken for missing
        throughout. Only a lenient `iter_encoded` encodes such a table.

        Raises:
            DataError: no rows, other columns than the schema's, an identifier among them, or
                values that their kind cannot hold.
        """
        if list(train.columns) != schema.names:
            raise DataError(f"the table's columns {list(train.columns)} are not {schema.names}")
        if not len(train):
            raise DataError("the training table has no rows")
        return cls(schema, tuple(_learn(train[c.name], c, min_count) for c in schema.columns))

    @property
    def float_names(self) -> list[str]:
        """The columns that have a float column, in order."""
        return [c.name for c in self.columns if isinstance(c, NumberColumn) and c.has_float]

    @property
    def code_names(self) -> list[str]:
        """The columns that have a code column, in order."""
        return [c.name for c in self.columns if _n_codes(c) > 1]

    @property
    def n_levels(self) -> list[int]:
        """How many codes each code column has, in the order of `code_names`."""
        return [_n_codes(c) for c in self.columns if _n_codes(c) > 1]

    @property
    def levels(self) -> dict[str, tuple[Level, ...]]:
        """Column -> its levels, for the categorical and boolean columns."""
        return {c.name: c.levels for c in self.columns if isinstance(c, LevelColumn)}

    def encode(self, table: pd.DataFrame, *, lenient: bool = False) -> tuple[Floats, Codes]:
        """Encode a table with this schema.

        Args:
            table: shape (n, n_columns).
            lenient: take what `learn` did not see: a number beyond the bounds is clipped to them,
                a missing one where none was missing becomes the column's fill, an unknown level
                gets the code -1.

        Returns:
            floats, shape (n, n_floats), finite; codes, shape (n, n_codes), each in
            [0, n_levels).

        Raises:
            DataError: values that their column's kind cannot hold; unless lenient, a level or a
                missing value that `learn` did not see.
        """
        floats = np.empty((len(table), len(self.float_names)))
        codes = np.empty((len(table), len(self.code_names)), dtype=np.int64)
        i_float = i_code = 0
        for column_floats, column_codes in self.iter_encoded(table, lenient=lenient):
            if column_floats is not None:
                floats[:, i_float] = column_floats
                i_float += 1
            if column_codes is not None:
                codes[:, i_code] = column_codes
                i_code += 1
        return floats, codes

    def iter_encoded(
        self, table: pd.DataFrame, *, lenient: bool = False
    ) -> Iterator[tuple[Floats | None, Codes | None]]:
        """Yield each column's floats and codes, shape (n,), None for what it does not have.

        As `encode`, a column at a time, so that a large table is never encoded twice over.
        """
        for column in self.columns:
            if isinstance(column, LevelColumn):
                read = positions_of if lenient else codes_of
                codes = read(table[column.name], column.levels) if _n_codes(column) > 1 else None
                yield None, codes
                continue
            values = to_floats(table[column.name], self.schema[column.name], column.clock)
            missing = np.isnan(values)
            if missing.any() and not column.missing and not lenient:
                raise DataError(
                    f"column {column.name!r} has missing values here, but had none in training"
                )
            floats = None
            if column.has_float and column.fill is not None:
                floats = np.where(missing, column.fill, values)
                floats = np.clip(floats, column.low, column.high) if lenient else floats
            yield floats, missing.astype(np.int64) if column.has_code else None

    def decode(self, floats: Floats, codes: Codes) -> pd.DataFrame:
        """Turn encoded rows into a table with the schema's columns, order and dtypes.

        Floats are clipped to the column's bounds and rounded as the schema says.

        Args:
            floats: shape (n, n_floats).
            codes: shape (n, n_codes), each in [0, n_levels).
        """
        columns: dict[str, Any] = {}
        i_float = i_code = 0
        for column in self.columns:
            if _n_codes(column) > 1:
                column_codes = codes[:, i_code]
                i_code += 1
            else:
                column_codes = np.zeros(len(floats), dtype=np.int64)
            dtype = self.schema[column.name].dtype
            if isinstance(column, LevelColumn):
                columns[column.name] = values_of(column_codes, column.levels, dtype)
                continue
            if column.has_float:
                values = np.clip(floats[:, i_float], column.low, column.high)
                if column.grain is not None:
                    values = np.clip(column.grain.settle(values), column.low, column.high)
                i_float += 1
            else:
                values = np.full(len(floats), np.nan if column.low is None else column.low)
            values = np.where(column_codes == 1, np.nan, values) if column.has_code else values
            columns[column.name] = from_floats(values, column.clock)
        return self.schema.restore(columns)

    def to_dict(self) -> dict[str, Any]:
        """The codec as JSON-able data; `from_dict` gives an equal codec back."""
        return {"schema": self.schema.to_json(), "columns": [asdict(c) for c in self.columns]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError when it is not that."""
        try:
            schema = Schema.from_json(data["schema"])
            columns = tuple(_column_from_dict(entry) for entry in data["columns"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"not a codec: {type(error).__name__}: {error}") from error
        if [c.name for c in columns] != schema.names:
            raise DataError("not a codec: its columns are not its schema's")
        return cls(schema, columns)


def _learn(values: pd.Series[Any], column: Column, min_count: int) -> LevelColumn | NumberColumn:
    if column.kind == "identifier":
        raise DataError(f"column {column.name!r} is an identifier and is never modelled; drop it")
    if column.kind in ("categorical", "boolean"):
        return LevelColumn(column.name, find_levels(values, min_count=min_count))
    clock = clock_of(values) if column.kind == "datetime" else None
    floats = to_floats(values, column, clock)
    present = floats[~np.isnan(floats)]
    if len(present) < min(min_count, len(floats)):
        # All missing, or all but a few: what is known of these would be known of single rows.
        return NumberColumn(column.name, None, None, None, missing=True, clock=clock)
    low, high = dtype_bounds(column, *outer_bounds(present, max(SHARED_ROWS, min_count)))
    fill = on_step(float(np.median(present)), step_for(high - low, 100)) if low < high else low
    missing = len(floats) - len(present) >= min_count
    grain = None
    if clock is None and low < high:
        grain = Grain.learn(present, column.decimals, max(SHARED_ROWS, min_count))
    return NumberColumn(column.name, low, high, fill, missing, clock, grain)


def _n_codes(column: LevelColumn | NumberColumn) -> int:
    if isinstance(column, LevelColumn):
        return len(column.levels)
    return 2 if column.has_code else 1


def _column_from_dict(entry: Mapping[str, Any]) -> LevelColumn | NumberColumn:
    name = str(entry["name"])
    if "levels" in entry:
        levels = read_levels(entry["levels"])
        if not levels:
            raise ValueError(f"column {name!r} has no levels")
        return LevelColumn(name, levels)
    numbers = [entry[key] for key in ("low", "high", "fill")]
    known = [float(number) for number in numbers if number is not None]
    if len(known) not in (0, 3) or not np.isfinite(known).all() or (known and known[0] > known[1]):
        raise ValueError(f"column {name!r} has no usable bounds")
    clock = Clock.from_dict(entry["clock"]) if entry["clock"] is not None else None
    grain = Grain.from_dict(entry["grain"]) if entry.get("grain") is not None else None
    low, high, fill = known or (None, None, None)
    return NumberColumn(name, low, high, fill, bool(entry["missing"]), clock, grain)
