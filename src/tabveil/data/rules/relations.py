"""What may one column say about another: an order, a lookup, a computation?

Each rule names itself, knows its columns, and tells of each row of a table whether it obeys.
`tolerance` is the share of training rows that may break it; sampled rows never do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.rules.when import Mask, missing_in

Operation = Literal["sum", "difference", "product", "ratio"]
OPERATIONS: tuple[str, ...] = get_args(Operation)
_SIGNS = {"sum": " + ", "difference": " - ", "product": " * ", "ratio": " / "}


@dataclass(frozen=True)
class Inequality:
    """`low` is at most `high` (below it, if `strict`): two numbers or two dates.

    Rows where either is missing obey.
    """

    low: str
    high: str
    strict: bool = False
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{self.low} {'<' if self.strict else '<='} {self.high}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return (self.low, self.high)

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows obey, shape (n,)."""
        low, high = table[self.low], table[self.high]
        broken = low >= high if self.strict else low > high
        return ~np.asarray(broken.fillna(False), dtype=bool)


@dataclass(frozen=True)
class FixedCombination:
    """Each level of `determining` goes with one value of `determined`; missing is a level, too.

    With `one_to_one`, each value of `determined` goes with one level of `determining` as well.
    """

    determining: str
    determined: str
    one_to_one: bool = False
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{self.determining} {'<->' if self.one_to_one else '->'} {self.determined}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return (self.determining, self.determined)

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows hold their level's commonest value, shape (n,)."""
        a, b = (level_codes(table[name]) for name in self.columns)
        rows = np.asarray(b == commonest(a, b)[a], dtype=bool)
        return rows & (a == commonest(b, a)[b]) if self.one_to_one else rows


@dataclass(frozen=True)
class Derived:
    """`column` is the sum, difference, product or ratio of the numbers `of`, rounded.

    It is missing exactly where a term is, or where a ratio divides by zero. A sum of one term is
    a copy of it.

    Attributes:
        decimals: places that the column is rounded to; None: those of the schema.
    """

    column: str
    operation: Operation
    of: tuple[str, ...]
    decimals: int | None = None
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{self.column} = {_SIGNS[self.operation].join(self.of)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return (self.column, *self.of)

    def compute(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """The column's values from its terms, shape (n,); NaN where there is none."""
        first, *rest = (numbers(table[name]) for name in self.of)
        values = first.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            for term in rest:
                values = self._with(values, term)
            values[~np.isfinite(values)] = np.nan
            if self.decimals is None:
                return values
            rounded = values.round(self.decimals)
        # Rounding multiplies: so large a number has no decimals.
        return np.asarray(np.where(np.isinf(rounded), values, rounded), dtype=np.float64)

    def _with(self, values: NDArray[np.float64], term: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.operation == "sum":
            return values + term
        if self.operation == "difference":
            return values - term
        if self.operation == "product":
            return values * term
        quotients = np.full(len(values), np.nan)
        np.divide(values, term, out=quotients, where=term != 0)
        return quotients

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows obey within half a unit of the last decimal, shape (n,)."""
        given, computed = numbers(table[self.column]), self.compute(table)
        no_number = missing_in(table[self.column])
        unit = 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals
        # Floats of 32 bits hold seven digits.
        relative = 1e-6 if table[self.column].dtype == np.float32 else 1e-9
        slack = unit * (1 + 1e-6) + relative * np.abs(computed)
        return np.where(np.isnan(computed), no_number, np.abs(given - computed) <= slack)


def numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    """Numbers or truth values as floats, shape (n,); NaN where missing."""
    floats = pd.to_numeric(values).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(floats, dtype=np.float64)


def level_codes(values: pd.Series[Any]) -> NDArray[np.int64]:
    """A number from 0 on for each distinct value, missing ones sharing the last, shape (n,)."""
    codes, distinct = pd.factorize(values, sort=True)
    return np.where(codes < 0, len(distinct), codes).astype(np.int64)


def commonest(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each code of `a`, the code of `b` that goes with it most often, the lowest of equals.

    >>> commonest(np.array([0, 0, 0, 1]), np.array([2, 1, 1, 0]))
    array([1, 0])
    """
    base = int(b.max(initial=0)) + 1
    pairs, counts = np.unique(a * base + b, return_counts=True)
    order = np.lexsort((pairs, -counts, pairs // base))
    first = np.unique(pairs[order] // base, return_index=True)
    found = np.zeros(int(a.max(initial=-1)) + 1, dtype=np.int64)
    found[first[0]] = pairs[order][first[1]] % base
    return found
