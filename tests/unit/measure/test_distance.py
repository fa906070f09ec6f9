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
@settings(max_examples=60)
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


def test_near_copies_at_a_billionth_are_found_and_measured() -> None:
    """Float32 sees 1e-7 of a sum of squares at best; the distance is as exact as its columns."""
    rng = np.random.default_rng(0)
    rows = Encoded(
        numeric=("a", "b", "c"),
        categorical=("l",),
        ranks=rng.random((500, 3)),
        missing=np.zeros((500, 3), dtype=bool),
        values=np.zeros((500, 3)),
        codes=rng.integers(0, 3, (500, 1)),
    )
    for gap in (1e-9, 2e-9):
        others = rows.take(np.arange(500))
        others.ranks[:] += gap * rng.choice([-1, 1], (500, 3))
        crowd = rows.take(np.arange(500))
        crowd.ranks[:] += 1e-5 * rng.choice([-1, 1], (500, 3))
        both = Encoded(
            rows.numeric,
            rows.categorical,
            *(
                np.concatenate([getattr(part, name) for part in (crowd, others)])
                for name in ("ranks", "missing", "values", "codes")
            ),
        )
        found = nearest(rows, both)
        np.testing.assert_array_equal(found.index[:, 0], np.arange(500) + 500)
        np.testing.assert_allclose(found.distance[:, 0], gap * np.sqrt(3 / 4), rtol=1e-6)


def test_ten_thousand_levels_are_told_apart_without_ten_thousand_columns() -> None:
    rng = np.random.default_rng(0)
    rows = [random_rows(rng, 4000, n_levels=10_000) for _ in range(2)]
    queries, table = engine._with_small_codes(*encode(*rows))
    product = engine._Product.of(queries, table, engine.torch.float32, "cpu")
    assert product.left.shape[1] < 20
    some = queries.take(np.arange(50))
    np.testing.assert_allclose(
        nearest(some, table, k=2).distance, np.sort(all_distances(some, table))[:, :2], atol=1e-12
    )


@pytest.mark.parametrize("n_levels", [256, 257, 32_768, 32_769])
def test_codes_stay_apart_at_the_edge_of_their_bytes(n_levels: int) -> None:
    codes = np.arange(n_levels, dtype=np.int64)[:, None]
    nothing = np.empty((n_levels, 0))
    rows = Encoded((), ("l",), nothing, nothing.astype(bool), nothing, codes)
    some = rows.take(np.array([0, 1, n_levels // 2, n_levels - 1]))
    assert nearest(some, rows).index[:, 0].tolist() == some.codes[:, 0].tolist()


def test_more_unlike_columns_than_a_byte_counts_are_counted() -> None:
    rng = np.random.default_rng(0)
    n = 600
    codes = rng.integers(0, 50, (80, n)).astype(np.int64)
    nothing = np.empty((80, 0))
    names = tuple(f"c{i:03}" for i in range(n))
    rows = Encoded((), names, nothing, nothing.astype(bool), nothing, codes)
    queries = rows.take(np.arange(10))
    queries.codes[0] += 1000  # unlike in all of them
    found = nearest(queries, rows, k=3).distance
    np.testing.assert_allclose(found, np.sort(all_distances(queries, rows))[:, :3], atol=1e-12)
    assert found[0, 0] == 1


DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not engine.torch.cuda.is_available(), reason="there is no GPU"),
    ),
]


@pytest.mark.parametrize("device", DEVICES)
def test_every_device_agrees_with_a_loop_over_all_pairs(device: engine.Device) -> None:
    rng = np.random.default_rng(0)
    _, queries, table = encode(
        random_rows(rng, 50), random_rows(rng, 70), random_rows(rng, 3000, n_levels=400)
    )
    found = nearest(queries, table, k=5, device=device).distance
    np.testing.assert_allclose(found, np.sort(all_distances(queries, table))[:, :5], atol=1e-12)


def test_the_path_of_tensors_that_a_gpu_takes_is_right_on_a_cpu_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    queries, table = encode(random_rows(rng, 70), random_rows(rng, 300))
    plain = nearest(queries, table, k=3, device="cpu").distance
    in_bytes = engine._bytes
    monkeypatch.setattr(engine, "_on", lambda codes, _: engine.torch.as_tensor(codes))
    monkeypatch.setattr(engine, "_bytes", lambda n, _: engine.torch.as_tensor(in_bytes(n, "cpu")))
    np.testing.assert_array_equal(nearest(queries, table, k=3, device="cpu").distance, plain)


def test_threads_change_nothing() -> None:
    rng = np.random.default_rng(0)
    queries, table = encode(random_rows(rng, 301), random_rows(rng, 517))
    before = engine.torch.get_num_threads()
    try:
        engine.torch.set_num_threads(1)
        one = nearest(queries, table, k=3).distance
        engine.torch.set_num_threads(3)
        three = nearest(queries, table, k=3).distance
    finally:
        engine.torch.set_num_threads(before)
    np.testing.assert_array_equal(one, three)


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


def test_no_queries_have_no_neighbours() -> None:
    (rows,) = encode(random_rows(np.random.default_rng(0), 50))
    assert nearest(rows.take(np.arange(0)), rows, k=2).distance.shape == (0, 2)


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
