"""What Optuna draws from a dimension is what the dimension says."""

import optuna
import pytest

from tabveil.search.space import Dimension, describe, suggest


@pytest.mark.parametrize(
    ("dimension", "allowed"),
    [
        (Dimension("int", 1, 7, step=3), {1, 4, 7}),
        (Dimension("int", 1, 4, log=True), {1, 2, 3, 4}),
        (Dimension("choice", choices=("[1,2]", 5, True)), {"[1,2]", 5, True}),
    ],
)
def test_only_and_all_allowed_values_are_drawn(dimension, allowed):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = {suggest({"x": dimension}, study.ask())["x"] for _ in range(60)}
    assert drawn == allowed


def test_floats_stay_within_their_bounds_and_log_spreads_over_decades():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    dimension = Dimension("float", 1e-4, 1e-1, log=True)
    drawn = [suggest({"x": dimension}, study.ask())["x"] for _ in range(200)]
    assert min(drawn) >= 1e-4
    assert max(drawn) <= 1e-1
    assert 0.2 < sum(v < 1e-3 for v in drawn) / 200 < 0.5


def test_a_description_is_plain_data_and_tells_spaces_apart():
    a, b = Dimension("int", 1, 7), Dimension("int", 1, 8)
    assert describe({"x": a}) != describe({"x": b})
    assert describe({"x": a})["x"]["choices"] == []
