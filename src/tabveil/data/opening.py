"""A source is opened: each column's format is found, and its cells become values.

What a person says of a column, its kind or its dates' pattern, counts before anything is converted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.types as types

from tabveil.data.formats.cells import Cells
from tabveil.data.formats.column_format import Format
from tabveil.data.formats.conversion import to_values
from tabveil.data.formats.format_inference import MISSING_WORDS, Inferred, Told, infer_format
from tabveil.data.formats.number_format import with_shown_places
from tabveil.data.formats.number_spelling import Mark
from tabveil.data.formats.stored_types import from_stored
from tabveil.data.reading.raw import Dialect, RawTable
from tabveil.errors import ConfigError, DataError

_SUMS = re.compile(
    r"(grand |sub)?(total|sum|summe|gesamt|insgesamt|average|mean|mittelwert|durchschnitt|source|"
    r"quelle|note|anmerkung|count|n\s*=)\b",
    re.IGNORECASE,
)
"""Words with which a line begins that sums up or explains a table."""


@dataclass(frozen=True)
class Wishes:
    """What a person says of a table's columns before it is read.

    Attributes:
        kinds: column → kind.
        patterns: column → pattern of its dates, or an example of its numbers.
        missing: words that mean missing in every column; None: the default, which counts beside
            numbers and dates only.
        missing_in: column → words that mean missing there.
        decimal: what stands before decimals in the whole file.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] | None = None
    missing_in: Mapping[str, Sequence[str]] = field(default_factory=dict)
    decimal: Mark | None = None

    @classmethod
    def from_settings(
        cls,
        kinds: Mapping[str, str | dict[str, str]] | None,
        missing: Sequence[str] | Mapping[str, Sequence[str]] | None,
        decimal: Mark | None = None,
    ) -> Self:
        """Read a configuration's `kinds` (column → kind, or kind and format) and `missing`.

        Raises ConfigError where more is said of a column than a kind and a format.
        """
        told = {name: {"kind": t} if isinstance(t, str) else t for name, t in (kinds or {}).items()}
        for name, t in told.items():
            if not t or set(t) - {"kind", "format", "why"}:
                raise ConfigError(
                    f"dataset.kinds.{name}: give a kind, or {{kind: …, format: …}}, not {t}"
                )
        by_column = missing if isinstance(missing, Mapping) else {}
        everywhere = missing if not isinstance(missing, Mapping) else None
        return cls(
            {name: t["kind"] for name, t in told.items() if "kind" in t},
            {name: t["format"] for name, t in told.items() if "format" in t},
            everywhere,
            by_column,
            decimal,
        )

    def of(self, name: str, *, is_text: bool) -> Told:
        """What counts for one column."""
        return Told(
            kind=self.kinds.get(name),
            pattern=self.patterns.get(name),
            missing=self.missing_in.get(name, self.missing),
            is_text=is_text,
            decimal=self.decimal,
        )


@dataclass(frozen=True)
class Opened:
    """A table as it was read.

    Attributes:
        table: shape (n, n_columns): int64, float64, bool, datetime64 or object columns.
        formats: of its columns, by name.
        reasons: column → why it has that format, where that is not plain.
        notes: column → what happens to cells that do not fit.
        ambiguous: column → the readings that its cells leave open; they are read in the first.
        dialect: of the source.
        passed_over: what of the source is not in the table.
    """

    table: pd.DataFrame
    formats: Mapping[str, Format]
    reasons: Mapping[str, str]
    notes: Mapping[str, Sequence[str]]
    ambiguous: Mapping[str, Sequence[str]]
    dialect: Dialect
    passed_over: Sequence[str] = ()

    @property
    def told(self) -> list[str]:
        """The notes, a line each that begins with its column."""
        return [f"{name}: {note}" for name, notes in self.notes.items() for note in notes]

    def check_readings(self) -> None:
        """Raise DataError, with the readings, where some column leaves open how it is read."""
        if not self.ambiguous:
            return
        told = "; ".join(
            f"column {name!r}: {' or '.join(readings)}" for name, readings in self.ambiguous.items()
        )
        name, (first, *_) = next(iter(self.ambiguous.items()))
        raise DataError(f"there are two ways to read {told}. Say which: {asking(name, first)}")


