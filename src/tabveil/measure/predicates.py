"""How many rows of a table satisfy each of many predicates, such as "age ≥ 81 and job = cook"?

A predicate is a conjunction over columns; each condition is a range of codes:

    condition              range of codes
    ---------------------  ---------------------
    value = v              code(v) to code(v)
    value ≥ v              code(v) to the largest
    value ≤ v              1 to code(v)
    the value is missing   0 to 0
    any                    0 to the largest

Codes are whole numbers shared by all tables that are coded together: equal cells have equal
codes, numbers and dates are coded in their order from 1 on, and missing is 0 (for categories a
level like any other). Missing is a value that people can share, and no number lies beyond it.

How: each column is sorted once, so a condition is a slice of that order. Per predicate the
shortest slice is taken and its rows are held against the other conditions: most predicates look
at a small part of the table. Whether a predicate finds one row alone is mostly decided by a glance
at the first thousand rows, made for many predicates at once: few that match two rows there remain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.measure.encode import Encoded

Codes = NDArray[np.int32]
_GLANCE = 1024
"""Rows looked at first, by all predicates at once; those that match two are not exact anyway."""
_CHUNK = 2**22
"""Pairs of predicates and rows held at once: 4 MB of truth values."""
ANY = np.iinfo(np.int32).max
"""The upper end of a range that has none."""
MISSING = 0
FIRST = 1
"""The code of the smallest number of a column."""


@dataclass(frozen=True)
class CodedTables:
    """Tables under one coding.

    Attributes:
        tables: each shape (n_columns, n_rows): numeric columns first, then categorical ones.
        n_numeric: how many columns have an order.
    """

    tables: tuple[Codes, ...]
    n_numeric: int

    @property
    def n_columns(self) -> int:
        """Columns of each table."""
        return len(self.tables[0])


def code(*tables: Encoded) -> CodedTables:
    """Code tables of one encoder together."""
    n_numeric = len(tables[0].numeric)
    ends = np.cumsum([len(table) for table in tables])[:-1]
    columns = []
    for j in range(n_numeric):
        ranks = [np.where(table.missing[:, j], np.nan, table.ranks[:, j]) for table in tables]
        codes, _ = pd.factorize(np.concatenate(ranks), sort=True)  # NaN becomes -1
        columns.append(codes + FIRST)
    for j in range(len(tables[0].categorical)):
        codes, _ = pd.factorize(np.concatenate([table.codes[:, j] for table in tables]))
        columns.append(codes)
    coded = np.array(columns, dtype=np.int32).reshape(len(columns), sum(map(len, tables)))
    return CodedTables(tuple(np.split(coded, ends, axis=1)), n_numeric)


@dataclass(frozen=True)
class Predicates:
    """Conjunctions of ranges of codes, both ends included.

    Attributes:
        low, high: shape (n_predicates, n_columns); a row satisfies a predicate when every code
            of it lies within.
    """

    low: Codes
    high: Codes

    def __len__(self) -> int:
        return len(self.low)

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Where a predicate has a condition; shape (n_predicates, n_columns)."""
        return (self.low > MISSING) | (self.high < ANY)

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Predicates:
        """The predicates at these positions (or under this mask), in this order."""
        return Predicates(self.low[which], self.high[which])

    def distinct(self) -> Predicates:
        """Each predicate once, in the order of first occurrence."""
        whole = np.ascontiguousarray(np.hstack([self.low, self.high]))
        as_bytes = whole.view(np.dtype((np.void, whole.shape[1] * whole.itemsize))).ravel()
        return self.take(np.sort(np.unique(as_bytes, return_index=True)[1]))

    @staticmethod
    def join(parts: list[Predicates]) -> Predicates:
        """All of them, in order; at least one part."""
        lows, highs = [part.low for part in parts], [part.high for part in parts]
        return Predicates(np.concatenate(lows), np.concatenate(highs))


@dataclass(frozen=True)
class SortedTable:
    """A coded table with each column's order; made once, asked many times."""

    codes: Codes
    order: NDArray[np.intp]

    @classmethod
    def of(cls, codes: Codes) -> SortedTable:
        """Sort each column; shape (n_columns, n_rows)."""
        return cls(codes, np.argsort(codes, axis=1, kind="stable"))

    def count(self, predicates: Predicates) -> NDArray[np.int64]:
        """How many rows satisfy each predicate; shape (n_predicates,)."""
        return np.array([len(rows) for rows in self._satisfying(predicates)], dtype=np.int64)

    def _satisfying(self, predicates: Predicates) -> Iterator[NDArray[np.intp]]:
        """The rows that satisfy each predicate, one predicate after another."""
        starts, ends = self._slices(predicates)
        asked = predicates.asked
        lengths = np.where(asked, ends - starts, self.codes.shape[1])
        shortest_first = np.argsort(lengths, axis=1, kind="stable")
        n_asked = asked.sum(axis=1)
        for i, (low, high) in enumerate(zip(predicates.low, predicates.high, strict=True)):
            first, *others = shortest_first[i, : max(1, n_asked[i])]
            rows = self.order[first, starts[i, first] : ends[i, first]]
            for j in others:
                codes = self.codes[j][rows]
                rows = rows[(codes >= low[j]) & (codes <= high[j])]
            yield rows

    def isolates(self, predicates: Predicates) -> NDArray[np.bool_]:
        """Whether exactly one row satisfies a predicate; shape (n_predicates,)."""
        return self.isolated(predicates) >= 0

    def isolated(self, predicates: Predicates) -> NDArray[np.intp]:
        """The one row that satisfies a predicate, -1 if none or several; shape (n_predicates,)."""
        found = np.full(len(predicates), -1, dtype=np.intp)
        step = _CHUNK // _GLANCE
        for start in range(0, len(predicates), step):
            some = predicates.take(np.arange(start, min(start + step, len(predicates))))
            left = start + np.flatnonzero(self._glance(some) <= 1)
            rows = self._satisfying(predicates.take(left))
            found[left] = [one[0] if len(one) == 1 else -1 for one in rows]
        return found

    def _glance(self, predicates: Predicates) -> NDArray[np.int64]:
        """How many of the first rows satisfy each predicate."""
        some = self.codes[:, :_GLANCE]
        within = np.ones((len(predicates), some.shape[1]), dtype=bool)
        for j, codes in enumerate(some):
            which = np.flatnonzero(predicates.asked[:, j])
            low, high = predicates.low[which, j, None], predicates.high[which, j, None]
            within[which] &= (codes >= low) & (codes <= high)
        counts: NDArray[np.int64] = np.count_nonzero(within, axis=1)
        return counts

    def _slices(self, predicates: Predicates) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where in each column's order its condition begins and ends."""
        starts = np.empty(predicates.low.shape, dtype=np.intp)
        ends = np.empty(predicates.low.shape, dtype=np.intp)
        for j, (codes, order) in enumerate(zip(self.codes, self.order, strict=True)):
            ascending = codes[order]
            starts[:, j] = np.searchsorted(ascending, predicates.low[:, j], side="left")
            ends[:, j] = np.searchsorted(ascending, predicates.high[:, j], side="right")
        return starts, ends
