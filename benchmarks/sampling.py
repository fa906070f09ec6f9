"""How much memory and time does `tabveil sample` take for many rows?

Runs the real command in a process of its own, from a registered model, and reads the peak of its
resident memory from the operating system. A miniature CTGAN is trained first if no store is given
(rows cost the same however long it was trained).

    python benchmarks/sampling.py [--root store] [--model models:/randhie@balanced] [--n 1000000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-W", "ignore", "-m", "tabveil"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=None)
    parser.add_argument("--model", default="models:/randhie-smoke@balanced")
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.root or Path(folder) / "store"
        if arguments.root is None:
            call("sweep", "experiment=smoke", "sweep.trials=1", f"root={root}")
        rows = Path(folder) / "rows.parquet"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        peak = measured(
            "sample", f"model={arguments.model}", f"n={arguments.n}", f"out={rows}", f"root={root}"
        )
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = {
            "n": arguments.n,
            "peak_mb": round(peak / 1024),
            "wall_s": round(wall, 1),
            "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
            "file_mb": round(rows.stat().st_size / 2**20, 1),
        }
    print(result)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def call(*words: str) -> None:
    subprocess.run([*COMMAND, *words], check=True, stdout=subprocess.DEVNULL)


def measured(*words: str) -> int:
    """Run the command; return the peak resident memory of its process in KiB."""
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


if __name__ == "__main__":
    main()
