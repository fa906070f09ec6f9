"""The format of a column: how its cells are read, and how drawn values are written in their place.

A format says nothing of a single row: no level of a category, no value of a number. Words that
stand for a missing value are kept with their shares where enough rows hold them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self, get_args

import numpy as np

from tabveil.data.formats.date_pattern import DatePattern
from tabveil.data.formats.number_spelling import Spelling

Sort = Literal["whole", "decimal", "code", "text", "truth", "datetime", "time", "duration"]
SORTS: tuple[str, ...] = get_args(Sort)
TEXT = "text"
"""What cells of delimited files are stored as."""
SHARED_ROWS = 5
"""Rows that must hold a word before it is written down (the usual cell-size rule)."""
QUOTED_EMPTY = '""'
"""Among the words for missing: an empty text, where other cells are not even that."""


@dataclass(frozen=True)
class Format:
    """How the cells of a column are written.

    Attributes:
        sort: what the cells are. A code is a text of digits; times of day and durations are
            numbers of `unit` seconds to a model.
        stored: what the source holds: "text" in delimited files, else an Arrow type's name.
        spelling: of numbers.
        pattern: of dates and times of day, as `DatePattern` writes it; of durations, one of
            `durations.PATTERNS`.
        case: of names of months.
        zone: of datetimes with an offset: a zone's name, or "+02:00"; None: no zone.
        offsets: minutes ahead of UTC → share of the rows, where they differ row by row and are
            those of no zone.
        truths: how false and true are written.
        unit: seconds, of times of day and durations.
        missing: word → share of the missing cells that hold it; empty: cells are left empty.
        number_format: of a workbook's cells.
    """

    sort: Sort = "text"
    stored: str = TEXT
    spelling: Spelling | None = None
    pattern: str | None = None
    case: str = "title"
    zone: str | None = None
    offsets: Mapping[int, float] | None = None
    truths: tuple[str, str] | None = None
    unit: float = 1.0
    missing: Mapping[str, float] | None = None
    number_format: str | None = None

    @property
    def dates(self) -> DatePattern:
        """The pattern of dates or of times of day."""
        assert self.pattern is not None, f"a format of {self.sort} has no pattern"
        return DatePattern(self.pattern, self.case)

    @property
    def holds_text(self) -> bool:
        """Whether a cell may hold any text."""
        kind = self.stored.removeprefix("dictionary<values=").split(",")[0]
        return kind in (TEXT, "string", "large_string", "string_view")

    @property
    def words(self) -> str:
        """The format in a few words, for a person to check."""
        words: str = _WORDS[self.sort](self)
        return words

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data of what differs from a plain text; `from_dict` gives it back."""
        told = {key: value for key, value in asdict(self).items() if value is not None}
        if self.offsets is not None:
            told["offsets"] = [[ahead, share] for ahead, share in self.offsets.items()]
        return told

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises ValueError, TypeError or KeyError when it is not that."""
        told = dict(data)
        if told.get("spelling") is not None:
            spelling = dict(told["spelling"])
            least, most = spelling.pop("places")
            told["spelling"] = Spelling(places=(int(least), int(most)), **spelling)
        if told.get("offsets") is not None:
            told["offsets"] = {int(ahead): float(share) for ahead, share in told["offsets"]}
        if told.get("truths") is not None:
            false, true = told["truths"]
            told["truths"] = (str(false), str(true))
        made = cls(**told)
        if made.sort not in SORTS:
            raise ValueError(f"{made.sort!r} is no sort of format")
        if made.pattern is not None and made.sort == "datetime":
            DatePattern.from_text(made.pattern)
        return made

    def stored_as(self, stored: str) -> Format:
        """The same format of another source."""
        return replace(self, stored=stored)


def _number_words(format: Format) -> str:  # noqa: A002
    spelling = format.spelling
    if spelling is None or spelling.is_plain:
        return "whole numbers" if format.sort == "whole" else "numbers"
    sample = spelling.write(_SAMPLE)[0].as_py()
    return f"numbers written {sample.strip()}"


def _date_words(format: Format) -> str:  # noqa: A002
    zone = f", {format.zone}" if format.zone else ""
    zone = ", offsets that differ by row" if format.offsets else zone
    return f"dates written {format.pattern}{zone}" if format.pattern else f"dates{zone}"


_SAMPLE = np.array([1234.5])
_WORDS: Mapping[str, Any] = {
    "whole": _number_words,
    "decimal": _number_words,
    "code": lambda _: "codes of digits",
    "text": lambda _: "texts",
    "truth": lambda f: "true or false" + (f" ({f.truths[1]}, {f.truths[0]})" if f.truths else ""),
    "datetime": _date_words,
    "time": lambda f: f"times of day written {f.pattern}" if f.pattern else "times of day",
    "duration": lambda f: f"durations written {f.pattern}" if f.pattern else "durations",
}
