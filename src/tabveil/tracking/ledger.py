"""Who has looked at the release split, and who has drawn rows from what?

Every opening of a release split wears it out: what is chosen after a look at it is no longer
confirmed by it. So each opening, each verdict, each withdrawal and each sampling from a registered
model is appended to a table. Lines are never changed. They name the table by its digest and hold
no row.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from tabveil.errors import ConfigError, TrackingError
from tabveil.migrations import NewerTables, Tables

Event = Literal["open release", "verdict", "withdraw", "sample", "delete"]

_METADATA = sa.MetaData()
_LINES = sa.Table(
    "tabveil_ledger",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("who", sa.String(255), nullable=False),
    sa.Column("data_digest", sa.String(64), nullable=False),
    sa.Column("model", sa.String(255), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)
_TABLES = Tables.of("ledger")
_PATIENCE = 30
"""Seconds that another process may hold the table."""


@dataclass(frozen=True)
class Line:
    """What happened.

    Attributes:
        event: what.
        data_digest: of the prepared table.
        model: registered name and version, or the study and trial.
        detail: JSON-able: n, seed, conditions, verdict, ….
        at: when, ISO 8601 in UTC.
        who: `user@host`, or what asked.
        number: of the line, from 1.
    """

    event: Event
    data_digest: str
    model: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    who: str = ""
    number: int = 0


class Ledger:
    """The table, in SQLite under a root or in another database by URL."""

    def __init__(self, url: str) -> None:
        """Name the database; nothing is opened yet.

        Args:
            url: an SQLAlchemy URL.

        Raises:
            ConfigError: it is none.
        """
        try:
            self._url = sa.make_url(url)
        except sa.exc.ArgumentError as error:
            raise ConfigError("ledger.url is no database URL, like sqlite:///ledger.db") from error

    @classmethod
    def at(cls, url: str | None, *, root: Path) -> Ledger:
        """The configured ledger; by default SQLite in the root."""
        return cls(url or f"sqlite:///{root.absolute() / 'ledger.db'}")

    def append(self, line: Line) -> None:
        """Write a line; time and name are filled in. Raises TrackingError."""
        with self._open() as connection:
            connection.execute(
                _LINES.insert().values(
                    at=line.at or datetime.now(UTC).isoformat(timespec="seconds"),
                    event=line.event,
                    who=line.who or whoever(),
                    data_digest=line.data_digest,
                    model=line.model,
                    detail=_as_text(line.detail),
                )
            )

    def lines(self, *, data_digest: str | None = None, event: Event | None = None) -> list[Line]:
        """The lines of a table, or all, oldest first. Raises TrackingError."""
        query = sa.select(_LINES).order_by(_LINES.c.id)
        if data_digest is not None:
            query = query.where(_LINES.c.data_digest == data_digest)
        if event is not None:
            query = query.where(_LINES.c.event == event)
        with self._open() as connection:
            found = connection.execute(query).all()
        return [
            Line(r.event, r.data_digest, r.model, json.loads(r.detail), r.at, r.who, r.id)
            for r in found
        ]

    def knows(self, line: Line) -> bool:
        """Whether such a line is there, whoever wrote it and when."""
        detail = json.loads(_as_text(line.detail))
        return any(
            (one.model, one.detail) == (line.model, detail)
            for one in self.lines(data_digest=line.data_digest, event=line.event)
        )

    def n_openings(self, data_digest: str) -> int:
        """How often this table's release split has been opened."""
        return len(self.lines(data_digest=data_digest, event="open release"))

    @contextlib.contextmanager
    def _open(self) -> Iterator[sa.Connection]:
        """A transaction; the table is made where missing, and brought up to date."""
        is_file = self._url.drivername.startswith("sqlite")
        if is_file and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        waits = {"timeout": _PATIENCE} if is_file else {}
        try:
            engine = sa.create_engine(self._url, connect_args=waits, poolclass=sa.pool.NullPool)
            _TABLES.bring_up_to_date(engine)
            with engine.begin() as connection:
                yield connection
        except ImportError as error:
            raise TrackingError(
                f"the ledger {self._shown} needs a driver: pip install 'tabveil[postgres]'"
            ) from error
        except NewerTables as error:
            raise TrackingError(f"the ledger {self._shown} {error}") from error
        except sa.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).strip().split("\n")[0]
            raise TrackingError(
                f"the ledger {self._shown} cannot be used: {reason}; nothing was done, since what "
                f"is not written down must not happen"
            ) from error

    @property
    def _shown(self) -> str:
        return self._url.render_as_string(hide_password=True)


def _as_text(detail: Mapping[str, Any]) -> str:
    return json.dumps(dict(detail), ensure_ascii=False, default=str)


def whoever() -> str:
    """Who runs this process, as the machine knows it."""
    name = os.environ.get("USER") or str(os.getuid())
    return f"{name}@{socket.gethostname()}"
