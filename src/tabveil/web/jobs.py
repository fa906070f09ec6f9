"""How do jobs wait, run, end, get lost and go on?

A job is a row: queued, then claimed by a worker, which starts a runner (`runner.py`) that beats its
heart into the row while our own command line works. Whatever dies, the row tells: a heart that has
stopped means a job that is lost, and a lost job can go on, because the commands do.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import sqlalchemy as sa

from tabveil.web import lines
from tabveil.web.database import JOBS, RELEASES, Database, now
from tabveil.web.errors import Conflict, NotFound, TooMany
from tabveil.web.events import Events
from tabveil.web.orders import LANES, InspectOrder, Order, table_name
from tabveil.web.progress import Progress, read_progress
from tabveil.web.settings import Settings

State = Literal["queued", "running", "done", "failed", "cancelled", "lost"]
ENDED = ("done", "failed", "cancelled", "lost")
SILENCE = timedelta(seconds=20)
"""A heart that has not beaten for so long has stopped; it beats every other second."""
MOST_TRIES = 3
"""A job that was lost so often is not taken up again by itself: it may be what kills us."""
MOST_WAITING = 20
"""Jobs that a user may have under way; readings come on top, at most one a table."""
_FILES = {
    "front.json": "out/front.json",
    "trials.csv": "out/trials.csv",
    "config.yaml": "config.yaml",
    "schema.yaml": "schema.yaml",
    "released.json": "out/released.json",
}


@dataclass(frozen=True)
class Job:
    """Something that was asked for. `command` is the line that would do the same."""

    id: str
    user: str
    kind: Literal["inspect", "sweep", "confirm", "sample", "withdraw"]
    lane: Literal["long", "short"]
    upload: str | None
    parent: str | None
    release: str | None
    order: dict[str, Any]
    state: State
    exit_code: int | None
    message: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    heartbeat: datetime | None
    cancel_asked: bool
    tries: int
    owner: str | None
    command: tuple[str, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in ENDED


@dataclass(frozen=True)
class Jobs:
    """The jobs of every user."""

    settings: Settings
    database: Database
    events: Events

    def counted(self) -> dict[tuple[str, str], int]:
        """How many jobs there are of everybody, by kind and state."""
        which = (JOBS.c.kind, JOBS.c.state)
        rows = self.database.rows(sa.select(*which, sa.func.count().label("n")).group_by(*which))
        return {(row["kind"], row["state"]): row["n"] for row in rows}

    def create(self, user: str, order: Order, *, table: Path | None = None) -> Job:
        """Queue a job.

        Args:
            user: who asks.
            order: what for.
            table: the file, of an upload that is only just being kept.

        Raises:
            NotFound: it names what is not the user's.
            Invalid: it names what the table does not have, or asks for too many rows.
            Conflict: the table is not read yet, or deleted; the release is none.
            TooMany: too many jobs are under way.
        """
        mine = JOBS.select().where(JOBS.c.user == user, JOBS.c.state.in_(("queued", "running")))
        if len(self.database.rows(mine)) >= MOST_WAITING and not isinstance(order, InspectOrder):
            raise TooMany(f"{MOST_WAITING} jobs are under way: wait for one, or cancel one")
        number = uuid4().hex
        folder = self.settings.job_folder(number)
        plan = lines.plan(self.settings, self.database, number, user, order, table)
        (folder / "out").mkdir(parents=True, mode=0o700)
        try:
            for name, text in plan.files.items():
                (folder / name).write_text(text, encoding="utf-8")
            values = {
                "id": number,
                "user": user,
                "kind": order.kind,
                "lane": LANES[order.kind],
                "upload": plan.upload,
                "parent": plan.parent,
                "release": plan.release,
                "order": order.model_dump(mode="json"),
                "state": "queued",
                "message": "",
                "created": now(),
                "cancel_asked": False,
                "tries": 0,
            }
            with self.database.begin() as connection:
                connection.execute(JOBS.insert().values(**values))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.events.note(user, f"order {order.kind}", number, {"upload": plan.upload})
        return self.get(user, number)

    def get(self, user: str, number: str) -> Job:
        """One of the user's. Raises NotFound."""
        for job in self._found(JOBS.select().where(JOBS.c.id == number, JOBS.c.user == user)):
            return job
        raise NotFound

    def all(
        self,
        user: str,
        *,
        kind: str | None = None,
        upload: str | None = None,
        parent: str | None = None,
        n: int = 100,
    ) -> list[Job]:
        """The user's, newest first."""
        wanted = JOBS.select().where(JOBS.c.user == user)
        for column, value in (
            (JOBS.c.kind, kind),
            (JOBS.c.upload, upload),
            (JOBS.c.parent, parent),
        ):
            if value is not None:
                wanted = wanted.where(column == value)
        return self._found(wanted.order_by(JOBS.c.created.desc()).limit(n))

    def cancel(self, user: str, number: str) -> Job:
        """Ask a job to end; what is complete is kept. Raises NotFound; Conflict: it has ended."""
        job = self.get(user, number)
        waiting = JOBS.update().where(JOBS.c.id == number, JOBS.c.state == "queued")
        running = JOBS.update().where(JOBS.c.id == number, JOBS.c.state == "running")
        with self.database.begin() as connection:
            ended = waiting.values(
                state="cancelled", ended=now(), message="cancelled while it waited"
            )
            changed = connection.execute(ended).rowcount
            changed += connection.execute(running.values(cancel_asked=True)).rowcount
        if not changed:
            raise Conflict(f"the job has ended: {job.state}")
        self.events.note(user, "cancel", number)
        return self.get(user, number)

    def resume(self, user: str, number: str) -> Job:
        """Queue a job again that was lost, failed or cancelled. Raises NotFound, Conflict."""
        job = self.get(user, number)
        again = JOBS.update().where(
            JOBS.c.id == number, JOBS.c.state.in_(("lost", "failed", "cancelled"))
        )
        with self.database.begin() as connection:
            values = {"state": "queued", "cancel_asked": False, "tries": 0, "message": ""}
            changed = connection.execute(
                again.values(**values, ended=None, exit_code=None)
            ).rowcount
        if not changed:
            raise Conflict(
                f"only a job that was lost, failed or was cancelled goes on: {job.state}"
            )
        self.events.note(user, "resume", number)
        return self.get(user, number)

    def delete(self, user: str, number: str) -> None:
        """Delete a job that has ended, and its files. Raises NotFound, Conflict."""
        job = self.get(user, number)
        if not job.has_ended:
            raise Conflict("the job has not ended: cancel it first")
        if job.kind == "inspect":
            raise Conflict("what was read of a table goes when the table is deleted")
        kept = RELEASES.select().where(RELEASES.c.job == number)
        needed = JOBS.select().where(JOBS.c.parent == number)
        if self.database.rows(kept) or self.database.rows(needed):
            raise Conflict("other jobs, or releases, came from this job: it is kept")
        ended = JOBS.delete().where(JOBS.c.id == number, JOBS.c.state.in_(ENDED))
        with self.database.begin() as connection:
            if not connection.execute(ended).rowcount:
                raise Conflict("the job goes on again: cancel it first")
        shutil.rmtree(self.settings.job_folder(number), ignore_errors=True)
        self.events.note(user, "delete job", number)

    def progress(self, job: Job) -> Progress:
        """What it has done so far."""
        return read_progress(self.settings.job_folder(job.id))

    def result(self, job: Job, name: str) -> Path | None:
        """A file that it made, by one of a few names; `rows`: what a sample drew."""
        place = _FILES.get(name)
        if name == "rows" and job.kind == "sample" and job.state == "done":
            place = f"out/rows.{job.order['format']}"
        if place is None:
            return None
        path = self.settings.job_folder(job.id) / place
        return path if path.is_file() else None

    def log(self, job: Job, n_bytes: int = 20_000) -> str:
        """The end of what it printed."""
        try:
            with (self.settings.job_folder(job.id) / "log.txt").open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - n_bytes))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def forget_table(self, user: str, upload: str) -> int:
        """Delete what jobs kept of a table's rows: previews, splits. Returns the splits deleted."""
        prepared, n_removed = self.settings.root_of(user) / "prepared", 0
        for split in prepared.glob(f"{table_name(upload)}-*"):
            shutil.rmtree(split)
            n_removed += 1
        for row in self.database.rows(JOBS.select().where(JOBS.c.upload == upload)):
            folder = self.settings.job_folder(row["id"])
            (folder / "out" / "inspect.json").unlink(missing_ok=True)
        return n_removed

    def _found(self, statement: sa.Select[Any]) -> list[Job]:
        return [
            Job(**row, command=tuple(lines.read_line(self.settings.job_folder(row["id"]))))
            for row in self.database.rows(statement)
        ]
