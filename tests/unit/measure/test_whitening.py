"""Whitened principal components of mixed tables."""

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.measure.encode import DistanceEncoder, Encoded
from tabveil.measure.whitening import MAX_LEVELS, Whitening


def encoded(table: pd.DataFrame) -> Encoded:
    return DistanceEncoder.fit(table, infer_schema(table)).transform(table)


def people(n: int = 500, n_jobs: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "income": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "weight": rng.normal(size=n),
            "job": [f"j{i}" for i in rng.integers(0, n_jobs, n)],
            "town": rng.choice(["north", "south"], n),
        }
    )


def test_components_of_the_reference_are_uncorrelated_with_unit_variance():
    rows = encoded(people())
    components = Whitening.fit(rows, 5)(rows)
    assert np.cov(components, rowvar=False, ddof=0) == pytest.approx(np.eye(5), abs=1e-9)
    assert components.mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-9)


def test_there_are_no_more_components_than_directions():
    """Two numbers, one of them with gaps; five of six jobs; one of two towns."""
    rows = encoded(people())
    assert Whitening.fit(rows, 100)(rows).shape == (500, 3 + 5 + 1)


def test_a_table_of_one_row_over_and_over_has_no_component():
    rows = encoded(pd.concat([people(1)] * 50, ignore_index=True))
    assert Whitening.fit(rows, 5)(rows).shape == (50, 0)


def test_many_levels_are_cut_to_the_frequent_ones():
    rows = encoded(people(20_000, n_jobs=300).assign(weight=1.0))
    whitening = Whitening.fit(rows, 500)
    assert sum(len(known) for known in whitening.levels) <= MAX_LEVELS
    assert whitening(rows).shape[1] <= MAX_LEVELS + 2


def test_a_level_that_the_reference_lacks_is_like_no_known_one():
    table = people()
    encoder = DistanceEncoder.fit(table, infer_schema(table))
    whitening = Whitening.fit(encoder.transform(table), 5)
    first, second = (
        whitening(encoder.transform(table.assign(town=town))) for town in ("east", "west")
    )
    assert (first == second).all()