def asking(name: str, reading: str) -> str:
    """What a person types for one reading of a column."""
    kind = "datetime" if "%" in reading else "numeric"
    return f"""dataset.kinds='{{{name}: {{kind: {kind}, format: "{reading}"}}}}'"""


def open_table(raw: RawTable, wishes: Wishes, source: str) -> Opened:
    """Find the formats of a source's columns, and read them.

    Args:
        raw: as its source holds it; the columns are taken from it one by one.
        wishes: of a person.
        source: what messages call it.

    Raises:
        DataError: it holds no rows, a line that is no row, or a column that is not of the kind that
            it was given.
    """
    if not raw.n_rows:
        raise DataError(f"{source} holds no rows")
    read = _Reader(raw, wishes, source)
    names = list(raw.columns)
    for name in names:
        read.column(name)
    read.settle()
    if raw.dialect.format in ("csv", "xlsx"):
        _check_ends(read, source)
    table = pd.DataFrame({name: read.values[name] for name in names}, copy=False)
    return Opened(
        table,
        {name: read.formats[name] for name in names},
        read.reasons,
        read.notes,
        read.ambiguous,
        raw.dialect,
        raw.notes,
    )


class _Reader:
    """Columns that are read, and those that wait for what the others say of the decimal mark."""

    def __init__(self, raw: RawTable, wishes: Wishes, source: str) -> None:
        self._raw, self._wishes, self._source = raw, wishes, source
        self.values: dict[str, Any] = {}
        self.formats: dict[str, Format] = {}
        self.reasons: dict[str, str] = {}
        self.notes: dict[str, Sequence[str]] = {}
        self.ambiguous: dict[str, Sequence[str]] = {}
        self.odd_ends: dict[str, tuple[bool, bool]] = {}
        self.last_texts: dict[str, str] = {}
        self._open: dict[str, tuple[Cells, Inferred]] = {}

    def column(self, name: str) -> None:
        column = self._raw.columns.pop(name)
        type_ = column.type
        is_category = types.is_dictionary(type_)
        held = type_.value_type if is_category else type_
        try:
            if types.is_string(held) or types.is_large_string(held) or types.is_string_view(held):
                self._texts(name, column, is_category=is_category)
            else:
                told = self._wishes.of(name, is_text=False)
                self.values[name], self.formats[name], why = from_stored(column, told)
                self.odd_ends[name] = (False, False)
                if why:
                    self.reasons[name] = why
                if self.formats[name].sort == "truth" and self._raw.dialect.format in (
                    "sql",
                    "jsonl",
                ):
                    # As SQL and JSON write them; data frames write True and False.
                    self.formats[name] = replace(self.formats[name], truths=("false", "true"))
        except DataError as error:
            raise DataError(f"{self._source}: column {name!r} {error}") from None

    def settle(self) -> None:
        """Read what waited: numbers as the file's other columns have them; dates stay open."""
        agreed = _agreed(list(self.formats.values()))
        for name, (cells, inferred) in self._open.items():
            formats = inferred.formats
            if formats[0].sort != "datetime":
                marks = {f.spelling.mark: f for f in formats if f.spelling is not None}
                if agreed in marks:
                    formats = (marks[agreed],)
                elif not marks["."].spelling.group:  # type: ignore[union-attr]
                    formats = (marks["."],)  # 1.234 as every program writes it
            if len(formats) > 1:
                self.ambiguous[name] = [_reading(f) for f in formats]
            self._keep(name, cells, replace(inferred, formats=formats))
        if self._raw.dialect.format == "xlsx":
            for name, known in self.formats.items():
                as_shown = replace(known, number_format=self._raw.number_formats.get(name))
                self.formats[name] = with_shown_places(as_shown, self.values[name])

    def _texts(self, name: str, column: pa.ChunkedArray, *, is_category: bool) -> None:
        dialect = self._raw.dialect
        # Cells of several kinds in one column of a workbook are texts as those of delimited files.
        as_written = dialect.format == "csv" or (
            dialect.format == "xlsx" and name not in self._raw.texts
        )
        is_typed = not as_written or name in self._raw.texts
        told = self._wishes.of(name, is_text=is_typed)
        if is_category and told.kind is None:
            told = replace(told, kind="categorical")
        cells = Cells.from_arrow(column)
        inferred = infer_format(cells, told)
        if not as_written:
            formats = tuple(f.stored_as(str(column.type)) for f in inferred.formats)
            inferred = replace(inferred, formats=formats)
        if name in self._raw.gap_words:
            inferred = self._with_gap_words(name, inferred, column.null_count)
        if len(inferred.formats) > 1:
            self._open[name] = (cells, inferred)
        else:
            self._keep(name, cells, inferred)

    def _with_gap_words(self, name: str, inferred: Inferred, n_gaps: int) -> Inferred:
        words = {w: n for w, n in self._raw.gap_words[name].items() if n >= 5}
        empty = n_gaps - sum(self._raw.gap_words[name].values())
        counts = ({"": empty} if empty > 0 else {}) | words
        shares = {w: float(f"{n / sum(counts.values()):.3g}") for w, n in counts.items()}
        formats = tuple(replace(f, missing=shares or None) for f in inferred.formats)
        return replace(inferred, formats=formats)

    def _keep(self, name: str, cells: Cells, inferred: Inferred) -> None:
        told = self._wishes.of(name, is_text=False)
        format = inferred.formats[0]  # noqa: A001
        self.formats[name] = format
        self.values[name] = to_values(cells, format, missing=told.missing)
        if inferred.why:
            self.reasons[name] = inferred.why
        if inferred.notes:
            self.notes[name] = inferred.notes
        if format.sort not in ("text", "code"):
            first, last = (pd.isna(self.values[name][i]) for i in (0, -1))
            text = [_is_word(cells, i) for i in (0, -1)]
            if text[1]:
                self.last_texts[name] = str(cells.texts[int(cells.codes[-1])])
            self.odd_ends[name] = (bool(first and text[0]), bool(last and text[1]))


