"""Drivers of small sweeps that tests start, watch and kill, and what the books then say."""

import os
import re
import signal
import subprocess
import time

import optuna
import pytest
import sqlalchemy as sa
from mlflow import MlflowClient

from conftest import ROOT, TABVEIL

CHAOS = (*("experiment=chaos", f"--config-dir={ROOT}/tests/integration/conf"),)


class Driver:
    """A `tabveil sweep` in the background, in a process group of its own."""

    def __init__(self, root, *words, env=None):
        self.log = root.parent / f"{root.name}-{time.monotonic_ns()}.log"
        command = [*TABVEIL, "sweep", *CHAOS, f"root={root}", *words]
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
            )

    @property
    def said(self):
        return self.log.read_text(errors="replace")

    def wait(self, seconds=240):
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"did not end; it said: {self.said}")

    def done(self):
        """How many trials it has seen complete."""
        return len(re.findall(r"^\[\d+/\d+\] trial \d+: utility", self.said, re.MULTILINE))

    def until(self, condition, seconds=180):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            if condition():
                return
            time.sleep(0.1)
        self.kill()
        pytest.fail(f"waited in vain; it said: {self.said}")

    def kill(self):
        """SIGKILL to the driver alone: its workers must notice by themselves."""
        self._process.kill()
        self._process.wait()

    def end(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def trials(url, study="chaos"):
    """The trials of a study as rows, read past Optuna: (number, state, params)."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    query = """
        SELECT t.number, t.state, p.param_name, p.param_value FROM trials t
        JOIN studies s ON s.study_id = t.study_id
        LEFT JOIN trial_params p ON p.trial_id = t.trial_id
        WHERE s.study_name = :study ORDER BY t.number, p.param_name
    """
    found = {}
    try:
        with engine.connect() as connection:
            rows = connection.execute(sa.text(query), {"study": study}).all()
    except sa.exc.SQLAlchemyError:  # there are no tables yet
        return []
    for number, state, name, value in rows:
        found.setdefault(number, (state, []))[1].append((name, value))
    return [(number, state, tuple(values)) for number, (state, values) in found.items()]


def assert_balanced(url, uri, target, *, study="chaos"):
    """The target is reached exactly, no values count twice, and nothing is left RUNNING."""
    found = trials(url, study)
    complete = [values for _, state, values in found if state == "COMPLETE"]
    assert len(complete) == len(set(complete)) == target
    assert "RUNNING" not in {state for _, state, _ in found}
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study)
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED", "FAILED"}
    done = [r for r in runs if (r.info.status, r.data.tags["role"]) == ("FINISHED", "trial")]
    told = optuna.load_study(study_name=study, storage=url).trials
    run_ids = {
        t.user_attrs["about"]["run_id"]: t.number for t in told if t.state.name == "COMPLETE"
    }
    assert len(run_ids) == target
    assert {r.info.run_id: int(r.data.tags["trial"]) for r in done} == run_ids
    parents = [r for r in runs if r.data.tags["role"] == "sweep"]
    assert [r.info.status for r in parents] == ["FINISHED"]
    assert {r.data.tags["mlflow.parentRunId"] for r in done} == {parents[0].info.run_id}
