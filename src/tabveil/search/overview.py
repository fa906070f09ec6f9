"""How far are the studies of a storage, and is anybody working on them?

Optuna's tables are read as they are, by a few queries that change nothing and wait for nobody:
loading Optuna and a thousand trials through it would take seconds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tabveil.errors import StudyError
from tabveil.search.tasks import is_dead

TARGET = "target"
"""Under this name the study notes how many complete trials it is on its way to."""
STATES = ("complete", "running", "waiting", "failed", "requeued")
"""Of trials. A requeued one was lost with its driver, and its values are tried again."""
_SCHEMA = 12
"""Of Optuna's tables, 3.0 to 5: what the columns below mean."""
_RATE_OVER = 20
"""Completed trials over which the rate is taken: enough to even out, few enough to be of now."""
_REQUEUED = "requeued: "


@dataclass(frozen=True)
class Running:
    """A trial that has not ended, as far as its storage knows."""

    number: int
    owner: str
    since: datetime | None
    is_dead: bool
    """Its driver is known to have ended: the same sweep again recovers it."""


@dataclass(frozen=True)
class Failure:
    """What some trials failed with."""

    message: str
    n: int
    last: int
    """The number of the last such trial."""


@dataclass(frozen=True)
class StudyState:
    """A study at this moment.

    Attributes:
        states: how many trials are in each of STATES.
        target: complete trials that the last sweep was told to reach; None: it said nothing.
        utility, risk: the best and the least of all complete trials.
        per_minute: complete trials a minute, over the last of them.
        heard: when a trial last began or ended, or the driver of a running one gave a sign of life.
    """

    name: str
    states: Mapping[str, int]
    target: int | None
    utility: float | None
    risk: float | None
    per_minute: float | None
    heard: datetime | None
    running: tuple[Running, ...]
    failures: tuple[Failure, ...]


def overview(storage: str) -> list[StudyState]:
    """The studies of a storage, by name. Raises StudyError when it cannot be read."""
    with _reading(storage) as connection:
        version = connection.execute(sa.text("SELECT schema_version FROM version_info")).scalar()
        if version != _SCHEMA:
            raise StudyError(
                f"the tables of the study storage are of another Optuna (schema {version}; this "
                f"tabveil reads {_SCHEMA}); use the tabveil that made them, or a newer one"
            )
        studies = connection.execute(sa.text("SELECT study_id, study_name FROM studies")).all()
        return sorted((_state(connection, *row) for row in studies), key=lambda one: one.name)


def _state(connection: sa.Connection, study: int, name: str) -> StudyState:
    trials = _rows(
        connection,
        "SELECT trial_id, number, state, datetime_start AS began, datetime_complete AS ended "
        "FROM trials WHERE study_id = :study ORDER BY number",
        study,
    )
    errors, owners = (_attributes(connection, study, key) for key in ("error", "owner"))
    notes = {
        row["key"]: json.loads(row["value_json"])
        for row in _rows(
            connection,
            'SELECT "key", value_json FROM study_user_attributes WHERE study_id = :study '
            "AND \"key\" IN ('note.target', 'note.shadows')",
            study,
        )
    }
    failed = [(t["number"], errors.get(t["trial_id"]) or "") for t in trials if _is(t, "FAIL")]
    states = Counter(str(t["state"]).lower() for t in trials if not _is(t, "FAIL"))
    requeued = sum(why.startswith(_REQUEUED) for _, why in failed)
    states |= Counter(failed=len(failed) - requeued, requeued=requeued)
    utility, risk = _best(connection, study, (notes.get("note.shadows") or {}).get("risks", {}))
    moments = [t[key] for t in trials for key in ("began", "ended")]
    heard = [at for at in (*moments, _heartbeat(connection, study)) if at is not None]
    return StudyState(
        name=name,
        states={state: states[state] for state in STATES},
        target=notes.get(f"note.{TARGET}"),
        utility=utility,
        risk=risk,
        per_minute=_rate([t for t in trials if _is(t, "COMPLETE")]),
        heard=max(heard, default=None),
        running=tuple(
            Running(t["number"], owner := owners.get(t["trial_id"], ""), t["began"], is_dead(owner))
            for t in trials
            if _is(t, "RUNNING")
        ),
        failures=_counted([(n, why) for n, why in failed if not why.startswith(_REQUEUED)]),
    )


