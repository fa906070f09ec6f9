"""How is a study's storage reached, by several drivers at once, and when it is briefly away?

Optuna's calls are each safe, but a driver must count, ask and sign as one step: else two drivers
both start the last trial, or take each other's trial, not signed yet, for an orphan. So each takes
its turn: an advisory lock of PostgreSQL, or a lock on a file beside SQLite's. Both are released
when their holder dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import optuna
import sqlalchemy as sa

from tabveil.errors import StoreAway, StudyError
from tabveil.search.books import Books
from tabveil.search.write_ahead import write_ahead
from tabveil.surroundings import AGAIN, FULL, causes, is_full, is_lasting, patiently, seconds

BEAT = 15
"""Seconds between two signs of life of a driver."""

GRACE = 180
"""Seconds without one after which a driver on another host is taken for dead; more where stores are
waited for longer."""

_CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Of libpq: a database whose host has vanished is noticed within a minute, asked or not."""

_TRIES = 5
_RACES = ("IntegrityError", "UniqueViolation", "DuplicateTable", "already exists", "locked")

T = TypeVar("T")


def connect(url: str, *, grace: float | None = None) -> optuna.storages.BaseStorage:
    """Open the storage; its tables are made where missing, by several drivers at once if need be.

    Raises:
        StudyError: it cannot be opened.
    """
    options: dict[str, Any] = {}
    if _is_postgres(url):
        options["engine_kwargs"] = {"pool_pre_ping": True, "connect_args": dict(_CONNECT)}
    if sqlite_file(url) is None:  # drivers on other hosts may use it
        if grace is None:  # nobody is dead because the storage was away while it is waited for
            grace = max(GRACE, 1.5 * seconds())
        options |= {"heartbeat_interval": BEAT, "grace_period": max(1, int(grace))}
    for tries_left in reversed(range(_TRIES)):
        try:
            with turn(url, "tables", patient=False), warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                if (file := sqlite_file(url)) is not None:
                    write_ahead(file)
                return Books(optuna.storages.RDBStorage(url, **options))
        except Exception as error:  # whatever the database driver raises
            if is_full(error):
                raise StoreAway(f"cannot open the study storage: {FULL}") from error
            raced = any(word in str(one) for one in causes(error) for word in _RACES)
            if not (raced and tries_left):
                raise unreachable(error) from error
    raise AssertionError("unreachable")


def unreachable(error: Exception) -> StudyError:
    """What a person is told; a database driver's own words may hold the URL."""
    return StudyError(
        f"cannot open the study storage ({type(error).__name__}); check sweep.storage"
    )


def sqlite_file(url: str) -> Path | None:
    """The file behind the URL, if it is SQLite's."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def steadily(call: Callable[[], T]) -> T:
    """Call the storage, and again while it is away. `call` must bear being done twice.

    Raises:
        StoreAway: it stayed away, or a disk is full.
    """
    try:
        return patiently("the study storage", call, is_away=_is_away)
    except Exception as error:
        if is_full(error):
            raise StoreAway(f"cannot write to the study storage: {FULL}") from error
        if _is_away(error):
            raise StoreAway(f"the study storage does not answer; {AGAIN}") from error
        raise


def _is_away(error: Exception) -> bool:
    lost = (sa.exc.OperationalError, sa.exc.InterfaceError)
    return not (is_full(error) or is_lasting(error)) and any(
        isinstance(one, lost) or getattr(one, "connection_invalidated", False)
        for one in causes(error)
    )


@contextlib.contextmanager
def turn(url: str, what: str, *, patient: bool = True) -> Iterator[None]:
    """Hold, alone among all drivers on this storage, the turn to do `what`; not reentrant.

    Args:
        url: of the storage; other databases than PostgreSQL and SQLite know no turns.
        what: names the turn.
        patient: whether a storage that is away is waited for.
    """
    file = sqlite_file(url)
    if _is_postgres(url):
        with _advisory_lock(url, what, patient=patient):
            yield
    elif file is not None and file.parent.is_dir():
        digest = hashlib.sha256(what.encode()).hexdigest()[:8]
        with open(f"{file}.{digest}.lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    else:
        yield


@dataclass(frozen=True)
class Turns:
    """The turns that the drivers of one study take."""

    url: str
    study: str

    def books(self) -> contextlib.AbstractContextManager[None]:
        """To count, ask, sign, tell and close trials: milliseconds."""
        return turn(self.url, f"books of {self.study}")

    def results(self) -> contextlib.AbstractContextManager[None]:
        """To open the sweep's run, and to write down what came of it: seconds."""
        return turn(self.url, f"results of {self.study}")


def _is_postgres(url: str) -> bool:
    return url.startswith("postgresql")


@contextlib.contextmanager
def _advisory_lock(url: str, what: str, *, patient: bool) -> Iterator[None]:
    digest = hashlib.sha256(f"tabveil {what}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=dict(_CONNECT))
    lock = partial(_locked, engine, key)
    connection = steadily(lock) if patient else lock()
    try:
        yield
    finally:
        with contextlib.suppress(sa.exc.SQLAlchemyError):  # the lock goes with its connection
            connection.close()
        engine.dispose()


def _locked(engine: sa.Engine, key: int) -> sa.Connection:
    """A connection that holds the lock until it is closed."""
    connection = engine.connect()
    # So that the server lets go of the lock of a host that has vanished.
    for setting in ("idle = 30", "interval = 10", "count = 3"):
        connection.execute(sa.text(f"SET tcp_keepalives_{setting}"))
    connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": key})
    connection.commit()  # the lock stays with the session; no transaction stays open
    return connection
