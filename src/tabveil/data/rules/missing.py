"""In which columns are values missing together?

A rule about the table, not about any row: which of its columns are missing in the same rows, and
how often, is learnt as one thing (see `patterned`). Every row obeys it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.rules.when import Mask, missing_in


@dataclass(frozen=True)
class MissingPattern:
    """The columns `of`, two at least, are missing together as the table's are."""

    of: tuple[str, ...]
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"{' and '.join(self.of)} missing together"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return self.of

    def holds(self, table: pd.DataFrame) -> Mask:
        """Every row obeys, shape (n,)."""
        return np.ones(len(table), dtype=bool)

    def missing(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Which values of the columns are missing, shape (n, n_columns of the rule)."""
        masks = [missing_in(table[name]) for name in self.of]
        return np.array(masks, dtype=bool).reshape(len(self.of), len(table)).T


def pattern_text(missing: NDArray[np.bool_]) -> str:
    """A pattern as a level: 1 where a value is missing.

    >>> pattern_text(np.array([True, False, True]))
    '101'
    """
    return "".join("01"[int(one)] for one in missing)


def distinct(missing: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """The patterns that occur, shape (n_patterns, n_columns), and each row's, shape (n,)."""
    packed = np.ascontiguousarray(np.packbits(missing, axis=1))
    keys = packed.view([("", packed.dtype)] * packed.shape[1]).ravel()
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    return missing[first], codes.ravel().astype(np.int64)
