"""How often does `tabveil audit` give the wrong verdict, and how often can it not tell?

In each repetition a table is dealt out anew into train, control, reference and fresh rows, which
play the synthetic table and leak nothing; or 1 % of them are replaced by training rows or by
near-copies of such (`leaks.py`). The whole command's line runs on files, with its controls, as
`tabveil audit` does.

    python experiments/calibration/verdicts.py adult.csv.gz:income \
        credit_default.csv.gz:has_default --rows 2000 --safe 40 --leaks 20 \
        --out experiments/calibration/verdicts.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

import pandas as pd  # noqa: E402
from leaks import leaking  # noqa: E402

from tabveil.audit import Files, audit  # noqa: E402
from tabveil.config.build import build, build_attacks  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.config.settings import Evaluation, read  # noqa: E402
from tabveil.contracts import EvalInput  # noqa: E402
from tabveil.controls import Suite, smallest_seen  # noqa: E402
from tabveil.data.schema import infer_schema  # noqa: E402
from tabveil.data.tables import read_table  # noqa: E402
from tabveil.measure.alike import Roles  # noqa: E402
from tabveil.measure.intervals import proportion  # noqa: E402
from tabveil.seeding import child_rng, child_seed  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402

PARTS = ("train", "control", "reference", "synthetic")
RESIDUAL = ("singling_out", "linkability")
"""Attacks whose scores are residual risks: where nothing leaks, their intervals should hold 0."""
LEAKS = ("none", "copies", "near_1", "disguised_1")


@dataclass(frozen=True)
class Task:
    """One audit."""

    path: Path
    sensitive: str
    rows: int
    scenario: str
    repetition: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+", help="file:sensitive column")
    parser.add_argument("--rows", type=int, default=2_000, help="rows of each part")
    parser.add_argument("--safe", type=int, default=40, help="repetitions without a leak")
    parser.add_argument("--leaks", type=int, default=20, help="repetitions of each leak")
    parser.add_argument("--scenarios", nargs="*", default=list(LEAKS), choices=list(LEAKS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    tasks = [
        Task(Path(path), sensitive, given.rows, scenario, i)
        for path, _, sensitive in (table.rpartition(":") for table in given.tables)
        for scenario in given.scenarios
        for i in range(given.safe if scenario == "none" else given.leaks)
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    with multiprocessing.get_context("spawn").Pool(given.jobs) as pool:
        for task, one in pool.imap_unordered(run, tasks):
            name = f"{task.path.name.partition('.')[0]}: {task.scenario}"
            found.setdefault(name, []).append(one)
            print(name, one, flush=True)
    result = {
        "rows": given.rows,
        "environment": environment(),
        "scenarios": {name: summary(found[name]) for name in sorted(found)},
    }
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def run(task: Task) -> tuple[Task, dict[str, Any]]:
    table = read_table(task.path).drop_duplicates()
    seed = child_seed(0, "verdicts", task.path.name, task.scenario, task.repetition)
    order = child_rng(seed, "deal").permutation(len(table))
    n = task.rows
    parts = {
        name: table.iloc[order[i * n : (i + 1) * n]].reset_index(drop=True)
        for i, name in enumerate(PARTS)
    }
    schema = infer_schema(table).modelled()
    data = EvalInput(**parts, schema=schema, seed=seed)
    parts["synthetic"] = leaking(task.scenario, data, parts["synthetic"], seed)
    composition = compose_command("audit", ["synthetic=s", "train=t", "control=c"])
    suite = Suite(build_attacks(composition), build(composition, "objective"))
    limits = read(composition, Evaluation, "evaluation").limits
    started = time.process_time()
    with limited(1), tempfile.TemporaryDirectory() as scratch:
        paths = {name: Path(scratch) / f"{name}.parquet" for name in PARTS}
        for name, part in parts.items():
            pd.DataFrame(part).to_parquet(paths[name])
        roles = Roles({}, (task.sensitive,), (), None)
        found = audit(Files(**paths), roles, suite, limits, seed=seed)
    seen = {kind: one.name if one else None for kind, one in smallest_seen(found.controls).items()}
    return task, {
        "verdict": found.verdict,
        "seen": seen,
        "by": sorted(found.shown) if found.verdict == "leak shown" else [],
        "reason": found.reason if found.verdict == "cannot tell" else "",
        "holds_0": {
            f"{result.name}/{score.name}": bool(score.low <= 0 <= score.high)
            for result in found.evaluation.results
            for score in result.scores
            if result.name in RESIDUAL and score.low is not None and score.high is not None
        },
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of the verdicts, the share of "leak shown" with its interval, and what showed it."""
    n = len(rows)
    shown = sum(row["verdict"] == "leak shown" for row in rows)
    low, high = proportion(shown, n)
    return {
        "n": n,
        "verdicts": dict(Counter(row["verdict"] for row in rows)),
        "leak_shown": {"share": shown / n, "low": round(low, 3), "high": round(high, 3)},
        "holds_0": {
            name: round(sum(row["holds_0"][name] for row in rows) / n, 3)
            for name in rows[0]["holds_0"]
            if all(name in row["holds_0"] for row in rows)
        },
        "smallest_seen": dict(Counter(str(v) for row in rows for v in row["seen"].values())),
        "by": dict(Counter(name for row in rows for name in row["by"])),
        "cannot_tell": dict(Counter(row["reason"] for row in rows if row["reason"])),
        "cpu_seconds_median": sorted(row["cpu_seconds"] for row in rows)[n // 2],
    }


if __name__ == "__main__":
    main()
