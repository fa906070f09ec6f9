"""What other drivers do is seen, though trials that run are read once."""

import optuna
import pytest

from tabveil.search.books import OWNER, Books
from tabveil.search.space import Dimension
from tabveil.search.storage import connect

SPACE = {"x": Dimension("float", 0.0, 1.0)}


@pytest.fixture
def two(tmp_path):
    """One study, through two storages, as two drivers have it."""
    url = f"sqlite:///{tmp_path}/studies.db"
    made = optuna.create_study(study_name="s", storage=connect(url))
    return made, optuna.load_study(study_name="s", storage=connect(url))


def sign(trial):
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr(OWNER, "me:1:1")
    return trial


def states(study):
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def test_another_driver_sees_trials_begin_be_signed_and_end(two):
    mine, other = two
    assert states(other) == []
    trial = mine.ask()
    assert states(other) == ["RUNNING"]
    sign(trial)
    (seen,) = other.get_trials(deepcopy=False)
    assert seen.params == trial.params
    assert seen.user_attrs == {OWNER: "me:1:1"}
    mine.tell(trial, 0.5)
    (ended,) = other.get_trials(deepcopy=False)
    assert (ended.state.name, ended.value) == ("COMPLETE", 0.5)


def test_a_queued_trial_is_seen_to_wait_to_be_taken_and_to_keep_its_values(two):
    mine, other = two
    mine.enqueue_trial({"x": 0.25})
    assert states(other) == ["WAITING"]
    taken = sign(other.ask())
    assert states(mine) == ["RUNNING"]
    assert mine.get_trials(deepcopy=False)[0].params == {"x": 0.25} == taken.params
    other.tell(taken, state=optuna.trial.TrialState.FAIL)
    assert states(mine) == ["FAIL"]


def test_signed_trials_are_read_once_and_others_until_they_are(two, monkeypatch):
    mine, other = two
    for _ in range(5):
        sign(mine.ask())
    unsigned = mine.ask()
    assert len(states(other)) == 6
    assert isinstance(other._storage, Books)
    backend, asked = other._storage._backend, []
    real = backend._get_trials

    def watched(study_id, wanted, again, newest):
        asked.append(set(again))
        return real(study_id, wanted, again, newest)

    monkeypatch.setattr(backend, "_get_trials", watched)
    states(other)
    assert asked == [{unsigned._trial_id}]
    mine.tell(0, 1.0)
    assert states(other)[0] == "COMPLETE"
    assert len(asked[1]) == 2


def test_it_agrees_with_optunas_own_reading(two):
    mine, other = two
    for i in range(30):
        trial = (mine if i % 3 else other).ask()
        if i % 4:
            sign(trial)
        if i % 5 == 0:
            (other if i % 2 else mine).tell(trial.number, float(i))
        if i % 7 == 0:
            mine.enqueue_trial({"x": i / 100})
        plain = optuna.load_study(
            study_name="s",
            storage=optuna.storages.RDBStorage(str(other._storage._backend.engine.url)),
        )
        expected = plain.get_trials(deepcopy=False)
        for study in (mine, other):
            found = study.get_trials(deepcopy=False)
            assert [(t.state, t.params, t.values) for t in found] == [
                (t.state, t.params, t.values) for t in expected
            ]
