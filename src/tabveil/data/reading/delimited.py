"""Delimited text (CSV) as columns of strings, exactly as they are written.

Nothing is repaired on the way: a row of too many or too few values, or a quote that never closes,
is an error that names its line. Arrow reads the cells; Python's strict reader walks through files
with quotes first, and through any file that Arrow refuses, since it can tell the line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tabveil.data.formats.format_inference import MISSING_WORDS
from tabveil.data.reading.bounds import Bounds, check_names
from tabveil.data.reading.encoding import as_written, encoding_of
from tabveil.data.reading.files import open_bytes, open_text
from tabveil.data.reading.raw import Dialect, RawTable
from tabveil.errors import DataError

_DELIMITERS = ",;\t|"
_SAMPLE = 1 << 16
"""Characters that show the delimiter, after the first line: hundreds of rows."""
_BLOCK = 1 << 22
_WITHOUT = frozenset(("", *MISSING_WORDS))
_SHOWS_QUOTES = 500
"""Rows that show which columns are quoted."""


@dataclass(frozen=True)
class _Layout:
    """What is known before the cells are read.

    Attributes:
        first: lines before the header.
        names: of the columns; empty where the header has none.
    """

    dialect: Dialect
    first: int
    names: tuple[str, ...]
    has_quotes: bool
    notes: tuple[str, ...] = ()


def read_delimited(path: Path, *, encoding: str | None, bounds: Bounds) -> RawTable:
    """Read delimited text, packed or not.

    Args:
        path: the file.
        encoding: its encoding; None: found out.
        bounds: how large it may be.

    Raises:
        DataError: the text is no table; the message names the line.
    """
    layout = _layout(path, encoding_of(path, encoding, bounds), bounds)
    if layout.has_quotes:
        _walk(path, layout, bounds)
    try:
        table = _cells(path, layout, null_values=[""])
    except pa.ArrowInvalid as error:
        _walk(path, layout, bounds)
        raise DataError(f"{path} is not a readable CSV file") from error
    bounds.check_rows(table.num_rows, str(path))
    longest = max((pc.max(pc.binary_length(c)).as_py() or 0 for c in table.columns), default=0)
    if longest > bounds.field:
        _walk(path, layout, bounds)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return _described(path, layout, columns)


def _described(path: Path, layout: _Layout, columns: dict[str, pa.ChunkedArray]) -> RawTable:
    """The columns by their names, without the one that a trailing delimiter makes."""
    dialect, notes = layout.dialect, layout.notes
    if dialect.spaced and not layout.has_quotes:
        columns = {name: pc.utf8_ltrim(c, characters=" ") for name, c in columns.items()}
        columns = {n: pc.if_else(pc.equal(c, ""), None, c) for n, c in columns.items()}
    *_, last = columns
    if len(columns) > 1 and not layout.names[-1] and columns[last].null_count == len(columns[last]):
        del columns[last]
        dialect = replace(dialect, trailing=True)
        notes = (*notes, "every line ends with a delimiter, behind which nothing stands")
    unnamed = tuple(n for n, own in zip(columns, layout.names, strict=False) if not own)
    dialect = dialect.without({*layout.names, *_keys(layout.names)} - set(columns))
    quoted = dialect.quoted
    empty = tuple(n for n, c in columns.items() if layout.has_quotes and _is_empty_quoted(c))
    dialect = replace(dialect, unnamed=unnamed, quoted_empty=empty)
    # A program that quotes everything says of no column that it holds texts.
    texts = frozenset() if len(quoted) == len(columns) else frozenset(quoted)
    gap_words = {}
    if any(pc.any(pc.is_in(columns[n], pa.array(MISSING_WORDS))).as_py() for n in quoted):
        unquoted = _cells(path, layout, null_values=["", *MISSING_WORDS], names=sorted(quoted))
        for name in quoted:
            gone = pc.and_(unquoted[name].is_null(), columns[name].is_valid())
            if words := pc.value_counts(columns[name].filter(gone)).to_pylist():
                gap_words[name] = {word["values"]: word["counts"] for word in words}
                columns[name] = unquoted[name]
    words = tuple(name for name in dialect.quoted_words if name not in gap_words)
    dialect = replace(dialect, quoted_words=words)
    return RawTable(columns, dialect, texts, gap_words, notes=notes)


def _is_empty_quoted(column: pa.ChunkedArray) -> bool:
    """Whether most of a column's empty cells are quoted: those without quotes are null."""
    n_quoted: int = pc.sum(pc.equal(column, "")).as_py() or 0
    return bool(n_quoted > column.null_count)


