"""The parts of an Excel workbook (ECMA-376): its sheets, shared texts, number formats and cells.

A workbook is a zip archive of XML files. They are read with expat, one element after the other:
no document type is accepted, so that no entity is ever expanded, and nothing is believed of the
sizes that the archive tells until they are within bounds.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS

from tabveil.data.reading.bounds import shown
from tabveil.data.reading.files import office_error
from tabveil.errors import DataError

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
"""Of a sheet, by Excel's own limits."""
GAP, WHOLE, FLOAT, LONG, TEXT, TRUTH, ERROR = range(7)
"""What a cell holds. LONG: a whole number of more digits than a float holds, kept as a text."""

_LARGEST = 4 << 30
"""Bytes of all parts unpacked: a full sheet of thirty columns has one gigabyte."""
_LARGEST_SMALL = 64 << 20
"""Bytes of a part other than sheets and shared texts."""
_DENSE, _MOST_DENSE = 64 << 20, 200
"""Sheets are packed to a twentieth; a part beyond these bytes and this ratio is a bomb."""
_CHUNK = 1 << 18
_LONG_DIGITS = 15
_EAST_ASIAN = {
    **dict.fromkeys((*range(27, 32), 36, *range(50, 59)), "yyyy-mm-dd"),
    **dict.fromkeys(range(32, 36), "h:mm:ss"),
}
"""Number formats that depend on the language, and how they are shown here."""
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DAMAGE = (
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True)
class Sheet:
    """A sheet by its name; `part` is None where it holds a chart and no cells."""

    name: str
    part: str | None
    is_hidden: bool = False


@dataclass
class Column:
    """The cells of a sheet's column that hold something, in the order of the file.

    Attributes:
        rows: from 1.
        kinds: GAP to ERROR.
        values: the number; of a text, its place among the sheet's texts.
        styles: places among the workbook's cell formats.
    """

    rows: array[int] = field(default_factory=lambda: array("I"))
    kinds: bytearray = field(default_factory=bytearray)
    values: array[float] = field(default_factory=lambda: array("d"))
    styles: array[int] = field(default_factory=lambda: array("I"))


@dataclass(frozen=True)
class Grid:
    """The cells of a sheet.

    Attributes:
        columns: number from 1 → cells.
        texts: that cells refer to.
        merged: corners of merged areas: first row, first column, last row, last column.
        n_hidden: rows that are hidden, by a filter or by hand.
    """

    columns: Mapping[int, Column]
    texts: list[str]
    merged: list[tuple[int, int, int, int]]
    n_hidden: int


