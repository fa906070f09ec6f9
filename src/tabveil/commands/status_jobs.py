"""Which jobs of a web service wait, run or are lost, as its database under a root says?"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from tabveil.errors import TrackingError
from tabveil.redaction import hide_passwords
from tabveil.web.database import JOBS

_OPEN = ("running", "queued", "lost")


@dataclass(frozen=True)
class JobState:
    """A job that is not over. `since`: when it was asked for, began, or was lost."""

    id: str
    user: str
    kind: str
    state: str
    since: datetime
    heartbeat: datetime | None
    tries: int
    message: str


def web_jobs(url: str | None, root: Path) -> tuple[dict[str, int], list[JobState]] | None:
    """How many jobs there are by state, and the open ones; None where there is no service.

    Args:
        url: of the service's database; None: SQLite under the root.
        root: whose.

    Raises TrackingError when its database cannot be read.
    """
    file = root / "web" / "web.db"
    if url is None and not file.is_file():
        return None
    try:
        engine = sa.create_engine(url or f"sqlite:///{file.absolute()}", poolclass=sa.pool.NullPool)
        if not sa.inspect(engine).has_table(JOBS.name):  # a database that serves other things
            return None
        with closing(engine.connect()) as connection:
            counted = sa.select(JOBS.c.state, sa.func.count()).group_by(JOBS.c.state)
            counts = {str(row[0]): int(row[1]) for row in connection.execute(counted)}
            c = JOBS.c
            since = sa.func.coalesce(c.ended, c.started, c.created, type_=c.created.type)
            columns = (c.id, c.user, c.kind, c.state, since, c.heartbeat, c.tries, c.message)
            listed = sa.select(*columns).where(c.state.in_(_OPEN)).order_by(c.created)
            jobs = [
                JobState(id_, user, kind, state, _utc(at), beat and _utc(beat), tries, message)
                for id_, user, kind, state, at, beat, tries, message in connection.execute(listed)
            ]
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        shown = hide_passwords(url or str(file))
        raise TrackingError(
            f"the web service's database {shown} cannot be read: {reason}"
        ) from error
    return counts, sorted(jobs, key=lambda job: _OPEN.index(job.state))


def _utc(moment: datetime) -> datetime:
    """SQLite forgets the zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
