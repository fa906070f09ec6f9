"""How are Ctrl-C and SIGTERM heard, wherever they fall?

SIGTERM raises `Terminated` in the main thread, so that what is open is tidied as after Ctrl-C.

Python raises KeyboardInterrupt in whatever the main thread is just doing. Where that is the
callback of a weak reference, or a `__del__`, the exception has nowhere to go: Python prints
"Exception ignored in" and the program goes on as if nobody had pressed anything. Libraries that we
stand on (SQLAlchemy's registries) run such callbacks at any time. Both are raised again there.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

_SOON = 0.05
"""Seconds until an interrupt that was lost is raised again: the callback has returned by then."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def keep_interrupts() -> None:
    """Raise `Terminated` at SIGTERM; raise again what fell where an exception is ignored."""
    told = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            told(unraisable)
            return
        is_term = issubclass(unraisable.exc_type, Terminated)
        # To the main thread itself, so that what it waits for is woken too.
        main = threading.main_thread().ident
        word = signal.SIGTERM if is_term else signal.SIGINT
        again = threading.Timer(_SOON, signal.pthread_kill, [main, word])
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def exit_code_of(error: BaseException | None) -> int | None:
    """The exit code where Ctrl-C (130) or SIGTERM (143) is behind an error; else None.

    A library may wrap what it was interrupted in.
    """
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return 143 if isinstance(error, Terminated) else 130
        error = error.__cause__ or error.__context__
    return None
