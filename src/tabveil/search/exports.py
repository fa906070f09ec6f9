"""What does a sweep hand over as files?

`trials.csv` (one line a trial), `front.json` (the front and which alias each point stands for),
`metrics.json` (a handful of numbers for `dvc metrics show`). Files are written whole or not at
all, so that a reader never meets half of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from tabveil.report import plots
from tabveil.search.pareto import Point, aliases, front, hypervolume
from tabveil.search.records import Record

FILES = ("trials.csv", "front.json", "metrics.json")
"""What `export` writes."""


def points_of(records: Sequence[Record]) -> list[Point]:
    """The completed trials as points."""
    return [record.point for record in records if record.state == "complete"]


def export(records: Sequence[Record], directory: Path, *, study: str) -> None:
    """Write trials.csv, front.json and metrics.json into `directory`, which is made if missing."""
    directory.mkdir(parents=True, exist_ok=True)
    trials, described, summary = (
        trials_table(records).to_csv(index=False),
        _json(describe_front(records, study=study)),
        _json(summarise(records)),
    )
    for name, text in zip(FILES, (trials, described, summary), strict=True):
        _write(directory / name, text)


def trials_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a trial: number, state, objectives with bounds, run id, seconds, drawn values."""
    rows = [
        {
            "number": record.number,
            "state": record.state,
            "objective/utility": record.utility,
            "objective/risk": record.risk,
            **{f"objective/{k}": record.about.get(k) for k in ("risk_low", "risk_high")},
            "seconds": record.about.get("seconds"),
            "run_id": record.about.get("run_id"),
            "error": record.error,
            **record.values,
        }
        for record in records
    ]
    return pd.DataFrame(rows)


def describe_front(records: Sequence[Record], *, study: str) -> dict[str, Any]:
    """The front from the most private to the most useful point, with values and aliases."""
    points = points_of(records)
    named = aliases(points) if points else {}
    by_number = {record.number: record for record in records}
    return {
        "study": study,
        "hypervolume": hypervolume(points),
        "front": [
            {
                "number": point.number,
                "objective/utility": point.utility,
                "objective/risk": point.risk,
                "objective/risk_low": point.risk_low,
                "objective/risk_high": point.risk_high,
                "aliases": [alias for alias, p in named.items() if p.number == point.number],
                "run_id": by_number[point.number].about.get("run_id"),
                "values": dict(by_number[point.number].values),
            }
            for point in front(points)
        ],
    }


def draw_front(
    records: Sequence[Record], landmarks: Sequence[plots.Landmark], *, title: str
) -> Figure:
    """The front in a picture, the dominated trials behind it, landmarks beside it."""
    points = points_of(records)
    chosen = {point.number for point in front(points)}
    named = aliases(points) if points else {}
    by_number = {record.number: record for record in records}
    drawn = [
        plots.Point(
            point.number,
            point.utility,
            point.risk,
            point.risk_low,
            point.risk_high,
            on_front=point.number in chosen,
            names=tuple(alias for alias, p in named.items() if p.number == point.number),
            family=str(by_number[point.number].values.get("synthesizer", "")),
        )
        for point in points
    ]
    return plots.front(drawn, landmarks=landmarks, title=title)


def summarise(records: Sequence[Record]) -> dict[str, float]:
    """The sweep in a few numbers."""
    points = points_of(records)
    summary: dict[str, float] = {
        "n_complete": len(points),
        "n_failed": len(records) - len(points),
        "n_front": len(front(points)),
        "hypervolume": hypervolume(points),
    }
    if points:
        summary["utility_most"] = max(point.utility for point in points)
        summary["risk_least"] = min(point.risk for point in points)
    return summary


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
