"""What does an audit cost: time and memory of the whole command, and of the quick attacks alone?

    python benchmarks/audit.py adult.csv --out benchmarks/results/audit.json

The four tables are drawn with replacement from the given one, numbers moved a little so that hardly
any two rows are alike: their verdict means nothing, their size does. The command runs in a process
of its own; its peak memory and processor time are the operating system's. The quick attacks run at
10,000 rows a table, on one thread, after a warm-up, each time with a reference not seen before.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from tabveil.config.build import build_attacks  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.config.settings import Evaluation, read  # noqa: E402
from tabveil.contracts import EvalInput  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.evaluate import evaluate  # noqa: E402
from tabveil.threads import limited  # noqa: E402

NAMES = ("train", "control", "reference", "synthetic")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV or Parquet")
    parser.add_argument("--sensitive", default="income")
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 200_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    table = read_table(given.table)
    results = {
        "columns": table.shape[1],
        "quick_at_10000": quick(table, given.sensitive, given.repeats),
        **{f"command_at_{n}": command(table, given.sensitive, n) for n in given.rows},
    }
    print(json.dumps(results, indent=1))
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def drawn(table: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """`n` rows drawn with replacement, each number moved by about 1 % of its spread."""
    rows = table.iloc[rng.integers(len(table), size=n)].reset_index(drop=True)
    for name in rows.select_dtypes("number"):
        rows[name] = rows[name] + (rng.normal(size=n) * rows[name].std() * 0.01).round(3)
    return rows


def quick(table: pd.DataFrame, sensitive: str, repeats: int) -> dict[str, Any]:
    """CPU seconds of the quick attacks: median over repeats, and of each attack in the last."""
    words = [*(f"{name}=x" for name in NAMES[:2]), "synthetic=x", "evaluation=quick"]
    composition = compose_command("audit", words)
    attacks = build_attacks(composition)
    limits = read(composition, Evaluation, "evaluation").limits
    seconds = []
    for turn in range(repeats + 1):
        rng = np.random.default_rng(turn)
        tables = {name: drawn(table, 10_000, rng) for name in NAMES}
        schema = infer_schema(tables["train"]).with_roles(target=None, sensitive=[sensitive])
        data = EvalInput(**tables, schema=schema, seed=turn, limits=limits)
        with limited(1):
            start = time.process_time()
            found = evaluate(data, metrics={}, attacks=attacks)
            seconds.append(time.process_time() - start)
    each = {result.name: round(result.cpu_seconds, 2) for result in found.results}
    return {"cpu_seconds": round(float(np.median(seconds[1:])), 2), "each": each}


def command(table: pd.DataFrame, sensitive: str, n: int) -> dict[str, Any]:
    """Peak memory, processor and wall time of `tabveil audit` on four tables of `n` rows."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        words = []
        for name in NAMES:
            path = Path(scratch) / f"{name}.parquet"
            drawn(table, n, rng).to_parquet(path, index=False)
            words.append(f"{name}={path}")
        words += [f"dataset.sensitive=[{sensitive}]", f"out={scratch}/out"]
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tabveil", "audit", *words],
            capture_output=True,
            text=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3, 4):
        raise RuntimeError(done.stderr)
    return {
        "exit_code": done.returncode,
        "peak_gb": round(after.ru_maxrss / 2**20, 2),  # of the largest command so far
        "cpu_seconds": round(cpu_seconds(after) - cpu_seconds(before), 1),
        "wall_seconds": round(time.monotonic() - started, 1),
    }


def cpu_seconds(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
