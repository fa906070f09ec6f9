"""What are a sweep's risks, now that every trial can serve as a shadow of the others?

Runs once the trials have ended: reads what their attacks saw of each target, takes each person's
difficulty away (search/shadows.py), attacks again, and lets what that shows join the risk. The
risk of a trial is then the largest of all components, plain and calibrated, bounded together; the
front is drawn from those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabveil.commands.plan import Plan
from tabveil.config.build import build
from tabveil.contracts import Advantage, Score
from tabveil.errors import CannotTell, StudyError
from tabveil.evaluate import Result
from tabveil.report.terminal import say
from tabveil.search.objective import Objectives
from tabveil.search.records import SHADOWS, records
from tabveil.search.shadows import Shadow, shadow_scores
from tabveil.search.study import Study, note, noted
from tabveil.seeding import child_seed
from tabveil.tracking.runs import Run

NAME = "shadows"
"""Of the attack, as its metrics are keyed: `privacy/shadows/…`."""


def shadow_directory(root: Path, study: str) -> Path:
    """Where the trials of a study keep what their attacks saw."""
    return root / "shadows" / study


def recalibrate(plan: Plan, study: Study) -> None:
    """Attack every completed trial again with the others as shadows; note and log the risks.

    Trials whose signals are gone keep the risk they had. Nothing is done where all is noted.
    """
    kept = _load(plan, study)
    done = sorted(kept)
    stored = noted(study, SHADOWS)
    if not kept or (stored is not None and stored["of"] == done):
        return
    objectives: Objectives = build(plan.composition, "objective")
    shadows = [kept[number] for number in done]
    risks: dict[str, dict[str, Any]] = {}
    for index, number in enumerate(done):
        seed = child_seed(plan.base.seed, NAME, number)
        try:
            scores = shadow_scores(shadows, index, seed=seed)
        except (CannotTell, StudyError) as reason:
            say(f"The trials are no shadows of each other: {reason}")
            return
        risks[str(number)] = _joined(objectives, _about(study, number), scores)
        _log(plan, _about(study, number), scores, risks[str(number)])
    # Those of trials whose signals another driver keeps, on its own machine, stay noted.
    others = {n: r for n, r in (stored or {}).get("risks", {}).items() if int(n) not in kept}
    note(study, SHADOWS, {"of": done, "risks": {**others, **risks}})


def _load(plan: Plan, study: Study) -> dict[int, Shadow]:
    directory = shadow_directory(plan.base.root, plan.settings.study)
    found = {}
    for record in records(study):
        if record.state == "complete" and record.about.get("components"):
            try:
                found[record.number] = Shadow.load(directory / f"{record.number:05d}.npz")
            except StudyError as reason:
                say(f"Trial {record.number} keeps the risk it had: {reason}")
    return found


def _about(study: Study, number: int) -> Mapping[str, Any]:
    return next(record.about for record in records(study) if record.number == number)


def _joined(
    objectives: Objectives, about: Mapping[str, Any], scores: Sequence[Score]
) -> dict[str, Any]:
    """The risk of all components together, as a record needs it."""
    own = {key: Advantage(*told) for key, told in about["components"].items()}
    calibrated = {f"{NAME}/{s.name}": s.advantage for s in scores if s.advantage is not None}
    risk = objectives.risk_of({**own, **calibrated})
    return {
        "risk": risk.value,
        "risk_low": risk.low,
        "risk_high": risk.high,
        "component": risk.component,
        "shadows": {s.name: [s.value, s.low, s.high] for s in scores},
    }


def _log(
    plan: Plan, about: Mapping[str, Any], scores: Sequence[Score], risk: Mapping[str, Any]
) -> None:
    """Add to the trial's run; `objective/…` then says what the front is drawn from."""
    metrics = dict(Result("privacy", NAME, tuple(scores)).metrics())
    metrics = {key: value for key, value in metrics.items() if not key.startswith("time/")}
    for key in ("risk", "risk_low", "risk_high"):
        metrics[f"objective/{key}"] = risk[key]
    Run(plan.uri, about["run_id"]).log(
        metrics=metrics, tags={"risk_component": risk["component"], "shadows": True}
    )
