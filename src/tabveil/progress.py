"""What does a running command tell a program that watches it?

Where TABVEIL_PROGRESS names a file, what happens is appended to it, a JSON object a line, with the
time and what happened (`event`). It is no configuration: nothing that is computed depends on it,
and worker processes inherit it. A file that cannot be written is no reason to stop.

Events: `stage` (name), `prepared` (folder of the splits), `landmark` (name, utility, risk),
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
_EVERY = 1.0
"""Seconds between two lines of what happens many times a second."""


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
    """A `note` of this event that leaves out what comes within a second of the last."""
    last = -math.inf

    def noted(**told: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
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
