"""`tabveil worker`: runs what was asked for by page or API."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading

from tabveil import logs
from tabveil.commands.web_settings import web_settings
from tabveil.config.compose import Composition
from tabveil.web.service import Service
from tabveil.web.worker import Worker


def run(composition: Composition) -> None:
    """Work until it is told to stop, or the server that started it has gone."""
    logs.begin()
    settings, _ = web_settings(composition)
    worker = Worker(Service.open(settings))
    for word in (signal.SIGTERM, signal.SIGINT):
        signal.signal(word, lambda *_: worker.stopped.set())
    if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        threading.Thread(target=_until_alone, args=[worker.stopped], daemon=True).start()
    worker.run()


def _until_alone(stopped: threading.Event) -> None:
    """A pipe ends when whoever holds its other end is gone, killed or not."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stopped.set()
