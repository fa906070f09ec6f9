"""Several drivers keep the books of one study: together they reach its target, exactly."""

import multiprocessing
import time

import optuna
import pytest

from tabveil.errors import StoreAway
from tabveil.search.books import OWNER
from tabveil.search.executors import Inline
from tabveil.search.orphans import recover
from tabveil.search.records import records
from tabveil.search.space import Dimension
from tabveil.search.storage import Turns
from tabveil.search.study import Identity, Sampler, open_study
from tabveil.search.sweep import Sweep
from tabveil.search.tasks import Outcome, owner

SPACE = {"x": Dimension("float", 0.0, 1.0)}


def storage(folder):
    return f"sqlite:///{folder}/studies.db"


def opened(folder):
    return open_study(
        name="s",
        storage=storage(folder),
        identity=Identity(SPACE, "d"),
        sampler=Sampler("random", 2),
        seed=0,
    )


def work(task):
    time.sleep(0.01 * (task.number % 3))
    x = float(task.values["x"])
    return Outcome(task.number, "complete", x, 0.0)


def nothing(outcome, n_complete):
    pass


def drive(folder, target):
    Sweep(opened(folder), SPACE, target, 3, Turns(storage(folder), "s")).run(
        Inline(), work, nothing
    )


def test_three_drivers_that_start_at_once_reach_the_target_exactly_and_repeat_nothing(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    drivers = [spawn.Process(target=drive, args=(tmp_path, 20)) for _ in range(3)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
        assert driver.exitcode == 0
    trials = opened(tmp_path).get_trials()
    assert [t.state.name for t in trials] == ["COMPLETE"] * 20
    assert len({t.params["x"] for t in trials}) == 20
    assert len({t.user_attrs[OWNER] for t in trials}) > 1


def test_an_outcome_that_comes_after_the_trial_was_given_away_does_not_count(tmp_path):
    study, told = opened(tmp_path), []

    def slow(task):
        if task.number == 0:  # meanwhile another driver takes this one for dead
            assert recover(opened(tmp_path), is_dead=lambda name: True) == [0]
        return work(task)

    Sweep(study, SPACE, 2, 3).run(Inline(), slow, lambda outcome, n: told.append(outcome))
    assert (told[0].state, told[0].number) == ("lost", 0)
    assert "taken this one for dead" in told[0].error
    assert [r.state for r in records(study)] == ["failed", "complete", "complete"]
    values = [r.values["x"] for r in records(study)]
    assert values[0] == values[1] != values[2]


def test_a_queued_trial_whose_driver_dies_before_it_draws_keeps_its_values(tmp_path):
    study = opened(tmp_path)
    study.enqueue_trial({"x": 0.25})
    study.ask()
    assert recover(study) == [0]
    drive(tmp_path, 1)
    assert [r.values["x"] for r in records(study) if r.state == "complete"] == [0.25]


def test_a_trial_that_was_signed_in_vain_is_no_obstacle_for_its_own_driver(tmp_path):
    study = opened(tmp_path)
    study.ask().set_user_attr(OWNER, owner())  # the answer was lost, and the ask done again
    drive(tmp_path, 1)
    assert [r.state for r in records(study)] == ["failed", "complete"]


def test_ctrl_c_in_mid_question_leaves_no_trial_running(tmp_path, monkeypatch):
    def interrupted(space, trial):
        raise KeyboardInterrupt

    monkeypatch.setattr("tabveil.search.sweep.suggest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drive(tmp_path, 1)
    assert [t.state.name for t in opened(tmp_path).get_trials()] == ["FAIL"]


def test_a_trial_that_a_store_stopped_ends_the_sweep_and_is_tried_again(tmp_path):
    seen = []

    def stopped(task):
        seen.append(task.values["x"])
        return Outcome(task.number, "stopped", error="the store does not answer; come back")

    with pytest.raises(StoreAway, match=r"trial 0 was stopped: .*; come back"):
        Sweep(opened(tmp_path), SPACE, 2, 3).run(Inline(), stopped, nothing)
    drive(tmp_path, 2)
    complete = [r for r in records(opened(tmp_path)) if r.state == "complete"]
    assert len(complete) == 2
    assert complete[0].values["x"] == seen[0]


def test_a_full_disk_under_the_study_is_said_at_once(tmp_path, monkeypatch):
    study = opened(tmp_path)
    full = optuna.exceptions.StorageInternalError("commit")
    full.__cause__ = OSError(28, "No space left on device")

    def refuse(*_, **__):
        raise full

    monkeypatch.setattr(study, "tell", refuse)
    with pytest.raises(StoreAway, match="a disk is full"):
        Sweep(study, SPACE, 1, 3).run(Inline(), work, nothing)
