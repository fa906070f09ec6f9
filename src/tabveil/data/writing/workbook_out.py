"""Rows as an Excel workbook: cells of the source's kinds, shown as the source shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from tabveil.data.formats.column_format import TEXT, Format
from tabveil.data.formats.number_format import AS_TEXT, number_format_of, of_pattern
from tabveil.data.formats.number_spelling import MOST_DIGITS, MOST_PLACES
from tabveil.data.reading.bounds import shown
from tabveil.data.schema import Column, Schema
from tabveil.data.writing.cell_texts import FORMULA_SIGNS, escaped, format_of, pattern_of, texts_of
from tabveil.errors import ConfigError

MOST_ROWS = 1_048_575
"""Below the names; Excel has no more."""
_LONGEST = 32_767
"""Characters of a cell."""
_FIRST_DAY, _LAST_DAY = np.datetime64("1900-03-01"), np.datetime64("9999-12-31T23:59:59.999")
"""Between them Excel's days are the calendar's."""
_ORIGIN = np.datetime64("1899-12-30")
_NO_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML does not hold, and what would be read as its escape."""
Cell = str | int | float | bool | None


@contextmanager
def write_workbook(
    path: Path, schema: Schema, *, escape_formulas: bool = False
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Open a workbook for rows; see `rows_out.write_frames`.

    A text is a text whatever it begins with: Excel runs none of them.

    Raises ConfigError for more rows or longer texts than a workbook holds.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_title(schema))
    columns = [_Column(sheet, column) for column in schema.columns]
    sheet.append([name and _text_cell(sheet, name) for name in _names(schema, escape_formulas)])
    n_rows = 0

    def write(frame: pd.DataFrame) -> None:
        nonlocal n_rows
        n_rows += len(frame)
        check_rows(n_rows, path)
        values = [_cells(frame, c, escape_formulas=escape_formulas) for c in schema.columns]
        for row in zip(*values, strict=True):
            sheet.append([column.cell(v) for column, v in zip(columns, row, strict=True)])

    try:
        yield write
    except BaseException:
        with suppress(OSError):
            sheet.close()
        raise
    book.save(path)


def check_rows(n: int, path: Path) -> None:
    """Raise ConfigError for more rows than a sheet holds."""
    if n > MOST_ROWS:
        raise ConfigError(
            f"out={path}: a sheet holds {MOST_ROWS:,} rows and no more; draw fewer, or write .csv"
        )


def _title(schema: Schema) -> str:
    dialect = schema.dialect
    is_own = dialect is not None and dialect.format == "xlsx"
    return (dialect.sheet if is_own and dialect is not None else None) or "Sheet1"


def _names(schema: Schema, escape_formulas: bool) -> list[str]:
    unnamed = schema.dialect.unnamed if schema.dialect is not None else ()
    names = ["" if name in unnamed else name for name in schema.names]
    if escape_formulas:
        return [f"'{name}" if name.startswith(FORMULA_SIGNS) else name for name in names]
    return names


def _text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet)
    _put_text(cell, text)
    return cell


def _put_text(cell: Any, text: str) -> None:
    cell.value = _NO_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    cell.data_type = "s"  # else a text such as =1+1 or #N/A would be a formula or an error


class _Column:
    """Puts values of a column into cells; one cell is written before the next is filled."""

    def __init__(self, sheet: Any, column: Column) -> None:
        self._name = column.name
        written = _shown(column)
        number_format, short = number_format_of(written), None
        if written.sort == "datetime" and "[" in (written.pattern or ""):
            short = of_pattern(re.sub(r"\[[^\]]*\]", "", written.pattern or ""))
        self._text = _styled(sheet, AS_TEXT if number_format == AS_TEXT else None)
        self._number = _styled(sheet, number_format)
        self._short = _styled(sheet, short) if short and not written.number_format else None

    def cell(self, value: Cell) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            if len(value) > _LONGEST:
                raise ConfigError(
                    f"a text of {shown(self._name)} is longer than {_LONGEST:,} characters, which "
                    f"no workbook holds; write .csv"
                )
            _put_text(self._text, value)
            return self._text
        cell = self._number
        if self._short is not None and isinstance(value, int):
            cell = self._short
        cell.value = value
        return cell


def _styled(sheet: Any, number_format: str | None) -> Any:
    cell = WriteOnlyCell(sheet)
    if number_format is not None:
        cell.number_format = number_format
    return cell


def _shown(column: Column) -> Format:
    """The column's format, with a pattern for dates that have none."""
    format = format_of(column)  # noqa: A001
    if format.sort == "datetime" and format.pattern is None:
        return replace(format, pattern=pattern_of(column, format, " "))
    return format


