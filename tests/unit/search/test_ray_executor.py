"""A real cluster of two nodes: results as they come, losses one by one, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from processes import all_end

from tabveil.errors import ConfigError
from tabveil.memo import Memo
from tabveil.search.ray_executor import Ray, _fitting, _run
from tabveil.search.tasks import Outcome, Task, owner

ray_cluster = pytest.importorskip("ray_cluster")


def told(task: Task, **about) -> Outcome:
    value = float(task.values.get("x", 0))
    about |= {"pid": os.getpid(), "owner": owner(), "folder": os.getcwd()}
    return Outcome(task.number, "complete", value * value, 0.0, about)


def die_on_odd(task: Task) -> Outcome:
    if task.number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return told(task)


def fail_on_odd(task: Task) -> Outcome:
    if task.number % 2:
        raise ValueError("Smith, 58, diabetic")
    return told(task)


def wait_for_the_file(task: Task) -> Outcome:
    while task.number == 0 and not Path(str(task.values["file"])).exists():
        time.sleep(0.05)
    return told(task)


def sleep_long(task: Task) -> Outcome:
    Path(str(task.values["file"])).write_text(str(os.getpid()))
    time.sleep(120)
    return told(task)


@dataclass(frozen=True)
class Sharing:
    """Work whose trials share something that is dear to make."""

    shared: Memo = field(default_factory=Memo)

    def __call__(self, task: Task) -> Outcome:
        return told(task, made_for=self.shared.get("dear", lambda: task.number))


@pytest.fixture(scope="module")
def address():
    import ray

    # Workers do not see this folder: what is defined here travels whole.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with ray_cluster.two_nodes() as (cluster, _):
        yield cluster.address


def outcomes(session, tasks):
    for task in tasks:
        session.submit(task)
    return {one.number: one for one in (session.wait() for _ in tasks)}


def test_every_task_comes_back_once_in_the_name_of_the_driver(address):
    with Ray(address).open(told) as session:
        assert session.n_workers == 2
        got = outcomes(session, [Task(i, {"x": float(i)}) for i in range(5)])
    assert {n: o.utility for n, o in got.items()} == {i: float(i * i) for i in range(5)}
    assert {o.about["owner"] for o in got.values()} == {owner()}
    assert {o.about["folder"] for o in got.values()} == {os.getcwd()}
    assert os.getpid() not in {o.about["pid"] for o in got.values()}


def test_a_slow_trial_holds_up_nobody(address, tmp_path):
    file = tmp_path / "go"
    with Ray(address).open(wait_for_the_file) as session:
        session.submit(Task(0, {"file": str(file)}))
        for number in range(1, 4):
            session.submit(Task(number, {"file": str(file)}))
            assert session.wait().number == number
        file.touch()
        assert session.wait().number == 0


def test_a_killed_worker_loses_its_own_trial_only(address):
    with Ray(address).open(die_on_odd) as session:
        got = outcomes(session, [Task(0, {"x": 1.0}), Task(1, {"x": 1.0})])
        assert got[0].state == "complete"
        assert (got[1].state, got[1].error) == ("lost", "the worker process died")
        assert outcomes(session, [Task(2, {"x": 3.0})])[2].utility == 9.0


def test_an_exception_is_one_failed_trial_and_quotes_no_row(address):
    with Ray(address).open(fail_on_odd) as session:
        got = outcomes(session, [Task(1, {}), Task(2, {"x": 2.0})])
    assert got[1].state == "failed"
    assert "ValueError" in str(got[1].error)
    assert "Smith" not in str(got[1].error)
    assert got[2].utility == 4.0


def test_what_trials_share_is_made_once_a_worker(address):
    with Ray(address, n_workers=1).open(Sharing()) as session:
        got = [outcomes(session, [Task(i, {})])[i].about for i in range(6)]
    assert len({(one["pid"], one["made_for"]) for one in got}) == len({one["pid"] for one in got})
    assert len({one["pid"] for one in got}) < 6


def test_leaving_the_session_ends_workers_in_mid_trial(address, tmp_path):
    file = tmp_path / "pid"
    with Ray(address).open(sleep_long) as session:
        session.submit(Task(0, {"file": str(file)}))
        while not file.exists():
            time.sleep(0.05)
        busy = ray_cluster.workers()
        assert busy
    assert all_end(busy)


def test_a_trial_takes_what_it_asks_for(address):
    with Ray(address, n_cpus=0.25).open(told) as session:
        assert session.n_workers == 8
        assert outcomes(session, [Task(0, {"x": 2.0})])[0].utility == 4.0
    with Ray(address, n_cpus=0.25, n_workers=3).open(told) as session:
        assert session.n_workers == 3


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"n_gpus": 1}, "GPU 1"),
        ({"n_cpus": 2}, "CPU 2"),
        ({"memory_mb": 10**7}, "memory"),
        ({"resources": {"big_node": 1}}, "big_node 1"),
    ],
)
def test_what_no_node_has_is_said_at_once(address, asked, named):
    with (
        pytest.raises(ConfigError, match=f"needs .*{named}"),
        Ray(address, **asked).open(told),
    ):
        pass


def test_a_local_ray_ends_with_the_session(address, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", address)  # a local one is local all the same
    before = ray_cluster.ray_processes()
    with Ray(n_workers=1, object_store_mb=100).open(told) as session:
        import ray

        assert len(ray.nodes()) == session.n_workers == 1
        assert outcomes(session, [Task(0, {"x": 3.0})])[0].utility == 9.0
        started = ray_cluster.ray_processes() - before
        assert started
    assert all_end(started)


LONELY = """
import sys, time
from pathlib import Path
from tabveil.search.ray_executor import Ray
from tabveil.search.tasks import Task

