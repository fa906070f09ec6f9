"""What has a job done so far, by what its command wrote down?

While it runs, that is `progress.jsonl` (see `tabveil.progress`). A sweep that has ended has
exported its trials, whose risks are calibrated by each other: those count then.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tabveil.search.pareto import Point, aliases, front

FILE = "progress.jsonl"
_MOST_LOSSES = 400
"""Points of a curve that are kept, per trial."""


@dataclass(frozen=True)
class TrialSeen:
    """A trial that has ended."""

    number: int
    state: str
    utility: float | None = None
    risk: float | None = None
    risk_low: float | None = None
    risk_high: float | None = None
    seconds: float | None = None
    error: str | None = None
    run_id: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    on_front: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Landmark:
    """What a leaky and a crude model reach, for scale."""

    name: str
    utility: float
    risk: float


@dataclass(frozen=True)
class Progress:
    """What a job has done so far.

    Attributes:
        stage: prepare, landmarks, trials, shadows, models, verdicts.
        done, target: of trials, or of models.
        losses: trial → (epoch, name → loss), of trials under way or ended.
        rows: drawn so far.
        seconds_left: None while nothing can be said.
    """

    stage: str | None = None
    done: int = 0
    target: int | None = None
    trials: tuple[TrialSeen, ...] = ()
    landmarks: tuple[Landmark, ...] = ()
    losses: Mapping[int, list[tuple[int, Mapping[str, float]]]] = field(default_factory=dict)
    rows: int | None = None
    seconds_left: float | None = None


def read_progress(folder: Path) -> Progress:
    """Read what the command of a job wrote into its folder."""
    told = list(_lines(folder / FILE))
    stage, done, target, rows = None, 0, None, None
    trials: dict[int, TrialSeen] = {}
    landmarks: dict[str, Landmark] = {}
    losses: dict[int, list[tuple[int, Mapping[str, float]]]] = {}
    for line in told:
        match line["event"]:
            case "stage":
                stage = line["name"]
            case "target":
                done, target = line["done"], line["target"]
            case "landmark":
                landmarks[line["name"]] = Landmark(line["name"], line["utility"], line["risk"])
            case "trial":
                done = line["done"]
                known: dict[str, Any] = {k: line[k] for k in TrialSeen.__annotations__ if k in line}
                trials[line["number"]] = TrialSeen(**known)
            case "model":
                done = line["done"]
            case "epoch" if line.get("number") is not None:
                losses.setdefault(line["number"], []).append((line["epoch"], line["losses"]))
            case "rows":
                rows = line["n"]
    live = tuple(trials[number] for number in sorted(trials))
    seen = live if _goes_on(folder, told) else _exported(folder / "out") or live
    return Progress(
        stage,
        done,
        target,
        _with_front(seen),
        tuple(landmarks.values()),
        {number: _thinned(curve) for number, curve in losses.items()},
        rows,
        _seconds_left(told, done, target),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines; one that a process was killed in is left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "event" in found:
            yield found


def _goes_on(folder: Path, told: list[dict[str, Any]]) -> bool:
    """Whether a command has begun again after the last export: that one is of an earlier try."""
    starts = [line["at"] for line in told if line["event"] == "target"]
    try:
        exported = (folder / "out" / "trials.csv").stat().st_mtime
    except OSError:
        return True
    return bool(starts) and datetime.fromisoformat(starts[-1]).timestamp() > exported


def _exported(out: Path) -> tuple[TrialSeen, ...]:
    """The trials as the ended sweep exported them; none while it runs."""
    try:
        with (out / "trials.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return ()
    return tuple(_trial(row) for row in rows)


def _trial(row: Mapping[str, str]) -> TrialSeen:
    def number(key: str) -> float | None:
        return float(row[key]) if row.get(key) else None

    own = {"number", "state", "seconds", "run_id", "error"}
    values = {k: v for k, v in row.items() if k not in own and not k.startswith("objective/") and v}
    return TrialSeen(
        int(row["number"]),
        row["state"],
        number("objective/utility"),
        number("objective/risk"),
        number("objective/risk_low"),
        number("objective/risk_high"),
        number("seconds"),
        row.get("error") or None,
        row.get("run_id") or None,
        values,
    )


def _with_front(trials: tuple[TrialSeen, ...]) -> tuple[TrialSeen, ...]:
    points = [
        Point(t.number, t.utility, t.risk, t.risk_low or 0.0, t.risk_high or 1.0)
        for t in trials
        if t.state == "complete" and t.utility is not None and t.risk is not None
    ]
    best = {point.number for point in front(points)}
    named = aliases(points) if points else {}
    return tuple(
        replace(
            trial,
            on_front=trial.number in best,
            aliases=tuple(name for name, point in named.items() if point.number == trial.number),
        )
        for trial in trials
    )


def _thinned(curve: list[tuple[int, Mapping[str, float]]]) -> list[tuple[int, Mapping[str, float]]]:
    """Some points of a long curve, the last among them."""
    step = max(1, -(-len(curve) // _MOST_LOSSES))
    return curve[::-1][::step][::-1]


def _seconds_left(told: list[dict[str, Any]], done: int, target: int | None) -> float | None:
    """What is left at the pace since the last start; None before anything is done."""
    starts = [i for i, line in enumerate(told) if line["event"] == "target"]
    if target is None or not starts or done >= target:
        return None
    start = told[starts[-1]]
    ends = [line for line in told[starts[-1] :] if line["event"] in ("trial", "model")]
    n_done = done - start["done"]
    if not ends or n_done <= 0:
        return None
    spent = datetime.fromisoformat(ends[-1]["at"]) - datetime.fromisoformat(start["at"])
    return float(spent.total_seconds() / n_done * (target - done))
