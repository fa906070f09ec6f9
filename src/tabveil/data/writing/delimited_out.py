"""Rows as delimited text, in the dialect of their source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabveil.data.formats.column_format import QUOTED_EMPTY
from tabveil.data.reading.raw import Dialect
from tabveil.data.schema import Column, Schema
from tabveil.data.writing.cell_texts import FORMULA_SIGNS, escaped, format_of, opened, texts_of


@contextmanager
def write_delimited(
    path: Path, schema: Schema, *, escape_formulas: bool = False
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Open a file for rows; see `rows_out.write_frames`."""
    dialect = _dialect(path, schema)
    # A byte-order mark stands once, at the start.
    marks = {"utf-8-sig": (b"\xef\xbb\xbf", "utf-8"), "utf-16": (b"\xff\xfe", "utf-16-le")}
    mark, encoding = marks.get(dialect.encoding, (b"", dialect.encoding))
    with opened(path) as file:
        header = _header(schema, dialect, escape_formulas=escape_formulas)
        file.write(mark + header.encode(encoding, "replace"))

        def write(frame: pd.DataFrame) -> None:
            if len(frame):
                cells = [_cells(frame, c, dialect, escape_formulas) for c in schema.columns]
                file.write(_joined(cells, dialect).encode(encoding, "replace"))

        yield write


def _dialect(path: Path, schema: Schema) -> Dialect:
    dialect = schema.dialect
    if dialect is None or dialect.format != "csv":
        dialect = Dialect()
    if ".tsv" in path.name.lower() and dialect.delimiter == ",":
        return Dialect(delimiter="\t")
    return dialect


def _header(schema: Schema, dialect: Dialect, *, escape_formulas: bool) -> str:
    names = ["" if name in dialect.unnamed else name for name in schema.names]
    if escape_formulas:
        names = [f"'{name}" if name.startswith(FORMULA_SIGNS) else name for name in names]
    quoted = [
        '"' + name.replace('"', '""') + '"'
        if dialect.quoted_header or re.search(_structural(dialect), name)
        else name
        for name in names
    ]
    first = f"sep={dialect.delimiter}{dialect.line_end}" if dialect.sep_line else ""
    return (
        first
        + _mark(dialect).join(quoted)
        + (dialect.delimiter if dialect.trailing else "")
        + dialect.line_end
    )


def _mark(dialect: Dialect) -> str:
    return dialect.delimiter + (" " if dialect.spaced else "")


def _structural(dialect: Dialect) -> str:
    """What a cell may hold between quotes only."""
    blank = "|^ " if dialect.spaced else ""
    return rf'[{re.escape(dialect.delimiter)}"\r\n]{blank}'


def _cells(
    frame: pd.DataFrame, column: Column, dialect: Dialect, escape_formulas: bool
) -> pa.Array:
    texts = texts_of(frame, column)
    if escape_formulas:
        texts = escaped(texts, column)
    structural = pc.match_substring_regex(texts, _structural(dialect))
    wanted = pc.fill_null(structural, False)
    # Between quotes a word for missing may be a value: cells for missing have rules of their own.
    gaps = pa.array(frame[column.name].isna().to_numpy())
    has_both = QUOTED_EMPTY in (format_of(column).missing or {})
    if column.name in dialect.quoted_empty and not has_both:
        texts = pc.fill_null(texts, "")
    is_empty = pc.fill_null(pc.equal(texts, ""), not has_both)
    for is_quoted, cells in (
        (column.name in dialect.quoted, pc.invert(gaps)),
        (column.name in dialect.quoted_words, pc.and_(gaps, pc.invert(is_empty))),
        (column.name in dialect.quoted_empty or has_both, is_empty),
    ):
        if is_quoted:
            wanted = pc.or_(pc.fill_null(wanted, False), cells)
    if pc.any(wanted).as_py():
        doubled = pc.replace_substring(texts, '"', '""')
        texts = pc.if_else(wanted, pc.binary_join_element_wise('"', doubled, '"', ""), texts)
    return pc.fill_null(texts, "")


def _joined(cells: list[pa.Array], dialect: Dialect) -> str:
    if len(cells) == 1 and not dialect.trailing:  # an empty line would be no row
        cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
    lines = cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*cells, _mark(dialect))
    end = (dialect.delimiter if dialect.trailing else "") + dialect.line_end
    return end.join(lines.to_pylist()) + end
