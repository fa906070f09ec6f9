"""Who starts jobs, and notices those that were lost?

A worker claims queued jobs, as many at once as are allowed, and starts a runner for each. It holds
nothing: when it is killed, the runners go on, and the next worker sees in the database what is
what. Several workers may run; each job is claimed by one.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from tabveil.errors import safe_summary
from tabveil.web.database import JOBS, now
from tabveil.web.jobs import MOST_TRIES, SILENCE
from tabveil.web.retention import forget_old
from tabveil.web.runner import SETTINGS
from tabveil.web.service import Service
from tabveil.web.settings import to_text

log = logging.getLogger("tabveil.worker")
_PAUSE = 1.0
_TIDY_EVERY = 600


@dataclass
class Worker:
    """Claims and starts jobs until it is told to stop."""

    service: Service
    stopped: threading.Event = field(default_factory=threading.Event)
    _runners: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _rounds: int = 0
    _last_look: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Work until `stopped` is set; a database that is away for a while is waited for."""
        while not self.stopped.is_set():
            try:
                self.once()
            except sa.exc.SQLAlchemyError as error:
                log.warning("the database cannot be used (%s); trying again", type(error).__name__)
            except Exception as error:  # whatever one job does, the others are started
                log.error("%s; going on", safe_summary(error))
            self.stopped.wait(_PAUSE)

    def once(self) -> None:
        """Look after lost jobs, start what may start, tidy up now and then."""
        self._runners = [one for one in self._runners if one.poll() is None]
        late = time.monotonic() - self._last_look > SILENCE.total_seconds() / 2
        self._last_look = time.monotonic()
        if not late:  # after a pause of ours, or the database's, hearts get the time to beat
            self._mark_lost()
        for lane, most in (
            ("short", self.service.settings.n_short),
            ("long", self.service.settings.n_long),
        ):
            while (job := self._claim(lane, most)) is not None:
                try:
                    self._start(*job)
                except OSError as error:
                    self._give_up(*job, f"it could not be started: {error.strerror}")
        if self._rounds % _TIDY_EVERY == 0:
            forget_old(self.service)
        self._rounds += 1

    def _mark_lost(self) -> None:
        """Jobs whose heart has stopped are lost; they are queued again, but not for ever."""
        database = self.service.database
        silent = sa.and_(JOBS.c.state == "running", JOBS.c.heartbeat < database.clock(ago=SILENCE))
        with database.begin() as connection:
            for row in connection.execute(sa.select(JOBS).where(silent)).mappings().all():
                again = row["tries"] < MOST_TRIES and not row["cancel_asked"]
                values: dict[str, Any] = {"state": "queued" if again else "lost", "owner": None}
                if not again:
                    values |= {"ended": now(), "message": "the machine, or its process, died"}
                this = JOBS.update().where(JOBS.c.id == row["id"], silent)
                if connection.execute(this.values(**values)).rowcount:
                    told = {"job": row["id"], "state": values["state"]}
                    log.warning("job %s was lost and is %s", *told.values(), extra={"told": told})

    def _claim(self, lane: str, most: int) -> tuple[str, str] | None:
        """Take the oldest waiting job of a lane: its id and what its runner signs with."""
        others = JOBS.alias()
        n_running = (
            sa.select(sa.func.count())
            .select_from(others)
            .where(others.c.state == "running", others.c.lane == lane)
            .scalar_subquery()
        )
        waiting = sa.and_(JOBS.c.state == "queued", JOBS.c.lane == lane)
        owner = f"{socket.gethostname()} {uuid4().hex}"[:128]
        with self.service.database.begin() as connection:
            first = sa.select(JOBS.c.id).where(waiting).order_by(JOBS.c.created).limit(1)
            number = connection.execute(first).scalar()
            if number is None:
                return None
            this = JOBS.update().where(JOBS.c.id == number, waiting, n_running < most)
            beat = self.service.database.clock()
            values = {"owner": owner, "heartbeat": beat, "tries": JOBS.c.tries + 1}
            claimed = connection.execute(this.values(state="running", **values)).rowcount
        return (number, owner) if claimed else None

    def _give_up(self, job: str, owner: str, why: str) -> None:
        this = JOBS.update().where(JOBS.c.id == job, JOBS.c.owner == owner)
        with self.service.database.begin() as connection:
            connection.execute(this.values(state="failed", message=why, ended=now()))

    def _start(self, job: str, owner: str) -> None:
        """Start a runner that outlives this process."""
        with (self.service.settings.job_folder(job) / "runner.txt").open("ab") as out:
            runner = subprocess.Popen(
                [sys.executable, "-m", "tabveil.web.runner", job, owner],
                env=os.environ | {SETTINGS: to_text(self.service.settings)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._runners.append(runner)
        log.info("job %s started", job, extra={"told": {"job": job, "runner": runner.pid}})
