"""Real processes: parallel, killed in mid-trial, and gone when the session ends."""

import os
import signal
import threading
import time
from dataclasses import dataclass

import psutil
import pytest
from processes import CAP, all_end, command_of

from tabveil.search.executors import Inline, Process
from tabveil.search.tasks import Outcome, Task


def square(task: Task) -> Outcome:
    value = float(task.values["x"])
    return Outcome(task.number, "complete", value * value, 0.0, {"pid": os.getpid()})


def die_on_odd(task: Task) -> Outcome:
    if task.number % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(task)


def sleep_long(task: Task) -> Outcome:
    time.sleep(60)
    return square(task)


@dataclass(frozen=True)
class Heavy:
    """Work that no pipe's buffer holds, as a table's splits."""

    splits: bytes

    def __call__(self, task: Task) -> Outcome:
        return square(task)


def die_in_mid_outcome(task: Task) -> Outcome:
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return Outcome(task.number, "complete", 0.0, 0.0, {"much": "x" * 10**8})


def workers():
    return [p for p in psutil.Process().children() if "spawn_main" in command_of(p)]


@pytest.mark.parametrize("executor", [Inline(), Process(n_workers=2)])
def test_every_task_comes_back_once(executor):
    got = []
    with executor.open(square) as session:
        waiting = [Task(i, {"x": float(i)}) for i in range(5)]
        running = 0
        while waiting or running:
            while waiting and running < session.n_workers:
                session.submit(waiting.pop(0))
                running += 1
            got.append(session.wait())
            running -= 1
    assert {o.number: o.utility for o in got} == {i: float(i * i) for i in range(5)}


def test_a_killed_worker_loses_its_own_trial_only():
    with Process(n_workers=2).open(die_on_odd) as session:
        session.submit(Task(0, {"x": 1.0}))
        session.submit(Task(1, {"x": 1.0}))
        outcomes = {o.number: o for o in (session.wait(), session.wait())}
        assert outcomes[0].state == "complete"
        assert outcomes[1].state == "lost"
        assert "exit code -9" in str(outcomes[1].error)
        session.submit(Task(2, {"x": 3.0}))
        assert session.wait().utility == 9.0


def test_leaving_the_session_ends_workers_in_mid_trial():
    with Process(n_workers=1).open(sleep_long) as session:
        session.submit(Task(0, {"x": 1.0}))
        started = workers()
    assert started
    assert all_end(started)


def test_a_worker_that_is_killed_as_it_starts_is_one_lost_trial():
    def kill_the_first():
        while not (started := workers()):
            time.sleep(0.001)
        started[0].kill()

    with Process(n_workers=1).open(Heavy(bytes(5_000_000))) as session:
        killer = threading.Thread(target=kill_the_first)
        killer.start()
        sender = threading.Thread(target=session.submit, args=(Task(0, {"x": 1.0}),), daemon=True)
        sender.start()
        sender.join(CAP)
        assert not sender.is_alive(), "the driver waits for a worker that is dead"
        killer.join()
        lost = session.wait()
        assert lost.state == "lost"
        assert "exit code -9" in str(lost.error)
        session.submit(Task(1, {"x": 3.0}))
        assert session.wait().utility == 9.0


def test_a_worker_that_is_killed_while_it_tells_its_outcome_is_one_lost_trial():
    with Process(n_workers=1).open(die_in_mid_outcome) as session:
        session.submit(Task(0, {"x": 1.0}))
        (worker,) = session._workers
        (process,) = workers()
        assert worker.pipe.poll(CAP)
        # Nobody reads: the worker stands in the middle of it when it is killed.
        assert all_end([process])
        assert session.wait().state == "lost"
