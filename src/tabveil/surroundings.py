"""What if a store does not answer for a while, or the disk is full?

That says nothing of what was being tried. A store that is away is waited for, with growing pauses,
for TABVEIL_PATIENCE seconds at most, and a line on standard error says so. Whoever calls decides
what is worth waiting for, and what to say when the wait was in vain.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from tabveil import logs
from tabveil.redaction import hide_passwords

VARIABLE = "TABVEIL_PATIENCE"
_DEFAULT = 120.0
"""Seconds: longer than a database or a server needs to start again."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_HURRY: ContextVar[bool] = ContextVar("hurry", default=False)
_FULL = re.compile(r"No space left on device|disk is full|disk I/O error|File too large|quota")
"""As the system and SQLite say it; SQLite's "I/O error" is a journal that found no room."""

FULL = "a disk is full; make room, then run the same command again to go on"
AGAIN = "run the same command again once it does: what is done is kept"

T = TypeVar("T")


def seconds() -> float:
    """How long a store is waited for."""
    if _HURRY.get():
        return 0.0
    try:
        return float(os.environ.get(VARIABLE, _DEFAULT))
    except ValueError:
        return _DEFAULT


@contextlib.contextmanager
def in_a_hurry() -> Iterator[None]:
    """Wait for nothing inside: for what is tidied up after a wait that was in vain."""
    token = _HURRY.set(True)
    try:
        yield
    finally:
        _HURRY.reset(token)


def patiently(what: str, call: Callable[[], T], *, is_away: Callable[[Exception], bool]) -> T:
    """Call, and again with growing pauses while the store is away.

    Args:
        what: the store, as the line on standard error names it.
        call: may be done twice: an answer can be lost on its way.
        is_away: whether an error means that the store does not answer just now.

    Raises:
        Exception: what `call` raised last, once the patience is at an end, or at once if it is
            of another kind.
    """
    end, pause, told = time.monotonic() + seconds(), _FIRST_PAUSE, False
    while True:
        try:
            result = call()
        except Exception as error:
            left = end - time.monotonic()
            if not is_away(error) or left <= 0:
                raise
            if not told:
                tell(f"{what} does not answer; waiting for it, {left:.0f} s at most")
                told = True
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            if told:
                tell(f"{what} answers again")
            return result


def tell(text: str) -> None:
    """A line on standard error and in the log, from driver or worker; no passwords."""
    logs.event("waiting", level="warning", message=text)
    with contextlib.suppress(OSError):
        sys.stderr.write(f"tabveil: {hide_passwords(text)}\n")
        sys.stderr.flush()


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def is_full(error: BaseException) -> bool:
    """Whether a disk without room, or a quota, is behind an error."""
    numbers = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return any(
        (isinstance(one, OSError) and one.errno in numbers)
        or (
            type(one).__module__.startswith(("sqlite3", "sqlalchemy", "mlflow", "requests"))
            and bool(_FULL.search(str(one)))
        )
        for one in causes(error)
    )


def is_lasting(error: BaseException) -> bool:
    """Whether SQLite says what waiting does not mend: anything but that somebody else writes."""
    return any(
        isinstance(one, sqlite3.OperationalError) and not re.search("locked|busy", str(one))
        for one in causes(error)
    )
