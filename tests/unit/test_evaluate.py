"""Evaluators run one by one; a failure stays a failure."""

import json
import math
import re
from collections.abc import Callable

import pandas as pd
import pytest

from tabveil.contracts import EvalInput, Score
from tabveil.data.schema import Column, Schema
from tabveil.errors import ConfigError, EvaluationError
from tabveil.evaluate import evaluate

TABLE = pd.DataFrame({"x": [1.0, 2.0]})
DATA = EvalInput(TABLE, TABLE, TABLE, TABLE, Schema((Column("x", "numeric", "float64"),)), seed=0)


class Part:
    """An evaluator that does what it is told."""

    name = "part"
    direction = "maximize"
    bounds = (0.0, 1.0)
    threat_model = "nobody"

    def __init__(self, give: Callable[[], list[Score]]) -> None:
        self.give = give

    def evaluate(self, data: EvalInput) -> list[Score]:
        return self.give()


class NeverApplies(Part):
    @staticmethod
    def applies(schema: Schema) -> bool:
        return False


def crash() -> list[Score]:
    raise ZeroDivisionError("by nothing")


def test_scores_get_flat_keys_with_their_bounds():
    evaluation = evaluate(
        DATA,
        metrics={"quality": Part(lambda: [Score("overall", 0.5), Score("shapes", 0.25)])},
        attacks={"distance": Part(lambda: [Score("auc", 0.6, low=0.5, high=0.7)])},
    )
    found = evaluation.metrics()
    times = {key: found.pop(key) for key in ("time/quality", "time/distance")}
    assert found == {
        "utility/quality/overall": 0.5,
        "utility/quality/shapes": 0.25,
        "privacy/distance/auc": 0.6,
        "privacy/distance/auc_low": 0.5,
        "privacy/distance/auc_high": 0.7,
    }
    assert all(seconds >= 0 for seconds in times.values())
    assert evaluation.failed() == ()


def test_a_crash_is_a_failed_result_and_the_others_still_speak():
    evaluation = evaluate(
        DATA,
        metrics={"broken": Part(crash), "fine": Part(lambda: [Score("s", 1.0)])},
        attacks={},
    )
    (failed,) = evaluation.failed()
    assert failed.name == "broken"
    assert failed.scores == ()
    assert "in crash" in (failed.error or "")
    # A library's message may quote a cell of the table: only its type and place are kept.
    assert re.fullmatch(r"ZeroDivisionError at test_evaluate\.py:\d+", failed.reason)
    assert evaluation.metrics()["utility/fine/s"] == 1.0
    assert "utility/broken" not in "".join(evaluation.metrics())
    assert evaluation.failed("privacy") == ()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["value", "low", "high"])
def test_a_number_that_is_none_is_a_failure(bad, field):
    score = Score(**({"name": "s", "value": 0.5, "low": 0.4, "high": 0.6} | {field: bad}))
    evaluation = evaluate(DATA, metrics={"part": Part(lambda: [score])}, attacks={})
    assert "not a finite number" in evaluation.failed()[0].reason


def test_no_score_and_repeated_scores_are_failures():
    empty = evaluate(DATA, metrics={"part": Part(list)}, attacks={})
    assert "no score" in empty.failed()[0].reason
    twice = evaluate(DATA, metrics={"part": Part(lambda: [Score("s", 1.0)] * 2)}, attacks={})
    assert "repeat" in twice.failed()[0].reason


def test_real_rows_can_skip_and_the_reason_is_kept():
    class Blind(Part):
        def nothing_to_see(self, data: EvalInput) -> str:
            return "the target is noise"

    evaluation = evaluate(DATA, metrics={"tstr": Blind(crash)}, attacks={})
    (result,) = evaluation.results
    assert (result.skipped, result.error, result.note) == (True, None, "the target is noise")
    assert "the target is noise" in evaluation.to_json()


def test_whoever_breaks_before_it_looks_has_failed():
    class Broken(Part):
        def nothing_to_see(self, data: EvalInput) -> str:
            raise ZeroDivisionError

    (result,) = evaluate(DATA, metrics={"tstr": Broken(crash)}, attacks={}).results
    assert not result.skipped
    assert result.error


def test_the_schema_can_skip():
    (result,) = evaluate(DATA, metrics={"tstr": NeverApplies(crash)}, attacks={}).results
    assert result.skipped
    assert result.error is None


def test_a_metric_and_an_attack_of_one_name_are_refused():
    part = Part(lambda: [Score("s", 1.0)])
    with pytest.raises(EvaluationError, match="both called distance"):
        evaluate(DATA, metrics={"distance": part}, attacks={"distance": part})


def test_the_user_can_stop_it():
    def stop() -> list[Score]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(DATA, metrics={"part": Part(stop)}, attacks={})


def test_json_holds_everything():
    evaluation = evaluate(
        DATA,
        metrics={"fine": Part(lambda: [Score("s", 0.5, detail={"curve": [0, 1]})])},
        attacks={"broken": Part(crash)},
    )
    fine, broken = json.loads(evaluation.to_json())["results"]
    assert fine["scores"][0]["detail"] == {"curve": [0, 1]}
    assert "ZeroDivisionError" in broken["error"]


def test_a_setting_that_is_wrong_for_every_table_is_the_operators_to_mend():
    def refuse() -> list[Score]:
        raise ConfigError("attack.distance.smoothing=0 must be above 0")

    with pytest.raises(ConfigError, match="smoothing"):
        evaluate(DATA, metrics={}, attacks={"distance": Part(refuse)})