def work(task):
    Path(task.values["file"]).touch()
    time.sleep(120)

with Ray(n_workers=1, object_store_mb=100).open(work) as session:
    session.submit(Task(0, {"file": sys.argv[1]}))
    session.wait()
"""


def test_a_local_ray_dies_with_its_driver(tmp_path):
    file = tmp_path / "begun"
    driver = subprocess.Popen([sys.executable, "-c", LONELY, str(file)])
    try:
        while not file.exists():
            assert driver.poll() is None
            time.sleep(0.1)
        started = psutil.Process(driver.pid).children(recursive=True)
        agents = [p for p in started if p.name().startswith(("ray::Dash", "ray::Runt"))]
        rest = [p for p in started if p not in agents]
        assert "ray::_run" in {p.name() for p in rest}
    finally:
        driver.kill()
        driver.wait()
    assert all_end(rest)
    for agent in agents:  # these run no trials; they would notice after a minute
        agent.kill()


def test_an_address_where_nothing_listens_is_one_clear_error():
    with pytest.raises(
        ConfigError, match=r"executor\.address=127\.0\.0\.1:9: Ray cannot be joined"
    ):
        Ray("127.0.0.1:9").open(told).__enter__()


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'tabveil\[ray\]'"):
        Ray().check()


def test_a_node_without_the_drivers_folder_says_so(tmp_path):
    with pytest.raises(ConfigError, match=r"has no folder .*all nodes must see"):
        _run([None], str(tmp_path / "elsewhere"), Task(0, {}))


def test_an_address_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match="give null, auto, or host:port"):
        Ray("ray://10.0.0.1:10001").check()


def test_processors_are_shared_or_given_whole():
    with pytest.raises(ConfigError, match=r"n_gpus=1\.5"):
        Ray(n_gpus=1.5).check()
    Ray(n_gpus=0.5, n_cpus=2).check()


def test_three_thirds_of_a_gpu_are_one():
    assert _fitting({"CPU": 8, "GPU": 1}, {"CPU": 1, "GPU": 1 / 3}) == 3
    assert _fitting({"CPU": 8}, {"CPU": 1, "GPU": 1}) == 0
