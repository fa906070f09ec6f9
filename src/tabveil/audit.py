"""The straight line of an audit, from four files to a verdict.

    read_table → make_alike → one row a person → attack → controls → verdict → files

It needs no model: whoever made the synthetic table, it is attacked as a stranger would. The
verdict is one of three. "leak shown": an attack beat guessing, beyond chance. "nothing shown":
none did, though all the planted leaks were seen. "cannot tell": anything else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

import tabveil
from tabveil.contracts import EvalInput, Limits, Score
from tabveil.controls import Control, Suite, control_was_seen, run_controls, unseen
from tabveil.data.tables import digest, read_table
from tabveil.errors import CannotTell, ConfigError, DataError
from tabveil.evaluate import Evaluation, Result, evaluate
from tabveil.measure.alike import SYNTHETIC, Roles, make_alike
from tabveil.measure.sides import to_input
from tabveil.report.canvas import save
from tabveil.report.plots import roc
from tabveil.report.risk_plots import Bar, risks
from tabveil.search.objective import Objective
from tabveil.seeding import child_seed

SCORES = "scores.json"
Verdict = Literal["leak shown", "nothing shown", "cannot tell"]


@dataclass(frozen=True)
class Files:
    """Where the tables are. No `reference`: half of `control` plays it."""

    synthetic: Path
    train: Path
    control: Path
    reference: Path | None
    format: str | None = None

    def paths(self) -> dict[str, Path]:
        """Table → path, for the tables that were given."""
        given = {name: getattr(self, name) for name in ("train", "control", "reference", SYNTHETIC)}
        return {name: path for name, path in given.items() if path is not None}


@dataclass(frozen=True)
class Audit:
    """What an audit found. `risk` is None where no attack that makes it gave a number."""

    verdict: Verdict
    reason: str
    risk: Objective | None
    evaluation: Evaluation
    failed: tuple[Result, ...]
    """Of the attacks that make the risk."""
    makes_the_risk: frozenset[str]
    """Names of the attacks."""
    shown: frozenset[str]
    """`<attack>/<score>` of the scores that show a leak."""
    controls: tuple[Control, ...]
    tables: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]
    seed: int


def audit(files: Files, roles: Roles, suite: Suite, limits: Limits, *, seed: int) -> Audit:
    """Attack a synthetic table.

    Args:
        files: the tables. `train`: the rows the generator saw. `control`: rows of the same
            population that it never saw. `reference`: what an attacker may know of it.
        roles: what a person knows of the columns.
        suite: the attacks, and how they make the risk.
        limits: how much the attacks look at.
        seed: of every random choice.

    Raises:
        DataError: a file is no table, or the tables cannot be compared.
        ConfigError: no attack makes the risk.
    """
    if not suite.components:
        raise ConfigError(
            f"none of the attacks {list(suite.attacks)} makes the risk; select one of "
            f"{list(suite.objectives.risk_from or [])} under attack, or name yours in "
            f"objective.risk_from"
        )
    raw = {name: read_table(path, format=files.format) for name, path in files.paths().items()}
    _refuse_twice_the_same(raw)
    tables = {
        name: {"rows": len(t), "columns": t.shape[1], "digest": digest(t)}
        for name, t in raw.items()
    }
    alike = make_alike(raw, roles)
    del raw
    data, notes = to_input(alike, seed=child_seed(seed, "audit"), limits=limits)
    evaluation = evaluate(data, metrics={}, attacks=suite.attacks)
    advantages = suite.advantages(evaluation)
    risk = suite.risk(advantages)
    controls = () if risk is None else _controls(data, suite, found=risk.low > 0)
    leak = suite.risk(suite.unexplained(advantages, controls))
    verdict, reason = conclude(risk, leak, suite.failed(evaluation), controls)
    wrong = control_was_seen(data) if controls else ""
    if wrong:
        verdict, reason = "cannot tell", wrong
    if risk and leak and verdict == "leak shown":
        risk = replace(leak, high=risk.high)
    return Audit(
        verdict,
        reason,
        risk,
        evaluation,
        suite.failed(evaluation),
        frozenset(suite.components),
        suite.shown(evaluation),
        controls,
        tables,
        (*alike.notes, *notes),
        seed,
    )


def _refuse_twice_the_same(raw: Mapping[str, pd.DataFrame]) -> None:
    """A table cannot be two of the real ones; `synthetic` may well be a copy of one."""
    names = [name for name in raw if name != SYNTHETIC]
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            if raw[one].equals(raw[two]):
                raise DataError(
                    f"{one} and {two} are the same table; an audit compares rows that the "
                    f"generator saw (train) with rows that it never saw (control)"
                )


def _controls(data: EvalInput, suite: Suite, *, found: bool) -> tuple[Control, ...]:
    try:
        return run_controls(data, suite, found=found)
    except CannotTell:  # the attacks that gave a number need no lineup
        return ()


def conclude(
    risk: Objective | None,
    leak: Objective | None,
    failed: Sequence[Result],
    controls: Sequence[Control],
) -> tuple[Verdict, str]:
    """The verdict, and why.

    Args:
        risk: by the attacks that gave a number.
        leak: by those of its components that do better than where nothing leaks.
        failed: the attacks that should have given a number.
        controls: what the suite says where the answer is known.
    """
    if risk is None:
        return "cannot tell", _why(failed[0]) if failed else "no attack gave a number"
    if leak is not None and leak.low > 0:
        return "leak shown", (
            f"{leak.component} beats guessing; the risk is at least {leak.low:.3f}, at most "
            f"{risk.high:.3f}"
        )
    apart = [one for one in controls if not one.n_planted and (one.seen if risk.low else one.far)]
    if apart:
        return "cannot tell", (
            f"train and control differ by themselves: the same people are told apart with "
            f"{apart[0].what}; control must be a random part of the population of train"
        )
    if failed:
        return "cannot tell", _why(failed[0])
    missed = unseen(controls)
    if missed or not controls:
        what = "; ".join(one.what for one in missed) or "none could be planted"
        return "cannot tell", f"no leak was shown, but a planted one stayed unseen: {what}"
    return "nothing shown", f"at most {risk.high:.3f} ({risk.component}) cannot be excluded"


def _why(result: Result) -> str:
    reason = result.reason.removeprefix("CannotTell: ").removeprefix("cannot tell: ")
    return f"the attack {result.name} gave no number: {reason}"


def to_dict(found: Audit) -> dict[str, Any]:
    """What `scores.json` holds: numbers and names, no row."""
    return {
        "tabveil": tabveil.__version__,
        "seed": found.seed,
        "verdict": found.verdict,
        "reason": found.reason,
        "risk": _risk(found.risk),
        "scores": {
            f"privacy/{result.name}/{score.name}": _score(result.name, score, found)
            for result in found.evaluation.results
            for score in result.scores
        },
        "failed": [
            {"attack": r.name, "reason": r.reason, "makes_the_risk": r.name in found.makes_the_risk}
            for r in found.evaluation.failed()
        ],
        "skipped": [r.name for r in found.evaluation.results if r.skipped],
        "controls": [
            {
                **asdict(replace(one, risk=None)),
                "risk": _risk(one.risk),
                "seen": one.seen,
                "far": one.far,
                "as_wanted": one.as_wanted,
            }
            for one in found.controls
        ],
        "tables": {name: dict(about) for name, about in found.tables.items()},
        "notes": list(found.notes),
    }


def _risk(risk: Objective | None) -> dict[str, Any] | None:
    if risk is None:
        return None
    return {k: getattr(risk, k) for k in ("value", "low", "high", "component")}


def _score(attack: str, score: Score, found: Audit) -> dict[str, Any]:
    return {
        "attack": attack,
        "score": score.name,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "advantage": asdict(score.advantage) if score.advantage else None,
        "leak_shown": f"{attack}/{score.name}" in found.shown if score.advantage else None,
    }


def check_out(out: Path) -> None:
    """Refuse, before anything is attacked, a place where the results cannot go.

    Raises:
        DataError: it is a file, or holds a scores.json that no audit wrote.
    """
    if out.exists() and not out.is_dir():
        raise DataError(f"out={out} is a file; name a folder")
    scores = out / SCORES
    if scores.exists():
        try:
            told = json.loads(scores.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told = None
        ours = isinstance(told, dict) and "verdict" in told
        if not ours:
            raise DataError(f"{scores} was not written by an audit; choose another out")


def write(found: Audit, out: Path, *, plots: bool) -> None:
    """Write `scores.json` and the plots into a folder; what else lies there stays.

    The scores come last and whole: where they are, the audit was completed.
    """
    out.mkdir(parents=True, exist_ok=True)
    for stale in (SCORES, *(f"{n}.{k}" for n in ("roc", "risk") for k in ("svg", "png"))):
        (out / stale).unlink(missing_ok=True)
    if plots:
        draw(found, out)
    partial = out / f".{SCORES}.{os.getpid()}"
    text = json.dumps(to_dict(found), indent=1, ensure_ascii=False, allow_nan=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(out / SCORES)


def draw(found: Audit, out: Path) -> None:
    """Draw the ROC curves and the components of the risk, as far as there are any."""
    curves = {
        result.name: (score.detail["roc"]["fpr"], score.detail["roc"]["tpr"])
        for result in found.evaluation.results
        for score in result.scores[:1]
        if "roc" in score.detail
    }
    if curves:
        save(roc(curves), out / "roc")
    bars = [
        Bar(key, score.advantage.value, score.advantage.se, shown=key in found.shown)
        for result in found.evaluation.results
        for score in result.scores
        if score.advantage is not None
        for key in [f"{result.name}/{score.name}"]
    ]
    if bars:
        save(risks(bars), out / "risk")
