"""What does a running command tell a program that watches it?

Where TABVEIL_PROGRESS names a file, what happens is appended to it, a JSON object a line, with the
time and what happened (`event`). It is no configuration: nothing that is computed depends on it,
and worker processes inherit it. A file that cannot be written is no reason to stop. The same
events, but for epochs, go to the log (`logs.py`).

Events: `stage` (name), `landmark` (name, utility, risk),
`target` (done, target), `trial` (how one ended), `epoch` (losses of a running one), `model` (of a
confirmation), `rows` (written so far).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tabveil import logs

VARIABLE = "TABVEIL_PROGRESS"
_EVERY, _SHARE = 1.0, 0.02
"""Seconds between two lines of what happens many times a second, and the share of all that has
passed: what takes ten hours is not told ten thousand times."""
_IDS = {"number": "trial", "run_id": "run", "index": "model"}
"""What the log calls them."""


def note(event: str, /, **told: Any) -> None:
    """Append a line. `told` is JSON-able; numbers that are not finite become null."""
    _append(event, told)
    is_bad = told.get("state", "complete") != "complete"
    level = "error" if is_bad else "info"
    logs.event(event, level=level, **{_IDS.get(name, name): value for name, value in told.items()})


def now_and_then(event: str, **always: Any) -> Callable[..., None]:
    """A `note` of this event that leaves out what comes too soon after the last."""
    first, last = time.monotonic(), -math.inf

    def noted(**told: Any) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= max(_EVERY, _SHARE * (now - first)):
            last = now
            _append(event, {**always, **told})

    return noted


def _append(event: str, told: Mapping[str, Any]) -> None:
    if path := os.environ.get(VARIABLE):
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        logs.append(path, {"at": at, "event": event, **told})
