"""When are tables deleted that nobody needs any more?"""

from __future__ import annotations

import logging
import shutil
import time
from datetime import timedelta

from tabveil.web.database import JOBS, UPLOADS, now
from tabveil.web.errors import Conflict
from tabveil.web.service import Service

log = logging.getLogger("tabveil.retention")
_A_DAY = 86_400


def forget_old(service: Service) -> int:
    """Delete uploads, and rows that were drawn, older than `keep_days`; how many were deleted.

    A table that a job still reads waits for the next time.
    """
    _sweep_out(service)
    days = service.settings.keep_days
    if not days:
        return 0
    before, n_deleted = now() - timedelta(days=days), 0
    old = UPLOADS.select().where(UPLOADS.c.state == "here", UPLOADS.c.created < before)
    for row in service.database.rows(old):
        try:
            service.uploads.delete(row["user"], row["id"])
        except Conflict:
            continue
        n_deleted += 1
    drawn = JOBS.select().where(JOBS.c.kind == "sample", JOBS.c.ended < before)
    for row in service.database.rows(drawn):
        out = service.settings.job_folder(row["id"]) / "out"
        if out.is_dir():
            shutil.rmtree(out, ignore_errors=True)
            service.events.note(row["user"], "delete rows", row["id"])
            n_deleted += 1
    if n_deleted:
        log.info("%d old tables were deleted", n_deleted)
    return n_deleted


def _sweep_out(service: Service) -> None:
    """Remove what a process that was killed left half done a day ago: it may hold rows."""
    home = service.settings.home
    known = {row["id"] for row in service.database.rows(UPLOADS.select())}
    halves = [p for p in (home / "uploads").glob("*") if p.name not in known]
    halves += (home / "users").glob("*/prepared/.prepare-*")
    for folder in halves:
        if time.time() - folder.stat().st_mtime > _A_DAY:
            shutil.rmtree(folder, ignore_errors=True)
            log.info("what a killed process had left was removed")
