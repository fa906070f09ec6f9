"""How do the tables of a database become those of this version, with nothing lost?

A set of tables (`ledger`, `web`) has a folder of Alembic revisions, `0001_….py` and on, and
a table of its own that says how far it has come, so that several sets, and other people's tables,
can share a database. Whoever opens a database brings it up to date: in one transaction, that only
one process is in. A database from before there were revisions has the tables of `0001`, and is
taken as that.

To change a table: add a revision (`op.add_column`, …) and change the code that reads it, together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa


class NewerTables(Exception):
    """The database was made by a newer tabveil; whoever opened it says which it is."""


@dataclass(frozen=True)
class Tables:
    """A set of tables and its revisions.

    Attributes:
        name: of the set; its version is kept in `tabveil_NAME_version`.
        folder: of its revisions.
    """

    name: str
    folder: Path

    @classmethod
    def of(cls, name: str) -> Tables:
        """A set that this package has the revisions of."""
        return cls(name, Path(__file__).parent / name)

    @property
    def version_table(self) -> str:
        """Says which revision the tables are of."""
        return f"tabveil_{self.name}_version"

    @property
    def newest(self) -> str:
        """The last revision that this version of tabveil knows."""
        return max(path.name[:4] for path in self.folder.glob("[0-9][0-9][0-9][0-9]_*.py"))

    def bring_up_to_date(self, engine: sa.Engine) -> None:
        """Make or change the tables, if need be; several processes may do so at once.

        Raises:
            NewerTables: they are of a revision that is not known here. Nothing was changed.
            SQLAlchemyError: the database refuses. Nothing was changed.
        """
        with engine.connect() as connection:
            if self._version(connection) == self.newest:
                return
        with _alone(engine, self.name) as connection:
            if self._version(connection) != self.newest:  # nobody was quicker
                self._upgrade(connection)

    def _version(self, connection: sa.Connection) -> str | None:
        """The revision of the tables; None: there are none, or they are from before revisions."""
        if not sa.inspect(connection).has_table(self.version_table):
            return None
        query = sa.text(f"SELECT version_num FROM {self.version_table}")
        found = connection.execute(query).scalar()
        if found is not None and found > self.newest:
            raise NewerTables(
                f"was made by a newer tabveil (version {found} of its tables; this one knows "
                f"{self.newest}): upgrade tabveil"
            )
        return None if found is None else str(found)

    def _upgrade(self, connection: sa.Connection) -> None:
        from alembic.config import Config  # half a second to load, and seldom needed
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory

        script = ScriptDirectory(str(self.folder), version_locations=[str(self.folder)])

        def steps(revision: Any, _: Any) -> Any:
            return script._upgrade_revs(self.newest, revision)

        with EnvironmentContext(Config(), script, fn=steps) as environment:
            environment.configure(connection=connection, version_table=self.version_table)
            environment.run_migrations()


@contextmanager
def _alone(engine: sa.Engine, name: str) -> Iterator[sa.Connection]:
    """A transaction that no other process is in with the same name; all of it, or nothing."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            with _immediately(connection):
                yield connection
            return
        with connection.begin():
            if engine.dialect.name == "postgresql":
                key = int.from_bytes(hashlib.sha256(f"tabveil {name}".encode()).digest()[:4], "big")
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            yield connection


@contextmanager
def _immediately(connection: sa.Connection) -> Iterator[None]:
    """An SQLite transaction with the write lock from its first moment, changes of tables inside.

    Python's driver begins one only before rows are changed; so it is told not to begin any.
    """
    driver: Any = connection.connection.driver_connection
    before, driver.isolation_level = driver.isolation_level, None
    try:
        with connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield
    finally:
        driver.isolation_level = before
