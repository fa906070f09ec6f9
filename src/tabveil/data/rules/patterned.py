"""How do the values of a sampled row go missing together as a table's do?

A model that learns each column's missing level for itself gets their joint patterns only nearly.
Here it learns one column more, whose levels are the patterns that at least `min_count` training
rows hold, while the cells that are missing hold values of other rows. Sampled rows are blanked by
their pattern. A row of a rarer pattern is given the nearest of the others before training, so
that no pattern of a few persons is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.frames import with_columns
from tabveil.data.levels import Level, find_levels, read_levels
from tabveil.data.rules.cells import draw_cells, put
from tabveil.data.rules.missing import MissingPattern, distinct, pattern_text
from tabveil.data.schema import MADE, Column, Schema
from tabveil.errors import DataError
from tabveil.seeding import child_rng

Grid = NDArray[np.bool_]


@dataclass(frozen=True)
class Patterned:
    """The patterns that come back, as one column that only the model sees.

    Attributes:
        patterns: texts of 0 and 1, a place a column: 1 is missing. The commonest first.
        levels: column of levels -> those that enough training rows hold, the missing one last.
        column: the model's column.
    """

    rule: MissingPattern
    patterns: tuple[str, ...]
    levels: Mapping[str, tuple[Level, ...]]
    column: Column

    @classmethod
    def learn(
        cls, train: pd.DataFrame, rule: MissingPattern, schema: Schema, min_count: int
    ) -> Self:
        """Learn the patterns. Without one that enough rows hold, nothing comes back missing."""
        known, codes = distinct(rule.missing(train))
        counts = np.bincount(codes, minlength=len(known))
        kept = [i for i in np.argsort(-counts, kind="stable") if counts[i] >= max(1, min_count)]
        texts = [pattern_text(known[i]) for i in kept]
        levels = {}
        for name in rule.of:
            if schema[name].kind in ("categorical", "boolean"):
                present = train[name].dropna()
                named = find_levels(present, min_count=max(1, min_count))
                levels[name] = (*(level for level in named if level is not None), None)
        return cls(rule, tuple(texts or ["0" * len(rule.of)]), levels, _column(rule, schema))

    @property
    def made(self) -> tuple[Column, ...]:
        """The columns that only the model sees."""
        return (self.column,)

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Give rows of other patterns the nearest that is known."""
        missing = self.rule.missing(table)
        wanted = self._grid()[self._nearest(missing)]
        if np.array_equal(missing, wanted):
            return table
        rng = child_rng(seed, "patterned", "redraw", self.rule.name)
        return self._blanked(_filled(table, self.rule, missing & ~wanted, rng), wanted)

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Blank what the pattern says is missing. A table that shows none is left as it is.

        Raises DataError for a pattern that is not known.
        """
        if self.column.name not in table:
            return table
        places = pd.Index(self.patterns).get_indexer(pd.Index(table[self.column.name]))
        if (places < 0).any():
            raise DataError(f"rule {self.rule.name!r}: the model drew a pattern that is not known")
        rest = table.drop(columns=self.column.name)
        return self._blanked(rest, self._grid()[places])

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Show the pattern in a column, and fill the cells that are missing."""
        del whole
        missing = self.rule.missing(hidden)
        levels = np.array(self.patterns, dtype=object)[self._nearest(missing)]
        rng = child_rng(seed, "patterned", self.rule.name)
        filled = _filled(hidden, self.rule, missing, rng)
        return with_columns(filled, {self.column.name: levels})

    def allowing(self, name: str, *, missing: bool, present: bool) -> tuple[str, ...]:
        """The patterns in which a column may be as wanted."""
        place = self.rule.of.index(name)
        wanted = ("1" if missing else "") + ("0" if present else "")
        return tuple(pattern for pattern in self.patterns if pattern[place] in wanted)

    def to_dict(self) -> dict[str, Any]:
        """The patterns, and the levels of columns of levels."""
        levels = {name: list(known) for name, known in self.levels.items()}
        return {"patterns": list(self.patterns), "levels": levels}

    @classmethod
    def from_dict(cls, rule: MissingPattern, data: Mapping[str, Any], schema: Schema) -> Self:
        """Read `to_dict`'s data. Raises ValueError, KeyError or TypeError when it is not that."""
        patterns = tuple(data["patterns"])
        sound = all(isinstance(p, str) and len(p) == len(rule.of) for p in patterns)
        if not sound or not patterns or set("".join(patterns)) - set("01"):
            raise ValueError("patterns are texts of 0 and 1, as long as the rule has columns")
        if len(set(patterns)) < len(patterns):
            raise ValueError("patterns differ from each other")
        levels = {str(name): read_levels(known) for name, known in data["levels"].items()}
        of_levels = {n for n in rule.of if schema[n].kind in ("categorical", "boolean")}
        if set(levels) != of_levels or any(known[-1:] != (None,) for known in levels.values()):
            raise ValueError("the levels are not the columns'")
        return cls(rule, patterns, levels, _column(rule, schema))

    def _grid(self) -> Grid:
        """The patterns, shape (n_patterns, n_columns)."""
        return np.array([[place == "1" for place in pattern] for pattern in self.patterns])

    def _nearest(self, missing: Grid) -> NDArray[np.int64]:
        """For each row, shape (n,), the pattern that differs least; of several, the commonest."""
        own, codes = distinct(missing)
        apart = (own[:, None, :] != self._grid()[None, :, :]).sum(axis=2)
        return np.asarray(apart.argmin(axis=1), dtype=np.int64)[codes]

    def _blanked(self, table: pd.DataFrame, missing: Grid) -> pd.DataFrame:
        columns = {
            name: put(table[name], missing[:, j], None)
            for j, name in enumerate(self.rule.of)
            if missing[:, j].any()
        }
        return with_columns(table, columns)


def _column(rule: MissingPattern, schema: Schema) -> Column:
    name = f"missing of {rule.of[0]} and {len(rule.of) - 1} more"
    while name in schema.names:
        name = f"({name})"
    return Column(name, "categorical", "object", None, "which values are missing together", MADE)


def _filled(
    table: pd.DataFrame, rule: MissingPattern, cells: Grid, rng: np.random.Generator
) -> pd.DataFrame:
    """Put values of other rows into `cells`, shape (n, n_columns of the rule).

    Cells of one row are filled from one row, where any holds them all: what such columns say of
    each other stays.
    """
    absent, columns = rule.missing(table), {name: table[name] for name in rule.of}
    sets, codes = distinct(cells)
    for code, chosen in enumerate(sets):
        places = np.flatnonzero(chosen)
        together = np.logical_not(absent[:, places].any(axis=1))
        state = int(rng.integers(2**63))
        for j in places.tolist():
            donors = together if together.any() else ~absent[:, j]
            same = np.random.default_rng(state)
            name = rule.of[j]
            columns[name] = draw_cells(columns[name], codes == code, donors, same)
    return with_columns(table, columns)
