"""Rows that are nearly somebody's: changed as lightly as those who disguise rows change them.

Such rows are planted in a table to see whether attacks recognise them; they protect nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabveil.data.schema import Column, Schema

NOISE = 0.02
"""Standard deviation of the noise, in that of the column."""
SHIFT = 0.01
"""What is added to every number of a column, likewise; one unit of its last place at least."""
ROUNDED = 0.1
"""A number is rounded to the greatest power of ten below this share of its standard deviation."""
DAYS = 3
"""Days by which dates are moved (standard deviation) or shifted."""


def moved(rows: pd.DataFrame, schema: Schema, rng: np.random.Generator) -> pd.DataFrame:
    """The rows with noise on every number and date; levels stay, and so do dtypes and decimals.

    Args:
        rows: shape (n, n_columns); not changed.
        schema: of `rows`; what it does not name stays.
        rng: draws the noise.
    """
    made = rows.copy()
    for column in _movable(rows, schema):
        noise = rng.standard_normal(len(rows))
        if column.kind == "datetime":
            made[column.name] += pd.to_timedelta(np.rint(DAYS * noise), unit="D")
            continue
        numbers = rows[column.name].to_numpy(dtype=float, na_value=np.nan)
        noisy = numbers + NOISE * _spread(numbers) * noise
        made[column.name] = _fitted(noisy, rows[column.name], column)
    return made


def disguised(rows: pd.DataFrame, schema: Schema, rng: np.random.Generator) -> pd.DataFrame:
    """The rows, each in one of three disguises drawn at random; arguments as for `moved`.

    Numbers rounded and dates put to the first of their month; a constant added to all numbers and
    dates; or one cell changed for that of another row.
    """
    ways = _with_a_cell_changed(rows, schema, rng), _rounded(rows, schema), _shifted(rows, schema)
    chosen = rng.integers(len(ways), size=len(rows))
    order = np.argsort(chosen, kind="stable")
    made: pd.DataFrame = pd.concat([way[chosen == i] for i, way in enumerate(ways)])
    return made.iloc[np.argsort(order)]


def _with_a_cell_changed(
    rows: pd.DataFrame, schema: Schema, rng: np.random.Generator
) -> pd.DataFrame:
    made = rows.copy()
    where = rng.integers(len(schema.names), size=len(rows))
    for i, name in enumerate(schema.names):
        others = rows[name].iloc[rng.permutation(len(rows))].set_axis(rows.index)
        made[name] = rows[name].where(where != i, others)
    return made


def _rounded(rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    made = rows.copy()
    for column in _movable(rows, schema):
        values = rows[column.name]
        if column.kind == "datetime":
            made[column.name] = values - pd.to_timedelta(values.dt.day - 1, unit="D")
            continue
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        step = 10.0 ** np.floor(np.log10(ROUNDED * _spread(numbers) or 1.0))
        made[column.name] = _fitted(np.rint(numbers / step) * step, values, column)
    return made


def _shifted(rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    made = rows.copy()
    for column in _movable(rows, schema):
        values = rows[column.name]
        if column.kind == "datetime":
            made[column.name] = values + pd.Timedelta(days=DAYS)
            continue
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        least = 0.0 if column.decimals is None else 10.0**-column.decimals
        shift = max(SHIFT * _spread(numbers), least)
        made[column.name] = _fitted(numbers + shift, values, column)
    return made


def _movable(rows: pd.DataFrame, schema: Schema) -> list[Column]:
    """Columns of numbers and dates, as far as they are stored as such."""
    return [
        column
        for column in schema.columns
        if (column.kind == "numeric" and pd.api.types.is_numeric_dtype(rows[column.name]))
        or (column.kind == "datetime" and pd.api.types.is_datetime64_any_dtype(rows[column.name]))
    ]


def _spread(numbers: Any) -> float:
    present = numbers[np.isfinite(numbers)]
    return float(present.std()) if len(present) else 0.0


def _fitted(numbers: Any, like: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Numbers within the range of `like`, with its decimals and its dtype."""
    numbers = numbers.clip(like.min(), like.max())
    if column.decimals is not None:
        numbers = np.round(numbers, column.decimals)
    if pd.api.types.is_integer_dtype(like.dtype):
        numbers = np.rint(numbers)
    return pd.Series(numbers, index=like.index).astype(like.dtype)
