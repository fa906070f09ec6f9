"""How are columns of a table set, whatever their names are?

`DataFrame.assign` takes names as keyword arguments, among which `self` is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def with_columns(table: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """A table with these columns set or, where it has none of that name, added at its end.

    Args:
        table: shape (n, n_columns); not changed.
        columns: name -> n values, or a series of the table's index.
    """
    changed = table.copy(deep=False)
    added = {}
    for name, values in columns.items():
        if name in changed.columns:
            changed[name] = values
        else:
            added[name] = values
    if not added:
        return changed
    # All at once: pandas warns of a frame that a hundred insertions have cut to pieces.
    return pd.concat([changed, pd.DataFrame(added, index=table.index)], axis=1)
