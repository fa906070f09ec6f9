"""An interrupt that falls into a callback, whose exceptions Python ignores, is heard."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import signal, time, weakref
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
{install}
class Thing: pass
thing = Thing()
heard = weakref.ref(thing, lambda _: signal.raise_signal(signal.{word}))
try:
    del thing
    time.sleep({seconds})
    print("went on")
except KeyboardInterrupt as error:
    print(type(error).__name__)
"""
_INSTALL = "from tabveil.interrupts import keep_interrupts; keep_interrupts()"


@pytest.mark.parametrize(
    ("install", "word", "said"),
    [
        ("", "SIGINT", "went on"),
        (_INSTALL, "SIGINT", "KeyboardInterrupt"),
        (_INSTALL, "SIGTERM", "Terminated"),
    ],
)
def test_an_interrupt_in_a_callback(install: str, word: str, said: str) -> None:
    program = _PROGRAM.format(install=install, word=word, seconds=60 if install else 0)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout.strip() == said
    assert ("Exception ignored" in done.stderr) == (not install)
