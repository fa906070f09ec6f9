"""Which rows does a measure look at, so that their order in the file cannot matter?

Measures that fold, subsample or break ties depend on the order of rows and columns. They take
their rows from here: cells in one form, columns sorted by name, rows sorted by a hash of what
they hold; only then does a seeded generator choose. Equal tables in any order give equal frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabveil.data.schema import Column, Schema
from tabveil.errors import DataError, EvaluationError
from tabveil.measure.cells import level_text, numbers
from tabveil.seeding import child_rng

MIN_ROWS = 20
"""Below this no measure here can tell a good table from a bad one."""


def canonical(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The modelled columns in one form and one order.

    Args:
        table: shape (n, n_columns); further columns are ignored.
        schema: kinds of the columns.

    Returns:
        A new frame, shape (n, n_modelled): columns sorted by name, rows by a hash of their
        content. Numeric and datetime columns are float64 (dates in microseconds), missing as
        NaN; the others hold texts, missing as None. A whole number, its float and a boolean of
        that value are the same text: one table may hold 1 where another holds 1.0 or True.

    Raises:
        DataError: a column is absent, holds infinities or what its kind cannot be.
    """
    columns = sorted(schema.modelled().columns, key=lambda column: column.name)
    absent = [column.name for column in columns if column.name not in table.columns]
    if absent:
        raise DataError(f"the table lacks the columns {absent}; the schema names them")
    frame = pd.DataFrame({c.name: _cells(table[c.name], c) for c in columns}, index=None)
    order = np.argsort(pd.util.hash_pandas_object(frame, index=False).to_numpy(), kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def draw_rows(table: pd.DataFrame, schema: Schema, n: int, *, seed: int, name: str) -> pd.DataFrame:
    """At most `n` rows of the canonical table, drawn without replacement.

    Args:
        table: as for `canonical`.
        schema: as for `canonical`.
        n: rows wanted; a smaller table is given whole.
        seed: of the draw.
        name: what the rows are for and what the table is called, such as "train"; part of the
            seed and of the error.

    Raises:
        DataError: as for `canonical`.
        EvaluationError: the table has fewer than `MIN_ROWS` rows.
    """
    if len(table) < MIN_ROWS:
        raise EvaluationError(
            f"{name} has {len(table)} rows; no measure can tell anything from fewer than "
            f"{MIN_ROWS}: give more rows, or larger shares under split"
        )
    rows = canonical(table, schema)
    if len(rows) <= n:
        return rows
    chosen = np.sort(child_rng(seed, "rows", name).choice(len(rows), n, replace=False))
    return rows.iloc[chosen].reset_index(drop=True)


def _cells(values: pd.Series[Any], column: Column) -> Any:
    if column.kind in ("numeric", "datetime"):
        return numbers(values, column)
    positions, levels = pd.factorize(values)
    texts = np.array(
        [*(level_text(level) for level in np.asarray(levels, dtype=object)), None], object
    )
    return texts[positions]