def _cells(frame: pd.DataFrame, column: Column, *, escape_formulas: bool) -> Sequence[Cell]:
    """A column's values as a workbook has them; None where a cell is left empty."""
    there = frame[column.name].notna().to_numpy()
    cells = np.full(len(frame), None, dtype=object)
    if not there.all() and format_of(column).missing:
        cells[~there] = _texts(frame[~there], column, escape_formulas=False)
    present = frame[there]
    values = _numbers(present[column.name], column)
    if values is None:
        values = _texts(present, column, escape_formulas=escape_formulas)
    else:
        is_gone = np.array([value is None for value in values], dtype=bool)
        if is_gone.any():  # what Excel has no number for
            texts = _texts(present[is_gone], column, escape_formulas=False)
            for i, text in zip(np.flatnonzero(is_gone).tolist(), texts, strict=True):
                values[i] = text
    filled = np.empty(len(values), dtype=object)
    filled[:] = values
    cells[there] = filled
    plain: list[Cell] = cells.tolist()
    return plain


def _texts(frame: pd.DataFrame, column: Column, *, escape_formulas: bool) -> list[Any]:
    texts: pa.Array = texts_of(frame, column)
    if escape_formulas:
        texts = escaped(texts, column)
    plain: list[Any] = texts.to_pylist()
    return plain


def _numbers(values: pd.Series[Any], column: Column) -> list[Any] | None:
    """Values, none missing, as numbers or truth values; None for a column of texts.

    A value for which Excel has no number is None.
    """
    format = _shown(column)  # noqa: A001
    if format.holds_text and format.stored != TEXT:
        return None
    if format.sort == "truth":
        return [bool(value) for value in values]
    if format.sort == "datetime" and format.stored.startswith(("int", "uint")):
        return _from_digits(values, column)
    if format.sort == "datetime":
        is_shown = format.zone is None and number_format_of(format) is not None
        return _days(values) if is_shown else None
    if format.sort in ("time", "duration"):
        return _parts_of_days(values, format)
    if format.sort in ("whole", "decimal"):
        return _plain_numbers(values, column)
    if format.holds_text:
        return None
    return _from_digits(values, column)


def _plain_numbers(values: pd.Series[Any], column: Column) -> list[Any]:
    format = format_of(column)  # noqa: A001
    if not pd.api.types.is_numeric_dtype(values):
        return _from_digits(values, column)
    if format.sort == "whole":
        whole = values.to_numpy()
        if not pd.api.types.is_integer_dtype(values):
            whole = np.rint(values.to_numpy(dtype=float)).astype(np.int64)
        return [int(n) if abs(int(n)) < 10**MOST_DIGITS else None for n in whole]
    numbers = values.to_numpy(dtype=float)
    if format.stored == "float":  # Arrow's name of 32 bits: as short as they are
        return [float(str(number)) for number in numbers.astype(np.float32)]
    most = MOST_PLACES + 1 if format.spelling is None else format.spelling.places[1]
    is_rounded = most <= MOST_PLACES and not (format.spelling and format.spelling.exponent)
    return [float(n) for n in (np.round(numbers, most) if is_rounded else numbers)]


def _from_digits(values: pd.Series[Any], column: Column) -> list[Any]:
    """Whole numbers that a float holds exactly; None for all else, which stays a text."""
    texts = texts_of(values.to_frame(column.name), column).to_pylist()
    pattern = re.compile(rf"-?(0|[1-9]\d{{0,{MOST_DIGITS - 1}}})")
    return [int(text) if pattern.fullmatch(text) else None for text in texts]


def _days(values: pd.Series[Any]) -> list[Any]:
    """Days since Excel's first, as whole numbers where there is no time of day."""
    stamps: NDArray[np.datetime64] = values.to_numpy().astype("datetime64[us]")
    inside = (stamps >= _FIRST_DAY) & (stamps <= _LAST_DAY)
    micros = np.where(inside, stamps, _FIRST_DAY.astype("datetime64[us]")) - _ORIGIN
    days = micros.astype(np.int64) / 86_400_000_000
    return [
        (int(day) if day.is_integer() else day) if fits else None
        for day, fits in zip(days.tolist(), inside.tolist(), strict=True)
    ]


def _parts_of_days(values: pd.Series[Any], format: Format) -> list[Any]:  # noqa: A002
    seconds = np.rint(values.to_numpy(dtype=float) * format.unit * 1000) / 1000
    if format.sort == "time":
        seconds = np.clip(seconds, 0, 86_400 - 1e-3)
    # Excel shows no time below zero.
    return [float(s) / 86_400 if s >= 0 else None for s in seconds.tolist()]
