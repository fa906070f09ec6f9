from __future__ import annotations

import pytest
from mlflow.utils.validation import _validate_batch_log_limits, _validate_param_name

from tabveil.tracking.batches import Metric, batches, cut, key_of


def test_nothing_makes_no_batch() -> None:
    assert list(batches({}, [], {})) == []


def test_one_evaluation_is_one_batch() -> None:
    metrics = [Metric(f"m/{i}", i, 0, 0) for i in range(300)]
    (batch,) = batches({f"p{i}": i for i in range(99)}, metrics, {"a": 1})
    assert [len(batch[key]) for key in ("params", "metrics", "tags")] == [99, 300, 1]


def test_more_than_the_limits_goes_in_several_and_loses_nothing() -> None:
    metrics = [Metric("m", i, 0, i) for i in range(2500)]
    made = list(
        batches({f"p{i}": i for i in range(250)}, metrics, {f"t{i}": i for i in range(120)})
    )
    for batch in made:
        _validate_batch_log_limits(batch["metrics"], batch["params"], batch["tags"])
    assert sorted(m.step for batch in made for m in batch["metrics"]) == list(range(2500))
    assert sum(len(batch["params"]) for batch in made) == 250
    assert sum(len(batch["tags"]) for batch in made) == 120


@pytest.mark.parametrize(
    "name", ["a", "größe/Δ", "x (%)", "a//b", "../up", "/root", "a/./b", "tab\tend", "q" * 400, "/"]
)
def test_any_column_name_becomes_a_key_that_mlflow_takes(name: str) -> None:
    _validate_param_name(key_of(name))
    assert len(key_of(name)) <= 250


def test_a_long_value_is_cut_with_a_mark() -> None:
    assert cut("x" * 7000, 6000) == "x" * 5999 + "…"
    assert cut("short", 6000) == "short"
