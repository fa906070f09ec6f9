"""Matrices for boosted trees: one coding for all tables."""

import numpy as np
import pandas as pd

from tabveil.measure.features import encode, predict


def levels(*values: str | None) -> pd.DataFrame:
    return pd.DataFrame({"level": pd.Series(values, dtype=object)})


def test_a_level_has_the_same_code_in_every_table():
    first, second = encode([levels("a", "b", "b"), levels("c", "a", None)], ["level"]).matrices
    assert first[0, 0] == second[1, 0]
    assert len({first[0, 0], first[1, 0], second[0, 0]}) == 3
    assert np.isnan(second[2, 0])


def test_levels_beyond_what_trees_can_hold_share_a_code():
    many = levels(*(f"level {i}" for i in range(1000)))
    features = encode([many], ["level"])
    assert features.matrices[0].max() == 254
    answers = np.arange(1000) % 2
    chances = predict(
        features.matrices[0],
        answers,
        features.matrices[0],
        categorical=features.categorical,
        n_trees=2,
    )
    assert chances.shape == (1000, 2)


def test_a_column_without_any_value_is_no_obstacle():
    matrix = np.column_stack([np.full(100, np.nan), np.arange(100.0)])
    answers = (np.arange(100) >= 50).astype(np.int64)
    for categorical in ([False, False], [True, False]):
        chances = predict(matrix, answers, matrix, categorical=np.array(categorical), n_trees=20)
        assert ((chances[:, 1] > 0.5) == answers).all()
