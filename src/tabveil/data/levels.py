"""Which levels does a column have, and which code is each?

A level is a text, a number or a truth value, as JSON knows them; `None` is the missing level and
always the last. Levels are sorted, so their order says nothing about the order of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.errors import DataError

Level = str | int | float | bool | None


def find_levels(values: pd.Series[Any], *, min_count: int = 1) -> tuple[Level, ...]:
    """The distinct levels of a column, sorted, the missing level last.

    Levels that fewer than `min_count` rows hold are left out. Where that would leave none, a text
    is taken for missing throughout, since any of its levels could be a name; of numbers and truth
    values one of the commonest stays. A table of fewer rows than that has nothing to hide among:
    its commonest levels stay.

    Raises DataError for values that are neither text, number nor truth value.
    """
    counts = values.dropna().astype(object).value_counts()
    n_missing = len(values) - int(counts.sum())
    most = max(n_missing, int(counts.max()) if len(counts) else 0)
    least = max(1, min(min_count, most))
    levels = [_native(level, str(values.name)) for level in counts.index[counts >= least]]
    ordered: list[Level] = sorted(levels, key=lambda level: (type(level).__name__, level))
    if n_missing >= least:
        ordered.append(None)
    if most >= min_count or len(values) < min_count:
        return tuple(ordered)
    return (None,) if isinstance(ordered[0], str) else (ordered[-1],)


def _native(level: Any, name: str) -> str | int | float | bool:
    native = level.item() if isinstance(level, np.generic) else level
    if not isinstance(native, str | int | float | bool):
        raise DataError(
            f"column {name!r} holds values of type {type(level).__name__}; "
            f"turn them into text, numbers or dates first"
        )
    return native


def codes_of(values: pd.Series[Any], levels: Sequence[Level]) -> NDArray[np.int64]:
    """The position in `levels` of each value, shape (n,). Raises DataError for an unknown one."""
    codes = positions_of(values, levels)
    n_unknown = int((codes < 0).sum())
    if n_unknown:
        raise DataError(
            f"column {values.name!r}: {n_unknown} of {len(values)} rows hold a level that was not "
            f"in the training table"
        )
    return codes


def positions_of(values: pd.Series[Any], levels: Sequence[Level]) -> NDArray[np.int64]:
    """The position in `levels` of each value, shape (n,); -1 for a level that is not there."""
    named = pd.Index([level for level in levels if level is not None], dtype=object)
    codes = np.asarray(named.get_indexer(pd.Index(values.astype(object))), dtype=np.int64)
    codes[values.isna().to_numpy()] = len(levels) - 1 if None in levels else -1
    return codes


def values_of(codes: NDArray[np.int64], levels: Sequence[Level], dtype: str) -> Any:
    """The levels at `codes`, shape (n,): an array of objects, or a categorical where `dtype` is.

    A categorical lists every level, so that frames drawn one by one join without a change of
    dtype.
    """
    named = np.array([np.nan if level is None else level for level in levels], dtype=object)
    values = named[codes]
    if dtype == "category":
        present = pd.Index([level for level in levels if level is not None])
        return pd.Categorical(values, categories=present)
    return values


def read_levels(data: Any) -> tuple[Level, ...]:
    """Levels from JSON. Raises ValueError for anything that `find_levels` could not give."""
    if not isinstance(data, list):
        raise ValueError("levels are a list")
    if not all(level is None or isinstance(level, str | int | float) for level in data):
        raise ValueError("a level is a text, a number, a truth value or null")
    if None in data[:-1] or len(set(data)) != len(data):
        raise ValueError("levels differ from each other, and the missing one stands last")
    return tuple(data)
