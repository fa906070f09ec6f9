"""A real service over a temporary root, furnished with what a user has, behind a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import uvicorn

from tabveil.client import Client
from tabveil.web.app import create_app
from tabveil.web.database import JOBS
from tabveil.web.orders import ConfirmOrder, SampleOrder, SweepOrder
from tabveil.web.service import Service
from tabveil.web.settings import Settings, default_database, digest_of

ANN, BOB = "ann-token-of-the-tests", "bob-token-of-the-tests"


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    url: str
    service: Service

    def ask(
        self, method: str, path: str, token: str | None = ANN, **more: object
    ) -> requests.Response:
        headers = dict(more.pop("headers", {}))  # type: ignore[call-overload]
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        return requests.request(
            method,
            self.url + path,
            headers=headers,
            timeout=20,
            allow_redirects=False,
            **more,  # type: ignore[arg-type]
        )

    def client(self, token: str = ANN) -> Client:
        return Client(self.url, token)


def settings_at(root: Path) -> Settings:
    return Settings(
        root=root,
        host="127.0.0.1",
        port=0,
        names=(),
        database=default_database(root),
        tokens={digest_of(ANN): "ann", digest_of(BOB): "bob"},
        open_to_all=False,
        secret=b"a secret of the tests",
        n_long=1,
        n_short=1,
        max_upload_bytes=2_000_000,
        max_rows=100_000,
        max_tables=100,
        memory_bytes=2_000_000_000,
        reading_seconds=60,
        keep_days=0,
        mlflow_url=None,
        per_minute=100_000,
    )


@contextmanager
def serve(service: Service) -> Iterator[Running]:
    """Serve on a free port until the block is left."""
    config = uvicorn.Config(
        create_app(service), log_level="warning", proxy_headers=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}", service)
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        service.database.engine.dispose()
        listener.close()


@dataclass(frozen=True)
class Belongings:
    """Ids of what a user has: a table, its reading, a sweep, a confirmation, a release, rows."""

    upload: str
    inspection: str
    sweep: str
    confirmation: str
    release: str
    rows: str

    def all(self) -> tuple[str, ...]:
        return tuple(vars(self).values())


ROWS = 'age,city\n31,"New\nYork"\n44,Bonn\n'
"""Two rows; one has a line break in a cell."""
_VERDICT = {
    "verdict": "pass",
    "gate": {"name": "small"},
    "utility": {"mean": 0.8, "low": 0.7},
    "risk": {"mean": 0.1, "low": 0.0, "high": 0.2},
}
_RELEASED = {
    "model": "table",
    "aliases": {"balanced": 1},
    "candidates": [{"trial": 0, "version": 1, "folder": "trial-0", "words": ["It passed."]}],
}


def furnish(service: Service, user: str) -> Belongings:
    """Give a user one of everything, as if a worker had run each job."""

    async def body() -> AsyncIterator[bytes]:
        yield b"age,city\n30,Rome\n"

    def out(job: str) -> Path:
        return service.settings.job_folder(job) / "out"

    def ended(job: str) -> str:
        with service.database.begin() as connection:
            connection.execute(JOBS.update().where(JOBS.c.id == job).values(state="done"))
        return job

    upload = asyncio.run(service.uploads.receive(user, "people.csv", body(), None))
    columns = [{"name": "age", "kind": "numeric", "mask": None}]
    found = {"n_rows": 1, "columns": columns, "roles": {}, "rules": [], "head": [["30"]]}
    (out(upload.inspection) / "inspect.json").write_text(json.dumps(found))
    ended(upload.inspection)
    sweep = ended(service.jobs.create(user, SweepOrder(upload=upload.id, effort="glance")).id)
    (out(sweep) / "front.json").write_text("[]")
    (out(sweep) / "trials.csv").write_text("number,state\n0,complete\n")
    (out(sweep).parent / "config.yaml").write_text("seed: 0\n")
    confirmation = ended(service.jobs.create(user, ConfirmOrder(sweep=sweep)).id)
    folder = out(confirmation) / "trial-0"
    folder.mkdir()
    (folder / "verdict.json").write_text(json.dumps(_VERDICT))
    (folder / "report.html").write_text("<!doctype html><title>report</title>")
    (out(confirmation) / "released.json").write_text(json.dumps(_RELEASED))
    service.shelf.note(user, confirmation, upload.id)
    release = service.shelf.all(user, job=confirmation)[0].id
    rows = service.jobs.create(user, SampleOrder(release=release, n=2, format="csv")).id
    (out(rows) / "rows.csv").write_text(ROWS)
    return Belongings(upload.id, upload.inspection, sweep, confirmation, release, ended(rows))