def _cells(
    path: Path, layout: _Layout, *, null_values: list[str], names: list[str] | None = None
) -> pa.Table:
    """All cells as strings; null where one of those stands without quotes."""
    keys = _keys(layout.names)
    read = pacsv.ReadOptions(
        use_threads=False,
        block_size=_BLOCK,
        skip_rows=layout.first + 1,
        column_names=keys,
        encoding="utf8" if layout.dialect.encoding.startswith("utf-8") else layout.dialect.encoding,
    )
    parse = pacsv.ParseOptions(
        delimiter=layout.dialect.delimiter, newlines_in_values=layout.has_quotes
    )
    convert = pacsv.ConvertOptions(
        check_utf8=False,  # the encoding was looked at before
        column_types=dict.fromkeys(keys, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=null_values,
        include_columns=names,
    )
    with open_bytes(path) as packed:
        file = packed
        if layout.dialect.spaced and layout.has_quotes:
            file = _unspaced(path, layout.dialect)
            read.encoding = "utf8"
        stream = pa.PythonFile(file, "r")
        try:
            return pacsv.read_csv(stream, read, parse, convert)
        except pa.ArrowInvalid as error:
            if "Empty CSV file" not in str(error):
                raise
            return pa.table({key: pa.array([], pa.string()) for key in names or keys})


def _unspaced(path: Path, dialect: Dialect) -> BinaryIO:
    """The file without blanks behind its delimiters: Arrow takes a quote behind one for text."""
    mark = re.escape(dialect.delimiter)
    with open_text(path, dialect.encoding) as file:
        text = re.sub(rf'("(?:[^"]|"")*")|({mark}) +', r"\1\2", file.read())
    return io.BytesIO(text.encode())


def _keys(names: tuple[str, ...]) -> list[str]:
    """A name for each column, also where the header has none."""
    keys = []
    for i, name in enumerate(names):
        key = name or f"Unnamed: {i}"
        while not name and key in names:
            key += "_"
        keys.append(key)
    return keys


def _layout(path: Path, encoding: str, bounds: Bounds) -> _Layout:
    with open_text(path, encoding) as file:
        sample = file.readline() + file.read(_SAMPLE)  # a header may be longer than the sample
        is_cut = bool(file.read(1))
    if not sample.strip():
        raise DataError(f"{path} is empty")
    line_end = _line_end(sample)
    first, notes, delimiter = 0, [], None
    told = re.match(r'"?sep=(.)"?\r?\n', sample, re.IGNORECASE)
    if told:
        first, delimiter, sample = 1, told[1], sample[told.end() :]
    blank = re.match(r"(?:[ \t]*(?:\r\n|\r|\n))+", sample)
    if blank:
        first += len(re.findall(r"\r\n|\r|\n", blank[0]))
        sample = sample[blank.end() :]
    comments = _comments(sample)
    if comments:
        first += comments
        notes.append(f"{comments} lines at the top that begin with # were passed over")
        sample = sample.split(line_end, comments)[-1]
    delimiter = delimiter or _delimiter_of(sample, is_cut=is_cut)
    has_quotes = _has_quotes(path)
    spaced = _is_spaced(sample, delimiter)
    header, line = _header(path, encoding, delimiter, first, spaced=spaced)
    bounds.check_columns(len(header), str(path))
    names = tuple(name.lstrip(" ") if spaced else name for name in header)
    check_names([name for name in names if name], str(path))
    quotes = _Quotes()
    if has_quotes:
        # Blanks between a delimiter and a quote are the dialect's.
        mark = f"{delimiter} " if spaced else delimiter
        quotes = _quoted(sample.replace(f'{mark}"', f'{delimiter}"'), delimiter, names)
    dialect = Dialect(
        delimiter=delimiter,
        encoding=as_written(path, encoding),
        line_end=line_end,
        quoted=quotes.columns,
        quoted_header=quotes.header,
        quoted_words=quotes.words,
        spaced=spaced,
        sep_line=bool(told),
    )
    return _Layout(dialect, line - 1, names, has_quotes, tuple(notes))


def _line_end(sample: str) -> str:
    found = re.search(r"\r\n|\r|\n", sample)
    return found[0] if found else "\n"


def _comments(sample: str) -> int:
    """Lines at the top that begin with #, where the lines below do not, and hold other values."""
    lines = sample.splitlines()[:100]
    n = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    if not n or n >= len(lines):
        return 0
    marks = {mark: lines[n].count(mark) for mark in _DELIMITERS}
    mark = max(marks, key=lambda m: marks[m])
    # A header may begin with #, too: then it has as many columns as the rows.
    return n if n > 1 or lines[0].count(mark) != marks[mark] else 0


def _header(
    path: Path, encoding: str, delimiter: str, first: int, *, spaced: bool
) -> tuple[list[str], int]:
    """The names of the columns, and the number of lines down to the last of the header."""
    with open_text(path, encoding) as file:
        for _ in range(first):
            file.readline()
        reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=spaced)
        while True:
            try:
                header = next(reader)
            except StopIteration:
                raise DataError(f"{path} is empty") from None
            except csv.Error as error:
                raise DataError(f"{path}, line {first + 1}: {_explain(error, None)}") from None
            if header:
                return header, first + reader.line_num


