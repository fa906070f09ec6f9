"""The two-sample classifier: 0.5 for fresh rows, 1 for rows that give themselves away."""

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import EvalInput
from tabveil.data.schema import Column, Schema
from tabveil.metrics.detection import Detection

SCHEMA = Schema((Column("x", "numeric", "float64"), Column("z", "categorical", "object")))


def table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=n), "z": rng.choice(["p", "q"], n)})


def scores(synthetic: pd.DataFrame, control: pd.DataFrame | None = None):
    control = table(400, 0) if control is None else control
    data = EvalInput(
        train=control,
        control=control,
        reference=control,
        synthetic=synthetic,
        schema=SCHEMA,
        seed=0,
    )
    return {score.name: score for score in Detection(n_trees=20).evaluate(data)}


def test_fresh_rows_are_not_told_apart():
    found = scores(table(800, 1))
    assert found["auc"].low < 0.5 < found["auc"].high
    assert found["indistinguishability"].value > 0.9


@pytest.mark.parametrize("giveaway", [{"x": 9.0}, {"z": "unheard of"}, {"z": None}, {"x": np.nan}])
def test_a_value_no_real_row_has_gives_all_away(giveaway):
    found = scores(table(400, 1).assign(**giveaway))
    assert found["auc"].value > 0.99
    assert found["indistinguishability"].value < 0.02


def test_the_null_stays_inside_the_interval_as_often_as_it_should():
    """Over 20 fresh tables at most 3 of the 95 % intervals may miss ½ (chance of more: 2 %)."""
    found = [scores(table(200, 2 * i), table(200, 2 * i + 1))["auc"] for i in range(20)]
    assert sum(not one.low <= 0.5 <= one.high for one in found) <= 3


def test_unequal_numbers_are_made_equal():
    assert abs(scores(table(4000, 1))["auc"].value - 0.5) < 0.1
