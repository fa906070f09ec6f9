"""A sweep on a real Ray cluster gives what it gives elsewhere, and outlives what dies there."""

import csv
import json
import os
import signal
import time
from contextlib import closing

import psutil
import pytest
from processes import all_end
from test_confirm import unconfirmed
from test_survival import finished_whole, root, running, states, wait_until, words  # noqa: F401

from conftest import CONFIRM, tabveil

ray_cluster = pytest.importorskip("ray_cluster")


@pytest.fixture
def cluster():
    with ray_cluster.two_nodes() as (cluster, node):
        yield cluster, node


LIGHT = ["evaluation.max_targets=200", "evaluation.plots=false"]


def on(cluster):
    return ["executor=ray", f"executor.address={cluster.address}", *LIGHT]


def trials(root, *given):  # noqa: F811
    """What each trial of a small random sweep gave, by number."""
    done = tabveil(
        *("sweep", "experiment=smoke", "sweep.trials=3", "sweep.sampler=random", f"root={root}"),
        *given,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = root.glob("sweeps/*/trials.csv")
    with closing(file.open(encoding="utf-8")) as lines:
        rows = list(csv.DictReader(lines))
    return [{k: v for k, v in row.items() if k not in ("seconds", "run_id")} for row in rows]


@pytest.mark.slow
def test_trial_by_trial_it_gives_what_the_other_executors_give(cluster, tmp_path, randhie):
    expected = trials(tmp_path / "inline", "executor=inline", *LIGHT)
    assert [row["state"] for row in expected] == ["complete"] * 3
    assert (
        trials(tmp_path / "process", "executor=process", "executor.n_workers=2", *LIGHT) == expected
    )
    assert trials(tmp_path / "ray", *on(cluster[0])) == expected


def models(root):  # noqa: F811
    """What each model of a confirmation gave, by file."""
    found = {}
    for path in (root / "confirmations" / "randhie-smoke").glob("*.json"):
        attempt = json.loads(path.read_text())["attempt"]
        found[path.name] = {k: v for k, v in attempt.items() if k != "run_id"}
    return found


@pytest.mark.slow
def test_model_by_model_a_confirmation_gives_what_it_gives_here(
    cluster, smoke_store, confirmed_store, tmp_path
):
    there = unconfirmed(smoke_store, tmp_path / "store")
    words = ["executor=ray", f"executor.address={cluster[0].address}", f"root={there}"]
    done = tabveil("confirm", *CONFIRM, *words, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert models(there) == models(confirmed_store[0])
    assert len(models(there)) == 3


def in_mid_trial(root, n):  # noqa: F811
    """Whether `n` workers have opened their runs: what is killed then leaves one open."""
    return states(root).count("RUNNING") >= n and len(ray_cluster.workers()) >= n


@pytest.mark.slow
def test_kill_9_of_a_worker_is_survived_within_the_same_sweep(cluster, root):  # noqa: F811
    with running(root, on(cluster[0])) as driver:
        wait_until(driver, lambda: in_mid_trial(root, 1), seconds=600)
        time.sleep(4)
        ray_cluster.workers()[0].kill()
        output, _ = driver.communicate(timeout=900)
    assert driver.returncode == 0, output
    assert "lost: the worker process died" in output
    finished_whole(root, set())


@pytest.mark.slow
def test_a_node_that_dies_loses_its_own_trial_only(cluster, root):  # noqa: F811
    head, node = cluster
    with running(root, on(head)) as driver:
        wait_until(driver, lambda: in_mid_trial(root, 2), seconds=600)
        time.sleep(4)
        head.remove_node(node, allow_graceful=False)
        output, _ = driver.communicate(timeout=900)
    assert driver.returncode == 0, output
    assert output.count(" lost: ") == 1, output
    finished_whole(root, set())


@pytest.mark.slow
def test_a_head_that_dies_ends_the_sweep_and_the_same_command_goes_on_elsewhere(cluster, root):  # noqa: F811
    head, _ = cluster
    with running(root, on(head)) as driver:
        wait_until(driver, lambda: {"COMPLETE", "RUNNING"} <= {*states(root)}, seconds=600)
        head.remove_node(head.head_node, allow_graceful=False)
        output, _ = driver.communicate(timeout=300)
    assert driver.returncode != 0, output
    before = {i for i, state in enumerate(states(root)) if state == "COMPLETE"}
    again = tabveil(*words(root), *LIGHT)
    assert again.returncode == 0, again.stderr
    finished_whole(root, before)


@pytest.mark.slow
def test_kill_9_of_the_driver_ends_its_trials_and_the_same_command_goes_on(
    cluster,
    root,  # noqa: F811
):
    with running(root, on(cluster[0])) as driver:
        wait_until(driver, lambda: {"COMPLETE", "RUNNING"} <= {*states(root)}, seconds=600)
        busy = ray_cluster.workers()
        assert busy
        os.kill(driver.pid, signal.SIGKILL)
        assert all_end(busy), "workers outlive their driver"
    before = {i for i, state in enumerate(states(root)) if state == "COMPLETE"}
    again = tabveil(*words(root), *on(cluster[0]))
    assert again.returncode == 0, again.stderr
    finished_whole(root, before)


@pytest.mark.slow
def test_ctrl_c_ends_a_local_ray_and_the_same_command_goes_on(root):  # noqa: F811
    local = ["executor=ray", "executor.n_workers=2", "executor.object_store_mb=100", *LIGHT]
    with running(root, local) as driver:
        wait_until(driver, lambda: {"COMPLETE", "RUNNING"} <= {*states(root)}, seconds=600)
        started = psutil.Process(driver.pid).children(recursive=True)
        os.killpg(driver.pid, signal.SIGINT)
        output, _ = driver.communicate(timeout=240)
    assert driver.returncode == 130, output
    assert "interrupted; run the same command again to go on" in output
    assert "Traceback" not in output
    assert all_end(started)
    before = {i for i, state in enumerate(states(root)) if state == "COMPLETE"}
    again = tabveil(*words(root), *local)
    assert again.returncode == 0, again.stderr
    finished_whole(root, before)
