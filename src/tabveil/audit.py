"""The straight line of an audit, from four files to a verdict.

    open_alike → make_alike → one row a person → attack → controls → verdict

It needs no model: whoever made the synthetic table, it is attacked as a stranger would. The
verdict is one of three. "leak shown": an attack beat guessing, or identifiers of real people were
copied, beyond chance. "nothing shown": neither, though all the planted leaks were seen. "cannot
tell": anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

import tabveil
from tabveil.attacked import attack
from tabveil.contracts import Limits, Score
from tabveil.controls import Control, Suite, seen_from, unseen
from tabveil.data.opening import Wishes
from tabveil.data.opening_alike import open_alike
from tabveil.data.tables import Place, digest
from tabveil.errors import ConfigError, DataError
from tabveil.evaluate import Evaluation, Result
from tabveil.measure.alike import SYNTHETIC, Roles, make_alike
from tabveil.measure.identifiers import Released
from tabveil.measure.lineup import about_twins
from tabveil.measure.sides import to_input
from tabveil.measure.swapped import control_was_seen
from tabveil.search.executors import Inline
from tabveil.search.objective import Objective
from tabveil.search.tasks import Executor
from tabveil.seeding import child_seed

Verdict = Literal["leak shown", "nothing shown", "cannot tell"]


@dataclass(frozen=True)
class Files:
    """Where the tables are, and how to read them. No `reference`: half of `control` plays it."""

    synthetic: Path
    train: Path
    control: Path
    reference: Path | None
    format: str | None = None
    wishes: Wishes = field(default_factory=Wishes)

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
    """`<attack>/<score>` of its components that show a leak."""
    controls: tuple[Control, ...]
    identifiers: tuple[Released, ...]
    tables: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]
    seed: int


def audit(
    files: Files,
    roles: Roles,
    suite: Suite,
    limits: Limits,
    *,
    seed: int,
    executor: Executor | None = None,
) -> Audit:
    """Attack a synthetic table.

    Args:
        files: the tables. `train`: the rows the generator saw. `control`: rows of the same
            population that it never saw. `reference`: what an attacker may know of it.
        roles: what a person knows of the columns.
        suite: the attacks, and how they make the risk.
        limits: how much the attacks look at.
        seed: of every random choice.
        executor: where the table and the controls' tables are attacked; None: here, in turn.

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
    places = {name: Place(path=path, format=files.format) for name, path in files.paths().items()}
    opened = open_alike(places, files.wishes, real=[name for name in places if name != SYNTHETIC])
    raw = {name: one.table for name, one in opened.items()}
    read_notes = [f"{name}: {line}" for name, one in opened.items() for line in one.told]
    _refuse_twice_the_same(raw)
    tables = {
        name: {"rows": len(t), "columns": t.shape[1], "digest": digest(t)}
        for name, t in raw.items()
    }
    alike = make_alike(raw, roles)
    del raw
    data, notes = to_input(alike, seed=child_seed(seed, "audit"), limits=limits)
    notes = (*notes, *about_twins(data))
    evaluation, controls = attack(data, suite, executor or Inline())
    advantages = suite.advantages(evaluation)
    risk = suite.risk(advantages)
    leak = suite.leak(advantages, controls)
    verdict, reason = conclude(risk, leak, suite.failed(evaluation), controls)
    wrong = control_was_seen(data) if controls else ""
    if wrong:
        verdict, reason = "cannot tell", wrong
    if leak and verdict == "leak shown":
        risk = leak
    copied = [str(one) for one in alike.identifiers if one.shown]
    if copied:  # no difference between people explains whose names these are
        reason = "; ".join([*copied, *([reason] if verdict == "leak shown" else [])])
        verdict = "leak shown"
    return Audit(
        verdict,
        reason,
        risk,
        evaluation,
        suite.failed(evaluation),
        frozenset(suite.components),
        suite.shown(evaluation),
        controls,
        alike.identifiers,
        tables,
        (*read_notes, *alike.notes, *notes),
        seed,
    )


def _refuse_twice_the_same(raw: Mapping[str, pd.DataFrame]) -> None:
    """A table cannot be two of the real ones; `synthetic` may well be a copy of one."""
    names = [name for name in raw if name != SYNTHETIC]
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            if not raw[one].equals(raw[two]):
                continue
            if len(raw[one].drop_duplicates()) == 1:
                raise DataError(
                    f"all rows of {one} and {two} are one and the same row; in an audit, people "
                    f"must differ to be told apart"
                )
            raise DataError(
                f"{one} and {two} are the same table; an audit compares rows that the generator "
                f"saw (train) with rows that it never saw (control)"
            )


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
        return "cannot tell", _why(failed) if failed else "no attack gave a number"
    if leak is not None and leak.low > 0:
        return "leak shown", (
            f"{leak.component} beats guessing; the risk is {_at_least(leak.low)}, at most "
            f"{risk.high:.3f}"
        )
    apart = [one for one in controls if not one.n_planted and (one.seen if risk.low else one.far)]
    if apart:
        return "cannot tell", (
            f"train and control differ by themselves: the same people are told apart with "
            f"{apart[0].what}; control must be a random part of the population of train"
        )
    if failed:
        return "cannot tell", _why(failed)
    missed = unseen(controls)
    if missed or not any(one.n_planted for one in controls):
        what = "; ".join(one.what for one in missed) or "none could be planted"
        least = f"; seen were {seen_from(controls)}" if missed else ""
        return "cannot tell", f"no leak was shown, but a planted one stayed unseen: {what}{least}"
    return "nothing shown", f"at most {risk.high:.3f} ({risk.component}) cannot be excluded"


def plain(reason: str) -> str:
    """Why an attack gave no number, without the name of the error's class."""
    return re.sub(r"^\w+: ", "", reason).removeprefix("cannot tell: ")


def _why(failed: Sequence[Result]) -> str:
    """The first reason, and all the attacks that have it."""
    reason = plain(failed[0].reason)
    names = [result.name for result in failed if plain(result.reason) == reason]
    what = f"attack {names[0]}" if len(names) == 1 else f"attacks {', '.join(names)}"
    return f"the {what} gave no number: {reason}"


def _at_least(low: float) -> str:
    return f"at least {low:.3f}" if low >= 0.001 else "above 0 (by < 0.001)"


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
            {
                "attack": r.name,
                "reason": plain(r.reason),
                "makes_the_risk": r.name in found.makes_the_risk,
            }
            for r in found.evaluation.failed()
        ],
        "skipped": [r.name for r in found.evaluation.results if r.skipped],
        "controls": [
            {
                **asdict(replace(one, risk=None)),
                "failed": {name: plain(reason) for name, reason in one.failed.items()},
                "risk": _risk(one.risk),
                "seen": one.seen,
                "far": one.far,
                "as_wanted": one.as_wanted,
            }
            for one in found.controls
        ],
        "identifiers": [{**asdict(one), "leak_shown": one.shown} for one in found.identifiers],
        "tables": {name: dict(about) for name, about in found.tables.items()},
        "notes": list(found.notes),
    }


def _risk(risk: Objective | None) -> dict[str, Any] | None:
    if risk is None:
        return None
    return {k: getattr(risk, k) for k in ("value", "low", "high", "component")}


def _score(attack: str, score: Score, found: Audit) -> dict[str, Any]:
    is_component = score.advantage is not None and attack in found.makes_the_risk
    return {
        "attack": attack,
        "score": score.name,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "advantage": asdict(score.advantage) if score.advantage else None,
        "leak_shown": f"{attack}/{score.name}" in found.shown if is_component else None,
    }
