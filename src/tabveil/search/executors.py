"""Where do a sweep's trials run?

`Inline` runs them one after the other in the driver. `Process` keeps a few worker processes,
each running one trial at a time on its own thread budget. A worker that dies loses only the
trial it was running; a worker whose driver dies ends itself within a second. For more than one
machine there is `ray_executor.py`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_any
from multiprocessing.context import SpawnProcess
from typing import Annotated

from pydantic import Field

from tabveil.search.tasks import Outcome, Task, Work
from tabveil.threads import limit_environment

_PATIENCE = 5
"""Seconds that an idle worker may take to leave."""


@dataclass(frozen=True)
class Inline:
    """One trial at a time, in this process."""

    def check(self) -> None:
        """It needs nothing."""

    @contextlib.contextmanager
    def open(self, work: Work) -> Iterator[InlineSession]:
        """Give a session that runs each task when its outcome is waited for."""
        yield InlineSession(work)


class InlineSession:
    """Holds at most one task until somebody waits for it."""

    n_workers = 1

    def __init__(self, work: Work) -> None:
        self._work = work
        self._tasks: list[Task] = []

    def submit(self, task: Task) -> None:
        """Remember the task."""
        self._tasks.append(task)

    def wait(self) -> Outcome:
        """Run the task."""
        return self._work(self._tasks.pop(0))


@dataclass(frozen=True)
class Process:
    """`n_workers` processes, each on `n_threads` threads; None: one per core this process has."""

    n_workers: Annotated[int, Field(gt=0)] | None = None
    n_threads: Annotated[int, Field(gt=0)] = 1

    def check(self) -> None:
        """It needs nothing."""

    @contextlib.contextmanager
    def open(self, work: Work) -> Iterator[ProcessSession]:
        """Start the workers when first needed; stop them on leaving."""
        n_workers = self.n_workers or max(1, len(os.sched_getaffinity(0)) // self.n_threads)
        limit_environment(self.n_threads)
        session = ProcessSession(work, n_workers)
        try:
            yield session
        finally:
            session.close()


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    task: Task | None = None


class ProcessSession:
    """Hands tasks to idle workers, starting them as needed, and collects outcomes."""

    def __init__(self, work: Work, n_workers: int) -> None:
        self.n_workers = n_workers
        self._work = work
        self._workers: list[_Worker] = []
        self._lost: list[Outcome] = []

    def submit(self, task: Task) -> None:
        """Send the task to an idle worker, or to a new one."""
        for worker in [w for w in self._workers if w.task is None]:
            if self._send(worker, task):
                return
            self._workers.remove(worker)
            _leave(worker)
        worker = self._start()
        self._workers.append(worker)
        if not (self._send(worker, self._work) and self._send(worker, task)):
            self._workers.remove(worker)
            died = f"the worker process died as it started (exit code {_leave(worker)})"
            self._lost.append(Outcome(task.number, "lost", error=died))

    def wait(self) -> Outcome:
        """Return the first outcome that comes, or the loss of a worker that died."""
        if self._lost:
            return self._lost.pop()
        busy = [worker for worker in self._workers if worker.task is not None]
        ready = set(wait_any([w.pipe for w in busy]))
        worker = next(w for w in busy if w.pipe in ready)
        assert worker.task is not None
        try:
            outcome: Outcome = worker.pipe.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of its outcome
            self._workers.remove(worker)
            died = f"the worker process died (exit code {_leave(worker)})"
            return Outcome(worker.task.number, "lost", error=died)
        worker.task = None
        return outcome

    def close(self) -> None:
        """Let idle workers leave, and stop at once those in mid-trial."""
        for worker in self._workers:
            if worker.task is not None or not self._send(worker, None):
                worker.process.kill()
        for worker in self._workers:
            _leave(worker)
        self._workers.clear()

    def _start(self) -> _Worker:
        """A process that waits for its work.

        The work is not an argument: `start` would write it to a pipe whose other end it keeps
        open itself, and would hang for ever when the process died before it had read everything.
        """
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()  # the worker has the only other end: its death is seen by whoever sends
        return _Worker(process, ours)

    def _send(self, worker: _Worker, what: Work | Task | None) -> bool:
        try:
            worker.pipe.send(what)
        except (BrokenPipeError, ConnectionResetError):
            return False
        worker.task = what if isinstance(what, Task) else None
        return True


def _leave(worker: _Worker) -> int | None:
    """See a worker off that is leaving, or dead; its exit code."""
    worker.process.join(_PATIENCE)
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()
    return worker.process.exitcode


def _serve(pipe: Connection, driver: int) -> None:
    """A worker's whole life: take the work, then task by task; None is the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C reaches the driver, which stops us
    threading.Thread(target=_leave_with, args=(driver,), daemon=True).start()
    try:
        work = pipe.recv()
        while (task := pipe.recv()) is not None:
            pipe.send(work(task))
    except (EOFError, ConnectionResetError, BrokenPipeError):  # the driver is gone
        return


def _leave_with(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(0.5)
    os._exit(1)
