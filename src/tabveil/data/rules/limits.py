"""What may a column hold on its own: a range, a pattern, no value twice?"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tabveil.data.rules.when import Mask, between, missing_in, range_text


@dataclass(frozen=True)
class Range:
    """`column` lies from `low` to `high`, ends included; missing values obey.

    Attributes:
        low, high: numbers, or dates as ISO text; None: open.
        tolerance: share of training rows that may break the rule; sampled rows never do.
    """

    column: str
    low: float | str | None = None
    high: float | str | None = None
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{self.column} {range_text(self.low, self.high)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return (self.column,)

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows obey, shape (n,)."""
        return between(table[self.column], self.low, self.high)


@dataclass(frozen=True)
class Regex:
    """Every text of `column` matches `pattern` from end to end; missing values obey."""

    column: str
    pattern: str
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{self.column} matches {self.pattern!r}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return (self.column,)

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows obey, shape (n,)."""
        codes, texts = pd.factorize(table[self.column])
        fits = [re.fullmatch(self.pattern, str(text)) is not None for text in texts]
        return np.array([*fits, True], dtype=bool)[codes]  # code -1, the last: missing


@dataclass(frozen=True)
class Unique:
    """No two rows hold the same values in all of `of`; rows with a missing one obey."""

    of: tuple[str, ...]
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{' and '.join(self.of)} unique"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return self.of

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows obey, shape (n,): of rows that are the same, the first."""
        first: Mask = ~table.duplicated(list(self.of)).to_numpy(dtype=bool)
        for name in self.of:
            first |= missing_in(table[name])
        return first
