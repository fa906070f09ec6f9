"""A source becomes a table, and the same table is recognised again.

Sources come from people: half-copied, saved by a spreadsheet, renamed. Libraries repair what they
can without a word (repeated names, short rows); a table that is about to be released must not be
repaired behind its owner's back, so what is wrong is said, with its line. docs/reading.md tells
what is read and how it is decided; each kind of source has its module in `reading`, and `opening`
finds what its columns are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from tabveil.data.opening import Opened, Wishes, open_table
from tabveil.data.reading.bounds import BOUNDS, Bounds
from tabveil.data.reading.database import read_query, shown_address
from tabveil.data.reading.delimited import read_delimited
from tabveil.data.reading.files import format_of
from tabveil.data.reading.json_lines import read_json_lines
from tabveil.data.reading.parquet import read_parquet
from tabveil.data.reading.raw import RawTable
from tabveil.data.reading.workbook import read_workbook
from tabveil.errors import DataError


@dataclass(frozen=True)
class Place:
    """Where a table lies: in a file, or in a database.

    Attributes:
        path: the file; None for a database.
        format: csv, jsonl, parquet or xlsx; None goes by the file's name.
        encoding: of CSV and JSON lines; None: found out.
        sheet: of a workbook: its name, or its number from 1; None: the only one.
        url: the database, as SQLAlchemy writes it; None for a file.
        query: a table's name, or one SELECT statement.
    """

    path: Path | None = None
    format: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    url: str | None = None
    query: str | None = None

    @property
    def title(self) -> str:
        """What a person calls it; no folder, no account, no password."""
        if self.url is not None:
            return shown_address(self.url).rsplit("/", 1)[-1] or "database"
        return self.path.name if self.path is not None else "nowhere"

    def open(self, wishes: Wishes | None = None, *, bounds: Bounds = BOUNDS) -> Opened:
        """Read the table.

        Args:
            wishes: what a person says of its columns; None: nothing.
            bounds: how large the table may be.

        Returns:
            Shape (n, n_columns), n >= 1, unique text names, a fresh RangeIndex; with its formats.

        Raises:
            DataError: not one source is named; the file is missing, no table of that format, has
                no rows, repeats a column name, is beyond the bounds, or holds columns that are
                neither numbers, texts, dates, times nor truth values; a column is not of the kind
                that it was given.
        """
        wishes = wishes or Wishes()
        if (self.path is None) == (self.url is None):
            raise DataError("name one source: a file by path=…, or a database by url=… and query=…")
        if (self.url is None) != (self.query is None):
            raise DataError("url=… and query=… belong together: a database, and a table or SELECT")
        if self.url is not None and self.query is not None:
            raw = read_query(self.url, self.query, bounds=bounds)
            return open_table(raw, wishes, self.title)
        assert self.path is not None
        return open_table(self._raw(self.path, bounds), wishes, str(self.path))

    def _raw(self, path: Path, bounds: Bounds) -> RawTable:
        if not path.exists():
            raise DataError(f"no file at {path}; relative paths start at {Path.cwd()}")
        if path.is_dir():
            raise DataError(f"{path} is a directory; name the file with the table itself")
        try:
            kind = format_of(path, self.format)
            if self.sheet is not None and kind != "xlsx":
                raise DataError(f"{path} is no workbook and has no sheet {self.sheet!r}")
            if kind == "csv":
                return read_delimited(path, encoding=self.encoding, bounds=bounds)
            if kind == "jsonl":
                return read_json_lines(path, encoding=self.encoding, bounds=bounds)
            if kind == "xlsx":
                return read_workbook(path, sheet=self.sheet, bounds=bounds)
            return read_parquet(path, bounds=bounds)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DataError(f"cannot read {path}: {reason}") from error


def read_table(
    path: Path,
    *,
    format: str | None = None,  # noqa: A002
    encoding: str | None = None,
    decimal: Literal[",", "."] | None = None,
    bounds: Bounds = BOUNDS,
) -> pd.DataFrame:
    """The table in a file, its formats as they are found. Raises DataError as `Place.open`."""
    place = Place(path=Path(path), format=format, encoding=encoding)
    return place.open(Wishes(decimal=decimal), bounds=bounds).table


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
