"""Are a candidate's models put together as they should be, and what is looked at of the first?"""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tabveil.confirmation import Attempt, below_k, conclude, rare_levels, utility_without
from tabveil.contracts import Advantage, EvalInput, Score
from tabveil.data.schema import infer_schema
from tabveil.gate import Gate
from tabveil.search.objective import Objectives

GATE = Gate("test", "promises nothing", {"*": 0.1}, planted=("copies_10pct",))
CONTROL = {
    "name": "copies_10pct",
    "what": "10 % copies",
    "n_planted": 10,
    "seen": True,
    "far": True,
    "low": 0.2,
    "advantages": {"learnt/auc": 0.3},
}
FIRST = {
    "controls": [CONTROL],
    "utility_without": [0.5, 0.51, 0.49, 0.5, 0.5],
    "below_k": None,
    "rare_levels": {},
}


def model(index: int, auc: float = 0.0, utility: float = 0.5) -> Attempt:
    risks = {"learnt/auc": Advantage(auc, 0.01), "copies/excess": Advantage(0.0, 0.001)}
    first = None if index else FIRST
    return Attempt(7, index, 100 + index, f"run{index}", True, utility, risks, first=first)


def test_an_attempt_travels_as_json() -> None:
    made = replace(model(0), missing={"k_map": "too few"}, skipped=("inference",))
    assert Attempt.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    with pytest.raises((TypeError, KeyError)):
        Attempt.from_dict({"trial": 1})


def test_models_are_put_together_in_the_order_of_their_seeds() -> None:
    models = [model(2, 0.02, 0.6), model(0, 0.01, 0.5), model(1, 0.03, 0.4)]
    found = conclude(models, GATE, sweep_utility=0.6, sweep_risks={"learnt/auc": -0.01})
    assert found.trial == 7
    assert found.utility.values == (0.5, 0.4, 0.6)
    assert found.risks["learnt/auc"].values == (0.01, 0.03, 0.02)
    assert found.risk == pytest.approx(0.02)
    assert found.risk_low(0.95) <= found.risk <= found.risk_high(0.95)
    assert found.verdict.outcome == "pass"
    assert found.flattery == {"utility": pytest.approx(0.1), "risk": pytest.approx(0.02)}


def test_an_attack_that_failed_on_one_model_is_missing_for_all() -> None:
    broken = replace(
        model(1), risks={"copies/excess": Advantage(0.0, 0.001)}, missing={"learnt": "no"}
    )
    found = conclude([model(0), broken], GATE, sweep_utility=0.5, sweep_risks={})
    assert set(found.risks) == {"copies/excess"}
    assert found.verdict.outcome == "cannot tell"
    assert "risk" not in found.flattery


class Rows:
    """A metric: the share of `control` that is there."""

    name, direction, bounds = "rows", "maximize", (0.0, 1.0)

    def evaluate(self, data: EvalInput) -> list[Score]:
        assert data.control.groupby("person").size().eq(4).all(), "part of a person is left"
        return [Score("rows", len(data.control) / 400)]


def test_the_jackknife_leaves_out_people_with_all_their_rows() -> None:
    people = np.repeat(np.arange(100), 4)
    table = pd.DataFrame({"person": people, "x": np.arange(400.0)})
    schema = infer_schema(table, kinds={"person": "numeric"})
    data = EvalInput(table, table, table, table, schema, seed=0)
    parts = SimpleNamespace(
        metrics={"rows": Rows()}, objectives=Objectives(weights={"rows/rows": 1.0})
    )
    assert utility_without(data, parts, people) == pytest.approx([0.8] * 5)  # type: ignore[arg-type]


def test_rows_in_small_groups_are_counted_missing_values_too() -> None:
    sample = pd.DataFrame({"a": ["x"] * 5 + ["y"] * 2 + [None] * 3, "b": [1] * 10})
    assert below_k(sample, ["a", "b"], 5) == pytest.approx(0.5)
    assert below_k(sample, ["b"], 5) == 0
    assert below_k(sample, ["gone"], 5) is None


def test_levels_that_few_training_rows_hold_are_found_and_invented_ones_are_none() -> None:
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"job": ["a"] * 50 + ["b"] * 4, "n": rng.integers(0, 9, 54)})
    schema = infer_schema(train, kinds={"job": "categorical"})
    sample = pd.DataFrame({"job": ["a", "b", "new"], "n": [1, 2, 3]})
    assert rare_levels(sample, train, schema, 5) == {"job": 1}
    assert rare_levels(sample, train, schema, 4) == {}
