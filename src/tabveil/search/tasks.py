"""What travels between the driver of a sweep and the workers that run its trials?

Plain frozen data: a `Task` goes out, an `Outcome` comes back, whatever the executor.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import psutil

from tabveil.search.space import Value


@dataclass(frozen=True)
class Task:
    """One trial to run: its number in the study and the drawn values."""

    number: int
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    `lost`: the worker died under it; nobody saw why. `stopped`: a store is away or a disk is full,
    which says nothing of the values, and would stop every other task, too.
    """

    number: int
    state: Literal["complete", "failed", "lost", "stopped"]
    utility: float | None = None
    risk: float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able facts kept with the trial: bounds, run id, seconds."""
    error: str | None = None
    """What went wrong, in a line; a run that was open keeps the traceback as an artifact."""


Work = Callable[[Task], Outcome]


class Session(Protocol):
    """An open executor: takes tasks while it has room, gives outcomes as they come."""

    n_workers: int

    def submit(self, task: Task) -> None:
        """Start a task; at most `n_workers` may be under way."""
        ...

    def wait(self) -> Outcome:
        """Block until a submitted task ends, and return its outcome."""
        ...


def outcomes(session: Session, waiting: list[Task]) -> Iterator[Outcome]:
    """Hand out tasks while there is room, and give their outcomes as they come.

    `waiting` is emptied from the front; whoever reads may add to it meanwhile.
    """
    under_way = 0
    while waiting or under_way:
        # A cluster may have shrunk meanwhile.
        for _ in range(min(session.n_workers - under_way, len(waiting))):
            session.submit(waiting.pop(0))
            under_way += 1
        yield session.wait()
        under_way -= 1


class Executor(Protocol):
    """Where trials run: `inline` in this process, `process` beside it, `ray` on a cluster."""

    def check(self) -> None:
        """Raise ConfigError if it cannot work here; starts nothing."""
        ...

    def open(self, work: Work) -> AbstractContextManager[Session]:
        """Start the workers; on leaving the block they are gone, whatever they were doing."""
        ...


OWNER_VARIABLE = "TABVEIL_OWNER"
"""In a worker on another machine: the driver, whose death the next command can see."""


def owner() -> str:
    """Name who answers for what is begun here: the driver that sent us, or this process.

    `host:pid:start`; the start time guards against pid reuse.
    """
    driver = os.environ.get(OWNER_VARIABLE)
    if driver is not None:
        return driver
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def is_dead(name: str) -> bool:
    """Whether an `owner()` is known to have ended. Owners on other hosts count as alive: there a
    pid means nothing, and `orphans.py` goes by their heartbeats.

    What is no owner counts as dead: its process ended before it could say who it was.
    """
    host, pid, start = ["", "", *name.rsplit(":", 2)][-3:]
    if not host or not pid.isdigit():
        return True
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        # Clocks are set a little now and then, and a start is told by them.
        is_another = abs(process.create_time() - float(start)) > 2
        return is_another or process.status() == psutil.STATUS_ZOMBIE  # ended, and not reaped
    except psutil.NoSuchProcess:
        return True


def is_elsewhere(name: str) -> bool:
    """Whether an `owner()` signed on a machine of another name."""
    return name.count(":") >= 2 and name.rsplit(":", 2)[0] != socket.gethostname()
