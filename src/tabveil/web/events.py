"""Who did what, and when? Never with what stands in a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tabveil.web.database import EVENTS, Database, now


@dataclass(frozen=True)
class Event:
    """A line of the audit log."""

    at: datetime
    user: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Events:
    """The audit log; lines are only added."""

    database: Database

    def note(
        self, user: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Add a line."""
        values = {"user": user, "action": action, "subject": subject, "detail": dict(detail or {})}
        with self.database.begin() as connection:
            connection.execute(EVENTS.insert().values(at=now(), **values))

    def all(self, user: str, n: int = 200) -> list[Event]:
        """A user's lines, newest first."""
        wanted = EVENTS.select().where(EVENTS.c.user == user).order_by(EVENTS.c.id.desc()).limit(n)
        return [
            Event(row["at"], row["user"], row["action"], row["subject"], row["detail"])
            for row in self.database.rows(wanted)
        ]
