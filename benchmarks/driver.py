"""What does a sweep's driver cost itself when its study has a thousand trials?

A study is filled with trials of the default space, with what a real trial keeps; then `Sweep`
runs further ones whose work is nothing, so that what is measured is the driver's: ask with the
sampler, sign, tell, count. Then `tabveil status` is run on it, in a process of its own. On SQLite,
and on PostgreSQL where its programs are found. Wall clock depends on who else uses the disk and
the processor, so CPU time is told as well.

    python benchmarks/driver.py [--trials 1000] [--more 30] [--out benchmarks/results/driver.json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from tabveil.config.compose import compose_command
from tabveil.config.space import parse_space
from tabveil.search.executors import Inline
from tabveil.search.space import Space, suggest
from tabveil.search.storage import Turns
from tabveil.search.study import Identity, Sampler, open_study
from tabveil.search.sweep import Sweep
from tabveil.search.tasks import Outcome, Task, owner
from tabveil.threads import limit_environment

NAME = "driver"
ABOUT = {
    "run_id": "a" * 32,
    "seconds": 1.0,
    "risk_low": 0.1,
    "risk_high": 0.2,
    "components": {f"attack {i}": [0.1, 0.2, 0.3] for i in range(20)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--more", type=int, default=30)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    limit_environment(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    results: dict[str, Any] = {"trials": arguments.trials, "cores": len(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory() as folder:
        storages = {"sqlite": f"sqlite:///{folder}/studies.db"}
        with postgres() as url:
            storages |= {"postgresql": url} if url else {}
            for kind, storage in storages.items():
                results[kind] = measure(storage, arguments.trials, arguments.more)
                print(kind, results[kind], flush=True)
    results["load"] = round(os.getloadavg()[0], 1)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def measure(storage: str, n: int, more: int) -> dict[str, float]:
    """Medians over `more` trials after `n`, in milliseconds, and of three looks, in seconds."""
    space = parse_space(dict(compose_command("sweep", ["sweep=ctgan"]).node.sweep.space))
    fill(storage, space, n)
    study = opened(storage, space, "tpe")
    wall, cpu = [time.perf_counter()], [time.process_time()]

    def noted(_: Outcome, __: int) -> None:
        wall.append(time.perf_counter())
        cpu.append(time.process_time())

    Sweep(study, space, n + more, 3, Turns(storage, NAME)).run(Inline(), nothing, noted)
    looks = [look(storage) for _ in range(3)]
    return {
        "ask_and_tell_ms": milliseconds(wall),
        "ask_and_tell_cpu_ms": milliseconds(cpu),
        "status_s": round(statistics.median(w for w, _ in looks), 2),
        "status_cpu_s": round(statistics.median(c for _, c in looks), 2),
    }


def milliseconds(moments: list[float]) -> float:
    return round(1000 * float(np.median(np.diff(moments))), 1)


def opened(storage: str, space: Space, sampler: str) -> optuna.Study:
    identity = Identity(space, "digest", {})
    return open_study(
        name=NAME, storage=storage, identity=identity, sampler=Sampler(sampler), seed=0
    )


def fill(storage: str, space: Space, n: int) -> None:
    """Put `n` complete trials into the study, drawn at random."""
    rng = np.random.default_rng(0)
    drawn = optuna.create_study(
        directions=["maximize", "minimize"], sampler=optuna.samplers.RandomSampler(seed=0)
    )
    for _ in range(n):
        trial = drawn.ask()
        suggest(space, trial)
        trial.set_user_attr("owner", owner())
        trial.set_user_attr("about", ABOUT)
        drawn.tell(trial, [float(x) for x in rng.random(2)])
    opened(storage, space, "random").add_trials(drawn.get_trials(deepcopy=False))


def nothing(task: Task) -> Outcome:
    x = task.number % 100 / 100
    return Outcome(task.number, "complete", x, 1 - x, about=ABOUT)


def look(storage: str) -> tuple[float, float]:
    """Wall and CPU seconds of `tabveil status`."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "tabveil", "status", f"storage='{storage}'"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def postgres() -> Iterator[str | None]:
    """A server of its own, if PostgreSQL is installed."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or next(iter(places), None)
    if found is None:
        yield None
        return
    programs, folder = Path(found).resolve().parent, Path(tempfile.mkdtemp(prefix="postgres-"))
    as_user = []
    if os.getuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    control = [*as_user, programs / "pg_ctl", "-D", folder / "data"]
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    made = [*as_user, programs / "initdb", "-D", folder / "data", "-U", "tabveil", "--auth=trust"]
    subprocess.run(made, **quiet)
    subprocess.run([*control, "-w", "-o", options, "-l", folder / "log", "start"], **quiet)
    try:
        yield f"postgresql+psycopg2://tabveil@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
