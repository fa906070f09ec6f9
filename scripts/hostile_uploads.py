"""Does a server on this machine keep its countenance under a thousand hostile uploads?

    python scripts/hostile_uploads.py                      # a server of its own, thrown away after
    python scripts/hostile_uploads.py --url http://127.0.0.1:8000 --token T --pid 4711

Bombs, lies about lengths, chunk tricks, names that are paths, files that are none: made by code,
the same for the same seed, sent to 127.0.0.1 only. It fails where an answer is a 5xx, where the
server is gone or too large in memory afterwards, where a file bears a name that was sent, or where
anything is left of what was deleted again. What reading the tables does is the reader's business:
`--read N` has the server's worker read the first N tables that were taken.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import secrets
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import requests

sys.path.insert(0, str(Path(__file__).parent))
from hostile.attempts import MARK, Attempt, attempts

MOST_MEMORY = 400_000_000
"""Bytes that the server may occupy: three times what it needs when idle, whatever is sent."""
_PATIENCE = 15
_CUT_AFTER = 0.2
"""Seconds after which a request that lacks its end is given up by its sender."""
_HERE = frozenset({"127.0.0.1", "localhost"})


@dataclass
class Findings:
    """What came of it."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    most_memory: int = 0
    read: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Target:
    """The server, and what is needed to look after it."""

    url: str
    token: str
    pid: int | None = None
    root: Path | None = None

    def ask(self, method: str, path: str) -> requests.Response:
        """A well-behaved request, which comes again when it is told to."""
        headers = {"Authorization": f"Bearer {self.token}"}
        while True:
            answer = requests.request(method, self.url + path, headers=headers, timeout=_PATIENCE)
            if answer.status_code != 429:
                return answer
            time.sleep(int(answer.headers["Retry-After"]))

    def memory(self) -> int:
        """Resident bytes; 0 where they cannot be seen."""
        return psutil.Process(self.pid).memory_info().rss if self.pid else 0


def send(target: Target, attempt: Attempt) -> tuple[int | None, bytes]:
    """Send an attempt's bytes as they are; the status and body of the answer, None without one."""
    parts = urlsplit(target.url)
    raw = attempt.raw(f"{parts.hostname}:{parts.port}", target.token)
    answer = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE) as connection:
        try:
            connection.sendall(raw)
            if attempt.is_cut:
                time.sleep(_CUT_AFTER)
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused while it was still coming: the answer may be there
        try:
            while len(answer) < 1 << 20 and (chunk := connection.recv(1 << 16)):
                answer += chunk
        except ConnectionError:
            pass
        except TimeoutError:
            return -1, b"no answer in time"
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]), body) if len(words) > 1 and words[1].isdigit() else (None, body)


def run(target: Target, n: int, seed: int, n_read: int = 0) -> Findings:
    """Send n attempts one after the other and look at what they leave."""
    if urlsplit(target.url).hostname not in _HERE:
        raise SystemExit("only a server on this machine is attacked")
    findings = Findings()
    before = {one["id"] for one in target.ask("GET", "/api/v1/uploads").json()}
    for number, attempt in enumerate(attempts(n, seed)):
        status, body = send(target, attempt)
        findings.answers["none" if status is None else str(status)] += 1
        if status is not None and not 200 <= status < 500:
            findings.wrong.append(f"{number} {attempt.kind}: {status}")
        if status == 201:
            left = findings.read.total() < n_read
            _clean(target, json.loads(body), findings if left else None)
        findings.most_memory = max(findings.most_memory, target.memory())
    _look_around(target, before, findings)
    return findings


def _clean(target: Target, upload: dict[str, str], findings: Findings | None) -> None:
    """Have the table read, or not; then delete it."""
    job = f"/api/v1/jobs/{upload['inspection']}"
    if findings is not None:
        until = time.monotonic() + 120
        while (state := target.ask("GET", job).json()["state"]) in ("queued", "running"):
            if time.monotonic() > until:
                findings.wrong.append(f"{upload['name']!r} was not read in time")
                break
            time.sleep(0.5)
        findings.read[state] += 1
        if state == "lost":
            findings.wrong.append(f"reading {upload['name']!r} was lost")
    target.ask("POST", f"{job}/cancel")
    target.ask("DELETE", f"/api/v1/uploads/{upload['id']}")


def _look_around(target: Target, before: set[str], findings: Findings) -> None:
    """Is the server well, and did anything come to lie where it should not?"""
    if not target.ask("GET", "/api/v1/health").ok:
        findings.wrong.append("the server is not well")
    for _ in range(2):  # those whose sender was gone before the answer were kept, too
        left = [
            one for one in target.ask("GET", "/api/v1/uploads").json() if one["id"] not in before
        ]
        for one in left:
            _clean(target, one, None)
    if left:
        findings.wrong.append(f"{len(left)} uploads could not be deleted")
    if target.root is not None and any((target.root / "web" / "uploads").iterdir()):
        findings.wrong.append("files of uploads are left that were refused or deleted")
    if findings.most_memory > MOST_MEMORY:
        findings.wrong.append(f"the server grew to {findings.most_memory:,} bytes")
    places = {Path.cwd(), Path(tempfile.gettempdir()), Path.home()}
    if target.root is not None:
        places.add(target.root.parent)
    for place in places:
        for folder, folders, files in os.walk(place):
            folders[:] = [name for name in folders if name not in (".venv", ".git")]
            for name in (*files, *folders):
                if MARK in name:
                    findings.wrong.append(f"a name that was sent is on the disk: {folder}")


def _serve(root: Path, port: int, token: str) -> None:
    """A server of our own, in a process of its own."""
    import uvicorn

    from tabveil.web.app import create_app
    from tabveil.web.service import Service
    from tabveil.web.settings import Settings, default_database, digest_of

    settings = Settings(
        root=root,
        host="127.0.0.1",
        port=port,
        names=(),
        database=default_database(root),
        tokens={digest_of(token): "hostile"},
        open_to_all=False,
        secret=secrets.token_bytes(32),
        n_long=1,
        n_short=1,
        max_upload_bytes=20_000_000,
        max_rows=1000,
        max_tables=5000,
        memory_bytes=2_000_000_000,
        reading_seconds=60,
        keep_days=0,
        mlflow_url=None,
        per_minute=1_000_000,
    )
    app = create_app(Service.open(settings))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", proxy_headers=False)


@contextmanager
def own_server() -> Iterator[Target]:
    """A server on a free port over a root that is removed in the end."""
    token = secrets.token_urlsafe(24)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(root, port, token)
        )
        process.start()
        target = Target(f"http://127.0.0.1:{port}", token, process.pid, root)
        try:
            for _ in range(300):
                try:
                    target.ask("GET", "/api/v1/health")
                    break
                except requests.ConnectionError:
                    time.sleep(0.1)
            yield target
        finally:
            process.terminate()
            process.join()


def main() -> int:
    """Attack; say what came of it; 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="of a running server; otherwise one is started")
    parser.add_argument("--token", default="")
    parser.add_argument("--pid", type=int, help="the server's, to watch its memory")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--read", type=int, default=0, help="tables that its worker is to read")
    given = parser.parse_args()
    if given.url:
        findings = run(Target(given.url, given.token, given.pid), given.n, given.seed, given.read)
    else:
        with own_server() as target:
            findings = run(target, given.n, given.seed)
    print("answers:", dict(sorted(findings.answers.items())))
    print("tables read:", dict(findings.read))
    print(f"most memory of the server: {findings.most_memory / 1e6:.0f} MB")
    print("wrong:", *(findings.wrong or ["nothing"]), sep="\n  ")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
