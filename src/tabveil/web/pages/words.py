"""What do states, kinds, numbers and verdicts mean, in words that need no handbook?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

GOING = ("queued", "running")
STOPPED = ("failed", "lost", "cancelled")

STATES = {
    "queued": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "lost": "lost",
}
WHY = {
    "queued": "It starts as soon as a worker is free. You can leave this page and come back.",
    "running": "You can leave this page and come back; the work goes on.",
    "done": "It has ended as it should.",
    "failed": "It has ended with an error. What was finished before is kept.",
    "cancelled": "It was cancelled. What was finished before is kept.",
    "lost": "Its process stopped without saying why, as when a machine is switched off. "
    "What was finished before is kept.",
}
JOBS = {
    "inspect": "Reading a table",
    "sweep": "Search",
    "confirm": "Confirmation",
    "sample": "Drawn rows",
    "withdraw": "Withdrawal",
}
STAGES = {
    "prepare": "preparing the table",
    "landmarks": "measuring what a leak would look like in this table",
    "trials": "training and attacking models",
    "shadows": "attacking each model with what the others show",
    "models": "training again, with fresh chance, and attacking on people kept aside",
    "verdicts": "holding the bounds against the policy",
}
KINDS = {
    "numeric": "number",
    "categorical": "category",
    "boolean": "yes or no",
    "datetime": "date or time",
    "identifier": "identifier",
}
_MANY = {
    "numeric": "numbers",
    "categorical": "categories",
    "boolean": "yes or no",
    "datetime": "dates or times",
    "identifier": "identifiers",
}
MASKS = {
    "fake": "made-up values",
    "token": "random codes",
    "drop": "left out",
}
ALIASES = {
    "most-useful": "most useful",
    "balanced": "balanced",
    "most-private": "most private",
}
EFFORTS = {
    "glance": (
        "A first look",
        "Two tiny models, to see the way. Nothing that comes out of it can be released.",
    ),
    "quick": ("Quick", "Enough trials for a usable choice. A good start."),
    "thorough": ("Thorough", "Many trials and longer trainings. Better choices, hours of work."),
}
GATES = {
    "strict": (
        "Strict",
        "Passing means: nobody who makes these attacks recognises people of the table, or learns a "
        "sensitive value, noticeably better than by guessing; among the most unusual tenth, at "
        "most a little better. It takes some ten thousand people to show that.",
    ),
    "small": (
        "Small table",
        "For tables of a few thousand people. It promises little about the most unusual tenth: "
        "hand the rows only to people whom you trust with that.",
    ),
}
VERDICTS = {
    "pass": "May be released under this policy. It does not mean that no attack could succeed.",
    "fail": "A leak was shown that is larger than the policy allows. It must not be released.",
    "cannot tell": "Neither safe nor unsafe could be shown, because there are too few people or "
    "the attacks missed a leak that was planted on purpose. That is not “safe”.",
}
ACTIONS = {
    "enter": "signed in",
    "leave": "signed out",
    "upload": "table uploaded",
    "delete upload": "table deleted",
    "order inspect": "reading of a table asked for",
    "order sweep": "search asked for",
    "order confirm": "confirmation asked for",
    "order sample": "rows asked for",
    "order withdraw": "withdrawal asked for",
    "cancel": "job cancelled",
    "resume": "job resumed",
    "delete job": "job deleted",
    "download rows": "rows downloaded",
    "delete rows": "drawn rows deleted after a while",
}
ENOUGH_FOR_STRICT = 10_000
"""People, or rows, of a table (docs/confirmation.md)."""


def stage(name: str | None) -> str:
    """What a job is at."""
    return "starting" if name is None else STAGES.get(name, name.replace("_", " "))


def job_title(job: Any, name: str | None) -> str:
    """What a job is called in lists and headings."""
    return f"{JOBS.get(job.kind, job.kind)}: {name}" if name else JOBS.get(job.kind, job.kind)


def release_title(release: Any, name: str | None) -> str:
    """What a confirmed candidate is called: by its table and version, or its trial."""
    called = name or release.model
    if release.verdict != "pass":
        return f"{called}: trial {release.trial}"
    return f"{called}: release {release.version}"


def aliases(found: Sequence[str]) -> str:
    """What a trial is called."""
    return ", ".join(ALIASES.get(one, one) for one in found)


def of_utility(landmarks: Sequence[Any]) -> str:
    """What a sweep's utility is to be compared with."""
    text = "1 would be as good as fresh real rows"
    plain = next((one.utility for one in landmarks if one.name == "marginals"), None)
    if plain is None:
        return text + "."
    return f"{text}; columns drawn without any relation between them reach {plain:.2f} here."


def of_risk(shown: float, most: float | None, landmarks: Sequence[Any] = ()) -> list[str]:
    """A sweep's risk: what was proved, what could not be excluded, and what that is worth."""
    if shown > 0:
        said = [
            f"The attacks proved a gain over guessing of at least {shown:.3f} "
            "(0 is guessing, 1 is certainty)."
        ]
    else:
        said = ["The attacks proved nothing. That is not the same as safe."]
    if most is not None:
        said.append(f"A gain of up to {most:.3f} could not be excluded.")
    copies = next((one for one in landmarks if one.name == "copycat"), None)
    if copies is not None:
        said.append(
            f"For scale, the triangle: a table of copied real rows has {copies.risk:.3f} here."
            if copies.risk > 0
            else "Even copied real rows were not caught here: the risks say nothing of this table."
        )
    return said


def column_counts(columns: Sequence[Mapping[str, Any]]) -> str:
    """How many columns of each kind, as half a sentence.

    >>> column_counts([{"kind": "numeric"}, {"kind": "numeric"}, {"kind": "boolean"}])
    '2 numbers, 1 yes or no'
    """
    counted = {kind: sum(column["kind"] == kind for column in columns) for kind in KINDS}
    return ", ".join(
        f"{n} {KINDS[kind] if n == 1 else _MANY[kind]}" for kind, n in counted.items() if n
    )


def reading(pattern: str) -> str:
    """A way of writing dates or numbers, for somebody who knows no directives.

    >>> reading("%d/%m/%Y"), reading("1,234")
    ('day/month/year (%d/%m/%Y)', 'as in 1,234')
    """
    if "%" not in pattern:
        return f"as in {pattern}"
    names = {"d": "day", "m": "month", "Y": "year", "y": "year", "H": "hour", "M": "minute"}
    names |= {"S": "second", "I": "hour", "p": "AM/PM"}
    plain = re.sub(r"%-?([dmYyHMSIp])", lambda found: names[found[1]], pattern)
    return f"{plain} ({pattern})"
