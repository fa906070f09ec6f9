"""Does the engine find the nearest rows, as a plain loop over all pairs would?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tabveil.data.schema import infer_schema
from tabveil.errors import DataError
from tabveil.measure import distance as engine
from tabveil.measure.distance import nearest
from tabveil.measure.encode import DistanceEncoder, Encoded


def all_distances(queries: Encoded, table: Encoded) -> NDArray[np.float64]:
    """Shape (n_queries, n_table), by the definition."""
    squared = np.zeros((len(queries), len(table)))
    for j in range(len(queries.numeric)):
        squared += (queries.ranks[:, j, None] - table.ranks[:, j]) ** 2
        squared += 0.75 * (queries.missing[:, j, None] != table.missing[:, j])
    for j in range(len(queries.categorical)):
        squared += queries.codes[:, j, None] != table.codes[:, j]
    return np.sqrt(squared / queries.n_columns)


def random_rows(rng: np.random.Generator, n: int, n_levels: int = 5) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gaps": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "counts": rng.poisson(1, n),
            "level": rng.choice([*(f"l{i}" for i in range(n_levels)), None], n),
            "flag": rng.random(n) < 0.5,
        }
    )


def encode(*tables: pd.DataFrame) -> list[Encoded]:
    kinds = {"level": "categorical"} if "level" in tables[0] else None
    encoder = DistanceEncoder.fit(tables[0], infer_schema(tables[0], kinds=kinds))
    return [encoder.transform(table) for table in tables]


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 400), k=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_it_agrees_with_a_loop_over_all_pairs(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    _, queries, table = encode(
        random_rows(rng, 50), random_rows(rng, 20, n_levels=9), random_rows(rng, n, n_levels=7)
    )
    k = min(k, n)
    found = nearest(queries, table, k=k)
    expected = all_distances(queries, table)
    np.testing.assert_allclose(found.distance, np.sort(expected)[:, :k], atol=1e-12)
    np.testing.assert_allclose(
        np.take_along_axis(expected, found.index, axis=1), found.distance, atol=1e-12
    )


def test_copies_are_at_distance_zero_exactly() -> None:
    rng = np.random.default_rng(0)
    rows = random_rows(rng, 2000, n_levels=300)
    (encoded,) = encode(rows)
    assert (nearest(encoded, encoded).distance == 0).all()


def test_near_copies_are_ranked_right_where_float32_cannot_tell_them() -> None:
    rng = np.random.default_rng(0)
    reference = pd.DataFrame({"x": np.arange(2000) + 0.25, "y": np.arange(2000) % 7})
    queries = reference.iloc[1000:1050]
    close = [queries.assign(x=queries["x"] + gap) for gap in rng.permutation(200) * 1e-4 + 1e-4]
    _, left, right = encode(reference, queries, pd.concat([*close, reference.iloc[:500]]))
    found = nearest(left, right, k=3).distance
    np.testing.assert_allclose(found, np.sort(all_distances(left, right))[:, :3], rtol=1e-6)
    assert (found > 0).all()


def test_a_far_outlier_is_nearest_to_its_like() -> None:
    rng = np.random.default_rng(0)
    reference = pd.DataFrame({"x": rng.normal(size=500), "y": rng.normal(size=500)})
    far = pd.DataFrame({"x": [1e9, 2e9, 0.0], "y": [0.0, 0.0, 1.0]})
    _, queries, table = encode(reference, far, pd.concat([reference, far]))
    assert nearest(queries, table).index[:, 0].tolist() == [500, 501, 502]


def test_ten_thousand_levels_make_no_ten_thousand_columns() -> None:
    rng = np.random.default_rng(0)
    rows = [random_rows(rng, 4000, n_levels=10_000) for _ in range(2)]
    queries, table = encode(*rows)
    product = engine._Product.of(queries, table, engine.torch.float32, "cpu")
    assert product.left.shape[1] < 20
    some = queries.take(np.arange(50))
    np.testing.assert_allclose(
        nearest(some, table, k=2).distance, np.sort(all_distances(some, table))[:, :2], atol=1e-12
    )


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    queries, table = encode(random_rows(rng, 301, n_levels=200), random_rows(rng, 517))
    whole = nearest(queries, table, k=3).distance
    monkeypatch.setattr(engine, "_CHUNK_PAIRS", {"cpu": 2000, "cuda": 2000})
    np.testing.assert_array_equal(nearest(queries, table, k=3).distance, whole)


def test_a_view_is_as_far_as_a_table_of_those_columns() -> None:
    rng = np.random.default_rng(0)
    rows = [random_rows(rng, 100), random_rows(rng, 80)]
    names = ["gaps", "level"]
    queries, table = (encoded.view(names) for encoded in encode(*rows))
    alone = encode(*(table[names] for table in rows))
    np.testing.assert_array_equal(
        nearest(queries, table).distance, nearest(alone[0], alone[1]).distance
    )


@pytest.mark.parametrize("k", [0, 6])
def test_more_neighbours_than_rows_are_refused(k: int) -> None:
    (rows,) = encode(random_rows(np.random.default_rng(0), 5))
    with pytest.raises(DataError, match=f"k={k}"):
        nearest(rows, rows, k=k)


def test_tables_of_different_columns_are_refused() -> None:
    (rows,) = encode(random_rows(np.random.default_rng(0), 5))
    with pytest.raises(DataError, match="different columns"):
        nearest(rows, rows.view(["flag"]))
    with pytest.raises(DataError, match="no column"):
        nearest(rows.view([]), rows.view([]))
