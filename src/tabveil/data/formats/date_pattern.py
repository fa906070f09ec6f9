"""Dates as they are written: patterns are found in texts, read by, and written back by.

A pattern is written with the directives of `strptime` and four of our own: `%-d` (and `%-m`,
`%-H`, `%-I`) is a number without a leading zero, `%-z` an offset without a colon, `%_z` one
without minutes where there are none, `%3f` a fraction of three digits, `%q` a quarter, and what
stands in brackets is left out where all of it is zero: `%Y-%m-%d[ %H:%M]`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Dates = NDArray[np.datetime64]
Ints = NDArray[np.int64]

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMBERS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2}
_NUMBERS |= {"q": 1, "G": 4, "V": 2}
_NAMES: dict[str, Sequence[str]] = {
    "B": _MONTHS,
    "b": tuple(month[:3] for month in _MONTHS),
    "A": _DAYS,
    "a": tuple(day[:3] for day in _DAYS),
    "p": ("AM", "PM"),
}
_TOKEN = re.compile(
    r"%(?:(?P<bare>[-_])?(?P<key>[YymdHIMSBbAapzqGV%])|(?P<digits>[1-9])?f)|.", re.DOTALL
)
_ZONE = r"(?:Z|[+-]\d{2}:\d{2})"
_SHORT_ZONE = r"[+-]\d{2}(?::\d{2})?"
"""As PostgreSQL writes offsets: minutes only where there are some."""
_PIVOT = 69
"""Two digits from here on are years of the twentieth century, as POSIX has it."""
_NANOSECONDS = (np.datetime64("1678-01-01", "s"), np.datetime64("2262-01-01", "s"))
"""What nanoseconds since 1970 can count, to the year."""


@dataclass(frozen=True)
class _Token:
    """A directive, or a text that stands for itself (`key` is empty)."""

    key: str
    text: str = ""
    bare: bool = False
    digits: int = 0


@dataclass(frozen=True)
class Read:
    """Texts as dates.

    Attributes:
        dates: shape (n,), local time; NaT where the text is no date of the pattern.
        offsets: minutes ahead of UTC, shape (n,); None where the pattern has no `%z`.
    """

    dates: Dates
    offsets: Ints | None


@dataclass(frozen=True)
class DatePattern:
    """One way of writing dates.

    Attributes:
        text: with directives.
        case: of names of months and days and of AM: "title", "upper" or "lower".
    """

    text: str
    case: str = "title"

    @classmethod
    def from_text(cls, text: str) -> DatePattern:
        """Check a pattern that a person wrote. Raises ValueError that says what is wrong."""
        pattern = cls(text)
        keys = [token.key for part in pattern._parts for token in part[1]]
        if text.count("[") != text.count("]") or re.search(r"\[[^\]]*\[", text):
            raise ValueError(f"{text!r}: brackets do not match")
        unknown = re.search(r"%(?!-?[YymdHIMSBbAapzqGV%]|_z|[1-9]?f)", text)
        if unknown:
            raise ValueError(
                f"{text!r}: {text[unknown.start() : unknown.start() + 2]} is not known"
            )
        if ("G" in keys) != ("V" in keys):
            raise ValueError(f"{text!r}: %G and %V, a week and its year, belong together")
        if not {"Y", "y", "G"} & set(keys):
            raise ValueError(f"{text!r} has no year (%Y or %y)")
        if "d" in keys and not {"m", "b", "B"} & set(keys):
            raise ValueError(f"{text!r} has a day (%d) and no month (%m, %b or %B)")
        doubled = [
            key for key, n in Counter(k for k in keys if k not in ("", "%")).items() if n > 1
        ]
        if doubled:
            raise ValueError(f"{text!r} names %{doubled[0]} twice")
        return pattern

    @cached_property
    def _parts(self) -> tuple[tuple[bool, tuple[_Token, ...]], ...]:
        """Runs of tokens, and whether they stand in brackets."""
        parts: list[tuple[bool, tuple[_Token, ...]]] = []
        for piece in re.findall(r"\[[^\[\]]*\]|[^\[\]]+", self.text):
            optional = piece.startswith("[")
            parts.append((optional, _tokens(piece[1:-1] if optional else piece)))
        return tuple(parts)

    @property
    def keys(self) -> frozenset[str]:
        """The directives that stand in it."""
        return frozenset(t.key for _, tokens in self._parts for t in tokens if t.key)

    @property
    def is_of_days(self) -> bool:
        """Whether it tells no time of day."""
        return not self.keys & {"H", "I", "M", "S", "f"}

    @property
    def is_digits(self) -> bool:
        """Whether it is all digits, as in 20230623."""
        return bool(re.fullmatch(r"(%[Ymd])+", self.text))

    def read(self, texts: pa.Array) -> Read:
        """Read texts; what does not fit, or is no day of the calendar, becomes NaT.

        Args:
            texts: shape (n,), strings without gaps.
        """
        found = pc.extract_regex(texts, pattern=self._regex)
        fits = np.asarray(found.is_valid())
        fields = {
            field.name: found.field(i).filter(pa.array(fits)) for i, field in enumerate(found.type)
        }
        dates, offsets = self._assembled(fields, int(fits.sum()))
        whole = np.full(len(texts), np.datetime64("NaT"), dtype=dates.dtype)
        whole[fits] = dates
        if offsets is None:
            return Read(whole, None)
        ahead = np.zeros(len(texts), dtype=np.int64)
        ahead[fits] = offsets
        return Read(whole, ahead)

    def write(self, dates: Dates, offsets: Ints | None = None) -> pa.Array:
        """The dates as texts.

        Args:
            dates: shape (n,), local time, none missing.
            offsets: minutes ahead of UTC, shape (n,), where the pattern has `%z`.
        """
        clock = _Clock(dates, offsets, self.case)
        pieces = [_written(tokens, clock, optional=optional) for optional, tokens in self._parts]
        return _joined(pieces, len(dates))

    @cached_property
    def _regex(self) -> str:
        parts = []
        for optional, tokens in self._parts:
            text = "".join(_regex_of(token) for token in tokens)
            parts.append(f"(?:{text})?" if optional else text)
        return f"^(?:{''.join(parts)})$"

    def _assembled(self, fields: dict[str, pa.Array], n: int) -> tuple[Dates, Ints | None]:
        def number(key: str, otherwise: int) -> Ints:
            if key not in fields:
                return np.full(n, otherwise, dtype=np.int64)
            texts = pc.if_else(pc.equal(fields[key], ""), str(otherwise), fields[key])
            return np.asarray(pc.cast(texts, pa.int64()), dtype=np.int64)

        def named(key: str) -> Ints:
            texts = pc.utf8_lower(fields[key])
            known = pa.array([name.lower() for name in _NAMES[key]])
            return np.asarray(pc.fill_null(pc.index_in(texts, known), -1), dtype=np.int64)

        year = number("Y", 1970)
        if "y" in fields:
            short = number("y", 70)
            year = short + np.where(short < _PIVOT, 2000, 1900)
        month = number("m", 1) - 1
        for key in ("b", "B"):
            month = named(key) if key in fields else month
        if "q" in fields:
            month = 3 * number("q", 1) - 3
        day = number("d", 1) - 1
        hour, minute, second = number("H", 0), number("M", 0), number("S", 0)
        is_valid = (month >= 0) & (month < 12) & (day >= 0) & (minute < 60) & (second < 60)
        if "I" in fields:
            hour = number("I", 12)
            is_valid &= (hour >= 1) & (hour <= 12)
            hour = hour % 12 + (12 * named("p") if "p" in fields else 0)
        is_valid &= hour < 24
        months = ((year - 1970) * 12 + np.clip(month, 0, 11)).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + day.astype("timedelta64[D]")
        is_valid &= days.astype("datetime64[M]") == months
        if "G" in fields:
            days, is_valid = _mondays(number("G", 1970), number("V", 1))
        seconds = days.astype("datetime64[s]")
        seconds = seconds + (hour * 3600 + minute * 60 + second).astype("timedelta64[s]")
        dates = _with_fraction(seconds, fields.get("f"), is_valid)
        dates[~is_valid] = np.datetime64("NaT")
        return dates, _offsets(fields["z"]) if "z" in fields else None


def _mondays(year: Ints, week: Ints) -> tuple[Dates, NDArray[np.bool_]]:
    """The Monday of each week of an ISO year, and whether the year has it."""
    fourths = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + np.timedelta64(3, "D")
    first = fourths - ((fourths.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    mondays = first + (7 * (week - 1)).astype("timedelta64[D]")
    return mondays, (week >= 1) & (_iso_year(mondays) == year)


def _iso_year(days: Dates) -> Ints:
    """The year that has the Thursday of a day's week."""
    thursdays = days + (3 - (days.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
    year: Ints = thursdays.astype("datetime64[Y]").astype(np.int64) + 1970
    return year


def _tokens(text: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    for found in _TOKEN.finditer(text):
        key = found["key"]
        if key == "%":
            tokens.append(_Token("", "%"))
        elif key:
            is_short = 2 if found["bare"] == "_" else 0
            tokens.append(_Token(key, bare=found["bare"] == "-", digits=is_short))
        elif found[0].endswith("f") and found[0].startswith("%"):
            tokens.append(_Token("f", digits=int(found["digits"] or 6)))
        else:
            tokens.append(_Token("", found[0]))
    return tuple(tokens)


def _regex_of(token: _Token) -> str:
    if not token.key:
        return re.escape(token.text)
    if token.key in _NUMBERS:
        digits = _NUMBERS[token.key]
        least = digits if token.key in ("Y", "y") or not token.bare else 1
        # Minutes and seconds always have two digits; a padded number is padded.
        return rf"(?P<{token.key}>\d{{{least},{digits}}})"
    if token.key == "f":
        return rf"(?P<f>\d{{{token.digits}}})"
    if token.key == "z":
        if token.digits:
            return rf"(?P<z>{_SHORT_ZONE})"
        return r"(?P<z>[+-]\d{4})" if token.bare else rf"(?P<z>{_ZONE})"
    return rf"(?P<{token.key}>(?i:{'|'.join(_NAMES[token.key])}))"


def _with_fraction(seconds: Dates, fraction: pa.Array | None, is_valid: NDArray[np.bool_]) -> Dates:
    """The dates in nanoseconds, where these can hold them all; else in seconds or microseconds."""
    known = seconds[is_valid]
    near = not len(known) or (known.min() >= _NANOSECONDS[0] and known.max() < _NANOSECONDS[1])
    if fraction is None:
        # What is not valid may lie anywhere: it is cut off before the cast.
        held = np.where(is_valid, seconds, np.datetime64("1970-01-01", "s"))
        return held.astype("datetime64[ns]") if near else held
    digits = pc.utf8_rpad(fraction, 9, "0")
    nanoseconds = np.asarray(pc.cast(digits, pa.int64()), dtype=np.int64)
    held = np.where(is_valid, seconds, np.datetime64("1970-01-01", "s"))
    unit, per = ("ns", 1) if near else ("us", 1000)
    exact: Dates = held.astype(f"datetime64[{unit}]")
    with_parts: Dates = exact + (nanoseconds // per).astype(f"timedelta64[{unit}]")
    return with_parts


def _offsets(texts: pa.Array) -> Ints:
    plain = pc.replace_substring(pc.if_else(pc.equal(texts, "Z"), "+0000", texts), ":", "")
    plain = pc.utf8_rpad(plain, 5, "0")
    hours = np.asarray(pc.cast(pc.utf8_slice_codeunits(plain, 1, 3), pa.int64()))
    minutes = np.asarray(pc.cast(pc.utf8_slice_codeunits(plain, 3, 5), pa.int64()))
    sign = np.where(np.asarray(pc.starts_with(plain, "-")), -1, 1)
    ahead: Ints = sign * (60 * hours + minutes)
    return ahead


class _Clock:
    """The parts of dates as numbers, computed where they are asked for."""

    def __init__(self, dates: Dates, offsets: Ints | None, case: str) -> None:
        self.n, self.case = len(dates), case
        self._offsets = offsets
        months = dates.astype("datetime64[M]")
        days = dates.astype("datetime64[D]")
        self._year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
        self._month = months.astype(np.int64) % 12
        self._day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
        self._weekday = (days.astype(np.int64) + 3) % 7
        self._days = days
        within = dates.astype("datetime64[ns]") if _is_near(dates) else dates
        seconds = within.astype("datetime64[s]")
        self._second = (seconds - days.astype("datetime64[s]")).astype(np.int64)
        rest = within - seconds.astype(within.dtype)
        unit = np.datetime_data(within.dtype)[0]
        self._nanosecond = rest.astype(f"timedelta64[{unit}]").astype(np.int64)
        self._nanosecond = self._nanosecond * {"s": 0, "ms": 10**6, "us": 1000, "ns": 1}[unit]

    def number(self, key: str, digits: int = 0) -> Ints:
        hour = self._second // 3600
        numbers: dict[str, Any] = {
            "Y": lambda: self._year,
            "y": lambda: self._year % 100,
            "m": lambda: self._month + 1,
            "d": lambda: self._day,
            "H": lambda: hour,
            "I": lambda: (hour + 11) % 12 + 1,
            "M": lambda: self._second // 60 % 60,
            "S": lambda: self._second % 60,
            "f": lambda: self._nanosecond // 10 ** (9 - digits),
            "b": lambda: self._month,
            "B": lambda: self._month,
            "a": lambda: self._weekday,
            "A": lambda: self._weekday,
            "p": lambda: hour // 12,
            "q": lambda: self._month // 3 + 1,
            "G": lambda: _iso_year(self._days),
            "V": self._week,
        }
        taken: Ints = numbers[key]()
        return taken

    def _week(self) -> Ints:
        year = _iso_year(self._days)
        first, _ = _mondays(year, np.ones(self.n, dtype=np.int64))
        week: Ints = (self._days - first).astype(np.int64) // 7 + 1
        return week

    def zone(self) -> pa.Array:
        assert self._offsets is not None, "the pattern has %z: offsets are needed"
        known, codes = np.unique(self._offsets, return_inverse=True)
        return pa.array([offset_text(int(ahead)) for ahead in known]).take(pa.array(codes))


def offset_text(minutes: int) -> str:
    """An offset from UTC.

    >>> offset_text(330), offset_text(-60)
    ('+05:30', '-01:00')
    """
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _is_near(dates: Dates) -> bool:
    if not len(dates) or np.datetime_data(dates.dtype)[0] == "ns":
        return True
    return bool(dates.min() >= _NANOSECONDS[0] and dates.max() < _NANOSECONDS[1])


def _written(tokens: Sequence[_Token], clock: _Clock, *, optional: bool) -> pa.Array:
    pieces, is_zero = [], np.ones(clock.n, dtype=bool)
    for token in tokens:
        if not token.key:
            pieces.append(pa.repeat(token.text, clock.n))
            continue
        if token.key == "z":
            zone = clock.zone()
            zone = pc.replace_substring_regex(zone, ":00$", "") if token.digits else zone
            pieces.append(pc.replace_substring(zone, ":", "") if token.bare else zone)
            continue
        numbers = clock.number(token.key, token.digits)
        is_zero &= numbers == 0
        pieces.append(_texts(token, numbers, clock.case))
    joined = _joined(pieces, clock.n)
    return pc.if_else(pa.array(is_zero), "", joined) if optional else joined


def _texts(token: _Token, numbers: Ints, case: str) -> pa.Array:
    if token.key in _NAMES:
        names = [getattr(name, case)() if case != "title" else name for name in _NAMES[token.key]]
        return pa.array(names).take(pa.array(numbers))
    known, codes = np.unique(numbers, return_inverse=True)
    width = 1 if token.bare else token.digits or _NUMBERS[token.key]
    return pa.array([f"{number:0{width}d}" for number in known.tolist()], pa.string()).take(
        pa.array(codes)
    )


def _joined(pieces: Sequence[pa.Array], n: int) -> pa.Array:
    if not pieces:
        return pa.repeat("", n)
    return pieces[0] if len(pieces) == 1 else pc.binary_join_element_wise(*pieces, "")


# --- which pattern a column has ------------------------------------------------------------------

_NAME = "|".join([*(m[:3] for m in _MONTHS), *_MONTHS])
_DATE = (
    r"(?P<Y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?:(?P=s1)(?P<d1>\d{1,2}))?"
    r"|(?P<a2>\d{1,2})(?P<s2>[-/. ])(?P<b2>\d{1,2})(?P=s2)(?P<Y2>\d{4}|\d{2})"
    r"|(?P<m3>\d{1,2})(?P<s3>[-/.])(?P<Y3>\d{4})"
    rf"|(?P<d4>\d{{1,2}})(?P<s4>\.? |[-/]|)(?P<n4>(?i:{_NAME}))"
    r"(?P<t4>\.? |[-/]|, |)(?P<Y4>\d{4}|\d{2})"
    rf"|(?P<n5>(?i:{_NAME}))(?P<s5>\.? |[-/])"
    r"(?:(?P<d5>\d{1,2})(?P<t5>, ?| |[-/]))?(?P<Y5>\d{4})"
    rf"|(?P<n6>(?i:{_NAME}))(?P<s6>[-/'])(?P<Y6>\d{{2}})"
    r"|(?P<D6>\d{8})"
    r"|(?P<G7>\d{4})(?P<s7>-?)W(?P<V7>\d{2})"
    r"|(?P<Y8>\d{4})(?P<s8>[- /]?)Q(?P<q8>[1-4])"
    r"|Q(?P<q9>[1-4])(?P<s9>[- /]?)(?P<Y9>\d{4})"
)
_TIME = (
    r"(?P<sep>T| |, )(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?P<f>[.,]\d{1,9})?)?"
    r"(?P<half> ?(?i:AM|PM))?"
)
_SHAPE = re.compile(rf"(?:{_DATE})(?:{_TIME})?(?P<zone> ?(?:Z|UTC|[+-]\d{{2}}(?::?\d{{2}})?))?")
_LOOKED_AT = 400
"""Different texts that show how dates are written; all are then read."""


def looks_like_a_date(text: str) -> bool:
    """Whether a text has the shape of some date."""
    return _SHAPE.fullmatch(text) is not None


def date_patterns(texts: Sequence[str]) -> tuple[DatePattern, ...]:
    """The patterns in which texts may be written; two or three where day and month look alike.

    Args:
        texts: some different cells of a column; those that look like no date are passed over.
    """
    shapes = [found for text in texts[:_LOOKED_AT] if (found := _SHAPE.fullmatch(text))]
    shapes = [s for s in shapes if s["H"] or len((s["zone"] or "").strip()) != 3]
    if not shapes or 2 * len(shapes) < min(len(texts), _LOOKED_AT):
        return ()
    frames = Counter(_frame(found) for found in shapes)
    (frame, _) = frames.most_common(1)[0]
    shapes = [found for found in shapes if _frame(found) == frame]
    case = _case(shapes)
    tail = _tail(shapes)
    if tail is None:
        return ()
    return tuple(DatePattern(date + tail, case) for date in _date_texts(shapes))


def _frame(found: re.Match[str]) -> tuple[Any, ...]:
    """What all dates of one pattern share: the kind of date part, and its marks."""
    seps = ("s1", "s2", "s3", "s4", "t4", "s5", "t5", "s6", "s7", "s8", "s9")
    marks = tuple(found[name] for name in seps)
    kinds = tuple(found[name] is not None for name in ("Y1", "d1", "Y2", "Y3", "Y4", "d5", "D6"))
    years = tuple(len(found[name] or "") for name in ("Y2", "Y4"))
    long = len(found["n4"] or found["n5"] or "") > 3
    may = (found["n4"] or found["n5"] or "").lower() == "may"
    return (*marks, *kinds, *years, long and not may)


def _date_texts(shapes: Sequence[re.Match[str]]) -> list[str]:
    first = shapes[0]

    def number(key: str, *groups: str) -> str:
        bare = any(len(found[group]) == 1 for found in shapes for group in groups if found[group])
        return f"%-{key}" if bare else f"%{key}"

    def name(group: str) -> str:
        return "%B" if any(len(found[group]) > 3 for found in shapes) else "%b"

    if first["Y1"]:
        mark = first["s1"]
        month = f"%Y{mark}{number('m', 'm1')}"
        return [f"{month}{mark}{number('d', 'd1')}" if first["d1"] else month]
    if first["Y2"]:
        mark, year = first["s2"], "%Y" if len(first["Y2"]) == 4 else "%y"
        patterns = [
            mark.join([number("d", "a2"), number("m", "b2"), year]),
            mark.join([number("m", "a2"), number("d", "b2"), year]),
        ]
        if year == "%y":
            patterns.append(mark.join(["%y", number("m", "b2"), number("d", "Y2")]))
        return patterns
    if first["Y3"]:
        return [f"{number('m', 'm3')}{first['s3']}%Y"]
    if first["Y4"]:
        year = "%Y" if len(first["Y4"]) == 4 else "%y"
        return [f"{number('d', 'd4')}{first['s4']}{name('n4')}{first['t4']}{year}"]
    if first["Y6"]:
        return [f"{name('n6')}{first['s6']}%y"]
    if first["Y5"]:
        day = f"{number('d', 'd5')}{first['t5']}" if first["d5"] else ""
        return [f"{name('n5')}{first['s5']}{day}%Y"]
    if first["G7"]:
        return [f"%G{first['s7']}W%V"]
    if first["Y8"]:
        return [f"%Y{first['s8']}Q%q"]
    if first["Y9"]:
        return [f"Q%q{first['s9']}%Y"]
    return ["%Y%m%d"]


def _tail(shapes: Sequence[re.Match[str]]) -> str | None:
    """The pattern of the time and the zone; None where they are written in several ways."""
    timed = [found for found in shapes if found["H"]]
    zoned = {found["zone"] for found in shapes}
    if zoned != {None} and (None in zoned or len(timed) < len(shapes)):
        return None
    zone = _zone_text(zoned)
    if not timed:
        return zone
    seps, halves = {found["sep"] for found in timed}, {bool(found["half"]) for found in timed}
    if len(seps) > 1 or len(halves) > 1:
        return None
    bare = any(len(found["H"]) == 1 for found in timed)
    half = timed[0]["half"] or ""
    hour = f"%{'-' if bare else ''}{'I' if half else 'H'}"
    seconds = _seconds(timed)
    text = f"{seps.pop()}{hour}:%M{seconds}" + (
        f"{' ' if half.startswith(' ') else ''}%p" if half else ""
    )
    return (f"[{text}]" if len(timed) < len(shapes) else text) + zone


def _seconds(timed: Sequence[re.Match[str]]) -> str:
    with_seconds = [found for found in timed if found["S"]]
    if not with_seconds:
        return ""
    fractions = {len(found["f"] or " ") - 1 for found in with_seconds}
    mark = next((found["f"][0] for found in with_seconds if found["f"]), ".")
    digits = max(fractions)
    fraction = f"{mark}%{digits}f" if digits else ""
    if digits and min(fractions) == 0:
        fraction = f"[{fraction}]"
    elif len(with_seconds) < len(timed):
        return f"[:%S{fraction}]"
    return f":%S{fraction}"


def _zone_text(zoned: set[str | None]) -> str:
    zones = {zone for zone in zoned if zone}
    if not zones:
        return ""
    blank = " " if all(zone.startswith(" ") for zone in zones) else ""
    marks = {zone.strip() for zone in zones}
    if len(marks) == 1 and marks <= {"Z", "UTC"}:
        return blank + marks.pop()
    if any(len(mark) == 3 and mark != "UTC" for mark in marks):
        return blank + "%_z"
    return blank + ("%z" if any(":" in mark for mark in marks) else "%-z")


def _case(shapes: Sequence[re.Match[str]]) -> str:
    names = [
        found[group] for found in shapes for group in ("n4", "n5", "n6", "half") if found[group]
    ]
    names = [name.strip() for name in names]
    if names and all(name.isupper() for name in names):
        return (
            "upper"
            if any(found["n4"] or found["n5"] or found["n6"] for found in shapes)
            else "title"
        )
    return "lower" if names and all(name.islower() for name in names) else "title"
