"""What is said of a confirmed candidate: one JSON document, and the same in words?

`verdict.json` is that document. It travels with the registered version, and the report is drawn
from it alone, so that nothing can be said later that was not said then. It holds numbers, names
and digests, no row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import tabveil
from tabveil.audit import Audit, plain
from tabveil.confirmation import Confirmed, largest
from tabveil.controls import Suite
from tabveil.evidence import Evidence, Known
from tabveil.gate import Gate, Verdict
from tabveil.measure.over_seeds import OverSeeds
from tabveil.tracking.environment import environment

FORMAT = 1


def statement(
    confirmed: Confirmed,
    gate: Gate,
    *,
    about: Mapping[str, Any],
    attacks: Mapping[str, str],
) -> dict[str, Any]:
    """What is said of a confirmed candidate, JSON-able.

    Args:
        confirmed: the candidate and its verdict.
        gate: the policy.
        about: what identifies it: study, values, digests, openings, front, ….
        attacks: name → who attacks and with what, in a sentence.
    """
    first = confirmed.attempts[0].first or {}
    return {
        **_judged(confirmed.verdict, gate, confirmed.risks),
        "candidate": {"trial": confirmed.trial, **about},
        "models": [
            {"seed": one.seed, "run_id": one.run_id, "utility": one.utility}
            for one in confirmed.attempts
        ],
        "utility": _bounds(confirmed.utility, gate.confidence),
        "attacks": dict(attacks),
        "scores": first.get("scores", {}),
        "flattery": dict(confirmed.flattery),
        "controls": first.get("controls", []),
        "rows": first.get("rows", {}),
        "notes": first.get("notes", []),
        "protection": first.get("protection", {}),
        "below_k": first.get("below_k"),
        "skipped": list(confirmed.attempts[0].skipped),
    }


def statement_of_audit(
    found: Audit, suite: Suite, gate: Gate, *, name: str, attacks: Mapping[str, str]
) -> dict[str, Any]:
    """What is said of a table that somebody else made, in the same form.

    Args:
        found: by the audit.
        suite: that attacked.
        gate: the policy.
        name: of the table.
        attacks: name → who attacks and with what, in a sentence.
    """
    advantages = suite.advantages(found.evaluation)
    risks = {key: OverSeeds.of([one]) for key, one in advantages.items()}
    missing = {result.name: plain(result.reason) for result in found.failed}
    if found.verdict == "cannot tell":
        missing["audit"] = found.reason
    skipped = [result.name for result in found.evaluation.results if result.skipped]
    known = [Known.of(control) for control in found.controls]
    copied = [str(one) for one in found.identifiers if one.shown]
    evidence = Evidence(
        risks, None, missing, skipped, known, rare_levels=None, identifiers=copied, trained=False
    )
    digests = {f"{table}_digest": about["digest"] for table, about in found.tables.items()}
    rows = {table: about["rows"] for table, about in found.tables.items()}
    return {
        **_judged(gate.judge(evidence), gate, risks),
        "candidate": {"dataset": name, "versions": environment(), **digests},
        "models": [],
        "utility": None,
        "attacks": dict(attacks),
        "scores": {},
        "flattery": {},
        "controls": [asdict(one) for one in known],
        "rows": {**rows, "release": rows["control"]},
        "notes": list(found.notes),
        "below_k": None,
        "skipped": skipped,
    }


def _judged(verdict: Verdict, gate: Gate, risks: Mapping[str, OverSeeds]) -> dict[str, Any]:
    low, mean, high = largest(risks, gate.confidence)
    return {
        "format": FORMAT,
        "tabveil": tabveil.__version__,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": verdict.outcome,
        "gate": asdict(gate),
        "rules": [asdict(rule) for rule in verdict.rules],
        "could_show": verdict.could_show,
        "risk": {"mean": mean, "low": low, "high": high},
        "risks": {
            key: {
                **_bounds(one, gate.confidence),
                "shown": one.shown(len(risks), gate.confidence),
            }
            for key, one in risks.items()
        },
    }


def to_text(document: Mapping[str, Any]) -> str:
    """The document as it is written to a file."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def in_words(document: Mapping[str, Any]) -> list[str]:
    """The verdict, what it rests on and what it does not say: a few sentences."""
    gate, risk, utility = document["gate"], document["risk"], document["utility"]
    said = [_opening(document), gate["promise"]]
    said += [f"{why[:1].upper()}{why[1:]}." for why in reasons(document)]
    n = len(document["models"])
    said.append(
        f"Over {n} training{'' if n == 1 else 's'}, on people that neither they nor the sweep saw: "
        f"risk {risk['mean']:.3f}, at most {risk['high']:.3f}; utility {utility['mean']:.3f}, at "
        f"least {utility['lower']:.3f}."
        if utility
        else f"The risk is {risk['mean']:.3f}, at most {risk['high']:.3f}."
    )
    shown = {r["component"]: r["could_show"] for r in document["rules"] if r["could_show"]}
    if shown:
        least, most = min(shown, key=lambda k: shown[k]), max(shown, key=lambda k: shown[k])
        said.append(
            f"The smallest advantage of an attacker that this many people would have shown, four "
            f"times in five, is {shown[least]:.3f} ({least}), and {shown[most]:.3f} for the attack "
            f"that needs most people ({most}); smaller ones may be there unseen."
        )
    flattered = document["flattery"].get("utility")
    if flattered is not None:
        said.append(f"The sweep had seen its utility {abs(flattered):.3f} {_higher(flattered)}.")
    if document.get("protection"):
        said.append(
            f"All this holds for rows that are protected after they are drawn "
            f"({', '.join(document['protection'])}), not for others of the same model."
        )
    return said


