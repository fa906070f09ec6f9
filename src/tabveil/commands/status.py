"""`tabveil status`: how far is every study, who works on it, what failed, and what waits?

Reads the databases and changes nothing; it loads neither torch nor MLflow nor Optuna.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tabveil.commands.status_jobs import JobState, web_jobs
from tabveil.config.compose import Composition
from tabveil.config.looking import Status
from tabveil.config.settings import Base, read
from tabveil.errors import ConfigError
from tabveil.report.terminal import say, show_table
from tabveil.search.overview import STATES, StudyState, overview

_MOST_FAILURES = 5


@dataclass(frozen=True)
class _Found:
    """Studies, with the user of a web service whose they are; nobody's where there is none."""

    user: str
    studies: list[StudyState]


def run(composition: Composition) -> None:
    """Print studies, running trials, failures and a web service's jobs."""
    settings, root = read(composition, Status), read(composition, Base).root
    found = _studies(settings, root)
    is_one_storage = settings.storage is not None and settings.database is None
    jobs = None if is_one_storage else web_jobs(settings.database, root)
    if settings.form == "json":
        sys.stdout.write(json.dumps(_plain(found, jobs), indent=1, default=_told) + "\n")
        return
    if not found and jobs is None:
        say(f"There is no study and no web service under {root}.")
        return
    if any(one.studies for one in found):
        _show_studies(found)
    if jobs is not None:
        _show_jobs(*jobs)


def _studies(settings: Status, root: Path) -> list[_Found]:
    """The studies of the storage, or of the root, and of a web service's users under it."""
    files = {"": root / "studies.db"} if settings.storage is None else {}
    if settings.storage is None or settings.database is not None:
        files |= {p.parent.name: p for p in sorted(root.glob("web/users/*/studies.db"))}
    places = {u: f"sqlite:///{p.absolute()}" for u, p in files.items() if p.is_file()}
    if settings.storage is not None:
        places = {"": settings.storage, **places}
    found = [_Found(user, overview(storage)) for user, storage in places.items()]
    if settings.study is None:
        return found
    chosen = [_Found(o.user, [s for s in o.studies if s.name == settings.study]) for o in found]
    if not any(one.studies for one in chosen):
        names = sorted({study.name for one in found for study in one.studies})
        raise ConfigError(f"no study {settings.study!r}; there are: {', '.join(names) or 'none'}")
    return [one for one in chosen if one.studies]


def _show_studies(found: list[_Found]) -> None:
    all_of_them = [(one.user, study) for one in found for study in one.studies]
    has_users = any(user for user, _ in all_of_them)

    def named(user: str, study: StudyState) -> str:
        return f"{user}: {study.name}" if has_users and user else study.name

    header = ("study", *STATES, "target", "best utility", "least risk", "a minute", "last heard")
    rows = [
        (
            named(user, s),
            *(s.states[state] for state in STATES),
            *("-" if v is None else v for v in (s.target, s.utility, s.risk, s.per_minute)),
            _ago(s.heard),
        )
        for user, s in all_of_them
    ]
    show_table("studies", header, rows)
    running = [
        (named(user, s), one.number, one.owner or "unknown", _ago(one.since), _life(one.is_dead))
        for user, s in all_of_them
        for one in s.running
    ]
    if running:
        show_table("running trials", ("study", "trial", "driver", "began", "the driver"), running)
    failures = [
        (named(user, s), one.n, one.last, one.message)
        for user, s in all_of_them
        for one in s.failures[:_MOST_FAILURES]
    ]
    if failures:
        show_table("failures, latest first", ("study", "trials", "last", "message"), failures)


def _life(is_dead: bool) -> str:
    return "has died; the same sweep again goes on" if is_dead else "is alive, or on another host"


def _show_jobs(counts: dict[str, int], jobs: list[JobState]) -> None:
    told = ", ".join(f"{n} {state}" for state, n in counts.items()) or "none"
    if not jobs:
        say(f"Jobs of the web service: {told}.")
        return
    rows = [
        (j.id[:8], j.user, j.kind, j.state, _ago(j.since), _ago(j.heartbeat), j.tries, j.message)
        for j in jobs
    ]
    header = ("job", "user", "kind", "state", "since", "heartbeat", "tries", "message")
    show_table(f"jobs of the web service: {told}", header, rows)


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "-"
    seconds = max(0, round((datetime.now().astimezone() - moment).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _plain(
    found: list[_Found], jobs: tuple[dict[str, int], list[JobState]] | None
) -> dict[str, Any]:
    studies = [{"user": one.user or None, **asdict(s)} for one in found for s in one.studies]
    counts, listed = jobs or (None, [])
    return {"studies": studies, "jobs": counts, "open_jobs": [asdict(one) for one in listed]}


def _told(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
