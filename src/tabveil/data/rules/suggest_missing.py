"""In which columns are values missing together, more often than chance would have it?

Columns are joined in the order of how much the one's gaps say of the other's, as long as the
patterns that enough rows hold leave next to no row out: rows of rarer patterns would be changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.rounding import SHARED_ROWS
from tabveil.data.rules.missing import MissingPattern, distinct
from tabveil.data.rules.thresholds import FEW_ROWS
from tabveil.data.rules.when import missing_in
from tabveil.data.schema import Schema

_DEPENDENT = 0.1
"""The least correlation of two columns' gaps: a smaller one changes a hundredth of a pattern."""
_CHANCE = 10.83
"""Of a chi-square with one degree of freedom, what chance exceeds once in a thousand pairs."""
_COVERED = 0.98
"""Of the rows: those that hold a pattern of enough rows."""
_ENOUGH = 2 * SHARED_ROWS
"""Rows of a pattern, so that a half of the table to learn from shows it to enough, too."""


def missing_patterns(
    table: pd.DataFrame, schema: Schema, given: Sequence[str] = ()
) -> tuple[MissingPattern, ...]:
    """The groups of columns whose gaps say something of each other.

    Args:
        table: shape (n, n_columns).
        schema: of `table`; identifiers and the group column are passed over.
        given: columns whose gaps another rule gives.
    """
    names = [name for name in schema.modelled().names if name not in given]
    masks = {name: missing_in(table[name]) for name in names}
    names = [n for n in names if FEW_ROWS <= masks[n].sum() <= len(table) - FEW_ROWS]
    if len(names) < 2:
        return ()
    missing = np.array([masks[name] for name in names]).T
    group = np.arange(len(names))
    for i, j in _dependent(missing):
        joined = (group == group[i]) | (group == group[j])
        if group[i] != group[j] and _covered(missing[:, joined]):
            group[joined] = group[i]
    members = (np.flatnonzero(group == one) for one in dict.fromkeys(group.tolist()))
    return tuple(MissingPattern(tuple(names[k] for k in own)) for own in members if len(own) > 1)


def _dependent(missing: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Pairs of columns whose gaps go together or apart, the most dependent first."""
    strength = np.abs(np.corrcoef(missing.T.astype(np.float64)))
    told = (strength >= _DEPENDENT) & (len(missing) * strength**2 >= _CHANCE)
    pairs = np.argwhere(np.triu(told, 1))
    for k in np.argsort(-strength[tuple(pairs.T)].round(9), kind="stable"):
        yield int(pairs[k][0]), int(pairs[k][1])


def _covered(missing: NDArray[np.bool_]) -> bool:
    counts = np.bincount(distinct(missing)[1])
    return bool(counts[counts >= _ENOUGH].sum() >= _COVERED * counts.sum())
