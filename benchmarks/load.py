"""How many trials an hour does a sweep run with so many workers, and what gives out first?

The model: a sweep runs as many trials a second as the slowest of three can take:

    workers / trial     what the workers do; `trial` as measured below, on one processor each
    1 / books           what the study's books take: drivers ask, sign and tell in turns, so
                        several drivers share this figure
    1 / tracking        what one MLflow server with one worker process takes

Measured here, on one machine, with a real PostgreSQL and a real MLflow server over it:

- books: seconds a trial with one driver, by the sampler, the number of stored trials and of those
  that run elsewhere; and with two drivers at once. Their own work is nothing.
- tracking: trials a second that one, two and four clients log, each what a real trial logs; and the
  processor seconds of a trial in the server, in PostgreSQL and in the client.
- trial: `tabveil train` of the default CTGAN on tables of two sizes, trained for few and for more
  epochs: seconds of training a 1,000 rows and epoch, and of everything else.

Then the model is held against sweeps of the default CTGAN on both tables, with one and two workers.

    python benchmarks/load.py data/randhie_years.parquet [--out benchmarks/results/load.json]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import optuna
import pandas as pd
import psutil
import sqlalchemy as sa
from driver import NAME, fill, nothing, opened, postgres
from executors import timed as since_trials_began

from tabveil.config.compose import compose_command
from tabveil.config.space import parse_space
from tabveil.search.books import OWNER, Books
from tabveil.search.executors import Inline
from tabveil.search.orphans import ask, beat
from tabveil.search.space import suggest
from tabveil.search.storage import Turns
from tabveil.search.sweep import Sweep
from tabveil.threads import limit_environment

STORED, RUNNING = (100, 1_000), (100, 1_000)
CLIENTS = (1, 2, 4)
WORKERS = (1, 2, 10, 100, 1_000)
TABLES, EPOCHS = (4_000, 16_000), (3, 9)
MORE, LOGGED, CHECKED = 30, 40, 6
ELSEWHERE = "elsewhere:1:1.00"
TABVEIL = [sys.executable, "-W", "ignore", "-m", "tabveil"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--only", nargs="*", default=[], help="parts to measure again in --out")
    parser.add_argument("--drive", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--log", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    limit_environment(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if given.drive:
        drive(*given.drive)
    elif given.log:
        log(*given.log)
    else:
        there = given.only and json.loads(given.out.read_text("utf-8"))
        result = measure(given.table, there or {}, given.only)
        if given.out is not None:
            given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def measure(table: Path, result: dict[str, Any], only: Sequence[str]) -> dict[str, Any]:
    """Measure all parts, or some; `result` holds what was measured before."""
    result["processors"] = len(os.sched_getaffinity(0))
    with postgres() as url, tempfile.TemporaryDirectory() as scratch:
        if url is None:
            sys.exit("PostgreSQL is not installed")
        folder = Path(scratch)
        for n in TABLES:
            pd.read_parquet(table).head(n).to_parquet(folder / f"{n}.parquet")
        parts = {
            "books": lambda: books(url),
            "tracking": lambda: tracking(created(url, "mlflow"), folder),
            "trial": lambda: trial(folder),
            "check": lambda: check(folder, result["trial"]),
        }
        for part in only or parts:
            result[part] = shown(part, parts[part]())
    result["plan"] = shown("plan", plan(result))
    result["load"] = round(os.getloadavg()[0], 1)
    return result


def shown(name: str, found: Any) -> Any:
    print(name, json.dumps(found, indent=1), flush=True)
    return found


def created(url: str, name: str) -> str:
    """A further database."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.rpartition("/")[0] + f"/{name}"


def books(url: str) -> dict[str, Any]:
    """Seconds a trial of one driver, by stored and running trials, and of two at once."""
    found: dict[str, Any] = {}
    for before, n in zip((0, *STORED), STORED, strict=False):
        fill(url, space(), n - before)  # beside the few that were measured
        found[f"tpe, {n} stored"] = round(driven(url, "tpe", 1), 4)
        if n == 1_000:
            found[f"random, {n} stored"] = round(driven(url, "random", 1), 4)
            found[f"tpe, {n} stored, two drivers"] = round(driven(url, "tpe", 2), 4)
    for running in RUNNING:
        found["a sign of life"] = round(run_elsewhere(url, running), 6)
        key = f"tpe, {STORED[-1]} stored, {running} running"
        found[key] = round(driven(url, "tpe", 1), 4)
    return found


