"""How does a table come in, and how does it go?

It is streamed to a file under a name of ours, outside everything that is served, and read by a
process with limits; what the person called it is only shown.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from tabveil.tracking.ledger import Ledger, Line
from tabveil.web.database import JOBS, UPLOADS, Database, now
from tabveil.web.errors import Conflict, Invalid, NoRoom, NotFound, TooLarge
from tabveil.web.events import Events
from tabveil.web.jobs import Jobs
from tabveil.web.orders import InspectOrder, table_name
from tabveil.web.settings import Settings

_ENDINGS = {
    **dict.fromkeys(("csv", "tsv", "txt"), "csv"),
    **dict.fromkeys(("jsonl", "ndjson"), "jsonl"),
    "parquet": "parquet",
}
_PACKED = ("gz", "bz2", "xz", "zst", "zip")
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Upload:
    """A table that somebody brought."""

    id: str
    user: str
    name: str
    format: str
    n_bytes: int
    sha256: str
    state: Literal["here", "deleted"]
    inspection: str
    created: datetime
    deleted: datetime | None


@dataclass(frozen=True)
class Uploads:
    """The tables of every user."""

    settings: Settings
    database: Database
    jobs: Jobs
    events: Events

    async def receive(
        self, user: str, name: str, chunks: AsyncIterator[bytes], declared: int | None
    ) -> Upload:
        """Stream a body to disk, then have it read.

        Args:
            user: who brings it.
            name: what they call it; its ending says the format.
            chunks: of the body.
            declared: its length, if it was said.

        Raises:
            TooLarge: more bytes than are taken.
            Conflict: the user keeps as many tables as one may.
            Invalid: no name of a table, nothing in it, or fewer bytes than were declared.
            NoRoom: the disk is full.
        """
        most = self.settings.max_upload_bytes
        if declared is not None and declared > most:
            raise TooLarge(f"a table may have {most:,} bytes at most, this one has {declared:,}")
        shown, ending = _read_name(name)
        if len(await run_in_threadpool(self.all, user)) >= self.settings.max_tables:
            raise Conflict(f"{self.settings.max_tables} tables are here: delete one first")
        number = uuid4().hex
        folder = self.settings.upload_folder(number)
        try:
            path = folder / f"table.{ending}"
            await run_in_threadpool(folder.mkdir, parents=True, mode=0o700)
            n_bytes, digest = await _stream(chunks, path, most)
            if declared is not None and n_bytes != declared:
                raise Invalid(
                    f"{declared:,} bytes were announced and {n_bytes:,} came: send it again"
                )
            if not n_bytes:
                raise Invalid("the file is empty")
            return await run_in_threadpool(self._keep, user, number, shown, ending, n_bytes, digest)
        except BaseException as error:
            await run_in_threadpool(shutil.rmtree, folder, True)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom("the disk is full; nothing was kept") from None
            raise

    def _keep(
        self, user: str, number: str, name: str, ending: str, n_bytes: int, digest: str
    ) -> Upload:
        job = self.jobs.create(user, InspectOrder(upload=number), table=self._path(number, ending))
        upload = Upload(number, user, name, ending, n_bytes, digest, "here", job.id, now(), None)
        with self.database.begin() as connection:
            connection.execute(UPLOADS.insert().values(**vars(upload)))
        self.events.note(user, "upload", number, {"bytes": n_bytes, "sha256": digest})
        return upload

    def get(self, user: str, number: str) -> Upload:
        """One of the user's. Raises NotFound."""
        wanted = UPLOADS.select().where(UPLOADS.c.id == number, UPLOADS.c.user == user)
        for row in self.database.rows(wanted):
            return Upload(**row)
        raise NotFound

    def all(self, user: str) -> list[Upload]:
        """The user's, newest first; without those that are deleted."""
        mine = UPLOADS.select().where(UPLOADS.c.user == user, UPLOADS.c.state == "here")
        return [
            Upload(**row) for row in self.database.rows(mine.order_by(UPLOADS.c.created.desc()))
        ]

    def path(self, upload: Upload) -> Path:
        """Where its file lies. Raises Conflict when it was deleted."""
        if upload.state == "deleted":
            raise Conflict("the table was deleted")
        return self._path(upload.id, upload.format)

    def inspection(self, user: str, number: str) -> dict[str, Any] | None:
        """What reading it found; None while it is not read, or where it cannot be."""
        upload = self.get(user, number)
        path = self.settings.job_folder(upload.inspection) / "out" / "inspect.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def delete(self, user: str, number: str) -> Upload:
        """Delete the file, what was read of it, its splits. Raises Conflict while it is used."""
        upload = self.get(user, number)
        if upload.state == "deleted":
            return upload
        busy = JOBS.select().where(JOBS.c.upload == number, JOBS.c.state.in_(("queued", "running")))
        if self.database.rows(busy):
            raise Conflict("a job is reading this table: cancel it, or wait until it has ended")
        # Said only once it is true: whoever is stopped in between deletes it again.
        folder = self.settings.upload_folder(upload.id)
        if folder.exists():
            shutil.rmtree(folder)
        removed = self.jobs.forget_table(upload.user, upload.id)
        told = {"sha256": upload.sha256, "bytes": upload.n_bytes, "splits": removed}
        ledger = Ledger.at(None, root=self.settings.root_of(user))
        ledger.append(Line("delete", upload.sha256, table_name(number), told, who=user))
        with self.database.begin() as connection:
            done = UPLOADS.update().where(UPLOADS.c.id == number, UPLOADS.c.state == "here")
            gone = connection.execute(done.values(state="deleted", deleted=now())).rowcount
        if gone:
            self.events.note(user, "delete upload", number, told)
        return self.get(user, number)

    def _path(self, number: str, ending: str) -> Path:
        return self.settings.upload_folder(number) / f"table.{ending}"


async def _stream(chunks: AsyncIterator[bytes], path: Path, most: int) -> tuple[int, str]:
    """Write chunks as they come; their number of bytes and digest."""
    n_bytes, digest = 0, hashlib.sha256()
    file = await run_in_threadpool(path.open, "xb")
    try:
        async for chunk in chunks:
            n_bytes += len(chunk)
            if n_bytes > most:
                raise TooLarge(f"a table may have {most:,} bytes at most")
            await run_in_threadpool(_take, file, digest, chunk)
    finally:
        await run_in_threadpool(file.close)
    return n_bytes, digest.hexdigest()


def _take(file: Any, digest: Any, chunk: bytes) -> None:
    file.write(chunk)
    digest.update(chunk)


def _read_name(name: str) -> tuple[str, str]:
    """What is shown of a name, and the ending that our file gets. Raises Invalid."""
    visible = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in name)
    last = re.split(r"[/\\]", visible)[-1].strip()[-_LONGEST_NAME:]
    words = last.lower().split(".")
    packed = words.pop() if len(words) > 1 and words[-1] in _PACKED else ""
    kind = _ENDINGS.get(words[-1]) if len(words) > 1 else None
    if packed == "zip" and kind is None:
        kind = "csv"
    if kind is None:
        known = ", ".join(sorted(_ENDINGS))
        raise Invalid(f"the name must end in one of {known}, perhaps packed ({', '.join(_PACKED)})")
    return last, f"{kind}.{packed}" if packed else kind
