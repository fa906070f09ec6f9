"""Real servers on this machine that tests may stop, start and kill: PostgreSQL, MLflow, S3."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

_PATIENCE = 120
"""Seconds that a server may take to start, on a busy machine."""


def free_port():
    """A port that nobody listens on just now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Postgres:
    """A PostgreSQL of our own, with an empty database; skips where none is installed."""

    def __init__(self):
        found = shutil.which("initdb") or next(
            iter(Path("/usr/lib/postgresql").glob("*/bin/initdb")), None
        )
        if found is None:
            pytest.skip("PostgreSQL is not installed; .ci/run installs it")
        self.programs, self.folder = (
            Path(found).resolve().parent,
            Path(tempfile.mkdtemp(prefix="postgres-")),
        )
        as_user = []  # PostgreSQL refuses to run as root
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        self.port = free_port()
        self._control = [*as_user, self.programs / "pg_ctl", "-D", self.folder / "data"]
        self._run(*as_user, found, "-D", self.folder / "data", "-U", "tabveil", "--auth=trust")
        self.start()

    def _run(self, *command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run(*self._control, "-w", "-o", options, "-l", self.folder / "log", "start")

    def stop(self, mode="immediate"):
        self._run(*self._control, "-m", mode, "stop")

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database="postgres", password=None):
        user = "tabveil" if password is None else f"tabveil:{password}"
        return f"postgresql+psycopg2://{user}@127.0.0.1:{self.port}/{database}"

    def create(self, database):
        """Make a further, empty database; its URL."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "tabveil"]
        self._run(self.programs / "createdb", *address, database)
        return self.url(database)

    def dump(self, database="postgres"):
        """All that a database holds, as text."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "tabveil"]
        return subprocess.run(
            [self.programs / "pg_dump", *address, database],
            check=True,
            capture_output=True,
            text=True,
            cwd=self.folder,
        ).stdout


class Server:
    """A process that answers HTTP at `url`, in a process group of its own."""

    def __init__(self, command, url, *, log, env=None):
        self._command, self.url, self._log = command, url, log
        self._env = {**os.environ, **(env or {})}
        self.start()

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._env,
            )
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                assert self._process.poll() is None, Path(self._log).read_text()
                time.sleep(0.2)
        pytest.fail(f"{self._command[2]} did not start: {Path(self._log).read_text()}")

    def stop(self):
        """Kill it and what it started, at once."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def mlflow_server(folder, *, database=None, artifacts=None, env=None):
    """An MLflow tracking server that keeps artifacts itself, or hands them to `artifacts`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", database or f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", artifacts or str(folder / "artifacts")]
    return Server(command, f"http://127.0.0.1:{port}", log=folder / "log", env=env)


def s3_server(folder):
    """Moto's S3, a server of the real protocol; skips where it is not installed."""
    pytest.importorskip("moto.server")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", f"-p{port}"]
    return Server(command, f"http://127.0.0.1:{port}", log=folder / "log")
