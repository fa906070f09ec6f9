"""How a workbook shows numbers and dates: its number formats, and those that our formats have."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from openpyxl.styles.numbers import is_date_format, is_timedelta_format

from tabveil.data.formats.column_format import Format
from tabveil.data.formats.date_pattern import DatePattern
from tabveil.data.formats.number_spelling import MOST_PLACES, Spelling

GENERAL, AS_TEXT = "General", "@"
Clock = Literal["date", "time", "duration"]

_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DIRECTIVES = {
    "%Y": "yyyy",
    "%y": "yy",
    "%m": "mm",
    "%-m": "m",
    "%b": "mmm",
    "%B": "mmmm",
    "%d": "dd",
    "%-d": "d",
    "%a": "ddd",
    "%A": "dddd",
    "%H": "hh",
    "%-H": "h",
    "%I": "hh",
    "%-I": "h",
    "%p": "AM/PM",
    "%M": "mm",
    "%S": "ss",
    "%1f": "0",
    "%2f": "00",
    "%3f": "000",
    "%%": '"%"',
}
"""Of our patterns → of number formats."""
_TOKEN = re.compile(r"%-?[A-Za-z%]|%\d?f|.", re.DOTALL)
_ENGLISH = "[$-409]"
"""Names of months and days in English, whatever language the program speaks."""
_DURATIONS = {"H:MM": "[h]:mm", "HH:MM": "[h]:mm"}
_PLACES = 12
"""Decimals that a number format shows at most."""
_ALL_PLACES = 17
"""Decimal places that tell a float."""


def clock_of(number_format: str) -> Clock | None:
    """Whether cells shown so hold days, times of day or durations; None: numbers.

    >>> clock_of("dd.mm.yyyy hh:mm"), clock_of("h:mm AM/PM"), clock_of("[h]:mm"), clock_of("0.00")
    ('date', 'time', 'duration', None)
    """
    if is_timedelta_format(number_format):
        return "duration"
    if not is_date_format(number_format):
        return None
    shown = _QUOTED.sub("", number_format.split(";")[0]).lower()
    if not set(shown) & set("dy") and set(shown) & set("hs"):
        return "time"
    return "date"


def has_time(number_format: str) -> bool:
    """Whether days are shown with a time of day."""
    shown = _QUOTED.sub("", number_format.split(";")[0]).lower()
    return bool(set(shown) & set("hs"))


def decimal_places(number_format: str | None) -> int | None:
    """The decimal places that a number format shows always; None where it leaves them open.

    >>> decimal_places('#,##0.00 "EUR"'), decimal_places("General"), decimal_places("0.0%")
    (2, None, 3)
    """
    if number_format is None or clock_of(number_format) is not None:
        return None
    shown = _QUOTED.sub("", number_format.split(";")[0])
    found = re.fullmatch(r"[^0#?.]*[#,0]*0(?:\.(0+))?[^0#?.eE/]*", shown)
    if not found:
        return None
    return len(found[1] or "") + 2 * shown.count("%")


def with_shown_places(format: Format, values: Any) -> Format:  # noqa: A002
    """The format of a workbook's column with the spelling that its cells have as texts.

    Decimals are written to the places that the number format shows if no value has more, else as
    short as they are, with no more places than the longest; times with seconds where these are
    shown; truth values in capitals.
    """
    if format.sort == "truth" and format.truths is None:
        return replace(format, truths=("FALSE", "TRUE"))
    if format.sort in ("time", "duration") and format.pattern is None:
        has_seconds = "s" in (format.number_format or "s") or format.unit % 60
        patterns = {"time": ("%H:%M", "%H:%M:%S"), "duration": ("H:MM", "H:MM:SS")}
        return replace(format, pattern=patterns[format.sort][bool(has_seconds)])
    if format.sort != "decimal" or format.spelling is not None or format.stored != "double":
        return format
    places = decimal_places(format.number_format)
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[~np.isnan(numbers)]
    if places is not None and np.array_equal(np.round(numbers, places), numbers):
        return replace(format, spelling=Spelling(places=(places, places)))
    enough = (p for p in range(1, MOST_PLACES + 1) if np.array_equal(np.round(numbers, p), numbers))
    return replace(format, spelling=Spelling(places=(0, next(enough, _ALL_PLACES))))


def number_format_of(format: Format) -> str | None:  # noqa: A002
    """The number format in which a workbook shows a column; None: the general one."""
    if format.number_format is not None:
        return format.number_format
    if format.sort == "code":
        return AS_TEXT
    if format.sort == "datetime" and format.stored.startswith(("int", "uint")):
        return None
    if format.sort in ("whole", "decimal"):
        return of_spelling(format.spelling)
    if format.sort in ("datetime", "time"):
        plain = "%Y-%m-%d" if format.sort == "datetime" else "%H:%M:%S"
        return of_pattern(format.pattern or plain)
    if format.sort == "duration":
        fraction = ".000" if format.unit < 1 else ""
        return _DURATIONS.get(format.pattern or "", f"[h]:mm:ss{fraction}")
    return None


def of_spelling(spelling: Spelling | None) -> str | None:
    """The number format that shows numbers as a spelling writes them.

    A percent sign stands for itself: 12.5% is the number 12.5, as it was learnt.

    >>> of_spelling(Spelling(places=(2, 2), group=",", prefix="$", minus="(x)"))
    '"$"#,##0.00;("$"#,##0.00)'
    """
    if spelling is None or spelling.exponent:
        return None
    least, most = spelling.places
    is_general = least != most or most > _PLACES
    if is_general and not spelling.group:
        digits = GENERAL
    else:
        whole = "#,##0" if spelling.group else "0"
        places = "0" * least + "#" * (min(most, _PLACES) - least)
        digits = f"{whole}.{places}" if places else whole
    prefix, suffix = _literal(spelling.prefix), _literal(spelling.suffix)
    positive = f"{prefix}{digits}{suffix}"
    negative = {"(x)": f"({positive})", "x-": f"{positive}-"}.get(spelling.minus)
    if "$" in spelling.minus:
        negative = f"{prefix}-{digits}{suffix}"
    if spelling.plus:
        return f"+{positive};{negative or '-' + positive};{positive}"
    if negative is not None and (spelling.minus != "$-x" or prefix):
        return f"{positive};{negative}"
    return None if positive in (GENERAL, "0") else positive


def of_pattern(pattern: str) -> str | None:
    """The number format that shows dates as a pattern writes them; None where none does.

    >>> of_pattern("%d.%m.%Y %H:%M"), of_pattern("%d-%b-%Y"), of_pattern("%Y-%m-%dT%H:%M:%S%z")
    ('dd.mm.yyyy hh:mm', '[$-409]dd-mmm-yyyy', None)
    """
    pieces = []
    for token in _TOKEN.findall(pattern.replace("[", "").replace("]", "")):
        if len(token) > 1 and token not in _DIRECTIVES:
            return None
        is_bare = not token.isalpha() and token not in '"\\'
        pieces.append(_DIRECTIVES.get(token) or (token if is_bare else _literal(token)))
    has_names = bool(DatePattern(pattern).keys & {"b", "B", "a", "A"})
    return (_ENGLISH if has_names else "") + "".join(pieces)


def _literal(text: str) -> str:
    return '"' + text.replace('"', '"\\""') + '"' if text else ""
