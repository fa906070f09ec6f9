"""A sheet of an Excel workbook as columns: where its table lies, and what its cells are.

The table is the only one on its sheet: names in one row, rows below it without a break. Whatever
leaves that open, such as merged cells or a second table, is refused in words. Dates and times are
numbers that a number format shows as such; a column of numbers with a few texts, as people type
them, becomes a column of texts, whose format is found as that of delimited text is.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tabveil.data.formats.number_format import GENERAL, clock_of, has_time
from tabveil.data.reading.bounds import Bounds, check_names, shown
from tabveil.data.reading.raw import Dialect, RawTable
from tabveil.data.reading.workbook_parts import (
    ERROR,
    FLOAT,
    LONG,
    TEXT,
    TRUTH,
    WHOLE,
    Column,
    Grid,
    Sheet,
    Workbook,
    letters_of,
    open_workbook,
)
from tabveil.errors import DataError

_DATE, _TIME, _DURATION = 10, 11, 12
"""What a number is that a number format shows as one; beside the kinds of cells."""
_KINDS = {"date": _DATE, "time": _TIME, "duration": _DURATION}
_AFTER_9999 = 2_958_466
"""The day after the last that Excel knows, counted from its first."""
_FALSE_LEAP_DAY = 60
"""Excel counts a 29 February 1900, as Lotus did: days before it are one off."""
_1904 = 1462
_DAY_MS = 86_400_000
_MOST_CELLS = 400_000_000
"""As many as the largest table of twenty columns has."""
_MOST_TEXT = 2_000_000_000
"""Bytes of a column's texts that one Arrow array holds."""
_LARGEST_WHOLE = 1e15
_LISTED = 20


def read_workbook(path: Path, *, sheet: str | None, bounds: Bounds) -> RawTable:
    """Read the table on a sheet.

    Args:
        path: the workbook, .xlsx or .xlsm.
        sheet: its name, or its number from 1; None: the only one that holds cells.
        bounds: how large the table may be.

    Raises:
        DataError: it is no workbook, the sheet is unknown or several hold cells, or the sheet
            holds no single table; the message names the row or the column.
    """
    with open_workbook(path) as workbook:
        chosen, notes = _chosen(workbook, sheet, path)
        grid = workbook.grid(chosen)
        styles, is_from_1904 = workbook.number_formats, workbook.is_from_1904
    where = f"{path}, sheet {shown(chosen.name)}"
    table = _Table(grid, styles, is_from_1904=is_from_1904, where=where, bounds=bounds)
    place = table.found()
    notes += table.notes
    columns, texts, number_formats = {}, set(), {}
    for number, name in place.names.items():
        columns[name], is_text = table.column(number, place, name)
        if is_text:
            texts.add(name)
        number_format = table.number_format(number, place)
        if number_format != GENERAL:
            number_formats[name] = number_format
    if grid.n_hidden:
        notes.append(f"hidden rows are read as all others ({grid.n_hidden} of the sheet)")
    return RawTable(
        columns,
        Dialect("xlsx", unnamed=place.unnamed, sheet=chosen.name),
        texts=frozenset(texts),
        number_formats=number_formats,
        notes=(*notes, *table.errors),
    )


def _chosen(workbook: Workbook, asked: str | None, path: Path) -> tuple[Sheet, list[str]]:
    """The sheet by its name or number, else the only one; and what is to be said of the choice."""
    sheets = workbook.sheets
    if not sheets:
        raise DataError(f"{path} is a workbook without sheets")
    if asked is not None:
        return _asked_for(sheets, asked.strip(), path), []
    if len(sheets) == 1 and sheets[0].part is not None:
        return sheets[0], []
    filled = [s for s in sheets if workbook.holds_cells(s)]
    visible = [s for s in filled if not s.is_hidden] or filled
    if len(visible) == 1:
        hidden = len(filled) - 1
        return visible[0], [f"{hidden} hidden sheets were passed over"] if hidden else []
    if not visible:
        raise DataError(f"{path} holds no cells")
    raise DataError(
        f"{path}: several sheets hold cells: {_listed(visible, sheets)}; name one by "
        f"dataset.sheet=…, its name or its number (sheet=… of inspect)"
    )


