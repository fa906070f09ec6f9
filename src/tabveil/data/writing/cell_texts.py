"""The cells of drawn rows as texts, in the form of their column."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabveil.data.formats.column_format import Format
from tabveil.data.formats.conversion import to_texts
from tabveil.data.schema import Column

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the start of a formula."""
_FORMULA = r"^[=+\-@\t\r]"


def format_of(column: Column) -> Format:
    """The column's format; for one that came from no source, the form that its dtype has."""
    if column.format is not None:
        return column.format
    dtype = column.dtype.lower()
    if column.kind == "identifier" and not dtype.startswith(("int", "uint")):
        return Format()
    if dtype.startswith(("int", "uint")):
        return Format("whole")
    if dtype.startswith("float"):
        return Format("whole" if column.decimals == 0 else "decimal")
    if column.kind == "datetime":
        zone = column.dtype.partition(",")[2].strip(" ]") or None
        is_of_days = column.form == "date" and zone is None
        return Format("datetime", pattern="%Y-%m-%d" if is_of_days else None, zone=zone)
    return Format("truth" if column.kind == "boolean" else "text")


def texts_of(frame: pd.DataFrame, column: Column, *, separator: str = " ") -> pa.Array:
    """A column's cells as texts, null where they are left empty.

    Args:
        frame: of rows; its index is their place in the whole sample.
        column: of it.
        separator: between day and time, where the source has no texts.
    """
    written = format_of(column)
    if written.sort == "datetime" and written.pattern is None:
        written = replace(written, pattern=pattern_of(column, written, separator))
    rows = frame.index.to_numpy(dtype=np.int64)
    return to_texts(frame[column.name], written, rows)


def pattern_of(column: Column, written: Format, separator: str) -> str:
    """As precise as the source is: from the schema, for a frame may hold midnights only."""
    if column.form == "date" and written.zone is None:
        return "%Y-%m-%d"
    digits = column.decimals or 0
    fraction = f".%{digits}f" if digits else ""
    zone = "%z" if written.zone is not None else ""
    return f"%Y-%m-%d{separator}%H:%M:%S{fraction}{zone}"


def escaped(texts: pa.Array, column: Column) -> pa.Array:
    """Texts that a spreadsheet would take for a formula, behind an apostrophe."""
    if format_of(column).sort not in ("text", "code") and column.kind != "identifier":
        return texts
    return pc.if_else(
        pc.fill_null(pc.match_substring_regex(texts, _FORMULA), False),
        pc.binary_join_element_wise("'", texts, ""),
        texts,
    )


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file for bytes; packed where its name, less what marks it as hidden, says so."""
    if re.search(r"\.gz(\..*-\d+\.partial)?$", path.name):
        with gzip.open(path, "wb", compresslevel=5) as file:
            yield file  # type: ignore[misc]
    else:
        with path.open("wb") as file:
            yield file
