"""Does what people asked for survive when server and worker are killed, and is the truth told?"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tabveil.client import Client

TABLE = "age,visits,sick\n" + "".join(
    f"{20 + i % 50},{i % 7},{'yes' if i % 3 else 'no'}\n" for i in range(1500)
)


@contextlib.contextmanager
def served(root: Path) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """`tabveil serve` as a person starts it, in a process group that can be killed as a whole."""
    command = [sys.executable, "-m", "tabveil", "serve", f"root={root}", "web.port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    try:
        door = next(line.split()[-1] for line in process.stdout if "/enter?token=" in line)
        url, _, token = door.partition("/enter?token=")
        yield process, Client(url, token)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def wait(done: object, seconds: float) -> None:
    assert callable(done)
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.slow
def test_a_killed_server_and_worker_come_back_to_a_job_that_went_on(tmp_path: Path) -> None:
    root, file = tmp_path / "store", tmp_path / "people.csv"
    file.write_text(TABLE)
    with served(root) as (process, client):
        upload = client.upload(file)
        client.wait(upload.inspection)
        sweep = client.start_sweep(upload.id, effort="glance", trials=3).id
        wait(lambda: client.job(sweep).state == "running", 60)
        for child in psutil.Process(process.pid).children():  # the worker; runners are detached
            child.send_signal(signal.SIGKILL)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with served(root) as (_, client):
        assert client.job(sweep).state in ("queued", "running")
        ended = client.wait(sweep)
        assert ended.state == "done"
        trials = client.progress(sweep)["trials"]
        assert sum(trial["state"] == "complete" for trial in trials) == 3
