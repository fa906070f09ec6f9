"""How many rows a second does `tabveil sample shards=true` draw, and at what memory?

The real command in a process of its own, with one worker and with two, from a CTGAN of the default
table (trained for one epoch if no generator is given: rows cost the same however long it was
trained). Memory is the peak resident set of the command's processes: of the largest one, and the
sum over all of them, sampled every 0.2 s. Wall clock depends on who else uses the cores: the load
is told. Then the bytes of both folders are compared.

    python benchmarks/shards.py [--rows 5000000] [--shard-rows 1000000] [--workers 1 2]
        [--model FOLDER] [--folder /tmp] [--out benchmarks/results/shards.json]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tabveil.tracking.manifest import check_folder

COMMAND = [sys.executable, "-W", "ignore", "-m", "tabveil"]
EVERY = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--shard-rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", default=None)
    parser.add_argument("--folder", type=Path, default=None, help="where rows are written")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        model = arguments.model or trained(Path(scratch))
        results, digests = [], set()
        for n_workers in arguments.workers:
            folder = Path(scratch) / "rows"
            result, digest = measure(model, folder, arguments, n_workers)
            print(result, flush=True)
            results.append(result)
            digests.add(digest)
            shutil.rmtree(folder)
    assert len(digests) == 1, "the rows depend on the number of workers"
    if arguments.out is not None:
        told = {"rows": arguments.rows, "shard_rows": arguments.shard_rows}
        told |= {"cores": len(os.sched_getaffinity(0)), "runs": results}
        arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def trained(scratch: Path) -> str:
    words = ("train", "experiment=smoke", "synthesizer.epochs=1", f"root={scratch}/store")
    subprocess.run([*COMMAND, *words], check=True, stdout=subprocess.DEVNULL)
    (generator,) = (scratch / "store").rglob("generator")
    return str(generator)


def measure(
    model: str, folder: Path, arguments: argparse.Namespace, n_workers: int
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Draw all rows; return what it took, and the digests of the parts."""
    words = [
        *("sample", f"model={model}", "as_confirmed=false", f"out={folder}", "shards=true"),
        "unconfirmed=true",
        *(f"n={arguments.rows}", f"shard_rows={arguments.shard_rows}"),
        *("executor=process", f"executor.n_workers={n_workers}", f"root={folder.parent}/store"),
    ]
    started = time.perf_counter()
    largest, together = peaks(words)
    wall = time.perf_counter() - started
    started = time.perf_counter()
    manifest = check_folder(folder)
    result = {
        "workers": n_workers,
        "wall_s": round(wall, 1),
        "rows_per_s": round(arguments.rows / wall),
        "peak_mb_of_a_process": round(largest / 2**20),
        "peak_mb_together": round(together / 2**20),
        "folder_mb": round(sum(part.bytes for part in manifest.parts.values()) / 2**20),
        "check_s": round(time.perf_counter() - started, 1),
        "load": round(os.getloadavg()[0], 1),
    }
    return result, tuple(part.sha256 for part in manifest.parts.values())


def peaks(words: Sequence[str]) -> tuple[int, int]:
    """Run the command; return the largest process's and all processes' peak in bytes."""
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL)
    watched, largest, together = psutil.Process(process.pid), 0, 0
    while process.poll() is None:
        sizes = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in [watched, *watched.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    sizes.append(one.memory_info().rss)
        largest, together = max([largest, *sizes]), max(together, sum(sizes))
        time.sleep(EVERY)
    assert process.returncode == 0, "the command failed"
    return largest, together


if __name__ == "__main__":
    main()