def _is(trial: Mapping[str, Any], state: str) -> bool:
    return bool(trial["state"] == state)


def _best(
    connection: sa.Connection, study: int, shadowed: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """The best utility and the least risk, the latter with the other trials as shadows."""
    found = _rows(
        connection,
        "SELECT t.number, v.objective, v.value FROM trials t JOIN trial_values v "
        "ON v.trial_id = t.trial_id WHERE t.study_id = :study AND t.state = 'COMPLETE' "
        "AND v.value IS NOT NULL",
        study,
    )
    utilities = [row["value"] for row in found if row["objective"] == 0]
    risks = [
        shadowed.get(str(row["number"]), {}).get("risk", row["value"])
        for row in found
        if row["objective"] == 1
    ]
    return max(utilities, default=None), min(risks, default=None)


def _attributes(connection: sa.Connection, study: int, key: str) -> dict[int, str]:
    """A text that trials which are not complete keep under a name, by trial."""
    found = connection.execute(
        sa.text(
            "SELECT a.trial_id, a.value_json FROM trial_user_attributes a "
            "JOIN trials t ON t.trial_id = a.trial_id "
            "WHERE t.study_id = :study AND t.state IN ('RUNNING', 'FAIL') AND a.\"key\" = :key"
        ),
        {"study": study, "key": key},
    )
    return {trial: str(json.loads(text) or "") for trial, text in found}


def _heartbeat(connection: sa.Connection, study: int) -> datetime | None:
    """When a driver of a running trial last gave a sign of life: by the database's own clock."""
    beat, now = connection.execute(
        sa.text(
            "SELECT max(h.heartbeat), CURRENT_TIMESTAMP FROM trial_heartbeats h "
            "JOIN trials t ON t.trial_id = h.trial_id "
            "WHERE t.study_id = :study AND t.state = 'RUNNING'"
        ),
        {"study": study},
    ).one()
    if beat is None:
        return None
    then, read = (_moment(at, has_zone=False) for at in (beat, now))
    assert then is not None
    assert read is not None
    return datetime.now().astimezone() - (read - then)


def _rate(complete: list[dict[str, Any]]) -> float | None:
    """Trials a minute, from when the first of the last few began to when the last ended."""
    last = sorted(complete, key=lambda t: t["ended"])[-_RATE_OVER:]
    if not last:
        return None
    seconds = (last[-1]["ended"] - min(t["began"] for t in last)).total_seconds()
    return 60 * len(last) / seconds if seconds > 0 else None


def _counted(failed: list[tuple[int, str]]) -> tuple[Failure, ...]:
    """Each message once, the latest first."""
    last = {why: number for number, why in failed}
    n = Counter(why for _, why in failed)
    latest = sorted(last.items(), key=lambda one: -one[1])
    return tuple(Failure(why, n[why], number) for why, number in latest)


def _rows(connection: sa.Connection, query: str, study: int) -> list[dict[str, Any]]:
    """What a query of a study finds; moments as SQLite keeps them become moments again."""
    return [
        {k: _moment(v) if k in ("began", "ended") else v for k, v in row._mapping.items()}
        for row in connection.execute(sa.text(query), {"study": study})
    ]


def _moment(value: Any, *, has_zone: bool = True) -> datetime | None:
    """A time of the driver's clock, with this machine's zone."""
    if value is None:
        return None
    read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return read.astimezone() if has_zone else read.replace(tzinfo=None)


@contextmanager
def _reading(storage: str) -> Iterator[sa.Connection]:
    try:
        engine = sa.create_engine(storage, poolclass=sa.pool.NullPool)
        with closing(engine.connect()) as connection:
            yield connection
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StudyError(
            f"cannot read the study storage ({reason}); check storage=… or root=…"
        ) from error
