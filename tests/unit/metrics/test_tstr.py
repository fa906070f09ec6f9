"""Train on synthetic, test on real: what each kind of table teaches."""

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import EvalInput
from tabveil.data.schema import Column, Schema
from tabveil.errors import EvaluationError
from tabveil.metrics.tstr import Tstr

COLUMNS = (
    Column("x", "numeric", "float64"),
    Column("z", "categorical", "object"),
    Column("two", "categorical", "object"),
    Column("three", "categorical", "object"),
    Column("value", "numeric", "float64"),
)


def table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    noisy = x + 0.5 * rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "z": rng.choice(["p", "q"], n),
            "two": np.where(noisy > 0.8, "yes", "no"),
            "three": np.select([noisy > 0.7, noisy < -0.7], ["high", "low"], "middle"),
            "value": 3 * x + rng.normal(size=n),
        }
    )


def shuffled(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return table(600, seed).apply(lambda column: rng.permutation(column.to_numpy()))


def scores(synthetic: pd.DataFrame, target: str, **tables: pd.DataFrame) -> dict[str, float]:
    given = {"train": table(600, 0), "control": table(500, 1), "reference": table(20, 2)} | tables
    names = ("x", "z", target)
    schema = Schema(tuple(c for c in COLUMNS if c.name in names), target=target)
    data = EvalInput(**given, synthetic=synthetic, schema=schema, seed=0)
    return {score.name: score.value for score in Tstr(n_trees=20).evaluate(data)}


@pytest.mark.parametrize("target", ["two", "three", "value"])
def test_fresh_rows_teach_and_shuffled_rows_do_not(target):
    assert scores(table(600, 3), target)["skill"] > 0.9
    assert scores(shuffled(3), target)["skill"] < 0.25


@pytest.mark.parametrize("target", ["two", "three", "value"])
def test_training_rows_as_synthetic_teach_just_as_much(target):
    found = scores(table(600, 0), target)
    assert found["skill"] == 1
    for name in {"auc", "f1", "r2"} & set(found):
        assert found[name] == found[f"{name}_real"]


def test_a_single_class_taught_nothing():
    found = scores(table(600, 3).assign(two="no"), "two")
    assert found["skill"] == 0
    assert found["auc"] == 0.5
    assert found["f1"] == 0


def test_a_class_that_does_not_exist_is_no_crash():
    assert scores(table(600, 3).assign(two="perhaps"), "two")["skill"] == 0


@pytest.mark.parametrize("target", ["two", "value"])
def test_a_target_that_is_always_missing_taught_nothing(target):
    assert scores(table(600, 3).assign(**{target: None}), target)["skill"] == 0


def test_a_constant_number_taught_nothing():
    assert scores(table(600, 3).assign(value=1.0), "value")["skill"] == 0


def test_both_models_learn_from_as_many_rows():
    few = scores(table(60, 3), "two")
    assert few["auc_real"] < scores(table(600, 3), "two")["auc_real"]


@pytest.mark.parametrize("target", ["two", "value"])
def test_a_target_that_real_rows_teach_wrongly_is_an_error(target):
    with pytest.raises(EvaluationError, match="name another target"):
        scores(table(600, 3), target, train=table(600, 4).assign(x=lambda t: -t["x"]))


@pytest.mark.parametrize("target", ["two", "value"])
def test_a_target_that_never_varies_is_an_error(target):
    constant = table(500, 1).assign(two="no", value=2.0)
    with pytest.raises(EvaluationError, match="control"):
        scores(table(600, 3), target, control=constant)


def test_rare_classes_count_as_one():
    def with_rare(seed: int) -> pd.DataFrame:
        rare = table(600, seed)
        rare["two"] = rare["two"].where(rare.index % 200 != 0, "rare " + rare.index.astype(str))
        return rare

    assert scores(with_rare(3), "two", train=with_rare(0))["skill"] > 0.9


@pytest.mark.parametrize(
    ("target", "expected"),
    [("two", True), ("value", True), (None, False), ("when", False), ("id", False)],
)
def test_it_applies_where_there_is_a_target_to_learn(target, expected):
    extra = (Column("when", "datetime", "datetime64[ns]"), Column("id", "identifier", "int64"))
    assert Tstr.applies(Schema(COLUMNS + extra, target=target)) is expected
