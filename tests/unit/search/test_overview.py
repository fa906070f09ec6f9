"""What `status` reads beside Optuna is what Optuna wrote."""

import datetime

import optuna
import pytest
import sqlalchemy as sa

from tabveil.errors import StudyError
from tabveil.search.overview import TARGET, Failure, overview
from tabveil.search.tasks import owner

START = datetime.datetime(2024, 5, 1, 12, 0)


@pytest.fixture
def storage(tmp_path):
    """Five complete trials, a minute each; two alike failures, one requeued; two that run."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{tmp_path}/studies.db"
    study = optuna.create_study(study_name="b", storage=url, directions=["maximize", "minimize"])
    for i in range(5):
        trial = optuna.trial.create_trial(
            values=[i / 10, 0.9 - i / 10] if i else [float("-inf"), 0.05],
            user_attrs={"about": {"seconds": 60}},
            state=optuna.trial.TrialState.COMPLETE,
        )
        trial.datetime_start = START + datetime.timedelta(minutes=i)
        trial.datetime_complete = START + datetime.timedelta(minutes=i + 1)
        study.add_trial(trial)
    for message in ("ValueError: no", "ValueError: no", "requeued: its driver died"):
        trial = study.ask()
        trial.set_user_attr("error", message)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    for who in (owner(), "elsewhere:x"):
        study.ask().set_user_attr("owner", who)
    study.enqueue_trial({"x": 1})
    study.set_user_attr(f"note.{TARGET}", 50)
    study.set_user_attr("note.shadows", {"risks": {"0": {"risk": 0.6}}})
    optuna.create_study(study_name="a", storage=url, directions=["maximize", "minimize"])
    return url


def test_it_says_what_the_study_says(storage):
    empty, study = overview(storage)
    assert (empty.name, study.name) == ("a", "b")
    assert sum(empty.states.values()) == 0
    assert empty.utility is empty.risk is empty.per_minute is empty.heard is empty.target is None
    assert study.states == {
        "complete": 5,
        "running": 2,
        "waiting": 1,
        "failed": 2,
        "requeued": 1,
    }
    assert study.target == 50
    assert study.utility == 0.4
    assert study.risk == pytest.approx(0.5)  # of trial 4: trial 0 has 0.6 with its shadows
    assert study.per_minute == pytest.approx(1)
    assert study.failures == (Failure("ValueError: no", 2, 6),)
    ours, other = study.running
    assert (ours.number, ours.owner, ours.is_dead) == (8, owner(), False)
    assert other.is_dead
    assert abs((datetime.datetime.now().astimezone() - ours.since).total_seconds()) < 60


def test_a_sign_of_life_counts_by_the_clock_of_the_database(storage):
    with sa.create_engine(storage).begin() as connection:
        connection.execute(sa.text("UPDATE trials SET datetime_start = '2024-05-01 12:00:00'"))
        connection.execute(
            sa.text(
                "INSERT INTO trial_heartbeats (trial_id, heartbeat) SELECT trial_id, "
                "datetime(CURRENT_TIMESTAMP, '-90 seconds') FROM trials WHERE number = 8"
            )
        )
        connection.execute(sa.text("UPDATE trials SET datetime_complete = NULL"))
        connection.execute(sa.text("UPDATE trials SET state = 'RUNNING' WHERE state = 'COMPLETE'"))
    _, study = overview(storage)
    ago = (datetime.datetime.now().astimezone() - study.heard).total_seconds()
    assert 85 < ago < 150


def test_what_cannot_be_read_is_one_clear_error(storage, tmp_path):
    with sa.create_engine(storage).begin() as connection:
        connection.execute(sa.text("UPDATE version_info SET schema_version = 99"))
    with pytest.raises(StudyError, match="another Optuna"):
        overview(storage)
    (tmp_path / "text.db").write_text("no database" * 100)
    with pytest.raises(StudyError, match="cannot read"):
        overview(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(StudyError, match="cannot read"):
        overview("nothing at all")
