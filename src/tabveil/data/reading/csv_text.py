"""How does CSV text become a table without being repaired on the way?

pandas fills short rows, renames repeated columns and guesses at quotes. So the file is first walked
through with Python's strict reader, which tells the line of what is wrong, and pandas reads only
what has passed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tabveil.data.reading.bounds import Bounds, check_names
from tabveil.data.reading.encoding import encoding_of
from tabveil.data.reading.files import open_text
from tabveil.data.reading.numbers_text import Mark, spelled_numbers
from tabveil.errors import DataError

_DELIMITERS = ",;\t|"
_SAMPLE = 1 << 16
"""Characters that show the delimiter, after the first line: hundreds of rows."""
_MISSING = (
    *("", "NA", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "<NA>", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
"""What pandas takes for a missing value."""


@dataclass(frozen=True)
class _Layout:
    encoding: str
    delimiter: str
    n_columns: int
    n_rows: int


def read_csv(
    path: Path, *, encoding: str | None, decimal: Mark | None, bounds: Bounds
) -> pd.DataFrame:
    """Read CSV text, packed or not.

    Args:
        path: the file.
        encoding: its encoding; None: found out.
        decimal: what stands before decimals; None: found out.
        bounds: how large it may be.

    Raises:
        DataError: the text is no table; the message names the line.
    """
    layout = _layout(path, encoding_of(path, encoding, bounds), bounds)
    table = _parse(path, layout)
    if table.shape != (layout.n_rows, layout.n_columns):
        raise DataError(f"{path}: some lines hold nothing but blanks; cut them")

    def texts_of(names: list[str]) -> pd.DataFrame:
        return _parse(path, layout, names)

    # Of numbers beyond 2**63 with gaps, pandas 2 makes texts, and texts of the gaps.
    overlooked = [str(n) for n in table.select_dtypes(object) if table[n].isin(_MISSING).any()]
    if overlooked:
        table[overlooked] = texts_of(overlooked)[overlooked]
    return spelled_numbers(table, texts_of, decimal=decimal)


def _parse(path: Path, layout: _Layout, as_texts: list[str] | None = None) -> pd.DataFrame:
    try:
        with open_text(path, layout.encoding) as file:
            table: pd.DataFrame = pd.read_csv(
                file,
                sep=layout.delimiter,
                low_memory=False,  # kinds from all rows, not block by block
                index_col=False,
                float_precision="round_trip",  # 0.1 stays 0.1, so that decimals can be counted
                usecols=as_texts,
                dtype=None if as_texts is None else str,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path} is not a readable CSV file: {type(error).__name__}") from error
    return table


def _layout(path: Path, encoding: str, bounds: Bounds) -> _Layout:
    """Walk through the file once and check every row."""
    delimiter = _delimiter_of(path, encoding)
    with open_text(path, encoding) as file:
        rows = _rows(csv.reader(file, delimiter=delimiter, strict=True), path, bounds)
        header = next(rows, (0, []))[1]
        if not header:
            raise DataError(f"{path} is empty")
        bounds.check_columns(len(header), str(path))
        check_names([name for name in header if name], str(path))
        n_rows, n_columns = 0, len(header)
        for line, row in rows:
            if len(row) != n_columns:
                raise DataError(
                    f"{path}, line {line}: {len(row)} values under {n_columns} column names; "
                    f"quote texts that hold the delimiter {delimiter!r}, and cut lines that are "
                    f"no rows"
                )
            n_rows += 1
            if n_rows > bounds.rows:
                bounds.check_rows(n_rows, str(path))
    return _Layout(encoding, delimiter, n_columns, n_rows)


def _rows(
    reader: Iterator[list[str]], path: Path, bounds: Bounds
) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins in."""
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{path}, line {line}: {_explain(error, bounds)}") from None
        if row:
            yield line, row


def _explain(error: csv.Error, bounds: Bounds) -> str:
    said = str(error)
    if "end of data" in said:
        return "a quote opens in this row and never closes"
    if "expected after" in said:
        return "text follows a closing quote; write a quote inside of a quoted text twice"
    if "field limit" in said:
        return f"a value is longer than {bounds.field:,} characters; is a quote left open?"
    return "not a readable CSV row"


def _delimiter_of(path: Path, encoding: str) -> str:
    """Which mark splits all of the first rows alike, into most columns?

    Where none does, some row is wrong: then the mark that splits the header most is taken, so that
    the wrong row can be told. But where most rows hold one value, and some mark splits none of
    them, the table is a single column, in whose name or texts the other marks stand.
    """
    with open_text(path, encoding) as file:
        sample = file.readline() + file.read(_SAMPLE)  # a header may be longer than the sample
        is_cut = bool(file.read(1))
    widths = {mark: _widths(sample, mark, is_cut=is_cut) for mark in _DELIMITERS}
    alike = [mark for mark in _DELIMITERS if widths[mark][0] > 1 and len(set(widths[mark])) == 1]
    bare = [mark for mark in _DELIMITERS if set(widths[mark]) == {1}]
    is_single = widths[","][0] == 1 and all(map(_mostly_one, widths.values()))
    if not alike and bare and is_single:
        return bare[0]
    return max(alike or _DELIMITERS, key=lambda mark: widths[mark][0])


def _mostly_one(widths: list[int]) -> bool:
    """Whether most rows below the header hold one value."""
    return 2 * widths[1:].count(1) > len(widths) - 1


def _widths(sample: str, mark: str, *, is_cut: bool) -> list[int]:
    """The number of values in each row of the sample, at least one; -1 for an unreadable row."""
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=mark, strict=True):
            if row:
                widths.append(len(row))
    except csv.Error as error:  # the walk through the file will say what and where
        is_end = is_cut and "end of data" in str(error)
        return (widths if is_end else [*widths, -1]) or [0]
    return (widths[:-1] if is_cut and len(widths) > 1 else widths) or [0]
