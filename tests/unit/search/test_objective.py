"""The two numbers of a trial, by hand."""

import pytest

from tabveil.contracts import Advantage, Score
from tabveil.errors import CannotTell, ConfigError, EvaluationError
from tabveil.evaluate import Evaluation, Result
from tabveil.search.objective import Objectives


def metric(name: str, **scores: float) -> Result:
    return Result("utility", name, tuple(Score(key, value) for key, value in scores.items()))


def attack(name: str, **advantages: tuple[float, float]) -> Result:
    scores = tuple(
        Score(key, 0.5, low=0.4, high=0.6, advantage=Advantage(value, se))
        for key, (value, se) in advantages.items()
    )
    return Result("privacy", name, scores)


def test_utility_is_the_weighted_mean():
    evaluation = Evaluation((metric("quality", shapes=0.8), metric("pairs", association=0.2)))
    found = Objectives({"quality/shapes": 1, "pairs/association": 3}).utility(evaluation)
    assert found.value == pytest.approx((0.8 + 3 * 0.2) / 4)
    assert found.component == "pairs/association"
    assert found.parts == {"quality/shapes": 0.8, "pairs/association": 0.2}


def test_the_weight_of_a_metric_without_a_target_is_spread_over_the_others():
    skipped = Result("utility", "tstr", skipped=True)
    evaluation = Evaluation((metric("quality", shapes=0.8), skipped))
    assert Objectives({"quality/shapes": 1, "tstr/skill": 1}).utility(evaluation).value == 0.8
    with pytest.raises(ConfigError, match="no metric that fits"):
        Objectives({"tstr/skill": 1}).utility(evaluation)


def test_a_failed_metric_does_not_vanish():
    failed = Result("utility", "tstr", error="Traceback\nValueError: broken")
    evaluation = Evaluation((metric("quality", shapes=0.8), failed))
    with pytest.raises(EvaluationError, match="metric tstr failed: ValueError: broken"):
        Objectives({"quality/shapes": 1, "tstr/skill": 1}).utility(evaluation)
    assert Objectives({"quality/shapes": 1, "tstr/skill": 0}).utility(evaluation).value == 0.8


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"pairs/tv": 1}, "pairs is not selected"),
        ({"quality/colour": 1}, "gave no quality/colour"),
        ({"quality/shapes": -1}, "0 or more"),
        ({"quality/shapes": float("nan")}, "0 or more"),
        ({}, "names no metric"),
        ({"quality/r2": 1}, r"does not lie in \[0, 1\]"),
    ],
)
def test_weights_that_cannot_be_used_are_told(weights, message):
    evaluation = Evaluation((metric("quality", shapes=0.8, r2=-3.0),))
    with pytest.raises(ConfigError, match=message):
        Objectives(weights).utility(evaluation)


def test_risk_is_the_largest_shown_advantage_and_the_largest_possible_one():
    evaluation = Evaluation(
        (
            attack("distance", auc=(0.10, 0.01), tail=(0.30, 0.20)),
            attack("density", auc=(0.05, 0.001)),
        )
    )
    shown, estimate, most = (
        Objectives({}, by).risk(evaluation) for by in ("shown", "estimate", "at_most")
    )
    # Three components share the 5 %: z = 2.128; the upper bound needs no correction.
    low, high = 0.10 - 2.128 * 0.01, 0.30 + 1.6449 * 0.20
    for found in (shown, estimate, most):
        assert found.low == pytest.approx(low, abs=1e-4)
        assert found.high == pytest.approx(high, abs=1e-4)
    assert (shown.value, shown.component) == (shown.low, "distance/auc")
    assert (estimate.value, estimate.component) == (0.30, "distance/tail")
    assert (most.value, most.component) == (most.high, "distance/tail")
    assert Objectives({}).risk(evaluation) == shown
    assert shown.parts["distance/tail"] == 0.30


def test_where_nothing_is_shown_risk_is_zero_and_the_bound_is_not():
    found = Objectives({}).risk(Evaluation((attack("distance", auc=(-0.01, 0.01)),)))
    assert found.value == found.low == 0
    assert found.high == pytest.approx(-0.01 + 1.6449 * 0.01, abs=1e-5)


def test_only_the_named_attacks_make_the_risk():
    evaluation = Evaluation(
        (
            attack("learnt", auc=(0.10, 0.01)),
            attack("linkability", risk=(0.50, 0.01)),
            Result("privacy", "singling_out", error="Traceback\nValueError: broken"),
        )
    )
    found = Objectives({}, risk_from=["learnt", "copies"]).risk(evaluation)
    assert set(found.parts) == {"learnt/auc"}
    assert found.low == pytest.approx(0.10 - 1.6449 * 0.01, abs=1e-4)
    with pytest.raises(EvaluationError, match="select one of copies under attack"):
        Objectives({}, risk_from=["copies"]).risk(evaluation)


def test_bounds_stay_in_zero_to_one():
    found = Objectives({}).risk(Evaluation((attack("distance", auc=(1.0, 0.5)),)))
    assert found.high == 1


def test_a_failed_attack_does_not_vanish():
    failed = Result("privacy", "density", error="Traceback\nValueError: broken")
    with pytest.raises(EvaluationError, match="attack density failed: ValueError: broken"):
        Objectives({}).risk(Evaluation((attack("distance", auc=(0.1, 0.01)), failed)))


def test_an_attack_that_cannot_tell_leaves_a_risk_that_cannot_be_told():
    failed = Result("privacy", "copies", error="Traceback\nCannotTell: cannot tell: 3 rows")
    with pytest.raises(CannotTell, match="attack copies failed: CannotTell: cannot tell: 3 rows"):
        Objectives({}).risk(Evaluation((failed,)))


def test_without_an_attack_there_is_no_risk_to_speak_of():
    silent = Result("privacy", "distance", (Score("auc", 0.5, low=0.4, high=0.6),))
    for results in ((), (silent,), (metric("quality", shapes=1.0),)):
        with pytest.raises(EvaluationError, match="no selected attack"):
            Objectives({}).risk(Evaluation(results))