def _is_word(cells: Cells, row: int) -> bool:
    """Whether a cell holds something, and not a word for missing."""
    code = cells.codes[row]
    if code < 0 or cells.is_blank[code]:
        return False
    return str(cells.texts[int(code)]).strip() not in MISSING_WORDS


def _reading(format: Format) -> str:  # noqa: A002
    if format.sort == "datetime":
        return format.pattern or ""
    assert format.spelling is not None
    # Two marks are those between thousands, a single one may be either.
    example = 1_234_567 if format.sort == "whole" else 1.234
    return str(format.spelling.write(np.array([example]))[0])


def _agreed(formats: Sequence[Format]) -> Mark | None:
    """The decimal mark of all columns that show one."""
    spellings = [f.spelling for f in formats if f.spelling is not None]
    marks = {s.mark for s in spellings if not s.is_whole or s.group in (",", ".")}
    return marks.pop() if len(marks) == 1 else None


def _check_ends(read: _Reader, source: str) -> None:
    """Refuse a second line of names, such as units, and a last line that sums up.

    Their cells are odd in every column of numbers that has a cell there; or the last line begins
    with a word for sums, such as Total, or with no number in a column that holds nothing else.
    """
    first = next(iter(read.values))
    last = pd.Series(read.values[first], copy=False).iloc[-1]
    is_word = isinstance(last, str) and _SUMS.match(last.strip()) is not None
    if is_word and int((pd.Series(read.values[first], copy=False) == last).sum()) == 1:
        raise DataError(f"{source}: the last line looks like a sum or a remark ({first!r}); cut it")
    for end, (what, where) in enumerate(
        (
            ("the line below the names looks like a second line of names, such as units", 0),
            ("the last line looks like a sum or a remark, not like a row", -1),
        )
    ):
        odd = [name for name, ends in read.odd_ends.items() if ends[end]]
        if not odd:
            continue
        values = {name: pd.Series(v, copy=False).iloc[where] for name, v in read.values.items()}
        filled = [n for n, v in values.items() if not pd.isna(v) and n in read.odd_ends]
        others = [n for n, v in values.items() if pd.isna(v) and n not in odd]
        sums_up = end == 1 and odd[0] == first and _SUMS.match(read.last_texts[first].strip())
        if sums_up or (not filled and (len(odd) > 1 or len(others) == len(values) - 1 > 0)):
            raise DataError(f"{source}: {what} ({odd[0]!r} holds no number there); cut it")
