"""Rows that are nearly somebody's: changed as lightly as those who disguise rows change them.

Such rows are planted in a table to see whether attacks recognise them; they protect nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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

Floats = NDArray[np.float64]


def moved(rows: pd.DataFrame, schema: Schema, rng: np.random.Generator) -> pd.DataFrame:
    """The rows with noise on every number and date; levels stay, and so do dtypes and decimals.

    Args:
        rows: shape (n, n_columns); not changed.
        schema: of `rows`; what it does not name stays.
        rng: draws the noise.
    """

    def noise() -> Floats:
        return rng.standard_normal(len(rows))

    return _changed(
        rows,
        schema,
        numbers=lambda numbers, spread, _: numbers + NOISE * spread * noise(),
        days=lambda _: np.rint(DAYS * noise()),
    )


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
    def rounded(numbers: Floats, spread: float, _: Column) -> Floats:
        step = 10.0 ** np.floor(np.log10(ROUNDED * spread or 1.0))
        made: Floats = np.rint(numbers / step) * step
        return made

    return _changed(
        rows,
        schema,
        numbers=rounded,
        days=lambda dates: 1 - dates.dt.day.fillna(1).to_numpy(),
    )


def _shifted(rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    def shifted(numbers: Floats, spread: float, column: Column) -> Floats:
        least = 0.0 if column.decimals is None else 10.0**-column.decimals
        return numbers + max(SHIFT * spread, least)

    return _changed(rows, schema, numbers=shifted, days=lambda dates: np.full(len(dates), DAYS))


def _changed(
    rows: pd.DataFrame,
    schema: Schema,
    *,
    numbers: Callable[[Floats, float, Column], Floats],
    days: Callable[[pd.Series[Any]], Any],
) -> pd.DataFrame:
    """The rows with other numbers and dates, column by column.

    Args:
        rows: shape (n, n_columns).
        schema: of `rows`.
        numbers: of a column, from its numbers, shape (n,), and their standard deviation.
        days: by which the dates of a column move, shape (n,).
    """
    made = rows.copy()
    for column in _movable(rows, schema):
        values = rows[column.name]
        if column.kind == "datetime":
            made[column.name] = _on_other_days(values, days(values))
        else:
            known = values.to_numpy(dtype=float, na_value=np.nan)
            made[column.name] = _fitted(numbers(known, _spread(known), column), values, column)
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