class Workbook:
    """A workbook that is open for reading."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        """Read nothing yet."""
        self._path, self._archive = path, archive
        self._members = {info.filename.lstrip("/").lower(): info for info in archive.infolist()}

    @cached_property
    def sheets(self) -> list[Sheet]:
        """All sheets, in the workbook's order."""
        targets = self._targets(self._main)
        sheets = []
        for name, attributes in self._elements(self._main):
            if name == "sheet":
                key = next((v for k, v in attributes.items() if k.endswith(":id")), "")
                kind, target = targets.get(key, ("", ""))
                is_hidden = attributes.get("state", "visible") != "visible"
                part = target if kind.endswith("/worksheet") and self._has(target) else None
                sheets.append(Sheet(attributes["name"], part, is_hidden))
        return sheets

    @cached_property
    def is_from_1904(self) -> bool:
        """Whether days are counted from 1904 on, as old Macs did."""
        told = next((a for n, a in self._elements(self._main) if n == "workbookPr"), {})
        return told.get("date1904", "0") in ("1", "true", "on")

    @cached_property
    def number_formats(self) -> list[str]:
        """How cells are shown, by their style."""
        part = self._related(self._main, "/styles")
        if part is None:
            return ["General"]
        codes: dict[int, str] = {**BUILTIN_FORMATS, **_EAST_ASIAN}
        styles, is_of_cells = [], False
        for name, attributes in self._elements(part):
            if name == "numFmt" and "numFmtId" in attributes:
                codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "General")
            elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
                is_of_cells = name == "cellXfs"
            elif name == "xf" and is_of_cells:
                styles.append(int(attributes.get("numFmtId", 0)))
        return [codes.get(style, "General") for style in styles] or ["General"]

    def holds_cells(self, sheet: Sheet) -> bool:
        """Whether some cell of the sheet has a value."""
        if sheet.part is None:
            return False
        return any(name in ("v", "t") for name, _ in self._elements(sheet.part, is_small=False))

    def grid(self, sheet: Sheet) -> Grid:
        """The cells of a sheet.

        Raises DataError for a formula that has no value.
        """
        assert sheet.part is not None
        part = self._related(self._main, "/sharedStrings")
        texts = [] if part is None else self._shared_texts(part)
        reader = _GridReader(texts, f"{self._path}, sheet {shown(sheet.name)}")
        with self._open(sheet.part, is_small=False) as stream:
            for _ in _parsed(stream, reader.start, reader.end, reader.characters):
                pass
        return Grid(reader.columns, texts, reader.merged, reader.n_hidden)

    # --- parts ---

    @cached_property
    def _main(self) -> str:
        part = self._related("", "/officeDocument") or "xl/workbook.xml"
        if not part.endswith(".xml") or not self._has(part):
            raise DataError(f"{self._path} is no workbook that can be read; save it as .xlsx")
        return part

    def _has(self, part: str) -> bool:
        return part.lower() in self._members

    def _targets(self, part: str) -> dict[str, tuple[str, str]]:
        """The parts to which a part refers: id → kind and name."""
        folder, name = posixpath.split(part)
        related = posixpath.join(folder, "_rels", f"{name}.rels")
        if not self._has(related):
            return {}
        return {
            a.get("Id", ""): (
                a.get("Type", ""),
                posixpath.normpath(posixpath.join("/", folder, a["Target"])).lstrip("/"),
            )
            for tag, a in self._elements(related)
            if tag == "Relationship" and a.get("TargetMode") != "External" and "Target" in a
        }

    def _related(self, part: str, kind: str) -> str | None:
        found = (name for type_, name in self._targets(part).values() if type_.endswith(kind))
        return next((name for name in found if self._has(name)), None)

    @contextlib.contextmanager
    def _open(self, part: str, *, is_small: bool = True) -> Iterator[BinaryIO]:
        info = self._members[part.lower()]
        is_bomb = info.file_size > _DENSE and info.file_size > _MOST_DENSE * info.compress_size
        if is_bomb or info.file_size > (_LARGEST_SMALL if is_small else _LARGEST):
            raise DataError(f"{self._path} unpacks to far more than a table holds; export it again")
        with self._archive.open(info) as stream:
            yield stream  # type: ignore[misc]

    def _elements(
        self, part: str, *, is_small: bool = True
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """All elements of a part as they begin, and their attributes."""
        begun: list[tuple[str, dict[str, str]]] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            begun.append((_local(name), attributes))

        with self._open(part, is_small=is_small) as stream:
            for _ in _parsed(stream, start):
                yield from begun
                begun.clear()

    def _shared_texts(self, part: str) -> list[str]:
        reader = _TextsReader()
        with self._open(part, is_small=False) as stream:
            for _ in _parsed(stream, reader.start, reader.end, reader.characters):
                pass
        return reader.texts


@contextlib.contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """Open a workbook; damage that shows while it is read is said, too.

    Raises DataError for what is no workbook, is encrypted, damaged or far too large.
    """
    with path.open("rb") as file:
        start = file.read(8)
        if not start.startswith(b"PK"):
            raise office_error(path) or DataError(
                f"{path} is no Excel workbook; name the format that it has by dataset.format"
            )
        try:
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
                if error := office_error(path, known=True):
                    raise error
                if sum(info.file_size for info in infos) > _LARGEST:
                    raise DataError(f"{path} unpacks to more than 4 GB; export the sheet as CSV")
                if any(info.flag_bits & 1 for info in infos):
                    raise DataError(f"{path} is encrypted; save it without a password")
                yield Workbook(path, archive)
        except _DAMAGE as error:
            raise DataError(
                f"{path} is a damaged workbook ({type(error).__name__}); save it again in a "
                f"spreadsheet program"
            ) from error


Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


def _parsed(
    stream: BinaryIO,
    start: Start,
    end: End | None = None,
    characters: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Parse XML chunk by chunk; comes back after each. Raises ValueError for a document type."""

    def refuse(*_: Any) -> None:
        raise ValueError("a workbook's parts have no document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    if characters is not None:
        parser.CharacterDataHandler = characters
    while chunk := stream.read(_CHUNK):
        parser.Parse(chunk, False)
        yield
    parser.Parse(b"", True)
    yield


def _local(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2] if ":" in name else name


def _unescaped(text: str) -> str:
    """Signs that XML does not hold are written as _x000D_."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class _TextsReader:
    """Shared texts; of a text in several fonts, all its runs; without its pronunciation."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._runs: list[str] = []
        self._depth = 0
        self._is_open = False

    def start(self, name: str, _: dict[str, str]) -> None:
        name = _local(name)
        if name == "si":
            self._runs = []
        elif name == "rPh":
            self._depth += 1
        elif name == "t":
            self._is_open = not self._depth

    def characters(self, text: str) -> None:
        if self._is_open:
            self._runs.append(text)

    def end(self, name: str) -> None:
        name = _local(name)
        if name == "t":
            self._is_open = False
        elif name == "rPh":
            self._depth -= 1
        elif name == "si":
            self.texts.append(_unescaped("".join(self._runs)))


class _GridReader:
    """Cells of a sheet."""

    def __init__(self, texts: list[str], where: str) -> None:
        """Wait for elements; texts that stand in cells are added to the shared ones."""
        self.columns: dict[int, Column] = {}
        self.merged: list[tuple[int, int, int, int]] = []
        self.n_hidden = 0
        self._texts, self._where = texts, where
        self._n_shared = len(texts)
        self._places: dict[str, int] = {}
        self._letters: dict[str, int] = {}
        self._row = self._column = 0
        self._is_in_cell = self._has_formula = self._is_open = self._has_value = False
        self._phonetic = 0
        self._type = "n"
        self._style = 0
        self._runs: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = _local(name)
        if name == "c":
            self._begin_cell(attributes)
        elif name == "v":
            self._is_open = self._has_value = self._is_in_cell
        elif name == "row":
            self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
            self._column = 0
            self.n_hidden += attributes.get("hidden") in ("1", "true")
            if not 0 < self._row <= MOST_ROWS:
                raise ValueError("no such row")
        elif name == "f":
            self._has_formula = self._is_in_cell
        elif name == "rPh":
            self._phonetic += 1
        elif name == "t":
            self._is_open = self._is_in_cell and not self._phonetic
        elif name == "mergeCell":
            self.merged.append(self._area(attributes["ref"]))

    def characters(self, text: str) -> None:
        if self._is_open:
            self._runs.append(text)

    def end(self, name: str) -> None:
        if ":" in name:
            name = _local(name)
        if name in ("v", "t"):
            self._is_open = False
        elif name == "c":
            self._end_cell()
        elif name == "rPh":
            self._phonetic -= 1

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        if place is None:
            self._column += 1
        else:
            letters = place.rstrip("0123456789")
            self._column = self._letters.get(letters) or self._number(letters)
        if not 0 < self._column <= MOST_COLUMNS or not self._row:
            raise ValueError("no such column")
        self._type = attributes.get("t", "n")
        self._style = int(attributes.get("s", 0))
        self._is_in_cell, self._has_formula, self._has_value = True, False, False
        self._runs = []

    def _end_cell(self) -> None:
        self._is_in_cell = False
        text = "".join(self._runs)
        if self._has_formula and not text and not (self._has_value and self._type == "str"):
            raise DataError(
                f"{self._where}: cell {letters_of(self._column)}{self._row} holds a formula "
                f"without its value; open the workbook in a spreadsheet program and save it"
            )
        if not text:
            return
        kind, value = self._read(text)
        if kind == GAP:
            return
        column = self.columns.get(self._column)
        if column is None:
            column = self.columns[self._column] = Column()
        column.rows.append(self._row)
        column.kinds.append(kind)
        column.values.append(value)
        column.styles.append(self._style)

    def _read(self, text: str) -> tuple[int, float]:
        type_ = self._type
        if type_ == "n":
            text = text.strip()
            if text.isdecimal() and len(text) <= _LONG_DIGITS:
                return WHOLE, float(text)
            digits = text[1:] if text[:1] == "-" else text
            if digits.isdecimal():
                if len(digits) <= _LONG_DIGITS:
                    return WHOLE, float(text)
                return LONG, self._place(text)
            return FLOAT, float(text)
        if type_ == "s":
            place = int(text)
            if not 0 <= place < self._n_shared:
                raise ValueError("no such text")
            return (TEXT, place) if self._texts[place] else (GAP, 0)
        if type_ in ("str", "inlineStr", "d"):
            return TEXT, self._place(_unescaped(text))
        if type_ == "b":
            return TRUTH, float(text.strip() in ("1", "true"))
        if type_ == "e":
            return ERROR, self._place(text)
        raise ValueError("no such type of cell")

    def _place(self, text: str) -> int:
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self._texts)
            self._texts.append(text)
        return place

    def _number(self, letters: str) -> int:
        number = 0
        for letter in letters:
            if not "A" <= letter <= "Z":
                raise ValueError("no such column")
            number = number * 26 + ord(letter) - 64
        self._letters[letters] = number
        return number

    def _area(self, text: str) -> tuple[int, int, int, int]:
        corners = []
        for corner in (text.replace("$", "").split(":") * 2)[:2]:
            letters = corner.rstrip("0123456789")
            corners += [int(corner[len(letters) :]), self._number(letters)]
        top, left, bottom, right = corners
        return top, left, bottom, right


def letters_of(column: int) -> str:
    """A column's letters.

    >>> letters_of(1), letters_of(28)
    ('A', 'AB')
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
