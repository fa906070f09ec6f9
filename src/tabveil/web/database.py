"""What does the web service remember, and how do several processes share it?

One database: SQLite under the root, or PostgreSQL. Every change is one short transaction, and what
two could do at once is decided by the database (`update … where state = …`), not by a look before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tabveil.errors import ConfigError
from tabveil.migrations import NewerTables, Tables
from tabveil.redaction import hide_passwords

_METADATA = sa.MetaData()
_ID = sa.String(32)
_USER = sa.String(32)
_TIME = sa.DateTime(timezone=True)

UPLOADS = sa.Table(
    "web_uploads",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("user", _USER, nullable=False, index=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("format", sa.String(16), nullable=False),
    sa.Column("n_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("inspection", _ID, nullable=False),
    sa.Column("created", _TIME, nullable=False),
    sa.Column("deleted", _TIME),
)
JOBS = sa.Table(
    "web_jobs",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("user", _USER, nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("lane", sa.String(8), nullable=False),
    sa.Column("upload", _ID, index=True),
    sa.Column("parent", _ID, index=True),
    sa.Column("release", _ID),
    sa.Column("order", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("exit_code", sa.Integer),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("created", _TIME, nullable=False),
    sa.Column("started", _TIME),
    sa.Column("ended", _TIME),
    sa.Column("heartbeat", _TIME),
    sa.Column("cancel_asked", sa.Boolean, nullable=False, default=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("owner", sa.String(128)),
)
RELEASES = sa.Table(
    "web_releases",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("user", _USER, nullable=False, index=True),
    sa.Column("job", _ID, nullable=False, index=True),
    sa.Column("upload", _ID, nullable=False),
    sa.Column("trial", sa.Integer, nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("folder", sa.String(64), nullable=False),
    sa.Column("told", sa.JSON, nullable=False),
    sa.Column("created", _TIME, nullable=False),
    sa.Column("withdrawn", sa.Text),
    sa.UniqueConstraint("job", "trial"),
)
EVENTS = sa.Table(
    "web_events",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("user", _USER, nullable=False, index=True),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)
_TABLES = Tables.of("web")
"""What is above, and how databases from before come to it, is in `migrations/web`, too."""


@dataclass(frozen=True)
class Database:
    """The tables, reached through a pool of connections."""

    engine: sa.Engine

    @classmethod
    def at(cls, url: str) -> Database:
        """Open the database; its tables are made where missing, and brought up to date.

        Raises ConfigError when it cannot be reached, or was made by a newer tabveil.
        """
        try:
            address = sa.make_url(url)
            if address.get_backend_name() == "sqlite" and address.database:
                Path(address.database).parent.mkdir(parents=True, exist_ok=True)
            engine = sa.create_engine(address, pool_pre_ping=True)
            if engine.dialect.name == "sqlite":
                sa.event.listen(engine, "connect", _as_shared)
            _TABLES.bring_up_to_date(engine)
        except NewerTables as error:
            raise ConfigError(f"web.database={hide_passwords(url)} {error}") from error
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            shown = hide_passwords(url)
            raise ConfigError(f"web.database={shown} cannot be opened: {_reason(error)}") from error
        return cls(engine)

    @contextlib.contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction: all of it, or nothing."""
        with self.engine.begin() as connection:
            yield connection

    def clock(self, *, ago: timedelta = timedelta()) -> sa.ColumnElement[datetime]:
        """The database's own time, so long ago: hearts of several machines beat by one clock.

        SQLite is of one machine.
        """
        if self.engine.dialect.name == "postgresql":
            return sa.func.now() - ago
        return sa.literal(now() - ago, _TIME)

    def rows(self, statement: sa.Select[Any]) -> list[dict[str, Any]]:
        """What a query finds, with times in UTC."""
        with self.engine.connect() as connection:
            return [_in_utc(dict(row._mapping)) for row in connection.execute(statement)]


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _as_shared(connection: Any, _: Any) -> None:
    """SQLite: readers do not wait for a writer, and a writer waits for another."""
    cursor = connection.cursor()
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _in_utc(row: dict[str, Any]) -> dict[str, Any]:
    """SQLite forgets the zone."""

    def aware(value: Any) -> Any:
        is_naive = isinstance(value, datetime) and value.tzinfo is None
        return value.replace(tzinfo=UTC) if is_naive else value

    return {key: aware(value) for key, value in row.items()}


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
