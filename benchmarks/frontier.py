r"""Utility against confirmed risk, of each family on the same table and of both together.

    python benchmarks/frontier.py dataset=randhie --families autoregressive ctgan --trials 16 \
        --out benchmarks/results/frontier_randhie.json --plot docs/frontier_randhie.svg
    python benchmarks/frontier.py dataset=adult dataset.path=adult.csv --rows 17000 \
        --out benchmarks/results/frontier_adult.json --plot docs/frontier_adult.svg

Each family has a sweep of its own over conf/sweep/families.yaml, with the same splits, attacks and
seed; its candidates are confirmed with three models each. A point is a candidate's mean utility and
the upper bound of its risk, as the verdict has them. What a family's front gives at a level of the
bound is the greatest utility of its candidates that lie at or below it. CPU seconds are of the two
commands and their workers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from engine_tables import about

from tabveil.data.tables import read_table
from tabveil.search import pareto
from tabveil.search.pareto import Point

ROOT = Path(__file__).parents[1]
TABVEIL = [str(Path(sys.executable).with_name("tabveil"))]
COLOURS = {"autoregressive": "#1f5fbf", "ctgan": "#d1495b"}


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        words = [*given.words, *shortened(given.words, given.rows, Path(scratch))]
        families = {name: swept(name, words, given, Path(scratch)) for name in given.families}
    result = {
        "words": given.words,
        "rows": given.rows,
        "trials": given.trials,
        "seed": given.seed,
        "families": families,
        "fronts": {
            **{name: front(one["points"]) for name, one in families.items()},
            "together": front([p for one in families.values() for p in one["points"]]),
        },
        "about": about(),
    }
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, points in result["fronts"].items():
        print(name, [(p["utility"], p["risk_high"]) for p in points])
    if given.plot:
        draw(result, given.plot)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="+", help="of the table, as `tabveil sweep` takes them")
    parser.add_argument("--families", nargs="+", default=["autoregressive", "ctgan"])
    parser.add_argument("--rows", type=int, help="the table's first rows only")
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--most", type=int, default=4, help="candidates confirmed of a family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


def shortened(words: Sequence[str], rows: int | None, scratch: Path) -> list[str]:
    """The words for a table's first rows, in a file of their own."""
    if rows is None:
        return []
    (path,) = (word.split("=", 1)[1] for word in words if word.startswith("dataset.path="))
    short = scratch / "short.parquet"
    read_table(Path(path)).head(rows).to_parquet(short)
    return [f"dataset.path={short}"]


def swept(family: str, words: Sequence[str], given: Any, scratch: Path) -> dict[str, Any]:
    """One family's sweep and its confirmation."""
    out = scratch / family
    common = [
        *words,
        f"synthesizer=choice({family})",
        "sweep.first=[]",
        f"sweep.trials={given.trials}",
        f"sweep.study={family}",
        f"sweep.model={family}",
        f"seed={given.seed}",
        f"root={out}/store",
    ]
    verdicts, cpu_seconds = whole_job(common, out, "gate=small", f"confirm.most={given.most}")
    points = [
        {
            "trial": verdict["candidate"]["trial"],
            "utility": round(verdict["utility"]["mean"], 4),
            "risk_low": round(verdict["risk"]["low"], 4),
            "risk_high": round(verdict["risk"]["high"], 4),
            "verdict": verdict["verdict"],
            "values": verdict["candidate"]["values"],
        }
        for verdict in verdicts
    ]
    print(family, points, flush=True)
    return {"points": points, "cpu_seconds": cpu_seconds}


def whole_job(
    common: Sequence[str], out: Path, *of_confirm: str
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """A sweep and its confirmation: the verdicts by trial, the CPU seconds of both."""
    start = used()
    run("sweep", *common, f"out={out}/sweep")
    searched = used()
    run("confirm", *common, *of_confirm, f"out={out}/confirm")
    seconds = {"sweep": round(searched - start), "confirm": round(used() - searched)}
    verdicts = sorted((out / "confirm" / "confirmed").glob("*/verdict.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in verdicts], seconds


def run(*words: str) -> None:
    """One command; exit codes of the gate are results."""
    done = subprocess.run([*TABVEIL, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3, 4):
        raise SystemExit(f"tabveil {' '.join(words)}: {done.stderr}")


def used() -> float:
    """CPU seconds of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def front(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points that no other beats in utility and in the upper bound, by that bound."""
    best = pareto.front(
        [
            Point(i, p["utility"], p["risk_high"], p["risk_low"], p["risk_high"])
            for i, p in enumerate(points)
        ]
    )
    return [points[point.number] for point in best]


def draw(result: dict[str, Any], path: Path) -> None:
    """Both families' candidates, and the steps of what each reaches at a level of the bound."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for name, one in result["families"].items():
        colour = COLOURS.get(name, "grey")
        x = [p["risk_high"] for p in one["points"]]
        y = [p["utility"] for p in one["points"]]
        axes.scatter(x, y, color=colour, label=name, zorder=3)
        steps = result["fronts"][name]
        axes.step(
            [*(p["risk_high"] for p in steps), axes.get_xlim()[1]],
            [*(p["utility"] for p in steps), steps[-1]["utility"]],
            where="post",
            color=colour,
            alpha=0.6,
        )
    axes.set(xlabel="risk, upper bound (confirmed)", ylabel="utility (confirmed)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


if __name__ == "__main__":
    main()
