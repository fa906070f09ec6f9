"""`tabveil status`, as a person and as a program see it."""

import json
import subprocess
import sys

import optuna
import pytest

from tabveil.cli import main
from tabveil.web.database import JOBS, Database, now


@pytest.fixture
def root(tmp_path):
    """A root with a study, one of a web service's user, and jobs."""
    for place in (tmp_path, tmp_path / "web" / "users" / "ann"):
        place.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            study_name=f"of {place.name}",
            storage=f"sqlite:///{place}/studies.db",
            directions=["maximize", "minimize"],
        )
        study.add_trial(optuna.trial.create_trial(values=[0.5, 0.25]))
        study.ask().set_user_attr("owner", "gone")
        trial = study.ask()
        trial.set_user_attr("error", "ValueError: [no markup]")
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    database = Database.at(f"sqlite:///{tmp_path}/web/web.db")
    with database.begin() as connection:
        for i, state in enumerate(("done", "queued", "running", "lost")):
            connection.execute(
                JOBS.insert().values(
                    id=f"{i}" * 32,
                    user="ann",
                    kind="sweep",
                    lane="long",
                    order={},
                    state=state,
                    message=f"it is {state}",
                    created=now(),
                    cancel_asked=False,
                    tries=1,
                )
            )
    return tmp_path


def test_a_person_sees_studies_drivers_failures_and_jobs(root, capsys):
    assert main(["status", f"root={root}"]) == 0
    said = capsys.readouterr().out
    for text in (
        f"of {root.name}",
        "ann: of ann",
        "has died",
        "ValueError: [no markup]",
        "1 done, 1 lost, 1 queued, 1 running",
        "it is lost",
    ):
        assert text in said
    assert "it is done" not in said


def test_a_program_gets_json(root, capsys):
    assert main(["status", f"root={root}", "form=json", "study=of ann"]) == 0
    told = json.loads(capsys.readouterr().out)
    (study,) = told["studies"]
    assert study["user"] == "ann"
    assert study["states"]["complete"] == 1
    assert (study["utility"], study["risk"]) == (0.5, 0.25)
    assert study["running"][0]["is_dead"] is True
    assert study["failures"] == [{"message": "ValueError: [no markup]", "n": 1, "last": 2}]
    assert told["jobs"] == {"done": 1, "lost": 1, "queued": 1, "running": 1}
    assert [job["state"] for job in told["open_jobs"]] == ["running", "queued", "lost"]


def test_a_storage_of_its_own_and_what_is_not_there(root, tmp_path, capsys):
    assert main(["status", f"storage=sqlite:///{root}/studies.db", "form=json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [study["name"] for study in told["studies"]] == [f"of {root.name}"]
    assert told["jobs"] is None
    both = [f"storage=sqlite:///{root}/studies.db", f"database=sqlite:///{root}/web/web.db"]
    assert main(["status", f"root={tmp_path}/none", *both, "form=json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["studies"]) == 1
    assert told["jobs"] == {"done": 1, "lost": 1, "queued": 1, "running": 1}
    assert main(["status", f"root={tmp_path}/none"]) == 0
    assert "no study and no web service" in capsys.readouterr().out
    assert main(["status", f"root={root}", "study=other"]) == 2
    assert "there are: of ann" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_it_loads_nothing_heavy(root):
    code = (
        "import sys; from tabveil.cli import main; "
        f"main(['status', 'root={root}', 'form=json']); "
        "heavy = ('torch', 'mlflow', 'pandas', 'optuna', 'numpy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stderr
