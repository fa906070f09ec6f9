"""What does tabveil write for whoever watches many of it at once?

Where TABVEIL_LOG names a file (`-`: standard error), every process appends what happens to it, a
JSON object a line: the time, the level, what happened (`event`), the host and process, and of what
is known at that place the ids: `job` (of the web service), `study`, `sweep` (the MLflow run of
one), `trial` and `run`. Like TABVEIL_PROGRESS it is no configuration: nothing that is computed
depends on it, worker processes inherit it, and a file that cannot be written is no reason to stop.
No passwords, no row contents.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from tabveil.redaction import hide_passwords

VARIABLE = "TABVEIL_LOG"
JOB = "TABVEIL_JOB"
"""The environment variable in which a job's command finds its id."""
STDERR = "-"

_IDS: ContextVar[Mapping[str, Any]] = ContextVar("ids", default={})  # noqa: B039  (never changed)


@contextlib.contextmanager
def bind(**ids: Any) -> Iterator[None]:
    """Name what everything that is logged inside is about: run, trial, job, study."""
    known = {name: one for name, one in ids.items() if one is not None}
    token = _IDS.set({**_IDS.get(), **known})
    try:
        yield
    finally:
        _IDS.reset(token)


def event(name: str, /, *, level: str = "info", **told: Any) -> None:
    """Log that something happened. `told` is JSON-able; numbers that are not finite become null."""
    where = os.environ.get(VARIABLE)
    if not where:
        return
    job = os.environ.get(JOB)
    line = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "event": name,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        **({"job": job} if job else {}),
        **_IDS.get(),
        **told,
    }
    append(where, line)


def append(path: str, line: Mapping[str, Any]) -> None:
    """Append a JSON line, in one write: lines of several processes never mix."""
    text = json.dumps(_plain(line), allow_nan=False, default=str) + "\n"
    with contextlib.suppress(OSError):
        if path == STDERR:
            os.write(2, text.encode())
            return
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


class Handler(logging.Handler):
    """Turns a record of Python's own logging into an event; `extra={"told": {…}}` adds fields."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it; what cannot be formatted does not stop who logs."""
        try:
            told = getattr(record, "told", {})
            event(record.name, level=record.levelname.lower(), message=record.getMessage(), **told)
        except Exception:
            self.handleError(record)


def begin() -> None:
    """For a server or a worker: what is logged goes to TABVEIL_LOG, else to people's eyes."""
    if os.environ.get(VARIABLE):
        logging.basicConfig(level=logging.INFO, handlers=[Handler()])
    else:
        form = "%(asctime)s %(name)s %(message)s"
        logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return hide_passwords(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
