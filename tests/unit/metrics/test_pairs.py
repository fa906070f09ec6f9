"""Association on common bins: known answers first."""

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import EvalInput
from tabveil.data.schema import Column, Schema
from tabveil.errors import EvaluationError
from tabveil.metrics.pairs import Pairs

SCHEMA = Schema(
    (
        Column("x", "numeric", "float64"),
        Column("y", "numeric", "float64"),
        Column("kind", "categorical", "object"),
    )
)


def real(n: int, seed: int, *, sign: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = sign * x + rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": y, "kind": np.where(x + rng.normal(size=n) > 0, "a", "b")})


def independent(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed + 100)
    return real(n, seed).apply(lambda column: rng.permutation(column.to_numpy()))


def scores(synthetic: pd.DataFrame, control: pd.DataFrame, schema: Schema = SCHEMA):
    data = EvalInput(
        train=control,
        control=control,
        reference=control,
        synthetic=synthetic,
        schema=schema,
        seed=0,
    )
    return {score.name: score.value for score in Pairs().evaluate(data)}


def test_the_same_rows_score_one():
    assert scores(real(500, 0), real(500, 0)) == {"association": 1.0, "tv": 1.0}


@pytest.mark.parametrize(("n", "tolerance"), [(300, 0.15), (1000, 0.1), (5000, 0.05)])
def test_fresh_rows_score_near_one_and_independent_columns_near_zero(n, tolerance):
    """However few the rows: what sampling alone gives is taken off."""
    fresh = [scores(real(n, i), real(n, 50 + i))["association"] for i in range(10)]
    shuffled = [scores(independent(n, i), real(n, 50 + i))["association"] for i in range(10)]
    assert np.mean(fresh) > 1 - tolerance
    assert np.mean(shuffled) < tolerance


def test_a_reversed_relation_is_worth_nothing():
    names = ["x", "y"]
    schema = Schema(SCHEMA.columns[:2])
    turned = scores(real(2000, 1, sign=-1.0)[names], real(2000, 0)[names], schema)
    assert turned["association"] == 0


def test_half_of_the_rows_shuffled_keep_a_quarter_of_the_squared_error():
    """Dependence shrinks by ½ in every cell, so its squared error is ¼: association ¾."""
    mixed = pd.concat([real(10_000, 1), independent(10_000, 2)])
    assert scores(mixed, real(20_000, 0))["association"] == pytest.approx(0.75, abs=0.02)


def test_relations_that_are_not_there_are_errors():
    assert scores(real(2000, 1), independent(2000, 0))["association"] < 0.1


def test_one_outlier_does_not_move_the_bins():
    with_outlier = real(1000, 1)
    with_outlier.loc[0, "x"] = 1e12
    plain, moved = (scores(table, real(1000, 0)) for table in (real(1000, 1), with_outlier))
    assert moved["tv"] == pytest.approx(plain["tv"], abs=0.005)
    assert moved["association"] == pytest.approx(plain["association"], abs=0.01)


def test_what_is_missing_together_is_a_relation():
    def with_gaps(seed: int, *, together: bool) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        table = independent(2000, seed)
        gap = rng.random(2000) < 0.3
        table.loc[gap, "x"] = np.nan
        table.loc[gap if together else rng.permutation(gap), "y"] = np.nan
        return table

    control = with_gaps(0, together=True)
    assert scores(with_gaps(1, together=True), control)["association"] > 0.9
    assert scores(with_gaps(2, together=False), control)["association"] < 0.1


def test_total_variation_by_hand():
    """Joint tables (½, 0, 0, ½) and (¼, ¼, ¼, ¼) are half apart."""
    control = pd.DataFrame({"p": ["a", "b"] * 50, "q": ["c", "d"] * 50})
    synthetic = pd.DataFrame({"p": ["a", "b"] * 50, "q": ["c", "c", "d", "d"] * 25})
    schema = Schema((Column("p", "categorical", "object"), Column("q", "categorical", "object")))
    found = scores(synthetic, control, schema)
    assert found["tv"] == 0.5
    assert found["association"] < 0.01


def test_a_single_column_has_no_pairs():
    assert Pairs.applies(SCHEMA)
    single = Schema(SCHEMA.columns[:1])
    assert not Pairs.applies(single)
    with pytest.raises(EvaluationError, match="two columns"):
        scores(real(100, 1), real(100, 0), single)
