"""How does one job run, whatever becomes of who started it?

    python -m tabveil.web.runner JOB

A runner is a process of its own: neither the server nor the worker takes it along when it goes. It
starts our own command line, beats the job's heart, passes on the wish to cancel, and writes down
how it ended. A command that an earlier runner left behind is ended first: two must not work at
once.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa

from tabveil import logs
from tabveil.progress import VARIABLE
from tabveil.web import orders
from tabveil.web.database import JOBS, now
from tabveil.web.lines import read_line
from tabveil.web.progress import FILE
from tabveil.web.service import Service
from tabveil.web.settings import Settings, from_text

SETTINGS = "TABVEIL_WEB"
"""The environment variable that hands a runner its settings: a database URL may hold a password."""
_BEAT = 2.0
_GRACE = (30.0, 5.0)
"""Seconds after an interrupt, and after being told to end, before the next, harder word."""
_INTERRUPTED = 130
_GIVEN_UP = -9
_CHILD = "child.json"
_CONFIG_SECONDS = 60
_PAUSES = (1, 2, 5, 10, 30, 60, 60)


@dataclass(frozen=True)
class Runner:
    """Runs one job."""

    service: Service
    job: str
    owner: str

    @property
    def folder(self) -> Path:
        """The job's."""
        return self.service.settings.job_folder(self.job)

    def run(self) -> None:
        """Run it to its end, and write down which it was."""
        if not self._beat(started=now()):
            self._end("cancelled", _INTERRUPTED, "cancelled")  # or, where it is not ours, nothing
            return
        (row,) = self.service.database.rows(JOBS.select().where(JOBS.c.id == self.job))
        end_leftover(self.folder / _CHILD)
        line = read_line(self.folder)
        code, why = self._work(line, is_reading=row["kind"] == "inspect")
        if row["kind"] == "confirm" and code in (0, 3, 4):
            self.service.shelf.note(row["user"], self.job, row["upload"])
        if row["kind"] == "withdraw" and code == 0:
            self.service.shelf.stand(row["user"], self.job)
        state = _state(row["kind"], code, why)
        self._end(state, code, "" if state == "done" else why or self._last_word())

    def _work(self, line: list[str], *, is_reading: bool) -> tuple[int, str]:
        """Exit code of the command, and why we ended it, if we did."""
        environment = os.environ | {VARIABLE: str(self.folder / FILE), logs.JOB: self.job}
        if environment.get(logs.VARIABLE) == logs.STDERR:  # the job's own is read by people
            del environment[logs.VARIABLE]
        environment.pop(SETTINGS, None)
        settings = self.service.settings
        limits = _limited(settings.memory_bytes, settings.reading_seconds) if is_reading else None
        self._write_config(line, environment)
        if not self._beat():  # cancelled meanwhile, or taken for lost and given to another
            return _INTERRUPTED, "cancelled"
        with (self.folder / "log.txt").open("ab") as log:
            child = subprocess.Popen(
                orders.program(line),
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=limits,
            )
        remember(self.folder / _CHILD, child.pid)
        patience = 2.0 * settings.reading_seconds if is_reading else float("inf")
        why = self._watch(child, patience)
        forget(self.folder / _CHILD, child.pid)
        return child.returncode, why

    def _watch(self, child: subprocess.Popen[bytes], patience: float) -> str:
        """Beat until the command has ended; end it where that is asked for, or it is too slow."""
        started, why = time.monotonic(), ""
        while True:
            try:
                child.wait(_BEAT)
                return why
            except subprocess.TimeoutExpired:
                pass
            is_wanted = self._beat()
            if not why and not is_wanted:
                why = "cancelled"
            elif not why and time.monotonic() - started > patience:
                why = f"reading took more than {patience:.0f} seconds"
            else:
                continue
            self._stop(child)

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        """As Ctrl-C does, then harder; the command's own workers are in its group."""
        for word, seconds in zip((signal.SIGINT, signal.SIGTERM), _GRACE, strict=True):
            _send(child.pid, word)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                try:
                    child.wait(_BEAT)
                    return
                except subprocess.TimeoutExpired:
                    self._beat()
        _send(child.pid, signal.SIGKILL)

    def _beat(self, **values: object) -> bool:
        """Tell that the job lives. False where it is to end, or belongs to another runner.

        A database that is away for a while is no reason to end: the next beat may come through.
        """
        try:
            return self._tell(values)
        except sa.exc.SQLAlchemyError:
            return True

    def _tell(self, values: Mapping[str, object]) -> bool:
        mine = JOBS.update().where(
            JOBS.c.id == self.job, JOBS.c.owner == self.owner, JOBS.c.state == "running"
        )
        with self.service.database.begin() as connection:
            beat = self.service.database.clock()
            if not connection.execute(mine.values(heartbeat=beat, **values)).rowcount:
                return False
        (row,) = self.service.database.rows(JOBS.select().where(JOBS.c.id == self.job))
        return not row["cancel_asked"]

    def _end(self, state: str, code: int, message: str) -> None:
        """Write down how it ended; it is tried for some minutes, for the work is done."""
        for pause in (*_PAUSES, None):
            try:
                self._write_end(state, code, message)
                return
            except sa.exc.SQLAlchemyError:
                if pause is None:
                    raise
                time.sleep(pause)

    def _write_end(self, state: str, code: int, message: str) -> None:
        mine = JOBS.update().where(
            JOBS.c.id == self.job, JOBS.c.owner == self.owner, JOBS.c.state == "running"
        )
        with self.service.database.begin() as connection:
            values = {"state": state, "exit_code": code, "message": message, "ended": now()}
            is_ours = connection.execute(mine.values(**values)).rowcount
        if is_ours:  # why is in the command's own lines, and on the job's page
            level = "error" if state == "failed" else "info"
            logs.event("job ended", level=level, state=state, code=code)

    def _write_config(self, line: list[str], environment: dict[str, str]) -> None:
        """The composed configuration, for an expert; what does not compose says so itself."""
        if line[0] not in ("sweep", "confirm"):
            return
        try:
            done = subprocess.run(
                orders.program([*line, "--cfg", "job"]),
                cwd=self.folder,
                env=environment,
                capture_output=True,
                check=False,
                timeout=_CONFIG_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return
        if done.returncode == 0:
            (self.folder / "config.yaml").write_bytes(done.stdout)

    def _last_word(self) -> str:
        """What the command said when it failed: its own messages hold no row contents."""
        try:
            lines = (self.folder / "log.txt").read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        said = [one.removeprefix("tabveil: ") for one in lines if one.startswith("tabveil: ")]
        return said[-1] if said else "it ended without a word: its memory, or the machine, gave out"


def remember(path: Path, pid: int) -> None:
    """Note a process, so that a later runner can tell it from another of the same number."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.Error:
        return
    told = {"host": socket.gethostname(), "pid": pid, "created": created}
    path.write_text(json.dumps(told), encoding="utf-8")


def forget(path: Path, pid: int) -> None:
    """Forget a process that has ended; another runner's stays."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        if json.loads(path.read_text(encoding="utf-8"))["pid"] == pid:
            path.unlink()


def end_leftover(path: Path) -> None:
    """End the process that an earlier runner started, if it still runs."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told.get("host", socket.gethostname()) != socket.gethostname():
            return  # of another machine, whose runner ended it or went with it
        process = psutil.Process(told["pid"])
        if abs(process.create_time() - told["created"]) > 1:
            return
    except (OSError, ValueError, KeyError, psutil.Error):
        return
    _send(told["pid"], signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)


def _state(kind: str, code: int, why: str) -> str:
    if why == "cancelled" and code != 0:
        return "cancelled"
    if code == 0 or (kind == "confirm" and code in (3, 4)):
        return "done"
    return "failed"


def _send(pid: int, word: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, word)


def _limited(memory: int, seconds: int) -> Callable[[], None]:
    """Called in the new process: what it may take, whatever it is made to read."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**28, 2**28))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return limit


def main() -> None:
    """Run the job that is named on the command line."""
    settings: Settings = from_text(os.environ[SETTINGS])
    job, owner = sys.argv[1], sys.argv[2]
    # A handler, for it is not inherited: what is ignored here the command would ignore, too, and
    # could not be cancelled. A server that was started in the background ignores it as well.
    signal.signal(signal.SIGINT, lambda *_: None)
    with logs.bind(job=job):
        Runner(Service.open(settings), job, owner).run()


if __name__ == "__main__":
    main()
