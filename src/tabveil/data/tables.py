"""How does a source become a table, and how is the same table recognised again?

Sources come from people: half-copied, saved by a spreadsheet, renamed. Libraries repair what they
can without a word (repeated names, short rows); a table that is about to be released must not be
repaired behind its owner's back, so what is wrong is said, with its line. docs/reading.md tells
what is read and how it is decided; each kind of source has its module in `reading`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from tabveil.data.reading.bounds import BOUNDS, Bounds
from tabveil.data.reading.csv_text import read_csv
from tabveil.data.reading.database import read_query, shown_address
from tabveil.data.reading.dates_text import dates
from tabveil.data.reading.files import format_of
from tabveil.data.reading.json_lines import read_json_lines
from tabveil.data.reading.parquet import read_parquet
from tabveil.errors import DataError


@dataclass(frozen=True)
class Place:
    """Where a table lies: in a file, or in a database.

    Attributes:
        path: the file; None for a database.
        format: csv, jsonl or parquet; None goes by the file's name.
        encoding: of CSV and JSON lines; None: found out.
        decimal: what stands before decimals in CSV; None: found out.
        url: the database, as SQLAlchemy writes it; None for a file.
        query: a table's name, or one SELECT statement.
    """

    path: Path | None = None
    format: str | None = None
    encoding: str | None = None
    decimal: Literal[",", "."] | None = None
    url: str | None = None
    query: str | None = None

    @property
    def title(self) -> str:
        """What a person calls it; no folder, no account, no password."""
        if self.url is not None:
            return shown_address(self.url).rsplit("/", 1)[-1] or "database"
        return self.path.name if self.path is not None else "nowhere"

    def read(self) -> pd.DataFrame:
        """Read the table. Raises DataError as `read_table`, and unless one source is named."""
        if (self.path is None) == (self.url is None):
            raise DataError("name one source: a file by path=…, or a database by url=… and query=…")
        if (self.url is None) != (self.query is None):
            raise DataError("url=… and query=… belong together: a database, and a table or SELECT")
        if self.url is not None and self.query is not None:
            return _finished(read_query(self.url, self.query, bounds=BOUNDS), self.title)
        assert self.path is not None
        return read_table(
            self.path, format=self.format, encoding=self.encoding, decimal=self.decimal
        )


def read_table(
    path: Path,
    *,
    format: str | None = None,  # noqa: A002
    encoding: str | None = None,
    decimal: Literal[",", "."] | None = None,
    bounds: Bounds = BOUNDS,
) -> pd.DataFrame:
    """Read a table from a file of CSV, JSON lines or Parquet.

    Text columns that hold nothing but dates in one way of writing become datetime64[ns]; times with
    an offset are turned into UTC. CSV and JSON lines may be packed (gz, bz2, xz, zip, zst). The
    delimiter of a CSV is `,` `;` tab or `|`.

    Args:
        path: the file.
        format: csv, jsonl or parquet; None goes by the file's name.
        encoding: of CSV and JSON lines; None: UTF-8, UTF-16 with its mark, or cp1252.
        decimal: what stands before decimals in CSV; None: found out.
        bounds: how large the table may be.

    Returns:
        Shape (n, n_columns), n >= 1, unique text names, a fresh RangeIndex.

    Raises:
        DataError: the file is missing, no table of that format, has no rows, repeats a column
            name, is beyond the bounds, or holds columns that are neither numbers, texts, dates nor
            truth values.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"no file at {path}; relative paths start at {Path.cwd()}")
    if path.is_dir():
        raise DataError(f"{path} is a directory; name the file with the table itself")
    try:
        kind = format_of(path, format)
        if kind == "csv":
            table = read_csv(path, encoding=encoding, decimal=decimal, bounds=bounds)
        elif kind == "jsonl":
            table = read_json_lines(path, encoding=encoding, bounds=bounds)
        else:
            table = read_parquet(path, bounds=bounds)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or type(error).__name__}") from error
    return _finished(table, str(path))


def digest(table: pd.DataFrame) -> str:
    """Name the content of a table: 64 hex digits, the same on every machine.

    Values, row order, column names, column order and dtypes count; the index does not.
    """
    header = [(str(name), str(dtype)) for name, dtype in table.dtypes.items()]
    whole = hashlib.sha256(repr((header, len(table))).encode())
    for name in table.columns:
        hashes = pd.util.hash_pandas_object(table[name], index=False)
        whole.update(hashes.to_numpy().astype("<u8").tobytes())
    return whole.hexdigest()


def _finished(table: pd.DataFrame, source: str) -> pd.DataFrame:
    if table.empty:
        raise DataError(f"{source} holds no rows")
    return table.apply(dates).reset_index(drop=True)
