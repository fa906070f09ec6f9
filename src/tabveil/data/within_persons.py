"""Which columns stay the same within persons, which rise, and how alike are a person's rows?

Only tables' columns are looked at; `data/persons.py` keeps what is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.schema import Schema

_GRID = 20
"""Likenesses are rounded to so many parts of one."""

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def as_floats(values: pd.Series[Any]) -> Floats:
    """Numbers, or dates as seconds after the first of them; NaN where missing."""
    if pd.api.types.is_datetime64_any_dtype(values):
        values = (values - values.min()).dt.total_seconds()
    return np.asarray(pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan))


def as_codes(values: pd.Series[Any]) -> Codes:
    """Levels numbered from 1; 0 where missing."""
    return np.asarray(pd.factorize(values)[0] + 1, dtype=np.intp)


@dataclass(frozen=True)
class Within:
    """The rows of the persons that have several.

    Attributes:
        rows: those of one person together.
        whose: numbers of the persons, ascending, shape (n,).
        schema: of the rows.
        tolerance: share of the persons that may be exceptions.
    """

    rows: pd.DataFrame
    whose: Codes
    schema: Schema
    tolerance: float

    def is_constant(self, name: str) -> bool:
        """Whether the column is the person's."""
        codes = as_codes(self.rows[name])
        return self._is_rare(codes[1:] != codes[:-1])

    def order(self, varying: Sequence[str]) -> tuple[str | None, bool]:
        """The column that a person's rows are sorted by, and whether its values differ in each.

        Dates come first, then whole numbers that differ; of several the one of fewest values: a
        year rather than a sum of money.
        """
        found = []
        for name in varying:
            column = self.schema[name]
            if column.kind not in ("datetime", "numeric"):
                continue
            values = as_floats(self.rows[name])
            missing = np.isnan(values)
            distinct = not missing.any() and self._is_rare(np.diff(self._rise(values)) == 0)
            is_date = column.kind == "datetime" and missing.mean() <= self.tolerance
            if is_date or (distinct and column.decimals == 0):
                found.append((not is_date, not distinct, len(np.unique(values)), name))
        return (min(found)[3], not min(found)[1]) if found else (None, False)

    def rising(self, order: str, varying: Sequence[str]) -> tuple[str, ...]:
        """The other numbers and dates that never fall in that order."""
        numbers = [n for n in self.schema.of_kind("numeric", "datetime") if n in varying]
        by = np.lexsort((as_floats(self.rows[order]), self.whose))
        found = []
        for name in numbers:
            values = as_floats(self.rows[name])[by]
            if name != order and not np.isnan(values).any() and self._is_rare(np.diff(values) < 0):
                found.append(name)
        return tuple(found)

    def likeness(self, name: str) -> float:
        """How alike a person's rows are, in [0, 1]; 0: as rows of two persons."""
        values = self.rows[name]
        if self.schema[name].kind in ("numeric", "datetime"):
            share = _intraclass(as_floats(values), self.whose)
        else:
            share = _agreement(as_codes(values), self.whose)
        return float(np.clip(np.round(share * _GRID) / _GRID, 0, 1))

    def _rise(self, values: Floats) -> Floats:
        return values[np.lexsort((values, self.whose))]

    def _is_rare(self, between: NDArray[np.bool_]) -> bool:
        """Whether few persons have what is found between a row and the next, shape (n - 1,)."""
        inside = self.whose[1:] == self.whose[:-1]
        met = np.unique(self.whose[1:][inside & between])
        return len(met) <= self.tolerance * len(np.unique(self.whose))


def _intraclass(values: Floats, whose: Codes) -> float:
    """Intraclass correlation of ranks: the share of variance that lies between persons."""
    present = ~np.isnan(values)
    ranks = pd.Series(values[present]).rank().to_numpy()
    groups = pd.Series(ranks).groupby(whose[present])
    sizes, sums = groups.size().to_numpy(), groups.var(ddof=1).to_numpy()
    several = sizes > 1
    total = ranks.var(ddof=1) if len(ranks) > 1 else 0.0
    if not several.any() or total == 0:
        return 0.0
    within = np.average(sums[several], weights=sizes[several] - 1)
    return float(1 - within / total)


def _agreement(codes: Codes, whose: Codes) -> float:
    """How much oftener two rows of a person agree than two rows of anybody, as kappa counts."""
    pairs = pd.DataFrame({"whose": whose, "code": codes}).value_counts()
    sizes = np.bincount(whose)
    same = float((pairs * (pairs - 1)).sum()) / float((sizes * (sizes - 1)).sum())
    chance = float(((np.bincount(codes) / len(codes)) ** 2).sum())
    return (same - chance) / (1 - chance) if chance < 1 else 0.0
