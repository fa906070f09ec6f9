"""Matrices for boosted trees: one coding for all tables."""

import numpy as np
import pandas as pd

from tabveil.data.schema import infer_schema
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.features import encode, from_encoded, predict


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


def test_tables_encoded_for_distances_read_as_the_canonical_ones_do():
    tables = [
        pd.DataFrame({"size": [1.0, np.nan, 5.0], "job": ["a", "b", None]}),
        pd.DataFrame({"size": [2.0, 9.0], "job": ["b", "new"]}),
    ]
    encoder = DistanceEncoder.fit(tables[0], infer_schema(tables[0], kinds={"size": "numeric"}))
    features = from_encoded([encoder.transform(table) for table in tables])
    assert features.categorical.tolist() == [False, True]
    first, second = features.matrices
    assert np.isnan(first[1, 0])
    assert np.isnan(first[2, 1])
    assert first[0, 0] < second[0, 0] < first[2, 0] < second[1, 0]
    assert first[1, 1] == second[0, 1] == 0  # the most frequent level
    assert len({first[0, 1], first[1, 1], second[1, 1]}) == 3


def test_encoded_levels_beyond_what_trees_can_hold_share_a_code():
    table = levels(*(f"level {i % 1000}" for i in range(2000)))
    encoder = DistanceEncoder.fit(table, infer_schema(table, kinds={"level": "categorical"}))
    assert from_encoded([encoder.transform(table)]).matrices[0].max() == 254
