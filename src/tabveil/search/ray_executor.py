"""Where do a sweep's trials run when one machine is not enough?

On Ray: a trial is one Ray task that asks for the resources in the configuration. The work, with
the splits, is put once into the object store, from where the trials of a node share one copy.
Outcomes come as they are ready. Ray retries nothing: the study does, and knows what it has lost.
When the driver ends, however it ends, Ray stops what it had started.

Ray is imported here only, and only when a session opens.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import math
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field

from tabveil import logs, progress
from tabveil.errors import ConfigError, StudyError, safe_summary
from tabveil.search.tasks import OWNER_VARIABLE, Outcome, Task, Work, owner
from tabveil.threads import environment, limit_environment

_PATIENCE = 5.0
"""Seconds that cancelled tasks may take to end."""

_LOOK = 10.0
"""Seconds between two looks at whether the cluster can still hold a trial."""

_WITHOUT_ROOM = 60.0
"""Seconds that no node may be able to hold a trial; then nobody waits any longer."""

_ANSWER = 10.0
"""Seconds that a cluster's port may take to open; Ray itself would try for minutes."""

_HOST_AND_PORT = re.compile(r"(?P<host>[^/\s]+):(?P<port>\d{1,5})")
_MIB = 2**20

_LOST = {
    "WorkerCrashedError": "the worker process died",
    "NodeDiedError": "its node died",
    "OutOfMemoryError": "Ray stopped its worker: the node was short of memory",
}


@dataclass(frozen=True)
class Ray:
    """A trial is a Ray task; conf/executor/ray.yaml says what each setting means."""

    address: str | None = None
    n_workers: Annotated[int, Field(gt=0)] | None = None
    n_threads: Annotated[int, Field(gt=0)] = 1
    n_cpus: Annotated[float, Field(gt=0)] = 1
    n_gpus: Annotated[float, Field(ge=0)] = 0
    memory_mb: Annotated[int, Field(gt=0)] | None = None
    resources: Mapping[str, Annotated[float, Field(gt=0)]] | None = None
    object_store_mb: Annotated[int, Field(ge=80)] = 500

    def check(self) -> None:
        """Say at once what is missing. Raises ConfigError."""
        if importlib.util.find_spec("ray") is None:
            raise ConfigError("executor=ray needs Ray; pip install 'tabveil[ray]'")
        for name, value in (("n_cpus", self.n_cpus), ("n_gpus", self.n_gpus)):
            if value > 1 and value != int(value):
                raise ConfigError(f"executor.{name}={value}: Ray shares one or gives whole ones")
        if self.address not in (None, "auto") and not _HOST_AND_PORT.fullmatch(self.address):
            raise ConfigError(
                f"executor.address={self.address}: give null, auto, or host:port, such as "
                f"10.0.0.1:6379"
            )

    @property
    def needs(self) -> dict[str, float]:
        """What a trial takes of a node, under Ray's names; memory in bytes."""
        asked = {
            "CPU": self.n_cpus,
            "GPU": self.n_gpus,
            "memory": (self.memory_mb or 0) * _MIB,
            **(self.resources or {}),
        }
        return {name: amount for name, amount in asked.items() if amount}

    @contextlib.contextmanager
    def open(self, work: Work) -> Iterator[RaySession]:
        """Join the cluster, or start a local one; on leaving, what ran for us is stopped.

        Raises:
            ConfigError: Ray is not installed, the cluster cannot be joined, or none of its nodes
                could ever hold a trial.
        """
        self.check()
        limit_environment(self.n_threads)
        with _connected(self):
            session = RaySession(work, self)
            try:
                yield session
            finally:
                session.close()


