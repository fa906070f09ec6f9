"""How can the embedded tracking store be moved to another folder?

The store is one folder: `mlflow.db` (SQLite) and `mlartifacts/`. MLflow writes absolute places
of artifacts into the database, so an experiment made here carries its folder in the tag
`tabveil.root`; where that is not the folder it is opened in, the places are rewritten, all in
one transaction. Only the standard library is used: looking costs milliseconds.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tabveil.errors import ConfigError, TrackingError

ROOT_TAG = "tabveil.root"
DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
_SCHEME = "sqlite:///"

# Every column of MLflow 3.17's schema that holds the place of an artifact.
_PLACES = {
    "experiments": ["artifact_location"],
    "runs": ["artifact_uri"],
    "logged_models": ["artifact_location"],
    "model_versions": ["source", "storage_location"],
}


def embedded_uri(root: Path) -> str:
    """The tracking URI of the store in folder `root`.

    >>> embedded_uri(Path("/data/store"))
    'sqlite:////data/store/mlflow.db'
    """
    return f"{_SCHEME}{root.absolute() / DATABASE}"


def database_of(uri: str) -> Path:
    """The database file of a `sqlite:///` URI, absolute.

    Raises:
        ConfigError: the URI names no file.
    """
    name = uri.removeprefix(_SCHEME)
    if not uri.startswith(_SCHEME) or not name or ":memory:" in name or "?" in name:
        raise ConfigError(f"tracking.uri={uri!r}: write sqlite:///FOLDER/{DATABASE}")
    return Path(name).absolute()


def check_database(database: Path) -> None:
    """Make sure that a file, if there is one, is an SQLite database.

    MLflow itself would retry for minutes.

    Raises:
        TrackingError: it is a folder, cannot be read, or is something else.
    """
    if not database.exists():
        return
    with _opened(database) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def relocate(database: Path) -> bool:
    """Bring the places in a moved store up to date; say whether it had been moved.

    Raises:
        TrackingError: the database cannot be read or written.
    """
    root = database.parent.as_uri()
    with _opened(database) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if "experiment_tags" not in tables:
            return False
        found = connection.execute(
            "SELECT DISTINCT value FROM experiment_tags WHERE key = ? AND value <> ?",
            (ROOT_TAG, root),
        )
        old_roots = [value for (value,) in found]
        if old_roots:
            connection.execute("BEGIN IMMEDIATE")
            for old in old_roots:
                _rewrite(connection, old, root)
            connection.execute("COMMIT")
        return bool(old_roots)


def _rewrite(connection: sqlite3.Connection, old: str, new: str) -> None:
    prefix = f"{old}/{ARTIFACTS}/"
    for table, columns in _PLACES.items():
        for column in columns:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE substr({column}, 1, ?) = ?",
                (f"{new}/{ARTIFACTS}/", len(prefix) + 1, len(prefix), prefix),
            )
    connection.execute(
        "UPDATE experiment_tags SET value = ? WHERE key = ? AND value = ?", (new, ROOT_TAG, old)
    )


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(
            sqlite3.connect(database, timeout=20, isolation_level=None)
        ) as connection:
            yield connection
    except sqlite3.Error as error:
        raise TrackingError(
            f"{database} cannot be used as a tracking store: {error}; "
            f"name another with tracking.uri, or move the file away"
        ) from error
