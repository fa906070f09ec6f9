"""How is a web service set up, and where does it keep things?"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tabveil.errors import ConfigError

LOCAL = "local"
"""The user of a service that asks for no token, or has made its own."""
USER = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""Names of users are names of folders, too."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LEAST_TOKEN = 16
_SECRET_BYTES = 32
_KEPT = ("tokens", "secret")
"""What the server keeps to itself."""


@dataclass(frozen=True)
class Settings:
    """A web service.

    Attributes:
        root: of everything that is kept; the one folder to back up.
        host, port: where it listens.
        names: host names by which it may be called, beside loopback's.
        database: SQLAlchemy URL of jobs, uploads, releases and events.
        tokens: SHA-256 of a token, in hex → the user who holds it.
        open_to_all: whether no token is asked for; on loopback only.
        secret: signs cookies.
        n_long, n_short: sweeps and confirmations, and shorter jobs, that run at once.
        max_upload_bytes, max_rows: of an upload; of a sample.
        max_tables: that a user may keep here at a time.
        memory_bytes, reading_seconds: what reading an upload may take.
        keep_days: uploads are deleted so long after they came; 0: kept until they are deleted.
        mlflow_url: of MLflow's page, if one runs.
        per_minute: requests a user may make in a minute.
    """

    root: Path
    host: str
    port: int
    names: tuple[str, ...]
    database: str
    tokens: Mapping[str, str]
    open_to_all: bool
    secret: bytes
    n_long: int
    n_short: int
    max_upload_bytes: int
    max_rows: int
    max_tables: int
    memory_bytes: int
    reading_seconds: int
    keep_days: int
    mlflow_url: str | None
    per_minute: int

    @property
    def home(self) -> Path:
        """Where the service keeps its files."""
        return self.root / "web"

    def root_of(self, user: str) -> Path:
        """A user's own root: studies, runs, models, ledger. Nothing is shared between users."""
        return self.home / "users" / _safe(user)

    def upload_folder(self, number: str) -> Path:
        """Of an upload; outside everything that is served as files."""
        return self.home / "uploads" / _safe(number)

    def job_folder(self, number: str) -> Path:
        """Of a job: what it was asked, what it says, what it gives."""
        return self.home / "jobs" / _safe(number)


def to_text(settings: Settings) -> str:
    """What a runner needs to know; no tokens."""
    told = {name: value for name, value in vars(settings).items() if name not in _KEPT}
    return json.dumps(told | {"root": str(settings.root.absolute())})


def from_text(text: str) -> Settings:
    """Read what `to_text` wrote."""
    told = json.loads(text)
    root, names = Path(told.pop("root")), tuple(told.pop("names"))
    return Settings(root=root, names=names, tokens={}, secret=b"", **told)


def check_open(host: str, *, open_to_all: bool) -> None:
    """Raise ConfigError where a service without a token could be reached from elsewhere."""
    if open_to_all and host not in _LOOPBACK:
        raise ConfigError(
            f"web.open=true with web.host={host}: without a token it listens on 127.0.0.1 only"
        )


def default_database(root: Path) -> str:
    """SQLite under the root."""
    return f"sqlite:///{(root / 'web' / 'web.db').absolute()}"


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_tokens(path: Path) -> dict[str, str]:
    """Read a YAML file of `user: token`, or `user: sha256:HEX`.

    Raises ConfigError for a file that others may read, a bad name or a token that is too short.
    """
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        is_open = path.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"web.tokens={path} cannot be read as YAML") from error
    if is_open:
        raise ConfigError(f"web.tokens={path} can be read by others: chmod 600 {path}")
    if not isinstance(told, dict) or not told:
        raise ConfigError(f"web.tokens={path}: a line `user: token` for each user is needed")
    found: dict[str, str] = {}
    for user, token in told.items():
        if not isinstance(user, str) or not USER.fullmatch(user):
            raise ConfigError(f"web.tokens={path}: names are of a-z, 0-9, _ and -, at most 32")
        if not isinstance(token, str) or len(token) < _LEAST_TOKEN:
            raise ConfigError(
                f"web.tokens={path}: the token of {user} has fewer than {_LEAST_TOKEN} characters"
            )
        kept = digest_of(token)
        if token.startswith("sha256:"):
            kept = token.removeprefix("sha256:").lower()
            if not re.fullmatch(r"[0-9a-f]{64}", kept):
                raise ConfigError(f"web.tokens={path}: sha256: of {user} has not 64 hex digits")
        if kept in found:
            raise ConfigError(f"web.tokens={path}: {user} and {found[kept]} share a token")
        found[kept] = user
    return found


def own_secret(path: Path) -> str:
    """A secret of this service, drawn once and kept in a file that only its user reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES) + "\n")
        with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
            os.link(partial, path)
        partial.unlink()
    found = path.read_text(encoding="ascii").strip()
    if len(found) < _SECRET_BYTES:
        raise ConfigError(f"{path} holds no secret: it was cut short; delete it, a new one is made")
    return found


def _safe(name: str) -> str:
    """What becomes part of a path was made here; anything else is a fault of ours."""
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise ValueError("no name of ours")
    return name
