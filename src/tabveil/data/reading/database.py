"""The answer of a database as columns; nothing in the database changes.

Through SQLAlchemy, in a transaction that may only read where the database has such, streamed so
that a long answer never lies in memory twice. Messages name the database but never the account or
its password, and of a database's own messages only the kind: they quote cells.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from tabveil.data.reading.bounds import Bounds, check_names
from tabveil.data.reading.raw import Dialect, RawTable
from tabveil.data.reading.rows import Rows
from tabveil.data.reading.statement import as_select, table_named
from tabveil.errors import DataError
from tabveil.redaction import hide_passwords

_AT_ONCE = 10_000
_READ_ONLY = {
    "sqlite": ["PRAGMA query_only = ON", "PRAGMA schema_version"],  # which opens the file
    "postgresql": ["SET TRANSACTION READ ONLY"],
    "oracle": ["SET TRANSACTION READ ONLY"],
    "mysql": ["SET SESSION TRANSACTION READ ONLY"],
    "mariadb": ["SET SESSION TRANSACTION READ ONLY"],
}
_SECRETS = ("password", "passwd", "pwd", "odbc_connect")


def read_query(url: str, query: str, *, bounds: Bounds) -> RawTable:
    """Read a table, or what a SELECT gives, from a database.

    Args:
        url: an SQLAlchemy URL.
        query: a table's name, or one SELECT or WITH statement. Rows come in the order of its
            ORDER BY; without one a database may change it, and the table counts as another.
        bounds: how large the answer may be.

    Raises:
        DataError: the URL is none, its driver is missing, the database cannot be reached, or the
            query does not only read, fails, or gives columns that make no table.
    """
    address = _address(url)
    name = shown_address(url)
    with _connection(address, name) as connection:
        preparer = connection.dialect.identifier_preparer
        select = as_select(query, preparer.quote)
        try:
            _check_table(connection, query, name)
            columns = _answer(connection, select, name, bounds)
            return RawTable(_as_declared(connection, query, columns), Dialect("sql"))
        except sa.exc.SQLAlchemyError as error:
            raise DataError(
                f"{name}: the query failed with {_kind(error)}; try it in the database's own client"
            ) from None


def shown_address(url: str) -> str:
    """What messages call the database: without account, password and parameters.

    >>> shown_address("postgresql+psycopg2://me:secret@db.example/clinic?sslmode=require")
    'postgresql://db.example/clinic'
    """
    address = _address(url)
    return f"{address.get_backend_name()}://{address.host or ''}/{address.database or ''}"


def _address(url: str) -> sa.URL:
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise DataError("dataset.url is no database URL, like sqlite:///clinic.db") from None
    if any(secret in key.lower() for key in address.query for secret in _SECRETS):
        raise DataError(
            "dataset.url has a password among its parameters, where it would be logged; write "
            "user:password@host"
        )
    # What is logged goes through hide_passwords, which knows passwords by their shape.
    if "@" in (address.host or "") or (address.password and not _is_hidden(url, address)):
        raise DataError(
            "dataset.url: its password could not be hidden in logs; write its special characters "
            "as %40, %2F and so on"
        )
    return address


def _is_hidden(url: str, address: sa.URL) -> bool:
    hidden = hide_passwords(url)
    return hidden != url and sa.make_url(hidden) == address.set(password="***")


@contextlib.contextmanager
def _connection(address: sa.URL, name: str) -> Iterator[sa.Connection]:
    """A connection that may only read, where the database can promise it."""
    backend = address.get_backend_name()
    _check_file(address, backend)
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(_engine(address).connect())
            for statement in _READ_ONLY.get(backend, ()):
                connection.exec_driver_sql(statement)
        except sa.exc.NoSuchModuleError:
            raise DataError(f"dataset.url: SQLAlchemy knows no database {backend!r} here") from None
        except ImportError as error:
            raise DataError(
                f"{name} needs the Python package {error.name or address.get_driver_name()!r}; "
                f"install it, or name another driver, as in postgresql+psycopg2://"
            ) from None
        except (TypeError, ValueError, sa.exc.SAWarning):
            raise DataError(
                f"{name}: dataset.url has parameters that its driver does not know"
            ) from None
        except sa.exc.SQLAlchemyError as error:
            raise DataError(
                f"{name} cannot be opened ({_kind(error)}); check in dataset.url the host, the "
                f"database or its file, the account and the password"
            ) from None
        yield connection


def _engine(address: sa.URL) -> sa.Engine:
    with warnings.catch_warnings():
        # A parameter that is "being ignored" would be one that a person relies on.
        warnings.simplefilter("error", sa.exc.SAWarning)
        return sa.create_engine(address, poolclass=sa.pool.NullPool)


def _check_file(address: sa.URL, backend: str) -> None:
    """SQLite would make a file that is missing."""
    file = address.database
    if backend == "sqlite" and file and not file.startswith((":memory:", "file:")):
        if not Path(file).exists():
            raise DataError(f"no file at {file}; relative paths start at {Path.cwd()}")
        if Path(file).is_dir():
            raise DataError(f"{file} is a directory; name the SQLite file itself")


def _check_table(connection: sa.Connection, query: str, name: str) -> None:
    named = table_named(query)
    if named is None:
        return
    schema, table = named
    inspector = sa.inspect(connection)
    there = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    # A synonym, or another spelling, is for the database to find.
    if there and table.lower() not in {known.lower() for known in there}:
        raise DataError(f"{name} has no table {table!r}; it has: {', '.join(sorted(there)[:30])}")


def _answer(
    connection: sa.Connection, select: str, name: str, bounds: Bounds
) -> dict[str, pa.ChunkedArray]:
    how = {"stream_results": True, "max_row_buffer": _AT_ONCE, "no_parameters": True}
    result = connection.execution_options(**how).exec_driver_sql(select)
    names = [str(key) for key in result.keys()]  # noqa: SIM118  (a result is no mapping)
    bounds.check_columns(len(names), name)
    check_names(names, name)
    rows, number = Rows(name, bounds, unit="row"), 0
    while block := result.fetchmany(_AT_ONCE):
        for row in block:
            number += 1
            rows.add(number, dict(zip(names, row, strict=True)))
    if not number:
        raise DataError(f"{name} holds no rows")
    return rows.columns()


def _as_declared(
    connection: sa.Connection, query: str, columns: dict[str, pa.ChunkedArray]
) -> dict[str, pa.ChunkedArray]:
    """Columns as the table declares them, where a driver gives less: SQLite has no truth values
    and no decimals of its own.
    """
    named = table_named(query)
    if named is None or connection.dialect.name != "sqlite":
        return columns
    declared = {c["name"]: c["type"] for c in sa.inspect(connection).get_columns(named[1])}
    for name, column in columns.items():
        kind, held = declared.get(name), column.type
        if isinstance(kind, sa.Boolean) and pa.types.is_integer(held):
            if pc.all(pc.is_in(column.drop_null(), pa.array([0, 1]))).as_py():
                columns[name] = column.cast(pa.bool_())
        elif isinstance(kind, sa.Numeric) and kind.scale and pa.types.is_float64(held):
            columns[name] = column.cast(pa.decimal128(38, kind.scale), safe=False)
    return columns


def _kind(error: sa.exc.SQLAlchemyError) -> str:
    return type(getattr(error, "orig", None) or error).__name__
