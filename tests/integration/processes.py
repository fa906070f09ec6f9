"""Whether processes have ended, and waiting for what another process or thread does.

A process whose parent died first is a child of process 1, which in a container may never reap it:
it has ended all the same, as a zombie. Waits end as soon as what they wait for is there; their cap
is only for what never comes, and so large that a busy machine does not reach it.
"""

import time

import psutil

CAP = 120
"""Seconds: what takes one on an idle machine takes ten on a busy one."""


def has_ended(process):
    """Whether a process runs no more, reaped or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def command_of(process):
    """Its command line; empty for one that has ended, or ends just now."""
    try:
        return "" if has_ended(process) else " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return ""


def until(condition, seconds=CAP):
    """Wait until the condition holds; return whether it does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def all_end(processes, seconds=CAP):
    """Wait until all of them have ended; return whether they have."""
    return until(lambda: all(map(has_ended, processes)), seconds)
