"""`tabveil confirm experiment=demo`: retrain candidates, open the release split, gate, register.

Exit codes: 0 a candidate passed, 3 none passed and one was refused, 4 none passed and of none can
it be told.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabveil import logs, progress
from tabveil.commands.front import next_command
from tabveil.commands.plan import Plan
from tabveil.commands.retrain import models_of
from tabveil.commands.settle import FOLDER, Settled, Settler
from tabveil.config.build import build, build_group
from tabveil.config.compose import Composition
from tabveil.config.settings import Confirm, LedgerSettings, read
from tabveil.contracts import Protection
from tabveil.errors import ConfigError, StoreAway, StudyError
from tabveil.gate import EXIT_CODES, Gate
from tabveil.protections.protected import as_overrides, described
from tabveil.releases import ALIASES, place_aliases, standing
from tabveil.report.terminal import say, show_table
from tabveil.search.exports import points_of
from tabveil.search.pareto import near_front, with_private_end, with_runners_up
from tabveil.search.records import Record, records
from tabveil.search.study import load_study
from tabveil.search.tasks import is_dead, owner
from tabveil.statement import in_brief, in_words, summary
from tabveil.surroundings import in_a_hurry
from tabveil.tracking.ledger import Ledger
from tabveil.tracking.registry import generator_directory
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import prepare_store

UNCONFIRMED = "unconfirmed"
WAY_ON = (
    "More rows, a coarser table (fewer columns, wider classes) or a more private trial "
    "(confirm.trials=[…], sweep.trials=… for more of them) make a pass likelier; another policy "
    "(gate=small) asks for less. Until then rows are drawn from a version by its number, with "
    "unconfirmed=true, and nobody should call them safe."
)


def run(composition: Composition) -> int:
    """Confirm the candidates of the configured study; register those that pass."""
    plan = Plan.read(composition)
    settings = read(composition, Confirm, "confirm")
    gate: Gate = build(composition, "gate")
    ledger = Ledger.at(read(composition, LedgerSettings, "ledger").url, root=plan.base.root)
    storage = plan.settings.storage_in(plan.base.root)
    # Another split would put rows that the sweep has seen among those that nobody has.
    study = load_study(plan.settings.study, storage, plan.identity)
    ended = records(study)
    chosen = candidates(ended, settings, study=plan.settings.study)
    runs = Runs(plan.uri, prepare_store(plan.uri, plan.experiment, root=plan.base.root))
    runs.kill_orphans(is_dead)
    try:
        with logs.bind(study=plan.settings.study):
            attempts = models_of(plan, settings, gate, chosen, runs, ledger)
    finally:  # workers that were killed or stopped could not close their own
        with in_a_hurry(), contextlib.suppress(StoreAway):
            runs.kill_orphans(lambda one: one == owner() or is_dead(one))
    settler = Settler(plan, settings, gate, ledger, ended)
    progress.note("stage", name="verdicts")
    settled = [settler.settle(record, attempts[record.number]) for record in chosen]
    documents = [one.document for one in settled]
    _show(documents, plan.settings.study)
    named = place_aliases(plan.uri, plan.settings.model)
    _show_aliases(plan, named)
    if plan.base.out is not None:
        _export(plan.base.out, plan, named, settled)
    return min(EXIT_CODES[one["verdict"]] for one in documents)


def candidates(ended: Sequence[Record], settings: Confirm, *, study: str) -> list[Record]:
    """The trials to confirm: those named; else the front, what is near it, one from the private end
    and, where these are few, runners-up.

    Raises:
        ConfigError: a named trial did not complete, or its generator may not be released.
        StudyError: there is no such trial at all.
    """
    saved = {
        record.number: record
        for record in ended
        if record.state == "complete" and record.about.get("saved", True)
    }
    if not saved:
        raise StudyError(
            f"study {study!r} has no completed trial with a generator that may be released; run "
            f"`tabveil sweep` first"
        )
    if settings.trials is not None:
        unknown = [number for number in settings.trials if number not in saved]
        if unknown or not settings.trials:
            raise ConfigError(
                f"confirm.trials={settings.trials}: study {study!r} has no completed trial "
                f"{unknown} with a generator; there are {sorted(saved)}"
            )
        return [saved[number] for number in dict.fromkeys(settings.trials)]
    points = points_of(list(saved.values()))
    chosen = near_front(points, tolerance=settings.tolerance, most=settings.most)
    chosen = with_private_end(points, chosen, tolerance=settings.tolerance, most=settings.most)
    chosen = with_runners_up(points, chosen, least=min(settings.least, settings.most))
    return [saved[point.number] for point in chosen]


def _show(documents: Sequence[Mapping[str, Any]], study: str) -> None:
    header = (
        *("trial", "verdict", "utility", "at least", "in the sweep"),
        *("risk", "at most", "could show"),
    )
    show_table(f"candidates of {study}, on their release rows", header, summary(documents))
    for document in documents:
        lines = in_brief(document)
        lines[0] = f"Candidate {document['candidate']['trial']}. {lines[0]}"
        for line in lines:
            say(textwrap.fill(line, 100, subsequent_indent="  "))
        for note in document["notes"]:
            say(textwrap.fill(f"Note: {note}", 100, initial_indent="  ", subsequent_indent="  "))


def _show_aliases(plan: Plan, named: Mapping[str, int]) -> None:
    for alias, version in named.items():
        say(f"  models:/{plan.settings.model}@{alias} → version {version}")
    if not named:
        say(f"{plan.settings.model} has no release: no candidate has passed a gate yet.")
        say(textwrap.fill(WAY_ON, 100))
        return
    model = f"model=models:/{plan.settings.model}@balanced"
    protections = build_group(plan.composition, "protection", Protection)
    protected = as_overrides(described(protections)) if protections else []
    drawing = [model, "n=1000", "out=rows.parquet", *protected]
    say("To draw rows from one, and to read its report:")
    say(f"  {next_command(plan.composition, 'sample', drawing)}")
    say(f"  {next_command(plan.composition, 'report', [model, 'out=report.html'])}")


def _export(out: Path, plan: Plan, named: Mapping[str, int], settled: Sequence[Settled]) -> None:
    """Write `released.json` and, a folder an alias, the generators themselves.

    Without a release: the candidate whose risk's upper bound is least, in a folder that says so.
    """
    for folder in (*ALIASES, UNCONFIRMED):
        shutil.rmtree(out / folder, ignore_errors=True)
    model = f"models:/{plan.settings.model}"
    wanted = {alias: f"{model}@{alias}" for alias in named}
    if not named and settled:
        safest = min(settled, key=lambda one: float(one.document["risk"]["high"]))
        wanted = {UNCONFIRMED: f"{model}/{safest.version.number}"}
    for folder, which in wanted.items():
        with generator_directory(plan.uri, which) as directory:
            shutil.copytree(directory, out / folder, dirs_exist_ok=True)
    told = {
        **standing(plan.uri, plan.settings.model, named),
        "study": plan.settings.study,
        "candidates": [
            {
                "trial": one.trial,
                "verdict": one.document["verdict"],
                "version": one.version.number,
                "folder": f"{FOLDER}/{one.trial:04d}",
                "words": in_words(one.document),
            }
            for one in settled
        ],
    }
    (out / "released.json").write_text(json.dumps(told) + "\n", encoding="utf-8")
