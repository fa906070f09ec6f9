"""How is Ctrl-C heard, wherever it falls?

Python raises KeyboardInterrupt in whatever the main thread is just doing. Where that is the
callback of a weak reference, or a `__del__`, the exception has nowhere to go: Python prints
"Exception ignored in" and the program goes on as if nobody had pressed anything. Libraries that we
stand on (SQLAlchemy's registries) run such callbacks at any time.
"""

from __future__ import annotations

import signal
import sys
import threading

_SOON = 0.05
"""Seconds until an interrupt that was lost is raised again: the callback has returned by then."""


def keep_interrupts() -> None:
    """Raise again, in a moment, an interrupt that fell where an exception is ignored."""
    told = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            told(unraisable)
            return
        # To the main thread itself, so that what it waits for is woken too.
        main = threading.main_thread().ident
        again = threading.Timer(_SOON, signal.pthread_kill, [main, signal.SIGINT])
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
