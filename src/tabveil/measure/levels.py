"""Which targets hold exactly the same value of a column as a row of another table?

Distances forgive small differences, and classes of values hide them. What was passed on as it
stood shows at exact equality alone: each column's values are numbered, those of the targets
first, and everything that no target holds shares one number more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tabveil.measure.encode import Encoded

_MISSING = np.iinfo(np.int64).min
"""The bits of -0.0, which no encoded number is."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Levels:
    """The values that targets hold, by column: the only ones that any table is asked for.

    Attributes:
        known: per column, keys of the values of the targets, ascending. Numeric columns first,
            then categorical ones, each sorted by name, as in `Encoded`.
        of_targets: shape (n_columns, n_targets), position of each target's value in `known`.
    """

    known: tuple[Numbers, ...]
    of_targets: Numbers

    @classmethod
    def of(cls, targets: Encoded) -> Levels:
        """Number the values of the targets."""
        known, places = [], []
        for column in _keys(targets):
            values, place = np.unique(column, return_inverse=True)
            known.append(values)
            places.append(place)
        return cls(tuple(known), np.array(places, dtype=np.int64))

    def of_table(self, table: Encoded) -> Numbers:
        """The same numbers for another table of the same encoder; `len(known)` for the rest.

        Returns:
            Shape (n_columns, n_rows). Missing equals missing.
        """
        places = []
        for column, known in zip(_keys(table), self.known, strict=True):
            place = np.searchsorted(known, column).clip(max=len(known) - 1)
            places.append(np.where(known[place] == column, place, len(known)))
        return np.array(places, dtype=np.int64)

    def counts(self, table: Numbers) -> Numbers:
        """How many rows of a table share each target's value; shape (n_columns, n_targets).

        Args:
            table: as `of_table` gives it.
        """
        pairs = zip(self.of_targets, table, self.known, strict=True)
        counted = [np.bincount(held, minlength=len(k) + 1)[mine] for mine, held, k in pairs]
        return np.array(counted, dtype=np.int64)


def _keys(rows: Encoded) -> Numbers:
    """A number for each cell, equal where values are; shape (n_columns, n)."""
    bits = np.ascontiguousarray(rows.ranks.T + 0.0).view(np.int64)
    return np.concatenate([np.where(rows.missing.T, _MISSING, bits), rows.codes.T])
