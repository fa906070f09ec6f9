"""How many trials a minute do the executors run, and what do they take to start?

    python benchmarks/executors.py [--trials 4] [--out benchmarks/results/executors.json]

Runs the same miniature sweep (`experiment=smoke`, drawn at random, so that all run the same trials)
from the command line with 1 and with 2 workers on `process` and on a local `ray`. Times are those
that the sweep itself tells (TABVEIL_PROGRESS): from when trials begin to the end of the last one,
workers' start included; `start_s` is what passes of it before the first trial to end had begun.
That all gave the same trials is checked. The load of the machine stands beside each figure: on a
busy one only neighbours can be compared.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

EXECUTORS = {"process": (), "ray": ("executor.object_store_mb=100",)}
WORKERS = (1, 2)


def sweep(executor: str, n_workers: int, n_trials: int, root: Path) -> None:
    """Run the sweep under `root`, its events in `root`.events."""
    words = [
        *("sweep", "experiment=smoke", "sweep.sampler=random", f"sweep.trials={n_trials}"),
        *("evaluation.max_targets=200", "evaluation.plots=false"),
        *(f"executor={executor}", f"executor.n_workers={n_workers}", *EXECUTORS[executor]),
        f"root={root}",
    ]
    environment = {**os.environ, "TABVEIL_PROGRESS": f"{root}.events"}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tabveil", *words],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def timed(root: Path) -> dict[str, float]:
    """Trials a minute, seconds to start, and the median trial's own seconds."""
    events = [json.loads(line) for line in Path(f"{root}.events").read_text("utf-8").splitlines()]
    begun = next(e for e in events if e["event"] == "stage" and e.get("name") == "trials")
    ended = [e for e in events if e["event"] == "trial"]
    assert all(e["state"] == "complete" for e in ended)
    since = [(_at(e) - _at(begun)) for e in ended]
    return {
        "trials_a_minute": round(60 * len(ended) / since[-1], 2),
        "start_s": round(since[0] - ended[0]["seconds"], 1),
        "trial_s": round(sorted(e["seconds"] for e in ended)[len(ended) // 2], 1),
    }


def given(root: Path) -> list[list[str]]:
    """What the trials gave, to compare."""
    (file,) = root.glob("sweeps/*/trials.csv")
    names = ("number", "state", "objective/utility", "objective/risk", "objective/risk_high")
    with file.open(encoding="utf-8") as lines:
        return [[row[name] for name in names] for row in csv.DictReader(lines)]


def _at(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    rows, all_given = [], []
    with tempfile.TemporaryDirectory() as folder:
        for n_workers in WORKERS:
            for executor in EXECUTORS:
                root, load = Path(folder) / f"{executor}-{n_workers}", os.getloadavg()[0]
                sweep(executor, n_workers, arguments.trials, root)
                row = {"executor": executor, "n_workers": n_workers, **timed(root)}
                row |= {"load_before": round(load, 1), "load_after": round(os.getloadavg()[0], 1)}
                print(row, flush=True)
                rows.append(row)
                all_given.append(given(root))
    same = all(one == all_given[0] for one in all_given)
    result = {
        "processors": len(os.sched_getaffinity(0)),
        "trials": arguments.trials,
        "same_trials": same,
        "runs": rows,
    }
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    assert same, "the executors gave different trials"


if __name__ == "__main__":
    main()
