"""How does a file become a table, and how is the same table recognised again?

Files come from people: half-copied, saved by a spreadsheet, renamed. pandas repairs what it can
without a word (repeated names, short rows); a table that is about to be released must not be
repaired behind its owner's back, so what is wrong is said, with its line, before pandas reads.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from tabveil.errors import DataError

_FORMATS = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".pq": "parquet"}
_DELIMITERS = ",;\t|"
_ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"


def read_table(path: Path, *, format: str | None = None) -> pd.DataFrame:  # noqa: A002
    """Read a table from a CSV (plain or gzipped, UTF-8) or Parquet file.

    Text columns that hold nothing but ISO dates become datetime64[ns]; times with an offset are
    turned into UTC. The delimiter of a CSV is whichever of `,` `;` tab `|` splits its header most.

    Args:
        path: the file.
        format: "csv" or "parquet"; None goes by the file's name.

    Returns:
        Shape (n, n_columns), n >= 1, unique text names, a fresh RangeIndex.

    Raises:
        DataError: the file is missing, no table of that format, has no rows, repeats a column
            name, or holds columns that are neither numbers, texts, dates nor truth values.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"no file at {path}; relative paths start at {Path.cwd()}")
    if path.is_dir():
        raise DataError(f"{path} is a directory; name the CSV or Parquet file itself")
    try:
        table = _read_csv(path) if _format_of(path, format) == "csv" else _read_parquet(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or type(error).__name__}") from error
    if table.empty:
        raise DataError(f"{path} holds no rows")
    return table.reset_index(drop=True)


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


def _format_of(path: Path, given: str | None) -> str:
    if given is not None:
        if given not in _FORMATS.values():
            raise DataError(f"dataset.format={given!r} is not known; use csv or parquet")
        return given
    for suffix, name in _FORMATS.items():
        if path.name.lower().endswith(suffix):
            return name
    raise DataError(
        f"{path.name}: cannot tell the format from the name (known: {', '.join(_FORMATS)}); "
        f"set dataset.format to csv or parquet"
    )


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        delimiter, n_columns = _check_csv(path)
        with _open_text(path) as file:
            table = pd.read_csv(
                file,
                sep=delimiter,
                low_memory=False,  # kinds from all rows, not block by block
                index_col=False,
                float_precision="round_trip",  # 0.1 stays 0.1, so that decimals can be counted
            )
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text; if it is a table, save it as CSV with the encoding UTF-8"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file; copy it again") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise DataError(f"{path} is not a readable CSV file: {type(error).__name__}") from error
    assert table.shape[1] == n_columns, "pandas and the check disagree about the header"
    return table.apply(_dates)


def _open_text(path: Path) -> TextIO:
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    opener: Any = gzip.open if gzipped else open
    opened: TextIO = opener(path, "rt", encoding="utf-8-sig", newline="")
    return opened


def _check_csv(path: Path) -> tuple[str, int]:
    """Walk through the file once; return the delimiter and the number of columns."""
    with _open_text(path) as file:
        first = next((line for line in _text_lines(file, path) if line.strip()), "")
    if not first:
        raise DataError(f"{path} is empty")
    delimiter = max(_DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))
    with _open_text(path) as file:
        rows = csv.reader(_text_lines(file, path), delimiter=delimiter)
        header = next(row for row in rows if row)
        _check_names([name for name in header if name], path)
        for row in rows:
            if row and len(row) != len(header):
                raise DataError(
                    f"{path}, line {rows.line_num}: {len(row)} values under {len(header)} column "
                    f"names; quote texts that hold the delimiter {delimiter!r}, and cut lines "
                    f"that are no rows"
                )
    return delimiter, len(header)


def _text_lines(file: TextIO, path: Path) -> Iterator[str]:
    for line in file:
        if "\0" in line:
            raise DataError(f"{path} is a binary file, not CSV text; export the table as CSV")
        yield line


def _check_names(names: list[str], path: Path) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{path}: column names must be unique; repeated: {', '.join(repeated)}")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _check_names(pq.read_schema(path).names, path)
        read = pq.read_table(path, partitioning=None)  # a folder named a=1 adds no column a
        table: pd.DataFrame = read.to_pandas()
    except pa.ArrowException as error:
        raise DataError(f"{path} is not a readable Parquet file: {type(error).__name__}") from error
    table = table.reset_index(drop=isinstance(table.index, pd.RangeIndex))
    table.columns = table.columns.map(str)
    for field in read.schema:
        if field.name in table:
            table[field.name] = _plain(table[field.name], field.type, path)
    return table.apply(_dates)


def _plain(values: pd.Series[Any], kind: Any, path: Path) -> pd.Series[Any]:
    """Give a Parquet column a type that the rest of the house knows."""
    import pyarrow.types as types

    if types.is_decimal(kind):
        return values.astype(float)
    if types.is_date(kind):
        return pd.to_datetime(values)
    if (
        types.is_nested(kind)
        or types.is_duration(kind)
        or types.is_time(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    ):
        raise DataError(
            f"{path}: column {str(values.name)!r} holds {kind} values; turn them into numbers, "
            f"texts or dates, or leave the column out"
        )
    return values


def _dates(values: pd.Series[Any]) -> pd.Series[Any]:
    """Turn a text column of ISO dates into datetime64[ns]; leave any other column alone."""
    if not (values.dtype == object or isinstance(values.dtype, pd.StringDtype)):
        return values
    present = values.dropna()
    # Most text columns show in their first value that they hold no dates.
    if present.empty or not re.fullmatch(_ISO_DATE, str(present.iloc[0])):
        return values
    if not present.astype(str).str.fullmatch(_ISO_DATE).all():
        return values
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dates = pd.to_datetime(values, format="ISO8601", utc=True)
    except (ValueError, OverflowError):  # 2023-02-30, 9999-12-31: texts that only look like dates
        return values
    return dates.dt.tz_localize(None).astype("datetime64[ns]")
