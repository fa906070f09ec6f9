"""`tabveil serve`: the web page and the REST API, and a worker beside them."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import uvicorn

from tabveil import logs
from tabveil.commands.web_settings import web_settings
from tabveil.config.compose import Composition
from tabveil.config.settings import Web, read
from tabveil.errors import ConfigError
from tabveil.report.terminal import say
from tabveil.web.app import create_app
from tabveil.web.service import Service

_WORKER_LEAVES = 10
_PAUSE = 2.0
"""Seconds before a worker that has ended is started again."""


def run(composition: Composition) -> None:
    """Serve until it is told to stop. Jobs that run go on without it."""
    settings, token = web_settings(composition)
    logs.begin()
    with _listening(settings.host, settings.port) as bound:
        settings = replace(settings, port=bound.getsockname()[1])
        app = create_app(Service.open(settings))
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # addresses may hold the token
            server_header=False,
            http="h11",  # its limits on what stands before a body are those that were tested
            timeout_graceful_shutdown=5,
        )
        with _worker(composition) if read(composition, Web, "web").worker else _none():
            address = f"http://{_shown(settings.host)}:{settings.port}"
            # Not by `say`, which hides secrets: this is where the token is handed over.
            entrance = f"/enter?token={token}" if token else "/"
            sys.stdout.write(f"tabveil at {address}{entrance}\n")
            sys.stdout.flush()
            say("Stop it with Ctrl-C; jobs that run go on, and `tabveil serve` finds them again.")
            uvicorn.Server(config).run(sockets=[bound])


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises ConfigError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"web.host={host} web.port={port}: {error.strerror}; choose another web.port"
            ) from error
        bound.listen(128)
        yield bound


@contextlib.contextmanager
def _worker(composition: Composition) -> Iterator[None]:
    """A worker that ends with the server; its runners do not."""
    given = [one for one in composition.overrides if not one.startswith("web.port=")]
    if composition.config_dir is not None:
        given += ["--config-dir", str(composition.config_dir)]
    line = [sys.executable, "-m", "tabveil", "worker", *given]
    left, ends = os.pipe(), threading.Event()
    # The worker reads the server's end in the pipe, however that came.

    def keep() -> None:
        """Start it again when it ends: without one nothing that people ask for is done."""
        while not ends.is_set():
            with subprocess.Popen(line, stdin=left[0]) as worker:
                workers.append(worker)
            if not ends.wait(_PAUSE):
                logging.getLogger("tabveil.serve").warning("the worker ended; starting another")

    workers: list[subprocess.Popen[bytes]] = []
    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ends.set()
        os.close(left[1])
        keeper.join(_WORKER_LEAVES)
        for worker in workers[-1:]:
            worker.kill()
        os.close(left[0])


@contextlib.contextmanager
def _none() -> Iterator[None]:
    yield


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
