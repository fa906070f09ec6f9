"""`tabveil register`: a study's front becomes versions and aliases in the model registry.

A sweep does this at its end; the command does it again from the stored study, for another
registry name or as a stage of its own in DVC. Nothing is trained. What is registered here is
not yet confirmed on untouched rows, and its version says so.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabveil.commands.plan import Plan
from tabveil.config.compose import Composition
from tabveil.config.settings import SweepSettings
from tabveil.errors import StudyError
from tabveil.pipeline import GENERATOR
from tabveil.report.terminal import say, show_table
from tabveil.search.exports import points_of
from tabveil.search.pareto import Point, aliases, front
from tabveil.search.records import Record, records
from tabveil.search.study import load_study
from tabveil.tracking.artifacts import download
from tabveil.tracking.registry import generator_directory, register, set_aliases


def run(composition: Composition) -> None:
    """Register the front of the configured study; with `out`, write what was registered there."""
    plan = Plan.read(composition)
    study = load_study(plan.settings.study, plan.settings.storage_in(plan.base.root))
    ended = records(study)
    show_front(ended, study=plan.settings.study)
    named = register_front(ended, plan.uri, plan.settings, where=store_overrides(composition))
    if plan.base.out is not None:
        _export(plan.base.out, plan, named)


def store_overrides(composition: Composition) -> str:
    """The given overrides that say which store is meant, for the commands that we suggest."""
    named = [o for o in composition.overrides if o.startswith(("root=", "tracking.uri="))]
    return "".join(f" {override}" for override in named)


def register_front(
    ended: Sequence[Record], uri: str, settings: SweepSettings, *, where: str = ""
) -> dict[str, int]:
    """Register every front point once, and let the aliases point at theirs.

    Args:
        ended: the study's trials.
        uri: of the tracking store.
        settings: name the study and the registered model.
        where: the overrides by which another command finds this store.

    Returns:
        Version number of each alias.
    """
    points = points_of([record for record in ended if record.about.get("saved", True)])
    if not points:
        raise StudyError(
            f"study {settings.study!r} has no completed trial with a generator that may be "
            f"released; nothing to register"
        )
    by_number = {record.number: record for record in ended}
    numbers = {
        point.number: _register(by_number[point.number], point, uri, settings)
        for point in front(points)
    }
    named = {alias: numbers[point.number] for alias, point in aliases(points).items()}
    set_aliases(uri, settings.model, named)
    say(f"Registered as {settings.model!r}: versions {sorted(numbers.values())}")
    for alias, version in named.items():
        say(f"  models:/{settings.model}@{alias} → version {version}")
    say("Not confirmed on untouched rows yet. To draw from one:")
    say(f"  tabveil sample model=models:/{settings.model}@balanced n=1000 out=rows.parquet{where}")
    return named


def _export(out: Path, plan: Plan, named: Mapping[str, int]) -> None:
    """Write `registered.json` and, a folder an alias, the generators themselves."""
    out.mkdir(parents=True, exist_ok=True)
    model = plan.settings.model
    for alias in named:
        with generator_directory(plan.uri, f"models:/{model}@{alias}") as directory:
            shutil.copytree(directory, out / alias, dirs_exist_ok=True)
    text = json.dumps({"model": model, "study": plan.settings.study, "aliases": dict(named)})
    (out / "registered.json").write_text(text + "\n", encoding="utf-8")


def show_front(ended: Sequence[Record], *, study: str) -> None:
    """Print the front as a table, the most private trial first."""
    points = points_of(ended)
    named = aliases(points) if points else {}
    by_number = {record.number: record for record in ended}
    rows = [
        (
            point.number,
            point.utility,
            point.risk_low,
            point.risk_high,
            ", ".join(alias for alias, p in named.items() if p.number == point.number),
            _short(by_number[point.number].values),
        )
        for point in front(points)
    ]
    title = f"front of {study}: {len(rows)} of {len(points)} completed trials"
    show_table(title, ("trial", "utility", "risk shown", "at most", "alias", "values"), rows)
    say("Shown: what an attack proved. At most: what none could exclude. 0 shown is not 'safe'.")


def _register(record: Record, point: Point, uri: str, settings: SweepSettings) -> int:
    run_id = str(record.about["run_id"])
    tags = {
        "study": settings.study,
        "trial": record.number,
        "utility": f"{point.utility:.4f}",
        "risk": f"{point.risk:.4f}",
        "risk_low": f"{point.risk_low:.4f}",
        "risk_high": f"{point.risk_high:.4f}",
        "gate": "unconfirmed",
        "seed": record.about["seed"],
        "data_digest": record.about["data_digest"],
    }
    with tempfile.TemporaryDirectory() as scratch:
        directory = download(uri, run_id, GENERATOR, Path(scratch))
        return register(uri, run_id, directory, settings.model, tags=tags).number


def _short(values: Mapping[str, object]) -> str:
    texts = {k: f"{v:.2g}" if isinstance(v, float) else str(v) for k, v in values.items()}
    return ", ".join(f"{key.split('.')[-1]}={text}" for key, text in texts.items())