def run_elsewhere(storage: str, n: int) -> float:
    """Let `n` trials run, as other drivers' do; seconds that a sign of life of one takes.

    They are taken for alive for the three minutes that the next measurement takes at most.
    """
    values = space()
    study = opened(storage, values, "random")
    running = [t for t in study.get_trials(deepcopy=False) if t.state.name == "RUNNING"]
    asked = []
    for _ in range(n - len(running)):
        asked.append(ask(study))
        suggest(values, asked[-1])
        asked[-1].set_user_attr(OWNER, ELSEWHERE)
        beat(study, asked[-1]._trial_id)
    assert isinstance(study._storage, Books)
    started = time.perf_counter()
    study._storage.record_heartbeats([t._trial_id for t in [*running, *asked]])
    return (time.perf_counter() - started) / n


def space() -> Any:
    return parse_space(dict(compose_command("sweep", ["sweep=ctgan"]).node.sweep.space))


def driven(storage: str, sampler: str, n_drivers: int) -> float:
    """Seconds a trial, all drivers together."""
    spans = together([["--drive", storage, sampler]] * n_drivers)
    return (max(end for _, end, _ in spans) - min(start for start, _, _ in spans)) / MORE


def drive(storage: str, sampler: str) -> None:
    """One driver of those that together run MORE trials."""
    study = opened(storage, space(), sampler)
    taken = [t for t in study.get_trials(deepcopy=False) if t.state.name != "FAIL"]
    is_alone = not any(trial.state.name == "RUNNING" for trial in taken)

    def noted(*_: Any) -> None:
        ended.append(time.time())
        if len(ended) == MORE and not is_alone:  # else it would wait for those that run elsewhere
            raise Enough

    # It ends with the last trial: then a driver may wait for the other.
    with timed() as ended, contextlib.suppress(Enough):
        sweep = Sweep(study, space(), MORE + len(taken), 3, Turns(storage, NAME))
        sweep.run(Inline(), nothing, noted)


class Enough(Exception):
    """As many trials as are measured."""


def tracking(database: str, folder: Path) -> dict[str, Any]:
    """What a server takes from several clients at once."""
    found: dict[str, Any] = {}
    with server(database, folder) as (uri, process):
        for n_clients in CLIENTS:
            before = cpu(process), postgres_cpu()
            spans = together([["--log", uri, str(folder)]] * n_clients)
            n = n_clients * LOGGED
            wall = max(end for _, end, _ in spans) - min(start for start, _, _ in spans)
            found[f"{n_clients} clients"] = {
                "trials_a_second": round(n / wall, 2),
                "server_cpu_s": round((cpu(process) - before[0]) / n, 4),
                "postgresql_cpu_s": round((postgres_cpu() - before[1]) / n, 4),
                "client_cpu_s": round(sum(used for *_, used in spans) / n, 4),
            }
    return found


@contextmanager
def server(database: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """An MLflow server with one worker process, over a database of its own."""
    uri = "http://127.0.0.1:5123"
    command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", "5123", "--backend-store-uri", database]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as running:
        process = psutil.Process(running.pid)
        try:
            mlflow.set_tracking_uri(uri)
            for _ in range(120):
                try:
                    mlflow.MlflowClient(uri).search_experiments()
                    break
                except mlflow.MlflowException:
                    time.sleep(1)
            yield uri, process
        finally:
            for one in [*process.children(recursive=True), process]:
                one.kill()


def log(uri: str, folder: str) -> None:
    """Log what a real trial logs, LOGGED times."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    from bookkeeping import log_again, made  # imports torch

    root = Path(tempfile.mkdtemp(dir=folder))
    one = made(root, [f"tracking.uri={uri}", f"tracking.experiment=load-{os.getpid()}"])
    with timed():
        for number in range(LOGGED):
            log_again(one, number, one.composition)


def together(lines: Sequence[Sequence[str]]) -> list[tuple[float, float, float]]:
    """Run this script so often, all at once; of each when it began and ended, and its CPU."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LOAD_MEET": f"{folder} {len(lines)}"}
        command = [sys.executable, "-W", "ignore", __file__]
        running = [
            subprocess.Popen([*command, *line], env=environment, stdout=subprocess.PIPE, text=True)
            for line in lines
        ]
        said = [one.communicate()[0] for one in running]
        assert not any(one.returncode for one in running)
    return [tuple(json.loads(text.splitlines()[-1])) for text in said]


@contextmanager
def timed() -> Iterator[list[float]]:
    """Wait until all that run together are ready; tell when the block began and ended.

    What is appended to the list is an earlier end.
    """
    folder, n = os.environ["LOAD_MEET"].split()
    (Path(folder) / str(os.getpid())).touch()
    while len(list(Path(folder).iterdir())) < int(n):
        time.sleep(0.01)
    started, used = time.time(), time.process_time()
    ended: list[float] = []
    yield ended
    end = ended[-1] if ended else time.time()
    print(json.dumps([started, end, time.process_time() - used]))


