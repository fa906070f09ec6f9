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
_EXACT = 2**53
"""Whole numbers up to here are exact as floats."""
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
            made[column.name] = _on_other_days(rows[column.name], np.rint(DAYS * noise))
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
            made[column.name] = _on_other_days(values, 1 - values.dt.day.fillna(1).to_numpy())
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
            made[column.name] = _on_other_days(values, np.full(len(rows), DAYS))
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
    """Numbers within the range of `like`, with its decimals and its dtype; too long ones stay."""
    known = like.to_numpy(dtype=float, na_value=np.nan)
    is_whole = pd.api.types.is_integer_dtype(like.dtype)
    if np.isnan(known).all() or (is_whole and np.nanmax(np.abs(known)) > _EXACT):
        return like
    numbers = numbers.clip(np.nanmin(known), np.nanmax(known))
    if column.decimals is not None:
        numbers = np.round(numbers, column.decimals)
    if is_whole:
        numbers = np.rint(numbers)
    return pd.Series(numbers, index=like.index).astype(like.dtype)


def _on_other_days(dates: pd.Series[Any], days: Any) -> pd.Series[Any]:
    """Dates moved by so many days, to the second, within their own range and with their dtype.

    In seconds, since a nanosecond's range ends in 2262 and tables hold 9999-12-31.
    """
    seconds = dates.dt.as_unit("s")
    there = seconds + np.asarray(days).astype("m8[D]").astype("m8[s]")
    kept: pd.Series[Any] = there.clip(seconds.min(), seconds.max()).astype(dates.dtype)
    return kept
