"""How do boosted trees read a mixed table, and what do they predict?

One matrix per table under one common coding: numbers as they are, levels as whole numbers that
mean the same in every table, missing as NaN. Trees need no scaling. Everything here is
deterministic: no early stopping (it would hold rows out at random), no sampling of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.measure.encode import MISSING_CODE, Encoded

_MAX_LEVELS = 254
"""scikit-learn's histogram trees hold 255 bins; one is left for all rarer levels."""


@dataclass(frozen=True)
class Features:
    """Matrices of several tables in one coding.

    Attributes:
        matrices: one per table, shape (n_rows, n_columns), float64, NaN where missing.
        categorical: shape (n_columns,), bool: the columns that hold codes.
    """

    matrices: tuple[NDArray[np.float64], ...]
    categorical: NDArray[np.bool_]


def encode(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> Features:
    """Code tables in canonical form (`rows.canonical`) for histogram gradient boosting.

    Args:
        tables: canonical tables that share `columns`.
        columns: the columns to take, in this order.

    Returns:
        The matrices. Levels are numbered by how often they occur in all the tables together;
        from the 255th on they share a number.
    """
    coded = [_encode_column([table[name] for table in tables]) for name in columns]
    matrices = tuple(
        np.column_stack([parts[i] for parts in coded]) if coded else np.zeros((len(table), 0))
        for i, table in enumerate(tables)
    )
    is_levels = [tables[0][name].dtype == object for name in columns]
    return Features(matrices, np.array(is_levels, dtype=bool))


def from_encoded(tables: Sequence[Encoded]) -> Features:
    """Code tables that are encoded for distances already; trees ask only for the order of ranks.

    Args:
        tables: of one encoder.

    Returns:
        The matrices, numeric columns first: ranks, and levels numbered as by `encode`.
    """
    parts = [[np.where(table.missing, np.nan, table.ranks)] for table in tables]
    for i in range(len(tables[0].categorical)):
        numbered = _number([table.codes[:, i] for table in tables])
        for part, column in zip(parts, numbered, strict=True):
            part.append(column[:, None])
    n_numeric, n_levels = len(tables[0].numeric), len(tables[0].categorical)
    return Features(
        tuple(np.hstack(part) for part in parts), np.arange(n_numeric + n_levels) >= n_numeric
    )


def _number(columns: Sequence[NDArray[np.int64]]) -> list[NDArray[np.float64]]:
    """Codes of any size as small numbers, the most frequent first; missing as NaN."""
    codes, where, counts = np.unique(
        np.concatenate(columns), return_inverse=True, return_counts=True
    )
    counts = np.where(codes == MISSING_CODE, 0, counts)
    number = np.empty(len(codes))
    number[np.argsort(-counts, kind="stable")] = np.arange(len(codes)).clip(max=_MAX_LEVELS)
    number[codes == MISSING_CODE] = np.nan
    return np.split(number[where], np.cumsum([len(column) for column in columns])[:-1])


def _encode_column(parts: Sequence[pd.Series[Any]]) -> list[NDArray[np.float64]]:
    if parts[0].dtype != object:
        return [part.to_numpy(dtype=np.float64) for part in parts]
    counts = pd.concat(parts).value_counts()
    ordered = sorted(counts.index, key=lambda level: (-counts[level], level))
    code = {level: min(i, _MAX_LEVELS) for i, level in enumerate(ordered)}
    return [part.map(code).to_numpy(dtype=np.float64) for part in parts]


def predict(
    train: NDArray[np.float64],
    answers: NDArray[np.int64] | NDArray[np.float64],
    test: NDArray[np.float64],
    *,
    categorical: NDArray[np.bool_],
    n_trees: int,
) -> NDArray[np.float64]:
    """Learn the answers from `train` with boosted trees and predict those of `test`.

    Args:
        train: shape (n_train, n_columns).
        answers: shape (n_train,): whole numbers are classes (two or more), floats are values.
        test: shape (n_test, n_columns).
        categorical: shape (n_columns,), as in `Features`.
        n_trees: boosting rounds.

    Returns:
        Of classes: shape (n_test, n_classes), chances in ascending order of the class. Of
        values: shape (n_test,).
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    blank = np.isnan(train).all(axis=0)  # scikit-learn 1.9 fails on a column without any value
    train, test = (np.where(blank, 0.0, matrix) for matrix in (train, test))
    settings: dict[str, Any] = {
        "max_iter": n_trees,
        "categorical_features": categorical,
        "early_stopping": False,
        "random_state": 0,
    }
    if answers.dtype.kind == "i":
        classifier = HistGradientBoostingClassifier(**settings).fit(train, answers)
        return np.asarray(classifier.predict_proba(test))
    regressor = HistGradientBoostingRegressor(**settings).fit(train, answers)
    return np.asarray(regressor.predict(test))
