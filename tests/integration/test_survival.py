"""What dies takes only its own trial with it: kill -9 of the driver, of a worker, and ctrl-C."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager

import optuna
import psutil
import pytest
from mlflow import MlflowClient
from processes import all_end

from conftest import ROOT, TABVEIL, tabveil, worker_of

STUDY = "randhie-smoke"
N_TRIALS = 4


def words(root):
    return [
        "sweep",
        "experiment=smoke",
        "executor=process",
        "executor.n_workers=2",
        f"sweep.trials={N_TRIALS}",
        "synthesizer.epochs=choice(20,30)",
        "evaluation.max_targets=200",
        "evaluation.plots=false",
        f"root={root}",
    ]


@contextmanager
def running(root, given=()):
    """A sweep in the background, in its own process group; gone afterwards."""
    process = subprocess.Popen(
        [*TABVEIL, *words(root), *given],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell starts background jobs with ctrl-C ignored; the tests may run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def states(root):
    """The trials' states by number, read beside the driver: never through Optuna, which would
    make the tables while the driver does, and one of the two would fail."""
    file = root / "studies.db"
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT state FROM trials ORDER BY number").fetchall()
    except sqlite3.OperationalError:  # the tables are not made yet, or are being written
        return []
    return [state for (state,) in rows]


def wait_until(driver, condition, *, seconds=200):
    end = time.monotonic() + seconds
    while time.monotonic() < end and driver.poll() is None:
        if condition():
            return
        time.sleep(0.2)
    driver.kill()
    pytest.fail(f"waited in vain; the sweep said: {driver.communicate()[0]}")


def finished_whole(root, complete_before):
    """The target is reached exactly, what was complete is kept, and no run is left RUNNING."""
    study = optuna.load_study(study_name=STUDY, storage=f"sqlite:///{root}/studies.db")
    complete = [t for t in study.get_trials() if t.state.name == "COMPLETE"]
    assert len(complete) == N_TRIALS
    assert complete_before <= {t.number for t in complete}
    assert "RUNNING" not in states(root)
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name(STUDY)
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    finished = [r for r in runs if r.info.status == "FINISHED" and r.data.tags["role"] == "trial"]
    assert len(finished) == N_TRIALS
    assert [r.info.status for r in runs if r.data.tags["role"] == "sweep"] == ["FINISHED"]


@pytest.fixture
def root(tmp_path, randhie):
    return tmp_path / "store"


@pytest.mark.slow
def test_kill_9_of_the_driver_in_mid_sweep_loses_the_running_trials_only(root):
    with running(root) as driver:
        wait_until(driver, lambda: {"COMPLETE", "RUNNING"} <= {*states(root)})
        workers = psutil.Process(driver.pid).children(recursive=True)
        os.kill(driver.pid, signal.SIGKILL)
        assert all_end(workers), "workers outlive their driver"
    before = {i for i, state in enumerate(states(root)) if state == "COMPLETE"}
    again = tabveil(*words(root))
    assert again.returncode == 0, again.stderr
    finished_whole(root, before)


@pytest.mark.slow
def test_kill_9_of_a_worker_is_survived_within_the_same_sweep(root):
    with running(root) as driver:
        wait_until(driver, lambda: "RUNNING" in states(root) and len(states(root)) >= 2)
        # One that dies while it is started, before it has read its work, is another case.
        time.sleep(6)
        worker_of(driver).kill()
        output, _ = driver.communicate(timeout=240)
    assert driver.returncode == 0, output
    assert "lost: the worker process died (exit code -9)" in output
    finished_whole(root, set())


@pytest.mark.slow
def test_ctrl_c_ends_with_a_word_and_the_same_command_goes_on(root):
    with running(root) as driver:
        wait_until(driver, lambda: {"COMPLETE", "RUNNING"} <= {*states(root)})
        os.killpg(driver.pid, signal.SIGINT)
        output, _ = driver.communicate(timeout=240)
    assert driver.returncode == 130, output
    assert "interrupted; run the same command again to go on" in output
    assert "Traceback" not in output
    assert "RUNNING" not in states(root)
    before = {i for i, state in enumerate(states(root)) if state == "COMPLETE"}
    again = tabveil(*words(root))
    assert again.returncode == 0, again.stderr
    finished_whole(root, before)
