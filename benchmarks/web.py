"""What does the web service take: pages under load, a large upload, a long download?

    python benchmarks/web.py TABLE --people 20 --seconds 60 --out benchmarks/results/web.json

Starts `tabveil serve` with its worker on this machine, in a folder of its own, brings TABLE and
starts a sweep. Then, on loopback only:

- pages: so many people at once, each looking at one page after the other (start, table, running
  sweep and its live part, ledger) with a second's thought between; 95th percentile of the answers
  in milliseconds, while the sweep runs;
- upload: a CSV of --upload-mb megabytes; what the server's resident memory grew to;
- download: a Parquet file of --rows rows, put where a sample job leaves it, read by one client;
  the server's resident memory again.

Memory is the peak of VmRSS of the server's process, asked every 50 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import requests

THOUGHT = 1.0
CHUNK = 2**20


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (url, token, server):
        session = signed_in(url, token)
        upload = brought(session, url, given.table)
        sweep = started(session, url, upload)
        results: dict[str, Any] = {
            "processors": os.cpu_count(),
            "people": given.people,
            "resident_mib_at_rest": rss(server),
            "pages": crowd(url, token, upload, sweep, given.people, given.seconds),
        }
        results["sweep_then"] = session.get(f"{url}/api/v1/jobs/{sweep}", timeout=60).json()[
            "state"
        ]
        session.post(f"{url}/api/v1/jobs/{sweep}/cancel", timeout=60)
        results["upload"] = large_upload(session, url, server, given.upload_mb)
        results["download"] = long_download(session, url, server, Path(folder), given.rows)
        results["resident_mib_at_end"] = rss(server)
    print(json.dumps(results, indent=1))
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--upload-mb", type=int, default=200)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--out", type=Path, help="where to write the result as JSON")
    return parser.parse_args()


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str, psutil.Process]]:
    """A server and its worker; everything that they started is ended at the end."""
    command = [sys.executable, "-m", "tabveil", "serve", f"root={folder}/store", "web.port=0"]
    command += ["web.per_minute=1000000"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert server.stdout is not None
    found = None
    while found is None:
        line = server.stdout.readline()
        if not line:
            raise SystemExit("the server did not start")
        found = re.search(r"(http://\S+)/enter\?token=(\S+)", line)
    try:
        yield found[1], found[2], psutil.Process(server.pid)
    finally:
        for process in psutil.process_iter(["environ"]):
            if f"{folder}/store" in str(process.info["environ"] or ""):
                with contextlib.suppress(psutil.Error):
                    process.kill()  # runners and commands, which outlive the server on purpose
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def signed_in(url: str, token: str) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    session.get(f"{url}/api/v1/uploads", timeout=60).raise_for_status()
    return session


def brought(session: requests.Session, url: str, table: Path) -> str:
    with table.open("rb") as file:
        answer = session.put(f"{url}/api/v1/uploads?name={table.name}", data=file, timeout=600)
    answer.raise_for_status()
    upload = answer.json()
    while (
        session.get(f"{url}/api/v1/jobs/{upload['inspection']}", timeout=60).json()["state"]
        != "done"
    ):
        time.sleep(1)
    return str(upload["id"])


def started(session: requests.Session, url: str, upload: str) -> str:
    order = {"kind": "sweep", "upload": upload, "effort": "quick", "trials": 50}
    answer = session.post(f"{url}/api/v1/jobs", json=order, timeout=60)
    answer.raise_for_status()
    number = str(answer.json()["id"])
    while not session.get(f"{url}/api/v1/jobs/{number}/progress", timeout=60).json()["trials"]:
        time.sleep(1)
    return number


def crowd(
    url: str, token: str, upload: str, sweep: str, people: int, seconds: float
) -> dict[str, Any]:
    """Milliseconds of every answer, by page."""
    paths = ("/", f"/uploads/{upload}", f"/jobs/{sweep}", f"/jobs/{sweep}/live", "/ledger")
    taken: dict[str, list[float]] = {path: [] for path in paths}
    failed: list[str] = []
    end = time.monotonic() + seconds

    def person(number: int) -> None:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        time.sleep(number / people * THOUGHT)
        while time.monotonic() < end:
            for path in paths:
                began = time.perf_counter()
                answer = session.get(url + path, timeout=60)
                taken[path].append((time.perf_counter() - began) * 1000)
                if not answer.ok:
                    failed.append(f"{path}: {answer.status_code}")
                time.sleep(THOUGHT)

    threads = [threading.Thread(target=person, args=[number]) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"{len(failed)} answers were no pages, such as {failed[0]}")
    everything = [one for answers in taken.values() for one in answers]
    kinds = ("start", "table", "sweep", "live", "ledger")
    return {
        "requests": len(everything),
        "p50_ms": round(statistics.median(everything), 1),
        "p95_ms": round(float(np.percentile(everything, 95)), 1),
        "p95_ms_by_page": {
            kind: round(float(np.percentile(taken[path], 95)), 1)
            for kind, path in zip(kinds, paths, strict=True)
        },
    }


def large_upload(
    session: requests.Session, url: str, server: psutil.Process, megabytes: int
) -> dict[str, Any]:
    line = b"31,Rome,1999-01-02,12345.678\n"
    block = line * (CHUNK // len(line))

    def body() -> Iterator[bytes]:
        yield b"age,city,born,income\n"
        sent = 0
        while sent < megabytes * 10**6:
            yield block
            sent += len(block)

    with watched(server) as peak:
        began = time.perf_counter()
        answer = session.put(f"{url}/api/v1/uploads?name=large.csv", data=body(), timeout=600)
        seconds = time.perf_counter() - began
    answer.raise_for_status()
    return {"mb": megabytes, "seconds": round(seconds, 1), "peak_resident_mib": peak()}


def long_download(
    session: requests.Session, url: str, server: psutil.Process, folder: Path, rows: int
) -> dict[str, Any]:
    """The rows are made here; how a release draws them is another benchmark's matter."""
    import sqlalchemy as sa

    path = folder / "rows.parquet"
    rng = np.random.default_rng(0)
    schema = pa.schema([("x", pa.float64()), ("y", pa.int64()), ("z", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 100_000):
            n = min(100_000, rows - start)
            columns = [rng.normal(size=n), rng.integers(0, 90, n), rng.choice(["a", "b"], n)]
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema))
    number = "f" * 32
    out = folder / "store" / "web" / "jobs" / number / "out"
    out.mkdir(parents=True)
    path.rename(out / "rows.parquet")
    engine = sa.create_engine(f"sqlite:///{folder}/store/web/web.db")
    with engine.begin() as connection:
        columns = ("id", "user", "kind", "lane", "order", "state", "message", "created")
        order = json.dumps({"kind": "sample", "format": "parquet", "n": rows, "seed": 0})
        values = (number, "local", "sample", "short", order, "done", "", "2026-01-01 00:00:00")
        names = ", ".join(f'"{name}"' for name in (*columns, "cancel_asked", "tries"))
        marks = ", ".join(f":v{i}" for i in range(len(columns) + 2))
        connection.execute(
            sa.text(f"insert into web_jobs ({names}) values ({marks})"),
            {f"v{i}": value for i, value in enumerate((*values, 0, 0))},
        )
    engine.dispose()
    n_bytes = 0
    with watched(server) as peak:
        began = time.perf_counter()
        with session.get(f"{url}/api/v1/jobs/{number}/rows", stream=True, timeout=600) as answer:
            answer.raise_for_status()
            n_bytes = sum(len(chunk) for chunk in answer.iter_content(CHUNK))
        seconds = time.perf_counter() - began
    if n_bytes != (out / "rows.parquet").stat().st_size:
        raise SystemExit("the download is not whole")
    told = answer.headers.get("X-Tabveil-Rows")
    return {
        "rows": rows,
        "rows_announced": told and int(told),
        "mb": round(n_bytes / 1e6),
        "seconds": round(seconds, 2),
        "peak_resident_mib": peak(),
    }


@contextlib.contextmanager
def watched(process: psutil.Process) -> Iterator[Any]:
    """The highest resident memory while the block runs."""
    seen, done = [rss(process)], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            seen.append(rss(process))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lambda: max(seen)
    finally:
        done.set()
        thread.join()


def rss(process: psutil.Process) -> float:
    return round(process.memory_info().rss / 2**20, 1)


if __name__ == "__main__":
    main()
