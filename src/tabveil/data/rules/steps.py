"""What is done to the training table for a rule's sake, and how are sampled rows put right?

    redraw    training rows that hold what the model must not meet get another row's value
    restore   the rule's column is given the only value that it can have
    hide      what `restore` will give is taken out of training

`hide` takes a column away (`Lookup`, `Computed`), or fills the cells that the rule will set
(`Placed`). A restored table stays as it is when it is restored again, so a training table is made
to obey in the same way as a sampled one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from tabveil.data.frames import with_columns
from tabveil.data.levels import Level, find_levels, read_levels
from tabveil.data.rules.cells import draw_cells, put
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex
from tabveil.data.rules.relations import Derived
from tabveil.data.rules.when import date_end, is_level
from tabveil.data.schema import Column, Schema
from tabveil.seeding import child_rng


class Step(Protocol):
    """One rule's part in the change of a table. No table that is given is changed."""

    @property
    def rule(self) -> Rule:
        """The rule that it serves."""
        ...

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Replace what the model must not meet."""
        ...

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Make every row obey that can be made to; each row on its own."""
        ...

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Take what `restore` gives out of `hidden`; conditions are looked up in `whole`."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """What was learnt beside the rule, JSON-able."""
        ...


@dataclass(frozen=True)
class Computed:
    """A derived column is left out of training and computed from its terms."""

    rule: Derived

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to redraw."""
        del seed
        return table

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Compute the column."""
        return with_columns(table, {self.rule.column: self.rule.compute(table)})

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Leave the column out."""
        del whole, seed
        return hidden.drop(columns=self.rule.column)

    def to_dict(self) -> dict[str, Any]:
        """Nothing was learnt."""
        return {}


@dataclass(frozen=True)
class Placed:
    """A level is set where its condition holds, and the model learns the other rows' values.

    In training the cells that will be set hold values of the other rows. Columns that share a
    condition take them from the same rows, so that what these columns say of each other stays.

    Attributes:
        levels: of a column of levels: those that enough training rows hold, and the rule's.
    """

    rule: LevelWhen
    levels: tuple[Level, ...]

    @classmethod
    def learn(cls, train: pd.DataFrame, rule: LevelWhen, schema: Schema, min_count: int) -> Self:
        """Note the column's levels."""
        if schema[rule.column].kind not in ("categorical", "boolean"):
            return cls(rule, ())
        known = find_levels(train[rule.column], min_count=max(1, min_count))
        if rule.level in known:
            return cls(rule, known)
        return cls(rule, (*known, None) if rule.level is None else (rule.level, *known))

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to redraw."""
        del seed
        return table

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Set the level."""
        name = self.rule.column
        placed = put(table[name], self.rule.when.holds(table), self.rule.level)
        return with_columns(table, {name: placed})

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Fill the cells that will be set, and those that hold the level against the rule."""
        values = hidden[self.rule.column]
        rows = self.rule.when.holds(whole)
        if self.rule.exactly:
            rows |= is_level(values, (self.rule.level,))
        rng = child_rng(seed, "placed", str(self.rule.when))
        return with_columns(hidden, {self.rule.column: draw_cells(values, rows, ~rows, rng)})

    def to_dict(self) -> dict[str, Any]:
        """The levels."""
        return {"levels": list(self.levels)}

    @classmethod
    def from_dict(cls, rule: LevelWhen, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises ValueError or KeyError when it is not that."""
        levels = read_levels(data["levels"])
        if levels and rule.level not in levels:
            raise ValueError("the rule's level is none of the column's")
        return cls(rule, levels)


@dataclass(frozen=True)
class Clipped:
    """A sampled value beyond a range becomes the nearest that it allows: no row is lost."""

    rule: Range
    column: Column

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to redraw."""
        del seed
        return table

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Clip the column, to ends that its rounding can hold."""
        values = table[self.rule.column]
        low, high = self._end(self.rule.low, values, up=True), self._end(self.rule.high, values)
        for beyond, end in (("lt", low), ("gt", high)):
            if end is not None:
                rows = np.asarray(getattr(values, beyond)(end).fillna(False), dtype=bool)
                values = put(values, rows, end)
        return with_columns(table, {self.rule.column: values})

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to hide."""
        del whole, seed
        return hidden

    def to_dict(self) -> dict[str, Any]:
        """Nothing was learnt."""
        return {}

    def _end(self, end: float | str | None, values: pd.Series[Any], *, up: bool = False) -> Any:
        if end is None or isinstance(end, str):
            return None if end is None else date_end(end, values)
        if self.column.decimals is None:
            return end
        # 0.1 * 10 is no whole number of steps: a step is allowed a billionth of itself.
        steps = end * 10.0**self.column.decimals
        steps = np.ceil(steps - 1e-9) if up else np.floor(steps + 1e-9)
        rounded = float(np.round(steps / 10.0**self.column.decimals, self.column.decimals))
        return int(rounded) if self.column.decimals == 0 else rounded


@dataclass(frozen=True)
class Matching:
    """The model never meets a text that does not match, so it makes none."""

    rule: Regex

    def redraw(self, table: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Give rows whose text does not match one that does."""
        name, fits = self.rule.column, self.rule.holds(table)
        rng = child_rng(seed, "matching", self.rule.name)
        return with_columns(table, {name: draw_cells(table[name], ~fits, fits, rng)})

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """Nothing to restore."""
        return table

    def hide(self, hidden: pd.DataFrame, whole: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Nothing to hide."""
        del whole, seed
        return hidden

    def to_dict(self) -> dict[str, Any]:
        """Nothing was learnt."""
        return {}
