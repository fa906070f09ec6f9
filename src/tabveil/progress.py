"""What does a running command tell a program that watches it?

Where TABVEIL_PROGRESS names a file, what happens is appended to it, a JSON object a line, with the
time and what happened (`event`). It is no configuration: nothing that is computed depends on it,
and worker processes inherit it. A file that cannot be written is no reason to stop.

Events: `stage` (name), `landmark` (name, utility, risk),
`target` (done, target), `trial` (how one ended), `epoch` (losses of a running one), `model` (of a
confirmation), `rows` (written so far).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

VARIABLE = "TABVEIL_PROGRESS"
_EVERY, _SHARE = 1.0, 0.02
"""Seconds between two lines of what happens many times a second, and the share of all that has
passed: what takes ten hours is not told ten thousand times."""


def note(event: str, **told: Any) -> None:
    """Append a line. `told` is JSON-able; numbers that are not finite become null."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **told}
    text = json.dumps(_finite(line), allow_nan=False, default=str) + "\n"
    # One write of a short line to a file opened for appending: lines of workers never mix.
    with contextlib.suppress(OSError), open(path, "ab", buffering=0) as file:
        file.write(text.encode())


def now_and_then(event: str, **always: Any) -> Callable[..., None]:
    """A `note` of this event that leaves out what comes too soon after the last."""
    first, last = time.monotonic(), -math.inf

    def noted(**told: Any) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= max(_EVERY, _SHARE * (now - first)):
            last = now
            note(event, **always, **told)

    return noted


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