def _has_quotes(path: Path) -> bool:
    with open_bytes(path) as file:
        while chunk := file.read(_BLOCK):
            if b'"' in chunk:
                return True
    return False


def _is_spaced(sample: str, delimiter: str) -> bool:
    """Whether a blank follows every delimiter of the first rows."""
    if delimiter == "\t":
        return False
    lines = re.sub(r'"[^"]*"', '"', sample).splitlines()[:100]
    # Behind a delimiter that ends its line nothing stands.
    lines = [line.removesuffix(delimiter) for line in lines[:-1] or lines]
    marks = [line.count(delimiter) for line in lines]
    blanks = [line.count(delimiter + " ") for line in lines]
    return sum(marks) > 0 and marks == blanks


@dataclass(frozen=True)
class _Quotes:
    """What is quoted although it need not be.

    Attributes:
        columns: those of which all texts are.
        words: those of which the words for missing are.
        header: whether the names are.
    """

    columns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    header: bool = False


def _quoted(sample: str, delimiter: str, names: tuple[str, ...]) -> _Quotes:
    """What is quoted in the first rows."""
    mark = re.escape(delimiter)
    cell = re.compile(rf'("(?:[^"]|"")*"|[^{mark}\r\n]*)({mark}|\r\n|\r|\n|$)')
    rows: list[list[str]] = [[]]
    for found in cell.finditer(sample):
        if not found[0]:
            break
        rows[-1].append(found[1])
        if found[2] != delimiter:
            rows.append([])
            if len(rows) > _SHOWS_QUOTES:
                break
    whole = [row for row in rows if len(row) == len(names)]
    if len(whole) < 2:
        return _Quotes()
    needless = re.compile(rf'"[^"{mark}\r\n]*"')
    quoted, words = [], []
    for i, key in enumerate(_keys(names)):
        cells = [row[i] for row in whole[1:]]
        inside = [cell[1:-1].strip() for cell in cells if cell.startswith('"') and cell != '""']
        outside = [cell.strip() for cell in cells if cell]
        if sum(w in _WITHOUT for w in inside) > sum(w in _WITHOUT for w in outside):
            words.append(key)
        told = [cell for cell in cells if cell.strip('" ') not in _WITHOUT] or [
            c for c in cells if c
        ]
        is_quoted = bool(told) and all(cell.startswith('"') for cell in told)
        if is_quoted and any(needless.fullmatch(cell) for cell in told):
            quoted.append(key)
    header = all(cell.startswith('"') for cell in whole[0] if cell)
    return _Quotes(tuple(quoted), tuple(words), header)


def _walk(path: Path, layout: _Layout, bounds: Bounds) -> None:
    """Check every row with a strict reader. Raises DataError that names the line."""
    dialect = layout.dialect
    n_columns, n_rows, above = len(layout.names), 0, layout.first + 1
    with open_text(path, dialect.encoding) as file:
        for _ in range(above):
            file.readline()
        reader = csv.reader(
            file, delimiter=dialect.delimiter, strict=True, skipinitialspace=dialect.spaced
        )
        for line, row in _rows(reader, path, bounds, above):
            if len(row) != n_columns:
                uneven = _uneven(row, n_columns, dialect.delimiter)
                raise DataError(f"{path}, line {line}: {uneven}")
            n_rows += 1
            if n_rows > bounds.rows:
                bounds.check_rows(n_rows, str(path))


def _uneven(row: list[str], n_columns: int, delimiter: str) -> str:
    told = f"{len(row)} values under {n_columns} column names; "
    if len(row) == n_columns + 1 and not row[-1]:
        return told + (
            f"the row ends with a delimiter {delimiter!r} and the header does not: add one to the "
            f"header, or cut it from the rows"
        )
    return told + (
        f"quote texts that hold the delimiter {delimiter!r}, and cut lines that are no rows"
    )


def _rows(
    reader: Iterator[list[str]], path: Path, bounds: Bounds, above: int
) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins in."""
    while True:
        line = above + reader.line_num + 1  # type: ignore[attr-defined]
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{path}, line {line}: {_explain(error, bounds)}") from None
        if row:
            yield line, row


def _explain(error: csv.Error, bounds: Bounds | None) -> str:
    said = str(error)
    if "end of data" in said:
        return "a quote opens in this row and never closes"
    if "expected after" in said:
        return "text follows a closing quote; write a quote inside of a quoted text twice"
    if "field limit" in said:
        most = "" if bounds is None else f" than {bounds.field:,} characters"
        return f"a value is longer{most}; is a quote left open?"
    return "not a readable CSV row"


def _delimiter_of(sample: str, *, is_cut: bool) -> str:
    """Which mark splits all of the first rows alike, into most columns?

    Where none does, some row is wrong: then the mark that splits the header most is taken, so that
    the wrong row can be told. But where most rows hold one value, and some mark splits none of
    them, the table is a single column, in whose name or texts the other marks stand.
    """
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
