"""Which calls does a client have, and what becomes of an answer that is no good?"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from tabveil.client.arrived import check_whole
from tabveil.client.shapes import (
    CutShort,
    Event,
    Job,
    JobEnded,
    Release,
    ServerProblem,
    Upload,
    read,
)

ENDED = frozenset({"done", "failed", "cancelled", "lost"})
_CHUNK = 1 << 20
_CONNECT_SECONDS, _SILENCE_SECONDS = 10, 60
_POLL_SECONDS = 1.0
_MOST_BREAKS = 5
"""Times that a stream of events is taken up again before its end."""


class Client:
    """A signed-in user's view of a server."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Name the server; nothing is asked of it yet.

        Args:
            url: where it listens, like http://127.0.0.1:8000.
            token: the user's; None for a server that is open to its own machine.
        """
        self._url = url.rstrip("/") + "/api/v1"
        self._session = requests.Session()
        self._session.auth = _Bearer(token)

    def __enter__(self) -> Self:
        """Nothing to do: connections are opened when they are needed."""
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def upload(self, path: Path | str, name: str | None = None) -> Upload:
        """Bring a table; it is streamed from its file. Raises ServerProblem, OSError."""
        path = Path(path)
        with path.open("rb") as file:
            # An empty file object would be sent in chunks, without a length.
            body: Any = file if path.stat().st_size else b""
            told = self._ask("PUT", "/uploads", params={"name": name or path.name}, data=body)
        return read(Upload, told.json())

    def schema(self, upload: str) -> dict[str, Any]:
        """What was found in a table; a ServerProblem of status 409 while it is being read."""
        return dict(self._ask("GET", f"/uploads/{quote(upload)}/schema").json())

    def delete_upload(self, upload: str) -> Upload:
        """Delete a table's rows. Raises ServerProblem."""
        return read(Upload, self._ask("DELETE", f"/uploads/{quote(upload)}").json())

    def start(self, kind: str, **order: Any) -> Job:
        """Ask for a job. Raises ServerProblem."""
        return read(Job, self._ask("POST", "/jobs", json={"kind": kind, **order}).json())

    def start_sweep(
        self, upload: str, *, effort: Literal["glance", "quick", "thorough"] = "quick", **more: Any
    ) -> Job:
        """Look for good models of a table.

        Args:
            upload: its id.
            effort: how long to look.
            more: target, sensitive, quasi_identifiers, group, columns, rules, trials, seed.

        Raises:
            ServerProblem: the table is not read yet (409), or has no such column (422).
        """
        return self.start("sweep", upload=upload, effort=effort, **more)

    def confirm(
        self,
        sweep: str,
        *,
        gate: Literal["small", "strict"] = "strict",
        trials: list[int] | None = None,
    ) -> Job:
        """Have a sweep's candidates confirmed; those that pass become releases."""
        return self.start("confirm", sweep=sweep, gate=gate, trials=trials)

    def withdraw(self, release: str, why: str) -> Job:
        """Take a release back. Raises ServerProblem."""
        return self.start("withdraw", release=release, why=why)

    def job(self, job: str) -> Job:
        """A job as it is now. Raises ServerProblem."""
        return read(Job, self._ask("GET", f"/jobs/{quote(job)}").json())

    def progress(self, job: str) -> dict[str, Any]:
        """How far a job is. Raises ServerProblem."""
        return dict(self._ask("GET", f"/jobs/{quote(job)}/progress").json())

    def cancel(self, job: str) -> Job:
        """Ask a job to stop. Raises ServerProblem."""
        return read(Job, self._ask("POST", f"/jobs/{quote(job)}/cancel").json())

    def wait(self, job: str, *, seconds: float | None = None) -> Job:
        """Wait until a job is done.

        Raises:
            JobEnded: it ended otherwise.
            TimeoutError: it has not ended within so many seconds; it goes on.
            ServerProblem: there is no such job.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while (found := self.job(job)).state not in ENDED:
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"the job {job} is {found.state} after {seconds} s")
            time.sleep(_POLL_SECONDS)
        if found.state != "done":
            raise JobEnded(found)
        return found

    def follow(self, job: str) -> Iterator[Event]:
        """What a job does, as it does it, until it ends; a broken stream is taken up again."""
        for _ in range(_MOST_BREAKS):
            try:
                for event in self._events(job):
                    yield event
                    if event.name == "end":
                        return
            except requests.RequestException:
                pass
            time.sleep(_POLL_SECONDS)
        raise ServerProblem(0, "Cut off", f"the stream of the job {job} broke {_MOST_BREAKS} times")

    def releases(self, *, job: str | None = None) -> list[Release]:
        """The user's releases and the candidates that did not become one, newest first."""
        told = self._ask("GET", "/releases", params={} if job is None else {"job": job})
        return [read(Release, one) for one in told.json()]

    def sample(
        self,
        release: str,
        n: int,
        path: Path | str,
        *,
        seed: int = 0,
        format: Literal["parquet", "csv", "jsonl", "xlsx"] = "parquet",  # noqa: A002
        where: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Path:
        """Draw rows from a release into a file.

        Args:
            release: its id.
            n: rows.
            path: of the file; it appears when it is whole.
            seed: the same seed draws the same rows.
            format: of the file.
            where: column → the value that all rows have.
            more: shares, escape_formulas.

        Raises:
            ServerProblem: there is no such release, or too many rows are asked for.
            JobEnded: the rows could not be drawn.
            CutShort: what came is not whole.
        """
        ask = {"n": n, "seed": seed, "format": format, "where": where, **more}
        told = self._ask("POST", f"/releases/{quote(release)}/samples", json=ask)
        return self.rows(self.wait(read(Job, told.json()).id).id, path)

    def rows(self, job: str, path: Path | str) -> Path:
        """Fetch what a sample job drew, and count it. Raises ServerProblem, CutShort."""
        path = Path(path)
        part = path.with_name(path.name + ".part")
        try:
            answer = self._ask("GET", f"/jobs/{quote(job)}/rows", stream=True)
            with answer, part.open("wb") as file:
                for chunk in answer.iter_content(_CHUNK):
                    file.write(chunk)
            check_whole(part, answer.headers)
            os.replace(part, path)
        except requests.RequestException as error:
            raise CutShort(f"the rows did not come whole ({type(error).__name__})") from error
        finally:
            part.unlink(missing_ok=True)
        return path

    def _events(self, job: str) -> Iterator[Event]:
        with self._ask("GET", f"/jobs/{quote(job)}/events", stream=True) as answer:
            name = ""
            for line in answer.iter_lines():
                text = line.decode("utf-8")
                if text.startswith("event: "):
                    name = text.removeprefix("event: ")
                elif text.startswith("data: ") and name in ("job", "progress", "end"):
                    yield Event(name, json.loads(text.removeprefix("data: ")) or {})  # type: ignore[arg-type]

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request. Raises ServerProblem, whatever goes wrong with it."""
        waits = (_CONNECT_SECONDS, _SILENCE_SECONDS)
        try:
            answer = self._session.request(
                method, self._url + path, timeout=waits, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            what = f"{self._url} cannot be reached ({type(error).__name__})"
            raise ServerProblem(0, "No answer", what) from error
        if answer.ok and not answer.is_redirect:
            return answer
        with answer:
            raise _problem(answer)


class _Bearer(AuthBase):
    """Sends the token. An `auth`, not a header: that one a ~/.netrc would replace."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _problem(answer: requests.Response) -> ServerProblem:
    try:
        told = answer.json()
        return ServerProblem(
            answer.status_code, told["title"], told["detail"], told.get("mistakes")
        )
    except (requests.JSONDecodeError, KeyError, TypeError):
        return ServerProblem(answer.status_code, answer.reason or "Refused", "")
