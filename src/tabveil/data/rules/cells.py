"""How are single cells of a column replaced without a change of its dtype?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabveil.data.levels import Level
from tabveil.data.rules.when import Mask


def put(values: pd.Series[Any], rows: Mask, level: Level) -> pd.Series[Any]:
    """A copy of a column with `level` at `rows`; None is missing."""
    copy, places = values.copy(), np.flatnonzero(rows)
    is_categorical = isinstance(copy.dtype, pd.CategoricalDtype)
    if is_categorical and level is not None and level not in copy.cat.categories:
        # Even without rows: frames drawn one by one join only with equal categories.
        copy = copy.cat.add_categories([level])
    if not len(places):
        return copy
    if level is None and isinstance(copy.dtype, np.dtype) and copy.dtype.kind in "biu":
        copy = copy.astype(object if copy.dtype.kind == "b" else float)
    copy.iloc[places] = np.nan if level is None and copy.dtype == object else level
    return copy


def draw_cells(
    values: pd.Series[Any], rows: Mask, donors: Mask, rng: np.random.Generator
) -> pd.Series[Any]:
    """A copy of a column where each of `rows` holds the value of one of `donors`, drawn evenly.

    Columns with equal `rows` and `donors`, drawn with equal generators, take from the same rows,
    so that what they say about each other stays. Without donors nothing changes.
    """
    copy, given = values.copy(), np.flatnonzero(donors)
    if len(given) and rows.any():
        drawn = given[rng.integers(len(given), size=int(rows.sum()))]
        copy.iloc[np.flatnonzero(rows)] = values.iloc[drawn].array
    return copy
