"""When are tables deleted that nobody needs any more?"""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta

from tabveil.web.database import JOBS, UPLOADS, now
from tabveil.web.errors import Conflict
from tabveil.web.service import Service

log = logging.getLogger("tabveil.retention")


def forget_old(service: Service) -> int:
    """Delete uploads, and rows that were drawn, older than `keep_days`; how many were deleted.

    A table that a job still reads waits for the next time.
    """
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
