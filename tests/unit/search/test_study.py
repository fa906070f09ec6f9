"""The books of a sweep: exact targets, resume, orphans, and studies that do not fit."""

import functools

import optuna
import pytest

from tabveil.errors import ConfigError, StudyError
from tabveil.search.executors import Inline
from tabveil.search.orphans import recover
from tabveil.search.records import records
from tabveil.search.space import Dimension
from tabveil.search.study import Identity, Sampler, open_study
from tabveil.search.sweep import Sweep
from tabveil.search.tasks import Outcome, is_dead, owner

SPACE = {"x": Dimension("float", 0.0, 1.0), "k": Dimension("choice", choices=("a", "[1,2]"))}


def complete(task, *, seen=None):
    if seen is not None:
        seen.append(dict(task.values))
    x = float(task.values["x"])
    return Outcome(task.number, "complete", x, x * x, {"risk_high": x})


def opened(tmp_path, *, space=SPACE, data="d", config=None, sampler="random", seed=0):
    return open_study(
        name="s",
        storage=f"sqlite:///{tmp_path}/studies.db",
        identity=Identity(space, data, config or {"synthesizer.pac": 10}),
        sampler=Sampler(sampler, 2),
        seed=seed,
    )


def sweep(study, target, *, max_failures=3):
    return Sweep(study, SPACE, target, max_failures)


def nothing(outcome, n_complete):
    pass


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "random"])
def test_a_sweep_reaches_its_target_exactly_and_resumes_to_a_larger_one(tmp_path, sampler):
    sweep(opened(tmp_path, sampler=sampler), 3).run(Inline(), complete, nothing)
    again = opened(tmp_path, sampler=sampler)
    sweep(again, 3).run(Inline(), complete, nothing)
    assert len(records(again)) == 3
    sweep(again, 5).run(Inline(), complete, nothing)
    assert [r.state for r in records(again)] == ["complete"] * 5


def test_a_resumed_sweep_does_not_propose_its_first_trials_again(tmp_path):
    first, second = [], []
    sweep(opened(tmp_path), 3).run(Inline(), functools.partial(complete, seen=first), nothing)
    sweep(opened(tmp_path), 6).run(Inline(), functools.partial(complete, seen=second), nothing)
    assert not {v["x"] for v in first} & {v["x"] for v in second}


def test_failed_trials_are_kept_with_their_error_and_passed_over(tmp_path):
    def work(task):
        if task.number in (0, 2):
            return Outcome(task.number, "failed", error="ValueError: no")
        return complete(task)

    study = opened(tmp_path)
    sweep(study, 3).run(Inline(), work, nothing)
    states = [(r.state, r.error) for r in records(study)]
    assert states.count(("failed", "ValueError: no")) == 2
    assert states.count(("complete", None)) == 3


def test_a_sweep_in_which_everything_fails_gives_up_and_says_with_what(tmp_path):
    def work(task):
        return Outcome(task.number, "failed", error="ValueError: no")

    with pytest.raises(StudyError, match=r"3 trials in a row failed.*ValueError: no"):
        sweep(opened(tmp_path), 5).run(Inline(), work, nothing)


def test_a_lost_trial_is_tried_again_with_the_same_values(tmp_path):
    seen = []

    def work(task):
        seen.append(dict(task.values))
        if task.number == 0:
            return Outcome(task.number, "lost", error="the worker process died")
        return complete(task)

    study = opened(tmp_path)
    sweep(study, 2).run(Inline(), work, nothing)
    assert seen[0] == seen[1]
    assert [r.state for r in records(study)] == ["failed", "complete", "complete"]


def test_a_trial_that_loses_its_worker_twice_has_failed(tmp_path):
    seen = []

    def work(task):
        seen.append(task.values["x"])
        if task.number < 2:
            return Outcome(task.number, "lost", error="the worker process died")
        return complete(task)

    study = opened(tmp_path)
    sweep(study, 1).run(Inline(), work, nothing)
    assert seen[0] == seen[1] != seen[2]
    assert [r.state for r in records(study)] == ["failed", "failed", "complete"]


def test_a_driver_that_died_before_it_could_name_itself_is_dead(tmp_path):
    study = opened(tmp_path)
    study.ask()
    assert recover(study) == [0]


def test_ctrl_c_leaves_no_trial_running_and_its_values_are_tried_again(tmp_path):
    study, seen = opened(tmp_path), []

    def interrupted(task):
        if task.number == 1:
            seen.append(dict(task.values))
            raise KeyboardInterrupt
        return complete(task)

    with pytest.raises(KeyboardInterrupt):
        sweep(study, 3).run(Inline(), interrupted, nothing)
    assert [r.state for r in records(study)] == ["complete", "failed"]
    again = opened(tmp_path)
    sweep(again, 3).run(Inline(), functools.partial(complete, seen=seen), nothing)
    assert seen[0] == seen[1]
    assert sum(r.state == "complete" for r in records(again)) == 3


def test_trials_of_a_dead_driver_are_closed_and_queued_and_those_of_a_live_one_left(tmp_path):
    study = opened(tmp_path)
    for name in ("dead", "alive"):
        trial = study.ask()
        trial.set_user_attr("owner", name)
        trial.suggest_float("x", 0, 1)
    closed = recover(study, is_dead=lambda name: name == "dead")
    assert closed == [0]
    states = [t.state for t in study.get_trials()]
    assert states == [
        optuna.trial.TrialState.FAIL,
        optuna.trial.TrialState.RUNNING,
        optuna.trial.TrialState.WAITING,
    ]


def test_this_process_is_not_dead_and_a_reused_pid_is_not_taken_for_it():
    name = owner()
    host, pid, _ = name.rsplit(":", 2)
    assert not is_dead(name)
    assert is_dead(f"{host}:{pid}:1.00")
    assert not is_dead("elsewhere:1:1.00")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"space": {"x": Dimension("float", 0.0, 2.0)}}, "space: k; space: x"),
        ({"data": "other"}, "the table, its schema or its split"),
        ({"config": {"synthesizer.pac": 1}}, "config: synthesizer.pac"),
    ],
)
def test_a_stored_study_with_other_settings_is_refused_by_name(tmp_path, change, named):
    opened(tmp_path)
    opened(tmp_path, **change)  # no trial yet: nothing that could not be compared
    sweep(opened(tmp_path), 1).run(Inline(), complete, nothing)
    with pytest.raises(StudyError, match=named):
        opened(tmp_path, **change)


def test_an_unknown_sampler_leaves_no_study_behind(tmp_path):
    with pytest.raises(ConfigError, match="'best' is not one of tpe"):
        opened(tmp_path, sampler="best")
    assert not (tmp_path / "studies.db").exists()


def test_an_unreachable_storage_is_one_clear_error(tmp_path):
    with pytest.raises(StudyError, match=r"cannot open the study storage .* sweep\.storage"):
        open_study(
            name="s",
            storage=f"sqlite:///{tmp_path}/no/such/folder/studies.db",
            identity=Identity(SPACE, "d"),
            sampler=Sampler("random"),
            seed=0,
        )
