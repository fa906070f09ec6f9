"""Train on synthetic, test on real: what each kind of table teaches."""

from dataclasses import replace

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


def given(synthetic: pd.DataFrame, target: str, **more: pd.DataFrame) -> EvalInput:
    tables = {"train": table(600, 0), "control": table(500, 1), "reference": table(300, 2)} | more
    names = ("x", "z", target)
    schema = Schema(tuple(c for c in COLUMNS if c.name in names), target=target)
    return EvalInput(**tables, synthetic=synthetic, schema=schema, seed=0)


def scores(synthetic: pd.DataFrame, target: str, **tables: pd.DataFrame) -> dict[str, float]:
    found = Tstr(n_trees=20).evaluate(given(synthetic, target, **tables))
    return {score.name: score.value for score in found}


def why_not(target: str, **tables: pd.DataFrame) -> str:
    return Tstr(n_trees=20).nothing_to_see(given(table(600, 3), target, **tables))


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


@pytest.mark.parametrize("target", ["two", "three", "value"])
def test_a_target_that_real_rows_predict_is_measured(target):
    assert why_not(target) == ""


@pytest.mark.parametrize("target", ["two", "three", "value"])
def test_a_target_that_even_real_rows_cannot_predict_is_left_out_with_a_reason(target):
    noise = {name: shuffled(seed) for seed, name in enumerate(("train", "control", "reference"))}
    why = why_not(target, **noise)
    assert f"even a model that learnt from real rows cannot predict the target {target!r}" in why
    assert "left out of the utility" in why


def test_a_class_of_too_few_rows_to_test_on_is_no_reason_to_give_up_the_others():
    def with_three_of_another(seed: int) -> pd.DataFrame:
        rows = table(600, seed)
        return rows.assign(two=rows["two"].where(rows.index >= 3, "maybe"))

    named = ("train", "control", "reference")
    tables = {name: with_three_of_another(seed) for seed, name in enumerate(named)}
    assert why_not("two", **tables) == ""
    found = scores(with_three_of_another(5), "two", **tables)
    assert found["auc_real"] > 0.9
    assert found["skill"] > 0.9


def test_a_target_of_one_class_and_a_handful_of_rows_is_left_out_with_a_reason():
    def nearly_one(seed: int) -> pd.DataFrame:
        return table(600, seed).assign(two=np.where(np.arange(600) < 5, "fraud", "ok"))

    named = ("train", "control", "reference")
    tables = {name: nearly_one(seed) for seed, name in enumerate(named)}
    assert "not two of its classes have 10 rows" in why_not("two", **tables)


def test_a_reference_too_small_to_judge_a_target_by_is_said():
    assert "of 12 real rows nothing can be told" in why_not("two", reference=table(12, 2))


def test_the_reason_is_the_same_whichever_members_a_trial_drew_and_whatever_it_made():
    noise = {"pool": shuffled(0), "control": shuffled(1), "reference": shuffled(2)}
    reasons = {
        Tstr(n_trees=20).nothing_to_see(given(synthetic, "two", train=members, **noise))
        for synthetic, members in (
            (table(600, 3), noise["pool"][:300]),
            (shuffled(4), noise["pool"][300:]),
            (table(50, 5), table(600, 6)),
        )
    }
    assert len(reasons) == 1


def test_it_is_asked_once_for_all_trials_of_a_process(monkeypatch):
    calls = []
    monkeypatch.setattr(Tstr, "_weakness", lambda *_: calls.append(1) or "why")
    data = given(table(600, 3), "two")
    for synthetic in (table(600, 4), table(600, 5)):
        assert Tstr().nothing_to_see(replace(data, synthetic=synthetic)) == "why"
    assert calls == [1]


@pytest.mark.parametrize("target", ["two", "value"])
def test_members_that_teach_next_to_nothing_fail_no_trial(target):
    turned = table(600, 4).assign(x=lambda t: -t["x"])
    assert 0 <= scores(table(600, 3), target, train=turned)["skill"] <= 1


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
