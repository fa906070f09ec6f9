"""How does a sampled row get the value that its level goes with?

The determined column is left out of training and looked up afterwards. The table holds only
levels that at least `min_count` training rows hold together with their value. What fewer hold is
about single people: before training, their level becomes another one with an entry, of the same
determined value where there is such a level (a village becomes another place of its county), so
that the model never meets a level that could not be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.frames import with_columns
from tabveil.data.levels import Level, find_levels, positions_of, read_levels, values_of
from tabveil.data.rules.cells import draw_cells
from tabveil.data.rules.relations import FixedCombination, level_codes
from tabveil.data.rules.when import Mask
from tabveil.data.schema import Column, Schema
from tabveil.errors import DataError
from tabveil.seeding import child_rng


@dataclass(frozen=True)
class Lookup:
    """What each level of the determining column goes with.

    Attributes:
        levels: the determining levels that have an entry; None: missing.
        values: the values that occur, dates as ISO text.
        codes: for each level, the position of its value.
        common: position of the commonest value: of a level without an entry.
        column: the determined column.
    """

    rule: FixedCombination
    levels: tuple[Level, ...]
    values: tuple[Level, ...]
    codes: tuple[int, ...]
    common: int
    column: Column

    @classmethod
    def learn(
        cls, train: pd.DataFrame, rule: FixedCombination, schema: Schema, min_count: int
    ) -> Self:
        """Learn the table. Raises DataError when no level is held by enough rows."""
        column = schema[rule.determined]
        native = _native(train[rule.determined], column)
        levels, values = find_levels(train[rule.determining]), find_levels(native)
        a, b = positions_of(train[rule.determining], levels), positions_of(native, values)
        chosen = _entries(a, b, max(1, min_count), one_to_one=rule.one_to_one)
        if not chosen:
            raise DataError(
                f"rule {rule.name!r}: no level of {rule.determining!r} is held by {min_count} "
                f"training rows, so no table of levels may be stored; leave a column out"
            )
        used = sorted({code for code, _ in chosen.values()})
        codes = tuple(used.index(code) for code, _ in chosen.values())
        totals = np.zeros(len(used))
        np.add.at(totals, list(codes), [count for _, count in chosen.values()])
        return cls(
            rule,
            tuple(levels[code] for code in chosen),
            tuple(values[code] for code in used),
            codes,
            int(totals.argmax()),
            column,
        )

    def known(self, table: pd.DataFrame) -> Mask:
        """Which rows have an entry, shape (n,)."""
        return positions_of(table[self.rule.determining], self.levels) >= 0

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Give training rows whose level has no entry a level that has one."""
        known, changed = self.known(table), table.copy(deep=False)
        if known.all():
            return changed
        rng, name = child_rng(seed, "lookup", self.rule.name), self.rule.determining
        codes = level_codes(table[self.rule.determined])
        for code in np.unique(codes[~known]):
            same = known & (codes == code)
            donors = same if same.any() else known
            changed[name] = draw_cells(changed[name], ~known & (codes == code), donors, rng)
        return changed

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Look the determined column up."""
        positions = positions_of(table[self.rule.determining], self.levels)
        codes = np.array([*self.codes, self.common])[positions]  # -1, the last: no entry
        return with_columns(table, {self.column.name: self._values(codes)})

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Leave the determined column out."""
        del whole, seed
        return hidden.drop(columns=self.column.name)

    def entries(self) -> pd.DataFrame:
        """A row for each entry: its value, under the determined column's name."""
        return pd.DataFrame({self.column.name: self._values(np.array(self.codes))})

    def to_dict(self) -> dict[str, Any]:
        """What was learnt, JSON-able."""
        return {
            "levels": list(self.levels),
            "values": list(self.values),
            "codes": list(self.codes),
            "common": self.common,
        }

    @classmethod
    def from_dict(cls, rule: FixedCombination, data: Mapping[str, Any], schema: Schema) -> Self:
        """Read `to_dict`'s data. Raises ValueError, KeyError or TypeError when it is not that."""
        levels, values = read_levels(data["levels"]), read_levels(data["values"])
        codes = tuple(data["codes"])
        n = len(values)
        if len(codes) != len(levels) or not levels:
            raise ValueError("each level needs a value")
        if not all(type(c) is int and 0 <= c < n for c in (*codes, data["common"])):
            raise ValueError("a code lies outside the values")
        lookup = cls(rule, levels, values, codes, data["common"], schema[rule.determined])
        schema_of_one = Schema((lookup.column,))
        schema_of_one.restore(lookup.entries())  # raises where the values are not the column's
        return lookup

    def _values(self, codes: NDArray[np.int64]) -> Any:
        if self.column.kind in ("categorical", "boolean"):
            return values_of(codes, self.values, self.column.dtype)
        if self.column.kind == "numeric":
            floats = [np.nan if value is None else float(value) for value in self.values]
            return np.array(floats)[codes]
        texts: Any = [None if value is None else str(value) for value in self.values]
        zoned = isinstance(pd.api.types.pandas_dtype(self.column.dtype), pd.DatetimeTZDtype)
        return pd.to_datetime(texts, format="ISO8601", utc=zoned).take(codes)


def _native(values: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Values as levels: numbers as floats, dates as ISO texts."""
    if column.kind in ("categorical", "boolean"):
        return values
    codes, distinct = pd.factorize(values)
    texts = [value.isoformat() if column.kind == "datetime" else float(value) for value in distinct]
    named = np.array([*texts, None], dtype=object)[codes]  # code -1, the last: missing
    return pd.Series(named, name=column.name, dtype=object)


def _entries(
    a: NDArray[np.int64], b: NDArray[np.int64], min_count: int, *, one_to_one: bool
) -> dict[int, tuple[int, int]]:
    """Level code -> the code that goes with it most often and the rows that hold both."""
    base = int(b.max(initial=0)) + 1
    pairs, counts = np.unique(a * base + b, return_counts=True)
    best: dict[int, tuple[int, int]] = {}
    met: set[int] = set()
    taken: set[int] = set()
    for i in np.argsort(-counts, kind="stable"):
        level, value = divmod(int(pairs[i]), base)
        is_free = level not in met and not (one_to_one and value in taken)
        met.add(level)
        if is_free and counts[i] >= min_count:
            best[level] = value, int(counts[i])
            taken.add(value)
    return dict(sorted(best.items()))
