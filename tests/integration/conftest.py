"""The real command line, on the real default table."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from processes import command_of
from servers import Postgres

from tabveil.logs import VARIABLE

ROOT = Path(__file__).parents[2]
TABVEIL = [sys.executable, "-W", "ignore", "-m", "tabveil"]


def tabveil(*arguments, cwd=ROOT, timeout=300):
    """Run the command in a process of its own."""
    return subprocess.run(
        [*TABVEIL, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def worker_of(driver):
    """A worker process of a command with `executor=process`."""
    return next(
        child
        for child in psutil.Process(driver.pid).children()
        if "spawn_main" in command_of(child)
    )


@contextmanager
def logging_to(file):
    """Commands that are started inside write their log there."""
    os.environ[VARIABLE] = str(file)
    try:
        yield
    finally:
        del os.environ[VARIABLE]


@pytest.fixture(scope="session")
def randhie():
    path = ROOT / "data" / "randhie.parquet"
    if not path.is_file():
        pytest.skip("data/randhie.parquet is absent; run `dvc pull`")
    return path


@pytest.fixture(scope="session")
def smoke_store(tmp_path_factory, randhie):
    """The store that `tabveil sweep experiment=smoke` leaves, and what it printed."""
    root = tmp_path_factory.mktemp("smoke") / "store"
    with logging_to(root.parent / "log.jsonl"):
        done = tabveil("sweep", "experiment=smoke", f"root={root}")
    assert done.returncode == 0, done.stderr
    return root, done.stdout


CONFIRM = (
    *("experiment=smoke", "gate=lenient", f"--config-dir={ROOT}/tests/integration/conf"),
    *("confirm.evaluation=quick", "confirm.seeds=3", "confirm.most=1"),
)
"""A confirmation that takes a minute: fewer attacks, on a policy that so small a table can pass."""


@pytest.fixture(scope="session")
def confirmed_store(smoke_store):
    """The same store after `tabveil confirm`, and what that printed."""
    root, _ = smoke_store
    done = tabveil("confirm", *CONFIRM, f"root={root}")
    assert done.returncode == 0, done.stdout + done.stderr
    return root, done.stdout


@pytest.fixture(scope="session")
def postgres():
    """The URL of a real PostgreSQL, started for these tests, with an empty database."""
    server = Postgres()
    try:
        yield server.url()
    finally:
        server.remove()


collect_ignore = ["conftest.py"]