def _asked_for(sheets: Sequence[Sheet], asked: str, path: Path) -> Sheet:
    by_name = [s for s in sheets if s.name == asked]
    by_name = by_name or [s for s in sheets if s.name.strip().casefold() == asked.casefold()]
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    if by_name:
        sheet = by_name[0]
    elif 0 < number <= len(sheets):
        sheet = sheets[number - 1]
    else:
        raise DataError(f"{path} has no sheet {shown(asked)}; it has {_listed(sheets, sheets)}")
    if sheet.part is None:
        raise DataError(f"{path}: sheet {shown(sheet.name)} holds no cells")
    return sheet


def _listed(some: Sequence[Sheet], all_: Sequence[Sheet]) -> str:
    named = [f"{all_.index(sheet) + 1} {shown(sheet.name)}" for sheet in some[:_LISTED]]
    more = f" and {len(some) - _LISTED} more" if len(some) > _LISTED else ""
    return ", ".join(named) + more


@dataclass(frozen=True)
class _Place:
    """Where a table lies: the row of its names, its last row, and its columns by number."""

    header: int
    last: int
    names: dict[int, str]
    unnamed: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        return self.last - self.header


class _Table:
    """The table on a sheet."""

    def __init__(
        self, grid: Grid, styles: Sequence[str], *, is_from_1904: bool, where: str, bounds: Bounds
    ) -> None:
        self._grid, self._styles, self._where, self._bounds = grid, styles, where, bounds
        self._shift = _1904 if is_from_1904 else 0
        self._texts = pa.array(grid.texts, pa.large_string())
        trimmed = pc.utf8_trim_whitespace(self._texts)
        self._is_blank = np.asarray(pc.equal(trimmed, ""), dtype=bool)
        self._lengths = np.asarray(pc.utf8_length(self._texts), dtype=np.int64)
        self._n_bytes = np.asarray(pc.binary_length(self._texts), dtype=np.int64)
        clocks = [clock_of(style) for style in styles]
        self._clocks = np.array([_KINDS.get(c or "", 0) for c in clocks], dtype=np.int64)
        self.notes: list[str] = []
        self.errors: list[str] = []

    # --- where it lies ---

    def found(self) -> _Place:
        """Find the row of names, the columns and the last row."""
        rows = {n: self._filled_rows(c) for n, c in sorted(self._grid.columns.items())}
        rows = {number: filled for number, filled in rows.items() if len(filled)}
        if not rows:
            raise DataError(f"{self._where} holds no cells")
        self._bounds.check_columns(len(rows), self._where)
        counts = np.bincount(np.concatenate(list(rows.values())))
        header = self._header(counts, rows)
        last = len(counts) - 1
        numbers = [n for n, filled in rows.items() if filled.max() >= header]
        self._check_merged(header, last, numbers)
        gaps = np.flatnonzero(counts[header:] == 0)
        if len(gaps):
            empty = header + int(gaps[0])
            raise DataError(
                f"{self._where}: row {empty} is empty, and there are cells below it; delete the "
                f"empty row, or what is no part of the table"
            )
        names, unnamed = self._names(header, numbers)
        self._bounds.check_rows(last - header, self._where)
        if (last - header) * len(names) > _MOST_CELLS:
            raise DataError(f"{self._where} holds more than {_MOST_CELLS:,} cells; leave some out")
        return _Place(header, last, names, unnamed)

    def _filled_rows(self, column: Column) -> NDArray[np.int64]:
        """Rows of cells that are more than blanks."""
        rows = np.frombuffer(column.rows, dtype=np.uint32).astype(np.int64)
        kinds = np.frombuffer(column.kinds, dtype=np.uint8)
        is_text = kinds == TEXT
        if not is_text.any():
            return rows
        places = np.where(is_text, np.frombuffer(column.values, dtype=np.float64), 0)
        filled: NDArray[np.int64] = rows[~(is_text & self._is_blank[places.astype(np.int64)])]
        return filled

    def _header(self, counts: NDArray[np.int64], rows: dict[int, NDArray[np.int64]]) -> int:
        """The row of names: the first of more than one cell; single cells above it are titles."""
        filled = np.flatnonzero(counts)
        first = int(filled[0])
        if len(rows) == 1 or counts[first] > 1:
            return first
        wide = np.flatnonzero(counts > 1)
        if not len(wide):
            raise DataError(f"{self._where}: no row holds more than one cell; put a table there")
        header = int(wide[0])
        titles = filled[filled < header].tolist()
        if not self._is_of_names(header, [n for n, r in rows.items() if r.max() >= header]):
            raise DataError(
                f"{self._where}: row {first} holds a single cell, and row {header} does not look "
                f"like names; delete titles, and give each column a name"
            )
        some = ", ".join(map(str, titles[:5])) + (", …" if len(titles) > 5 else "")
        what = f"row {some}, a title," if len(titles) == 1 else f"rows {some}, titles,"
        self.notes.append(f"{what} above the names was passed over")
        return header

    def _is_of_names(self, row: int, numbers: Sequence[int]) -> bool:
        """Whether a row below a title holds names: texts, above other kinds where they are two."""
        cells = [(n, self._cell(n, row)) for n in numbers]
        kinds = {n: cell[0] for n, cell in cells if cell is not None}
        if set(kinds.values()) != {TEXT}:
            return False
        if len(kinds) > 2:
            return True
        below = [np.frombuffer(self._grid.columns[n].kinds, dtype=np.uint8) for n in kinds]
        return any((column != TEXT).mean() > 0.5 for column in below)

    def _cell(self, number: int, row: int) -> tuple[int, float, int] | None:
        """Kind, value and style of a cell."""
        column = self._grid.columns[number]
        found = np.flatnonzero(np.frombuffer(column.rows, dtype=np.uint32) == row)
        if not len(found):
            return None
        i = int(found[-1])
        return column.kinds[i], column.values[i], column.styles[i]

    def _names(self, header: int, numbers: list[int]) -> tuple[dict[int, str], tuple[str, ...]]:
        """The names of the columns; only the first may lack one, as an index of rows does."""
        told = {n: self._name(n, header) for n in numbers}
        for before, number in pairwise(numbers):
            if number != before + 1:
                raise DataError(
                    f"{self._where}: column {letters_of(before + 1)} is empty, and there are cells "
                    f"to the right of it; delete what is no part of the table"
                )
            if not told[number]:
                raise DataError(
                    f"{self._where}: column {letters_of(number)} has cells and no name in row "
                    f"{header}; name it, or delete what is no part of the table"
                )
        check_names([name for name in told.values() if name], self._where)
        unnamed: tuple[str, ...] = ()
        if not told[numbers[0]]:
            name = "Unnamed: 0"
            while name in told.values():
                name += "_"
            told[numbers[0]] = name
            unnamed = (name,)
        return told, unnamed

    def _name(self, number: int, header: int) -> str:
        cell = self._cell(number, header)
        if cell is None:
            return ""
        kind, value, style = cell
        if kind == ERROR:
            raise DataError(
                f"{self._where}: cell {letters_of(number)}{header} holds an error in place of a "
                f"name; name the column"
            )
        if kind == TEXT:
            text = self._grid.texts[int(value)]
            self._bounds.check_field(len(text), f"{self._where}, row {header}", "a name")
            return text if text.strip() else ""
        kinds = self._dated(np.array([kind]), np.array([value]), np.array([style]))
        return str(self._as_texts(kinds, np.array([value]), np.array([style]))[0])

    def _check_merged(self, header: int, last: int, numbers: Sequence[int]) -> None:
        low, high = numbers[0], numbers[-1]
        for top, left, bottom, right in self._grid.merged:
            if (top, left) == (bottom, right):
                continue
            area = f"{letters_of(left)}{top}:{letters_of(right)}{bottom}"
            if top <= header:
                raise DataError(
                    f"{self._where}: cells {area} are merged, in or above the names of the "
                    f"columns; unmerge them so that one row holds all names, or name a sheet that "
                    f"holds the table alone"
                )
            if top <= last and left <= high and right >= low:
                raise DataError(
                    f"{self._where}: cells {area} are merged, and only the first holds their "
                    f"value; unmerge them, and fill each cell"
                )

    # --- what its cells are ---

    def column(self, number: int, place: _Place, name: str) -> tuple[pa.ChunkedArray, bool]:
        """A column's cells, shape (n_rows,), and whether all of them are texts."""
        rows, kinds, values, styles = self._cells(number, place)
        n = place.n_rows
        wrong = kinds == ERROR
        if wrong.any():
            words = {self._grid.texts[int(v)] for v in np.unique(values[wrong])[:5]}
            told = ", ".join(sorted(word for word in words if word.startswith("#")))
            self.errors.append(
                f"{int(wrong.sum())} cells of {shown(name)} hold an error ({told}) and are missing"
            )
            rows, kinds, values, styles = (a[~wrong] for a in (rows, kinds, values, styles))
        kinds = self._settled(kinds, values)
        present = set(np.unique(kinds).tolist())
        if not present:
            return pa.chunked_array([pa.nulls(n)]), False
        array = self._array(present, kinds, values, styles, name)
        places = np.full(n, -1, dtype=np.int64)
        places[rows] = np.arange(len(rows))
        indices = pa.array(places, mask=places < 0)
        return pa.chunked_array([array.take(indices)]), present == {TEXT}

    def number_format(self, number: int, place: _Place) -> str:
        """The number format in which most of a column's cells are shown: of its numbers, if any."""
        _, kinds, _, styles = self._cells(number, place)
        counted = styles[~np.isin(kinds, (TEXT, TRUTH, ERROR))]
        counted = counted if len(counted) else styles
        if not len(counted):
            return GENERAL
        shares: dict[str, int] = {}
        for style, n in zip(*np.unique(counted, return_counts=True), strict=True):
            code = self._styles[style]
            shares[code] = shares.get(code, 0) + int(n)
        return max(shares, key=lambda code: shares[code])

    def _cells(
        self, number: int, place: _Place
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Rows from 0, kinds, values and styles of the cells below the names."""
        column = self._grid.columns[number]
        rows = np.frombuffer(column.rows, dtype=np.uint32).astype(np.int64) - place.header - 1
        inside = (rows >= 0) & (rows < place.n_rows)
        kinds = np.frombuffer(column.kinds, dtype=np.uint8).astype(np.int64)[inside]
        values = np.frombuffer(column.values, dtype=np.float64)[inside]
        styles = np.frombuffer(column.styles, dtype=np.uint32).astype(np.int64)[inside]
        styles = np.where(styles < len(self._styles), styles, 0)
        return rows[inside], self._dated(kinds, values, styles), values, styles

    def _dated(
        self, kinds: NDArray[np.int64], values: NDArray[np.float64], styles: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Kinds in which numbers are dates and times where they are shown as such."""
        clocks = self._clocks[np.where(styles < len(self._clocks), styles, 0)]
        is_number = (kinds == WHOLE) | (kinds == FLOAT)
        is_day = (clocks == _DATE) & (values >= 1) & (values + self._shift < _AFTER_9999)
        is_time = (clocks == _TIME) & (values >= 0) & (values + self._shift < _AFTER_9999)
        is_duration = (clocks == _DURATION) & (np.abs(values) < _AFTER_9999)
        return np.where(is_number & (is_day | is_time | is_duration), clocks, kinds)

    def _settled(self, kinds: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Times of a day and more are durations, or days of which only the time is shown."""
        is_time = kinds == _TIME
        beyond = values[is_time] >= 1
        if not beyond.any():
            return kinds
        if beyond.all() and values[is_time].min() > 366:
            return np.where(is_time, _DATE, kinds)
        return np.where(is_time, _DURATION, kinds)

    def _array(
        self,
        present: set[int],
        kinds: NDArray[np.int64],
        values: NDArray[np.float64],
        styles: NDArray[np.int64],
        name: str,
    ) -> pa.Array:
        if present <= {WHOLE, FLOAT, LONG}:
            return self._numbers(present, kinds, values, name)
        if present == {TRUTH}:
            return pa.array(values != 0)
        if present == {_DATE}:
            return self._dates(values, styles)
        if present == {_TIME}:
            return pa.array(_microseconds(values % 1) % (_DAY_MS * 1000)).cast(pa.time64("us"))
        if present == {_DURATION}:
            return pa.array(_microseconds(values)).cast(pa.duration("us"))
        if present == {TEXT}:
            places = values.astype(np.int64)
            self._check_texts(places, name)
            return self._texts.take(pa.array(places)).cast(pa.string())
        if TEXT in present:
            self._check_texts(values[kinds == TEXT].astype(np.int64), name)
        return pa.array(self._as_texts(kinds, values, styles), pa.string())

    def _check_texts(self, places: NDArray[np.int64], name: str) -> None:
        self._bounds.check_field(int(self._lengths[places].max()), self._where, name)
        if self._n_bytes[places].sum() > _MOST_TEXT:
            raise DataError(f"{self._where}: {shown(name)} holds more than 2 GB of texts; cut them")

    def _numbers(
        self,
        present: set[int],
        kinds: NDArray[np.int64],
        values: NDArray[np.float64],
        name: str,
    ) -> pa.Array:
        is_long = kinds == LONG
        numbers = values
        if is_long.any():
            texts = [self._grid.texts[int(v)] for v in values[is_long]]
            if FLOAT not in present:
                whole = values.astype(np.int64).tolist()
                for i, text in zip(np.flatnonzero(is_long).tolist(), texts, strict=True):
                    whole[i] = int(text) if len(text) <= 20 else 1 << 64
                try:
                    return pa.array(whole, pa.int64())
                except (OverflowError, pa.ArrowInvalid):  # digits that no number holds: a code
                    return pa.array(self._as_texts(kinds, values, np.zeros_like(kinds)))
            numbers = values.copy()
            numbers[is_long] = [float(text) for text in texts]
        if not np.isfinite(numbers).all():
            raise DataError(f"{self._where}: {shown(name)} holds a number beyond 1e308; cap it")
        if not (numbers % 1).any() and np.abs(numbers).max() < _LARGEST_WHOLE:
            return pa.array(numbers.astype(np.int64))
        return pa.array(numbers)

    def _dates(self, values: NDArray[np.float64], styles: NDArray[np.int64]) -> pa.Array:
        """Days; with a time where a cell has one, or where a time is shown."""
        stamps = self._stamps(values)
        shows_time = np.array([has_time(style) for style in self._styles])[styles]
        if not (values % 1).any() and not shows_time.any():
            return pa.array(stamps.astype("datetime64[D]"))
        return pa.array(stamps.astype("datetime64[us]"))

    def _stamps(self, values: NDArray[np.float64]) -> NDArray[np.datetime64]:
        days = values + self._shift
        days = np.where(days < _FALSE_LEAP_DAY, days + 1, days)
        first = np.datetime64("1899-12-30", "ms")
        stamps: NDArray[np.datetime64] = first + np.rint(days * _DAY_MS).astype("timedelta64[ms]")
        return stamps

    def _as_texts(
        self, kinds: NDArray[np.int64], values: NDArray[np.float64], styles: NDArray[np.int64]
    ) -> list[str]:
        """Cells of several kinds, each as a text."""
        stamps = self._stamps(np.where(kinds == _DATE, values, 1)).astype(object)
        shows_time = np.array([has_time(style) for style in self._styles])[styles]
        texts = []
        for kind, value, stamp, shows in zip(
            kinds.tolist(), values.tolist(), stamps, shows_time.tolist(), strict=True
        ):
            if kind in (TEXT, LONG):
                texts.append(self._grid.texts[int(value)])
            elif kind == TRUTH:
                texts.append("TRUE" if value else "FALSE")
            elif kind == _DATE:
                texts.append(_day_text(stamp, with_time=shows or value % 1 > 0))
            elif kind in (_TIME, _DURATION):
                texts.append(_clock_text(value))
            else:
                texts.append(_number_text(value))
        return texts


def _microseconds(days: NDArray[np.float64]) -> NDArray[np.int64]:
    """To the millisecond, which is what Excel shows at most."""
    micros: NDArray[np.int64] = np.rint(days * _DAY_MS).astype(np.int64) * 1000
    return micros


def _number_text(value: float) -> str:
    """The shortest text of a number.

    >>> _number_text(3.0), _number_text(0.1), _number_text(1e-7)
    ('3', '0.1', '0.0000001')
    """
    text: str = np.format_float_positional(value, trim="-")
    return text


def _day_text(stamp: Any, *, with_time: bool) -> str:
    assert isinstance(stamp, datetime.datetime)
    return str(stamp) if with_time else str(stamp.date())


def _clock_text(days: float) -> str:
    seconds = round(abs(days) * 86_400)
    sign = "-" if days < 0 and seconds else ""
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