def in_brief(document: Mapping[str, Any]) -> list[str]:
    """The verdict of a candidate in at most three lines; the report has the rest."""
    risk, utility, why = document["risk"], document["utility"], reasons(document)
    lines = [
        f"{_opening(document)} Risk {risk['mean']:.3f}, at most {risk['high']:.3f}; utility "
        f"{utility['mean']:.3f}, at least {utility['lower']:.3f}."
    ]
    if why:
        more = f" (and {len(why) - 1} more)" if len(why) > 1 else ""
        lines.append(f"{why[0][:1].upper()}{why[0][1:]}{more}.")
    shown = [rule["could_show"] for rule in document["rules"] if rule["could_show"]]
    if shown:
        lines.append(
            f"So many people would have shown {min(shown):.3f} to {max(shown):.3f}, by attack; "
            f"less may be there unseen."
        )
    return lines


def _opening(document: Mapping[str, Any]) -> str:
    name = document["gate"]["name"]
    return {
        "pass": f"Passes the policy {name!r}.",
        "fail": f"Fails the policy {name!r}: it must not be released under it.",
        "cannot tell": f"Cannot tell under the policy {name!r}: that is not 'safe'.",
    }[document["verdict"]]


def reasons(document: Mapping[str, Any]) -> list[str]:
    """Why it does not pass; empty where it does."""
    outcome = document["verdict"]
    return [r["why"] for r in document["rules"] if r["outcome"] == outcome != "pass"]


def tags(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the registry's version says of itself."""
    candidate = document["candidate"]
    return {
        "study": candidate["study"],
        "trial": candidate["trial"],
        "verdict": document["verdict"],
        "models": len(document["models"]),
        "gate": document["gate"]["name"],
        "utility": f"{document['utility']['mean']:.4f}",
        "utility_low": f"{document['utility']['lower']:.4f}",
        "risk": f"{document['risk']['mean']:.4f}",
        "risk_low": f"{document['risk']['low']:.4f}",
        "risk_high": f"{document['risk']['high']:.4f}",
        "seed": document["models"][0]["seed"],
        "data_digest": candidate["data_digest"],
        "config_digest": candidate["config_digest"],
        "code_digest": candidate["code_digest"],
    }


def _bounds(found: OverSeeds, confidence: float) -> dict[str, Any]:
    low, high = found.interval(confidence)
    return {
        "mean": found.mean,
        "low": low,
        "high": high,
        "lower": found.lower(confidence),
        "upper": found.upper(confidence),
        "values": list(found.values),
        "spread": found.spread,
        "row_ses": list(found.row_ses),
        "ses_above": list(found.ses_above or found.row_ses),
    }


def _higher(flattered: float) -> str:
    return "higher" if flattered > 0 else "lower"


def summary(documents: Sequence[Mapping[str, Any]]) -> list[tuple[object, ...]]:
    """A line a candidate, for the terminal."""
    return [
        (
            one["candidate"]["trial"],
            one["verdict"],
            one["utility"]["mean"],
            one["utility"]["lower"],
            one["candidate"]["sweep_utility"],
            one["risk"]["mean"],
            one["risk"]["high"],
            one["could_show"],
        )
        for one in documents
    ]