class RaySession:
    """Submits tasks to Ray and collects their outcomes."""

    def __init__(self, work: Work, executor: Ray) -> None:
        import ray

        self._needs = executor.needs
        self._asked = executor.n_workers
        self._running: dict[Any, Task] = {}
        if not self._capacity():
            raise ConfigError(_no_room(self._needs, ray.cluster_resources()))
        self._work = ray.put(work)
        self._remote = ray.remote(_run).options(
            max_retries=0,
            num_cpus=executor.n_cpus,
            num_gpus=executor.n_gpus,
            memory=self._needs.get("memory"),
            resources=dict(executor.resources or {}),
            runtime_env={"env_vars": _variables(executor.n_threads)},
        )

    @property
    def n_workers(self) -> int:
        """How many trials the cluster holds now, `executor.n_workers` at most."""
        room = max(1, self._capacity())
        return room if self._asked is None else min(self._asked, room)

    def submit(self, task: Task) -> None:
        """Hand the task to Ray. In a list a reference travels as it is, not what it stands for."""
        self._running[self._remote.remote([self._work], os.getcwd(), task)] = task

    def wait(self) -> Outcome:
        """Return the first outcome that comes, or the loss of a task whose worker died.

        Raises:
            StudyError: no node of the cluster has been able to hold a trial for a minute.
        """
        import ray

        end = time.monotonic() + _WITHOUT_ROOM
        while True:
            ready, _ = ray.wait(list(self._running), num_returns=1, timeout=_LOOK)
            if ready:
                return _outcome(ready[0], self._running.pop(ready[0]))
            if self._capacity():
                end = time.monotonic() + _WITHOUT_ROOM
            elif time.monotonic() > end:
                raise StudyError(_no_room(self._needs, ray.cluster_resources()))

    def close(self) -> None:
        """Stop the tasks that run, and see them end before anybody closes their runs."""
        import ray

        running, self._running = list(self._running), {}
        with contextlib.suppress(ray.exceptions.RayError):
            for reference in running:
                ray.cancel(reference, force=True)
            if running:
                ray.wait(running, num_returns=len(running), timeout=_PATIENCE)

    def _capacity(self) -> int:
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return sum(_fitting(node, self._needs) for node in nodes)


@contextlib.contextmanager
def _connected(executor: Ray) -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    try:
        if executor.address is None:
            # "local": without it, the cluster that RAY_ADDRESS names would be joined. Others on the
            # network reach its ports, too; by Ray's default they need the token in ~/.ray.
            ray.init(
                address="local",
                num_cpus=_local_cpus(executor),
                object_store_memory=executor.object_store_mb * _MIB,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        else:
            if found := _HOST_AND_PORT.fullmatch(executor.address):
                socket.create_connection((found["host"], int(found["port"])), _ANSWER).close()
            ray.init(address=executor.address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        ray.shutdown()
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(
            f"executor.address={executor.address or 'null'}: Ray cannot be "
            f"{'started' if executor.address is None else 'joined'} there: {said}"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _local_cpus(executor: Ray) -> int:
    """A local Ray has as many processors as this process, or as many as were asked for."""
    asked = math.ceil((executor.n_workers or 1) * executor.n_cpus)
    return asked if executor.n_workers else max(asked, len(os.sched_getaffinity(0)))


def _variables(n_threads: int) -> dict[str, str]:
    """The environment of the workers. No credentials: Ray shows it to all who see the cluster."""
    variables = {**environment(n_threads), OWNER_VARIABLE: owner()}
    told = (progress.VARIABLE, logs.VARIABLE, logs.JOB)
    return {**variables, **{name: os.environ[name] for name in told if name in os.environ}}


def _fitting(node: Mapping[str, float], needs: Mapping[str, float]) -> int:
    """How many trials a node holds at once. The margin is for shares such as 3 times 1/3."""
    return min(int(node.get(name, 0) / amount + 1e-6) for name, amount in needs.items())


def _no_room(needs: Mapping[str, float], there: Mapping[str, float]) -> str:
    asked = ", ".join(f"{name} {amount:g}" for name, amount in needs.items())
    names = [name for name in there if not name.startswith("node:")]
    found = ", ".join(f"{name} {there[name]:g}" for name in sorted(names)) or "no node"
    return (
        f"executor=ray: no node of the cluster can hold a trial that needs {asked}; in the whole "
        f"cluster there is {found}; lower executor.n_cpus, n_gpus, memory_mb or resources"
    )


def _outcome(reference: Any, task: Task) -> Outcome:
    import ray

    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # work never raises: the node cannot do it at all
        return Outcome(task.number, "failed", error=safe_summary(error.cause))
    except ray.exceptions.RayError as error:
        kind = type(error).__name__
        return Outcome(task.number, "lost", error=_LOST.get(kind, f"Ray lost it ({kind})"))
    return outcome


def _run(work: Sequence[Any], folder: str, task: Task) -> Outcome:
    """The remote side: one task. Relative paths mean the driver's folder here, too."""
    try:
        os.chdir(folder)
    except OSError:
        raise ConfigError(
            f"the node {socket.gethostname()} has no folder {folder}; all nodes must see the "
            f"driver's folder and its root under the same path"
        ) from None
    return _fetched(work[0])(task)


@lru_cache(maxsize=1)
def _fetched(reference: Any) -> Work:
    """The work, kept in this worker: what its trials share is made once."""
    import ray

    work: Work = ray.get(reference)
    return work
