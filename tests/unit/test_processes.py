"""Our tests take a process that nobody reaps for one that has ended."""

import subprocess
import sys

import psutil
from processes import all_end, command_of, has_ended


def test_a_process_that_nobody_has_reaped_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        process = psutil.Process(child.pid)
        assert all_end([process])
        assert process.is_running(), "psutil calls a zombie running; if not, `processes` may go"
        assert command_of(process) == ""
    finally:
        child.wait()
    assert has_ended(process)


def test_a_process_that_runs_has_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        process = psutil.Process(child.pid)
        assert not has_ended(process)
        assert not all_end([process], seconds=0.2)
        assert "input()" in command_of(process)
    finally:
        child.communicate(b"\n")
