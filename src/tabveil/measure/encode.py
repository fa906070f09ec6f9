"""When are two rows alike, whatever their columns hold?

Every comparison of rows in this package goes through this encoding, so that each of these is
decided once:

    column                          becomes                   adds to the squared distance
    ------------------------------  ------------------------  ------------------------------------
    numeric; datetime, as a number  mid-rank in `reference`,  (difference of ranks)²
                                    in [0, 1]
    - between two known values      the rank between them     so equal ranks are equal values
    - outside the known range       1 + log(1 + distance to   far outliers stay apart from each
      (above; below alike)          the range / its width)    other and push nobody else together
    - missing                       rank ½ and a flag         ¾ to 1 against a value, 0 against
                                                              another missing
    - infinite                      DataError
    categorical, boolean            a code of the level       1 if the levels differ, else 0
    - missing                       a level of its own        1 against a level, 0 against missing
    - level unknown to `reference`  a level like any other    1, but 0 against itself
    constant in all tables          the same code or rank     0
    identifier, group column        left out                  -

Ranks make the distance indifferent to units and skew, and taking them from `reference`, which
holds neither members nor the non-members they are compared with, treats both alike. But where
values are dense or tied, a number moved by little passes many others: where nine in ten are 0, the
rank of 1 is .45 away. `Encoded.by_value` has the same rows with numbers in standard deviations from
the median, in which little is little: near-copies are looked for there.

A whole number, its float and a boolean of that value are the same level ("1", 1.0 and True of a
column that one table stores as text and another as numbers); other levels are compared as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.schema import Schema
from tabveil.errors import DataError
from tabveil.measure.cells import level_text, numbers

MISSING_CODE = 0
_CUT = 0.001
"""Share of the values at either end that does not widen a unit."""
_FAR = 1000.0
"""Units beyond which only the order of magnitude counts."""
_MOST = 1e300


@dataclass(frozen=True)
class Encoded:
    """A table's rows, ready to be compared with other tables of the same encoder.

    Attributes:
        numeric: names of the numeric and datetime columns, sorted.
        categorical: names of the categorical and boolean columns, sorted.
        ranks: shape (n, n_numeric), float64; mid-ranks, ½ where missing.
        missing: shape (n, n_numeric), bool.
        values: shape (n, n_numeric), float64; in standard deviations from the median, 0 where
            missing.
        codes: shape (n, n_categorical), int64; equal codes are equal levels in any table.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    ranks: NDArray[np.float64]
    missing: NDArray[np.bool_]
    values: NDArray[np.float64]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ranks)

    @property
    def n_columns(self) -> int:
        """Number of columns that take part in a distance."""
        return len(self.numeric) + len(self.categorical)

    def take(self, rows: NDArray[Any]) -> Encoded:
        """The rows at these positions (or under this mask), in this order."""
        return replace(
            self,
            ranks=self.ranks[rows],
            missing=self.missing[rows],
            values=self.values[rows],
            codes=self.codes[rows],
        )

    def by_value(self) -> Encoded:
        """The same rows with values, shifted by ½ like a median's rank, in the place of ranks."""
        return replace(self, ranks=self.values + 0.5)

    def view(self, columns: Collection[str]) -> Encoded:
        """The same rows seen through some of the columns. Raises DataError if one is unknown."""
        unknown = sorted(set(columns) - {*self.numeric, *self.categorical})
        if unknown:
            raise DataError(f"not among the encoded columns: {', '.join(unknown)}")
        keep = [i for i, name in enumerate(self.numeric) if name in columns]
        keep_codes = [i for i, name in enumerate(self.categorical) if name in columns]
        return Encoded(
            numeric=tuple(self.numeric[i] for i in keep),
            categorical=tuple(self.categorical[i] for i in keep_codes),
            ranks=self.ranks[:, keep],
            missing=self.missing[:, keep],
            values=self.values[:, keep],
            codes=self.codes[:, keep_codes],
        )

    def row_keys(self) -> NDArray[np.uint64]:
        """A 64-bit key per row, shape (n,): equal for equal rows, in any table and order.

        Two different rows share a key with a chance of about n² / 2⁶⁵.
        """
        frame = pd.DataFrame(np.hstack([self.ranks, self.missing]))
        codes = pd.DataFrame(self.codes)
        both = pd.concat([frame, codes], axis=1, ignore_index=True)
        return np.asarray(pd.util.hash_pandas_object(both, index=False), dtype=np.uint64)