def cpu(process: psutil.Process) -> float:
    """Processor seconds of a process and its children, the ended ones included."""
    times = [one.cpu_times() for one in [process, *process.children(recursive=True)]]
    return sum(t.user + t.system for t in times) + times[0].children_user + times[0].children_system


def postgres_cpu() -> float:
    """Of the PostgreSQL that was started last."""
    servers = [
        process
        for process in psutil.process_iter(["name", "create_time"])
        if process.info["name"] == "postgres" and process.parent().name() != "postgres"
    ]
    return cpu(max(servers, key=lambda one: one.info["create_time"]))


def trial(folder: Path) -> dict[str, float]:
    """Seconds of a trial: fit = rows × epochs × a + b; all else = rows × c + d."""
    fits, others = [], []
    for n in TABLES:
        path = folder / f"{n}.parquet"
        for epochs in EPOCHS:
            fit, other = trained(path, folder / f"{n}-{epochs}", epochs)
            fits.append((n * epochs / 1000, 1.0, fit))
            others.append((n / 1000, 1.0, other))
    (a, b), (c, d) = fitted(fits), fitted(others)
    return {
        "fit_s_per_1000_rows_and_epoch": a,
        "fit_s": b,
        "other_s_per_1000_rows": c,
        "other_s": d,
        "measured": [
            {"rows_epochs": f[0], "fit_s": round(f[2], 2), "rows": o[0], "other_s": round(o[2], 2)}
            for f, o in zip(fits, others, strict=True)
        ],
    }


def fitted(rows: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    table = np.array(rows)
    slope, level = np.linalg.lstsq(table[:, :2], table[:, 2], rcond=None)[0]
    return round(float(slope), 4), round(float(level), 2)


def trained(path: Path, root: Path, epochs: int) -> tuple[float, float]:
    """Seconds of training, and of all else, of `tabveil train`."""
    words = ["dataset=csv", f"dataset.path={path}", "dataset.name=t", f"root={root}"]
    words += [f"synthesizer.epochs={epochs}"]
    subprocess.run([*TABVEIL, "train", *words], check=True, stdout=subprocess.DEVNULL)
    client = mlflow.MlflowClient(f"sqlite:///{root}/mlflow.db")
    experiment = client.get_experiment_by_name("t")
    (run,) = client.search_runs([experiment.experiment_id])
    whole = (run.info.end_time - run.info.start_time) / 1000
    return run.data.metrics["time/fit"], whole - run.data.metrics["time/fit"]


def check(folder: Path, constants: dict[str, float]) -> list[dict[str, Any]]:
    """Trials a minute, measured and by the model, of sweeps with one and with two workers."""
    rows = []
    for n in TABLES:
        seconds = trial_seconds(constants, n, EPOCHS[-1])
        for n_workers in (1, 2):
            root = folder / f"check-{n}-{n_workers}"
            words = ["dataset=csv", f"dataset.path={folder / f'{n}.parquet'}", "dataset.name=t"]
            words += ["sweep=smoke", f"sweep.trials={CHECKED}", "sweep.sampler=random"]
            words += [f"synthesizer.epochs=choice({EPOCHS[-1]})", f"root={root}"]
            words += ["executor=process", f"executor.n_workers={n_workers}"]
            environment = {**os.environ, "TABVEIL_PROGRESS": f"{root}.events"}
            quiet = {"check": True, "stdout": subprocess.DEVNULL}
            subprocess.run([*TABVEIL, "sweep", *words], env=environment, **quiet)
            found = since_trials_began(root)
            model = 60 * CHECKED / (found["start_s"] + CHECKED * seconds / n_workers)
            row = {"rows": n, "workers": n_workers, "model": round(model, 2)}
            rows.append({**row, "measured": found["trials_a_minute"]})
    return rows


def trial_seconds(constants: dict[str, float], n_rows: int, epochs: int) -> float:
    fit = constants["fit_s"] + constants["fit_s_per_1000_rows_and_epoch"] * epochs * n_rows / 1000
    return fit + constants["other_s"] + constants["other_s_per_1000_rows"] * n_rows / 1000


def plan(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Trials an hour by the model: tables of 20,000 rows, 60 epochs."""
    seconds, books = trial_seconds(result["trial"], 20_000, 60), result["books"]
    server = 1 / max(r["trials_a_second"] for r in result["tracking"].values())
    rows = []
    for n in WORKERS:
        state = f"{STORED[-1]} stored, {n} running" if n in RUNNING else "1000 stored"
        limits = {
            "the workers": seconds / n,
            "the study's books": books[f"tpe, {state}"],
            "one MLflow server": server,
        }
        slowest = max(limits, key=lambda name: limits[name])
        hour = round(3600 / limits[slowest])
        rows.append({"workers": n, "trial_s": round(seconds), "an_hour": hour, "limit": slowest})
    return rows


if __name__ == "__main__":
    main()
