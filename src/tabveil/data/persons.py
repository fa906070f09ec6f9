"""What does a table with several rows a person say of the person, and what of the row?

`PersonRule.learn` finds the columns that stay the same in all rows of a person, how many rows
persons have, by which column their rows are in order, and how much alike the rows of a person are
in every other column. `apply` adds a column with the number of the person's rows, for a model of
single rows to learn it with the rest.

What is stored is of many persons: numbers of rows in ranges of at least `min_count` persons each
(who has more rows than that many persons counts as having fewer), names of columns, and likenesses
to a twentieth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.frames import with_columns
from tabveil.data.schema import Column, Schema
from tabveil.data.within_persons import Within
from tabveil.errors import DataError

FORMAT = 1
TOLERANCE = 0.01
"""Share of persons in whom a column of the person may still vary: slips of the pen."""
_MOST_ROWS = 1_000_000
"""Of one person; beyond, an artifact was altered."""

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class PersonRule:
    """What is known of persons.

    Attributes:
        schema: of the table that is sampled.
        count: the name of the added column, in which `labels` stand.
        ranges: of the number of rows a person has, ends included, rising.
        constant: the columns of the person.
        order: the column that a person's rows are sorted by, if any.
        distinct: whether no two rows of a person share a value of `order`.
        rising: columns that never fall from one row of a person to the next.
        likeness: column → how alike a person's rows are in it, in (0, 1]; without those of the
            person, and those in which they are no more alike than rows of two persons.
    """

    schema: Schema
    count: str
    ranges: tuple[tuple[int, int], ...]
    constant: tuple[str, ...]
    order: str | None = None
    distinct: bool = False
    rising: tuple[str, ...] = ()
    likeness: tuple[tuple[str, float], ...] = ()

    @classmethod
    def learn(
        cls,
        train: pd.DataFrame,
        persons: Codes,
        schema: Schema,
        *,
        min_count: int = 5,
        tolerance: float = TOLERANCE,
    ) -> Self:
        """Learn from the training table.

        Args:
            train: shape (n_train, n_columns), the modelled columns.
            persons: whose each row is, shape (n_train,).
            schema: of `train`.
            min_count: persons that a range of row counts must hold, at least 1.
            tolerance: share of the persons with two rows or more that may be exceptions.

        Raises:
            DataError: fewer than `min_count` persons have two rows.
        """
        whose = np.unique(persons, return_inverse=True)[1]
        sizes = np.bincount(whose)
        if (sizes > 1).sum() < max(min_count, 1):
            raise DataError(
                f"dataset.sample_groups: fewer than {min_count} persons have several training "
                f"rows, so that there are no groups to learn; set it to false"
            )
        several = np.flatnonzero(sizes[whose] > 1)
        rows = train.iloc[several[np.argsort(whose[several], kind="stable")]]
        seen = Within(rows, np.sort(whose[several]), schema, tolerance)
        constant = tuple(name for name in schema.names if seen.is_constant(name))
        varying = [name for name in schema.names if name not in constant]
        order, distinct = seen.order(varying)
        rising = seen.rising(order, varying) if order else ()
        likeness = [(name, seen.likeness(name)) for name in varying]
        return cls(
            schema,
            _free_name(schema),
            _ranges(sizes, max(min_count, 1)),
            constant,
            order,
            distinct,
            rising,
            tuple((name, value) for name, value in likeness if value > 0),
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The levels of the added column, one a range."""
        return tuple(f"{a}" if a == b else f"{a} to {b}" for a, b in self.ranges)

    @property
    def most(self) -> int:
        """Rows of the largest person that is drawn."""
        return self.ranges[-1][1]

    @property
    def fixed(self) -> tuple[str, ...]:
        """The columns that a drawn person's rows are given, or put in order by."""
        return (*self.constant, *([self.order] if self.order else []), *self.rising)

    def apply(self, table: pd.DataFrame, persons: Codes) -> pd.DataFrame:
        """The table with the number of each row's person's rows; `table` is not changed."""
        whose = np.unique(persons, return_inverse=True)[1]
        sizes = np.bincount(whose, minlength=1)[whose] if len(whose) else whose
        lows = [low for low, _ in self.ranges]
        at = np.maximum(np.searchsorted(lows, sizes, side="right") - 1, 0)
        labels = np.array(self.labels, dtype=object)
        return with_columns(table, {self.count: labels[at]})

    def with_count(self, table: pd.DataFrame, label: str) -> pd.DataFrame:
        """The table as of persons with that many rows each."""
        return with_columns(table, {self.count: np.full(len(table), label, dtype=object)})

    def apply_schema(self) -> Schema:
        """The schema of what `apply` returns."""
        added = Column(self.count, "categorical", "object", reason="rows of the person")
        return replace(self.schema, columns=(*self.schema.columns, added))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives an equal rule back."""
        return {
            "format": FORMAT,
            "schema": json.loads(self.schema.to_json()),
            "count": self.count,
            "ranges": [list(ends) for ends in self.ranges],
            "constant": list(self.constant),
            "order": self.order,
            "distinct": self.distinct,
            "rising": list(self.rising),
            "likeness": dict(self.likeness),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError when it is not that."""
        try:
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']!r} is not known here")
            rule = cls(
                Schema.from_json(json.dumps(data["schema"])),
                _text(data["count"]),
                tuple((_whole(low), _whole(high)) for low, high in data["ranges"]),
                tuple(map(_text, data["constant"])),
                None if data["order"] is None else _text(data["order"]),
                data["distinct"] is True,
                tuple(map(_text, data["rising"])),
                tuple((_text(name), float(value)) for name, value in data["likeness"].items()),
            )
            rule._check()
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f"no rule of persons: {type(error).__name__}") from error
        return rule

    def _check(self) -> None:
        """Raise ValueError or DataError for what `learn` cannot have given."""
        ends = [end for ends in self.ranges for end in ends]
        lows = [low for low, _ in self.ranges]
        if not ends or ends != sorted(ends) or len(set(lows)) < len(lows):
            raise ValueError("ranges overlap")
        if any(a[1] >= b[0] for a, b in zip(self.ranges, self.ranges[1:], strict=False)):
            raise ValueError("ranges overlap")
        likeness = dict(self.likeness)
        varying = {*self.rising, *likeness, *([self.order] if self.order else [])}
        for names in (self.constant, self.rising):
            if len(set(names)) < len(names):
                raise ValueError("a column is named twice")
        if self.count in self.schema.names or varying & set(self.constant):
            raise ValueError("a column is of the person and of the row")
        for name in {*varying, *self.constant}:
            self.schema[name]
        numbers = self.schema.of_kind("numeric", "datetime")
        if {*self.rising, *([self.order] if self.order else [])} - {*numbers}:
            raise ValueError("only numbers and dates have an order")
        if not all(0 < value <= 1 for value in likeness.values()):
            raise ValueError("a likeness lies in (0, 1]")


def _ranges(sizes: Codes, min_count: int) -> tuple[tuple[int, int], ...]:
    """Ranges of a fixed grid that somebody is in, joined until each holds `min_count` persons."""
    most = int(np.sort(sizes)[-min(min_count, len(sizes))])
    sizes = np.minimum(sizes, most)
    grid, low = [], 1
    while low <= most:
        high = min(low + low // 10, most)  # one by one to ten, later in steps of a tenth
        grid.append((low, high))
        low = high + 1
    found: list[tuple[int, int]] = []
    for low, high in (ends for ends in reversed(grid) if _held(sizes, ends)):
        if found and _held(sizes, found[-1]) < min_count:
            found[-1] = (low, found[-1][1])
        else:
            found.append((low, high))
    if len(found) > 1 and _held(sizes, found[-1]) < min_count:
        low, _ = found.pop()
        found[-1] = (low, found[-1][1])
    return tuple(reversed(found))


def _held(sizes: Codes, ends: tuple[int, int]) -> int:
    return int(((sizes >= ends[0]) & (sizes <= ends[1])).sum())


def _free_name(schema: Schema) -> str:
    name = "rows_of_person"
    while name in schema.names:
        name += "_"
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_ROWS:
        raise ValueError("no number of rows")
    return value
