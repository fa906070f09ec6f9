"""A table as its source holds it, before anything is decided of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import pyarrow as pa

SourceFormat = Literal["csv", "jsonl", "parquet", "xlsx", "sql"]


@dataclass(frozen=True)
class Dialect:
    """The form of a source, in which drawn rows are written back.

    Attributes:
        format: of the source.
        delimiter: of delimited text; with `spaced`, a blank follows it.
        encoding: of text, as Python names it; `utf-8-sig` begins with a byte-order mark.
        line_end: of delimited text.
        quoted: columns of which every text is quoted; `quoted_header`: so are the names.
        quoted_words, quoted_empty: columns of which the words for missing, and the empty cells,
            are quoted.
        sep_line: whether the first line tells a spreadsheet the delimiter (`sep=;`).
        trailing: whether every line ends with a delimiter.
        unnamed: columns that have no name in the source.
        sheet: of a workbook.
    """

    format: SourceFormat = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    line_end: str = "\n"
    quoted: tuple[str, ...] = ()
    quoted_header: bool = False
    quoted_words: tuple[str, ...] = ()
    quoted_empty: tuple[str, ...] = ()
    spaced: bool = False
    sep_line: bool = False
    trailing: bool = False
    unnamed: tuple[str, ...] = ()
    sheet: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `dataclasses.asdict`'s data. Raises TypeError when it is not that."""
        told = dict(data)
        for key in ("quoted", "quoted_words", "quoted_empty", "unnamed"):
            told[key] = tuple(told.get(key, ()))
        return cls(**told)

    def without(self, names: set[str]) -> Dialect:
        """The dialect of a table without those columns."""
        kept = {
            key: tuple(name for name in getattr(self, key) if name not in names)
            for key in ("quoted", "quoted_words", "quoted_empty")
        }
        return replace(self, **kept)  # type: ignore[arg-type]


@dataclass(frozen=True)
class RawTable:
    """The columns of a source.

    Attributes:
        columns: name → an Arrow column: of strings in delimited text, else of the source's types.
            Who opens the table takes them out one by one, so that they need not lie in memory
            twice.
        dialect: of the source.
        texts: columns of strings whose source says that they hold texts, not numbers.
        gap_words: column → word → cells left out that held it: NA without quotes where texts have
            quotes.
        number_formats: column → how a workbook shows its cells.
        notes: what was passed over, for a person to know.
    """

    columns: dict[str, pa.ChunkedArray]
    dialect: Dialect
    texts: frozenset[str] = frozenset()
    gap_words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    number_formats: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()))) if self.columns else 0