@dataclass(frozen=True)
class _RankScale:
    """The distinct known values of one column, ascending, and how many rows hold each."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def fit(cls, column: NDArray[np.float64]) -> Self:
        present = column[~np.isnan(column)]
        values, counts = np.unique(present if len(present) else np.zeros(1), return_counts=True)
        return cls(values=values, counts=counts)

    def __call__(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mid-ranks, strictly increasing in the value, ½ where missing; both shape (n,)."""
        known, upto = self.values, np.cumsum(self.counts)
        above = np.searchsorted(known, column).clip(max=len(known) - 1)
        below = (above - 1).clip(min=0)
        gap = np.where(above > below, known[above] - known[below], 1.0)
        # An unseen value lies after all rows below it; within one row's rank, its place in the
        # gap counts. Beside a value that many rows share it is as far off as those rows are many.
        between = upto[below] - 0.5 + (column - known[below]) / gap
        ranks = np.where(known[above] == column, upto[above] - self.counts[above] / 2, between)
        ranks = np.where(column > known[-1], upto[-1], np.where(column < known[0], 0, ranks))
        return np.where(np.isnan(column), 0.5, ranks / upto[-1] + self._outside(column))

    def _outside(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Signed and compressed distance to the known range in its widths; 0 inside."""
        low, high = self.values[0], self.values[-1]
        width = (high - low) or abs(high) or 1.0
        with np.errstate(over="ignore"):
            above = ((column - high) / width).clip(0, 1e300)
            below = ((low - column) / width).clip(0, 1e300)
        outside: NDArray[np.float64] = np.log1p(above) - np.log1p(below)
        return outside


@dataclass(frozen=True)
class _ValueScale:
    """Where the known values of one column lie, and how far apart.

    Attributes:
        centre: the median.
        unit: the standard deviation, with the outermost thousandth at either end, one value at
            least, moved inwards: one absurd cell of 10⁹ would make all others alike. The range from
            the first to the 99th percentile sees less of near-copies where values are skewed, and
            is nothing where 99 % are one value.
    """

    centre: float
    unit: float

    @classmethod
    def fit(cls, column: NDArray[np.float64]) -> Self:
        ordered = np.sort(column[~np.isnan(column)])
        if not len(ordered):
            return cls(0.0, np.inf)  # nobody knows what is much here
        cut = min(max(1, round(_CUT * len(ordered))), (len(ordered) - 1) // 2)
        inner = ordered.clip(ordered[cut], ordered[-1 - cut])
        centre = float(np.median(ordered))
        return cls(centre, _spread(inner) or _spread(ordered) or abs(centre) or 1.0)

    def __call__(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Strictly increasing in the value, compressed far out, 0 where missing; both (n,)."""
        with np.errstate(over="ignore"):
            away = ((column - self.centre) / self.unit).clip(-_MOST, _MOST)
        beyond = (np.abs(away) - _FAR).clip(min=0)
        near = away.clip(-_FAR, _FAR) + np.sign(away) * np.log1p(beyond)
        return np.where(np.isnan(column), 0.0, near)


def _spread(ordered: NDArray[np.float64]) -> float:
    """The standard deviation; of equal values 0, and not what rounding makes of it."""
    return 0.0 if ordered[0] == ordered[-1] else float(ordered.std())


@dataclass(frozen=True)
class DistanceEncoder:
    """Turns tables into `Encoded` ones; knows `reference`'s ranks and units, holds no levels."""

    schema: Schema
    scales: Mapping[str, _RankScale]
    units: Mapping[str, _ValueScale]

    @classmethod
    def fit(cls, reference: pd.DataFrame, schema: Schema) -> Self:
        """Learn the mid-ranks and the unit of each numeric and datetime column.

        Args:
            reference: shape (n, n_columns); a column may be wholly missing.
            schema: kinds of the columns; identifiers and the group column are left out.

        Raises:
            DataError: a column is absent, is not what its kind says, or holds infinities.
        """
        modelled = schema.modelled()
        columns = {
            name: _numbers(reference, name, modelled)
            for name in modelled.of_kind("numeric", "datetime")
        }
        return cls(
            schema=modelled,
            scales={name: _RankScale.fit(column) for name, column in columns.items()},
            units={name: _ValueScale.fit(column) for name, column in columns.items()},
        )

    def transform(self, table: pd.DataFrame) -> Encoded:
        """Encode a table with the schema's columns, in any order. Raises DataError as `fit`."""
        numeric = tuple(sorted(self.scales))
        categorical = tuple(sorted(set(self.schema.names) - set(numeric)))
        values = [_numbers(table, name, self.schema) for name in numeric]
        named = list(zip(numeric, values, strict=True))
        ranks = [self.scales[name](column) for name, column in named]
        units = [self.units[name](column) for name, column in named]
        codes = [_codes(_column(table, name)) for name in categorical]
        return Encoded(
            numeric=numeric,
            categorical=categorical,
            ranks=_stack(ranks, len(table), np.float64),
            missing=np.isnan(_stack(values, len(table), np.float64)),
            values=_stack(units, len(table), np.float64),
            codes=_stack(codes, len(table), np.int64),
        )


def _stack(columns: list[NDArray[Any]], n: int, dtype: type) -> NDArray[Any]:
    return np.column_stack(columns).astype(dtype) if columns else np.empty((n, 0), dtype)


def _column(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in table.columns:
        raise DataError(f"the table lacks the column {name!r}; it has: {list(table.columns)}")
    return table[name]


def _numbers(table: pd.DataFrame, name: str, schema: Schema) -> NDArray[np.float64]:
    """A numeric or datetime column as float64 (datetimes in µs), NaN where missing."""
    return numbers(_column(table, name), schema[name])


def _codes(column: pd.Series[Any]) -> NDArray[np.int64]:
    """A 64-bit hash of each level, the same in every table; 0 where missing."""
    positions, levels = pd.factorize(column)
    codes = [_level_code(level) for level in np.asarray(levels, dtype=object)]
    return np.array([*codes, MISSING_CODE], dtype=np.int64)[positions]


def _level_code(level: Any) -> int:
    text = level_text(level).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
