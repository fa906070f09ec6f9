"""CPU seconds and memory of reading a large CSV file, against the way it was read before.

A table of 15 columns (numbers, codes, dates, levels, gaps) is written once. Each reader reads it in
a process of its own, in turn:

    ours      text first, a format for every column (`data/opening.py`)
    former    a strict walk by Python's csv reader, then `pandas.read_csv` with its own guesses and
              `to_datetime` for ISO dates: what stood here before
    inspect   the whole command `tabveil inspect`

    python benchmarks/reading.py [--mb 1000] [--repeats 3] [--out benchmarks/results/reading.json]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

BLOCK = 200_000


def main() -> None:
    """Write the table, run each reader in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--inspect-mb", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", choices=["ours", "former"], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        {"ours": ours, "former": former}[given.read](given.file)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}))
        return
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder) / "large.csv", Path(folder) / "small.csv"
        write(large, given.mb)
        write(small, given.inspect_mb)
        runs: dict[str, list[dict[str, float]]] = {"ours": [], "former": [], "inspect": []}
        for _ in range(given.repeats):
            for reader in ("ours", "former"):
                runs[reader].append(measured(["--read", reader, "--file", str(large)]))
            runs["inspect"].append(inspected(small))
    found = {
        name: {key: round(statistics.median(run[key] for run in all_), 2) for key in all_[0]}
        for name, all_ in runs.items()
    }
    found["ratio"] = {
        key: round(found["ours"][key] / found["former"][key], 3) for key in ("cpu", "mb")
    }
    report = {"mb": given.mb, "inspect_mb": given.inspect_mb, "repeats": given.repeats, **found}
    print(json.dumps(report, indent=1))
    if given.out:
        given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measured(words: list[str]) -> dict[str, float]:
    """Run this script as a reader, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, *words], capture_output=True, text=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def inspected(path: Path) -> dict[str, float]:
    """Run `tabveil inspect` as a whole process; its own CPU seconds and its peak of memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "tabveil", "inspect", f"path={path}"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def ours(path: Path) -> None:
    """Read with formats."""
    from tabveil.data.tables import Place

    Place(path=path).open()


def former(path: Path) -> None:
    """Walk through the file, then let pandas guess."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        width = len(next(reader))
        for row in reader:
            assert len(row) == width
    table = pd.read_csv(path, low_memory=False, float_precision="round_trip")
    for name in table.select_dtypes(object):
        if table[name].str.fullmatch(r"\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?").all():
            table[name] = pd.to_datetime(table[name], format="ISO8601")


def write(path: Path, mb: int) -> None:
    """Write a table of so many megabytes."""
    rng = np.random.default_rng(0)
    start, size = 0, 0
    with path.open("w", encoding="utf-8", newline="") as file:
        while size < mb * 1e6:
            block(rng, start).to_csv(file, index=False, header=start == 0)
            start += BLOCK
            file.flush()
            size = path.stat().st_size


def block(rng: np.random.Generator, start: int) -> pd.DataFrame:
    """Rows of the kinds that people bring."""
    n = BLOCK
    days = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="D")
    codes = [f"{z:05d}" for z in np.random.default_rng(1).integers(0, 99_999, 3000)]
    return pd.DataFrame(
        {
            "id": np.arange(start, start + n),
            "age": rng.integers(18, 90, n),
            "income": rng.gamma(2, 20_000, n).round(2),
            "sex": rng.choice(["F", "M"], n),
            "zip": rng.choice(codes, n),
            "visit": days.strftime("%Y-%m-%d"),
            "diagnosis": rng.choice(["A01", "B12", "C33", "D44", "E55"], n),
            "bmi": rng.normal(26, 4, n).round(1),
            "x": rng.normal(size=n),
            "kids": np.where(rng.random(n) < 0.1, "", rng.poisson(2, n).astype(str)),
            "smoker": rng.choice(["yes", "no"], n),
            "city": rng.choice([f"City {i}" for i in range(200)], n),
            "score": rng.random(n).round(6),
            "ward": rng.integers(1, 40, n),
            "when": (days + pd.to_timedelta(rng.integers(0, 86_400, n), unit="s")).strftime(
                "%Y-%m-%d %H:%M:%S"
            ),
        }
    )


if __name__ == "__main__":
    main()
