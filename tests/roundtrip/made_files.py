"""Delimited files of many forms, made by the standard library from a few numbers.

A file is small in words (forms, seeds, a dialect), so that hypothesis can shrink it and a person
can read it; its cells follow from it. Each form also says, by itself, whether a cell is written
in it: a cell is read by the standard library and written again, and must be the same text.
"""

import gzip
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

N = 400


@dataclass(frozen=True)
class Form:
    """One way of writing cells.

    Attributes:
        make: a cell, from a random generator.
        holds: whether a text is written so.
        is_smooth: whether drawn cells lie between those of the source.
        is_number: whether programs that quote texts leave it bare.
        may_lack: words for missing that may stand beside such cells.
    """

    make: Callable
    holds: Callable = field(default=lambda text: True)
    is_smooth: bool = False
    is_number: bool = False
    may_lack: tuple = ("",)


WORDS = ("", "NA", "-", "N/A", "null", "?", ".", " ")


def _spelled(x, places, mark=".", group="", prefix="", suffix="", minus="-"):
    body = f"{abs(x):,.{places}f}".replace(",", "\0").replace(".", mark).replace("\0", group)
    whole = f"{prefix}{body}{suffix}"
    if x >= 0 or not re.search("[1-9]", body):
        return whole
    return {"-": f"-{whole}", "$-": f"{prefix}-{body}{suffix}", "x-": f"{whole}-"}.get(
        minus, f"({whole})"
    )


def numbers(places, *, low=0.0, high=20_000.0, **how):
    def make(rng):
        return _spelled(rng.uniform(low, high), places, **how)

    def holds(text):
        x = int(re.sub(r"\D", "", text)) / 10**places
        negative = text.startswith(("-", "(")) or text.endswith("-") or "-" in text[:3]
        return _spelled(-x if negative else x, places, **how) == text

    is_plain = set(how) <= {"minus"} and how.get("minus", "-") == "-"
    return Form(make, holds, is_smooth=True, is_number=is_plain, may_lack=WORDS)


def _of_days(write, read):
    first = datetime(2016, 3, 1)

    def make(rng):
        return write(first + timedelta(milliseconds=rng.randrange(1500 * 86_400_000)))

    return Form(make, lambda text: write(read(text)) == text, is_smooth=True, may_lack=WORDS)


def dates(pattern):
    return _of_days(lambda d: d.strftime(pattern), lambda text: datetime.strptime(text, pattern))


def _bare(pattern):
    """Days, months and hours without a leading zero."""

    def write(d):
        parts = {"%d": d.day, "%m": d.month, "%H": d.hour, "%I": d.hour % 12 or 12}
        text = pattern
        for key, number in parts.items():
            text = text.replace(key, str(number))
        return d.strftime(text)

    return _of_days(write, lambda text: datetime.strptime(text, pattern))


def _milliseconds(d):
    return f"{d:%Y-%m-%d %H:%M:%S}.{d.microsecond // 1000:03d}"


def clock(pattern, step=60):
    def make(rng):
        return (
            datetime(2000, 1, 1) + timedelta(seconds=step * rng.randrange(86_400 // step))
        ).strftime(pattern)

    def holds(text):
        return datetime.strptime(text, pattern).strftime(pattern) == text

    return Form(make, holds, is_smooth=True, may_lack=WORDS[:3])


def durations(pattern):
    def make(rng):
        seconds = rng.randrange(60, 400_000, 60 if pattern == "H:MM" else 1)
        text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
        return text if pattern == "H:MM" else f"{text}:{seconds % 60:02d}"

    shape = r"\d\d+:[0-5]\d" + (r":[0-5]\d" if pattern != "H:MM" else "")
    return Form(make, lambda t: bool(re.fullmatch(shape, t)), is_smooth=True, may_lack=WORDS[:3])


def levels(*texts, may_lack=("",), is_number=False):
    known = set(texts)
    return Form(
        lambda rng: rng.choice(texts), known.__contains__, is_number=is_number, may_lack=may_lack
    )


FORMS = {
    # codes
    "zip": levels("01234", "02139", "00501", "94110"),
    "department": levels("007", "012", "130", may_lack=("", "NA")),
    "mixed widths": levels("0012", "77", "130", "4"),
    "sixteen digits": levels("9007199254740993", "1234567890123456", "9999999999999999"),
    "like floats": levels("1E2", "2E3", "7E1"),
    "diagnoses": levels("E11.9", "I10", "J45.0", "Z00"),
    "versions": levels("1.10", "1.1", "1.2"),
    "dashes": levels("A-12", "B-7", "C-101", may_lack=("", "n/a")),
    "hex": levels("12e45678", "9f00aa11", "00e10000", "deadbeef"),
    "addresses": levels("10.0.0.1", "192.168.0.7", "10.0.0.22"),
    # numbers
    "counts": numbers(0, high=900),
    "balance": numbers(0, low=-900, high=900),
    "digits": Form(lambda rng: str(rng.randint(0, 9)), str.isdigit, is_number=True, may_lack=WORDS),
    "cents": numbers(2),
    "tenths": numbers(1, low=-40, high=40),
    "thousandths": numbers(3, high=5),
    "commas": numbers(2, mark=","),
    "german": numbers(2, mark=",", group="."),
    "english": numbers(2, group=","),
    "french": numbers(2, mark=",", group=" "),
    "swiss": numbers(2, group="'"),
    "thousands": numbers(0, group=",", high=90_000),
    "dollars": numbers(2, group=",", prefix="$", low=-9000),
    "dollars behind": numbers(2, group=",", prefix="$", low=-9000, minus="$-"),
    "brackets": numbers(2, low=-900, minus="()"),
    "sap": numbers(2, low=-900, minus="x-"),
    "euros": numbers(2, mark=",", suffix=" €", group="."),
    "percent": numbers(1, suffix="%", high=100),
    "percent apart": numbers(0, suffix=" %", high=100),
    "codes of currency": numbers(2, prefix="EUR ", high=900),
    "kilograms": numbers(1, suffix=" kg", high=120),
    # dates
    **{
        pattern: dates(pattern)
        for pattern in (
            *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d"),
            *("%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%d%b%Y", "%Y-%m", "%m/%Y", "%b %Y"),
            *("%d.%m.%y", "%m/%d/%y", "%d-%b-%y", "%Y.%m.%d"),
            *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"),
            *("%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M"),
        )
    },
    "bare d.m.Y": _bare("%d.%m.%Y"),
    "bare m/d/Y": _bare("%m/%d/%Y"),
    "bare m/d/Y H:M": _bare("%m/%d/%Y %H:%M"),
    "milliseconds": _of_days(
        _milliseconds, lambda text: datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")
    ),
    "offset": _of_days(
        lambda d: f"{d:%Y-%m-%dT%H:%M:%S}+05:30", lambda text: datetime.fromisoformat(text[:-6])
    ),
    "capitals": _of_days(
        lambda d: f"{d:%d-%b-%Y}".upper(), lambda text: datetime.strptime(text, "%d-%b-%Y")
    ),
    # times of day, durations
    "%H:%M": clock("%H:%M"),
    "%H:%M:%S": clock("%H:%M:%S", 1),
    "%I:%M %p": clock("%I:%M %p"),
    "H:MM": durations("H:MM"),
    "H:MM:SS": durations("H:MM:SS"),
    # truth values and other levels
    **{
        f"{yes} or {no}": levels(yes, no, may_lack=("", "NA"))
        for yes, no in (
            *(("true", "false"), ("TRUE", "FALSE"), ("True", "False"), ("Yes", "No"), ("Y", "N")),
            *(("ja", "nein"), ("on", "off"), ("t", "f"), ("Oui", "Non"), ("x", "o")),
        )
    },
    "0 or 1": levels("0", "1", may_lack=("", "NA"), is_number=True),
    "countries": levels("NA", "ZA", "BW", may_lack=("",)),
    "none": levels("None", "full", "half", may_lack=("",)),
    "cases": levels("north", "North", "NORTH"),
    "delimiters": levels("a, b; c", "d|e\tf", "plain", may_lack=("",)),
    "quotes": levels('say "so"', '5" pipe', "none of it", may_lack=("",)),
    "lines": levels("two\nlines", "one line", "three\n\nlines"),
    "accents": levels("größe", "café", "naïve", "Åse", may_lack=("",)),
    "formulas": levels("=1+1", "-x", "+y", "@z"),
    # nothing to learn
    "constant": levels("same"),
    "constant number": levels("7", is_number=True),
    "empty": levels(""),
}


COMMAS = ("commas", "german", "french", "euros")
"""Numbers with a decimal comma; files hold them beside others with a point."""


@dataclass(frozen=True)
class Column:
    """A column: its form, its seed, its words for missing."""

    name: str
    form: str
    seed: int
    words: tuple = ()

    def cells(self, n=N):
        rng, form = random.Random(self.seed), FORMS[self.form]
        return [
            rng.choice(self.words) if self.words and rng.random() < 0.15 else form.make(rng)
            for _ in range(n)
        ]


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `quoting`: minimal, all, or texts."""

    delimiter: str = ","
    quoting: str = "minimal"
    end: str = "\n"
    encoding: str = "utf-8"
    sep: bool = False
    spaced: bool = False
    trailing: bool = False
    packed: bool = False

    def text(self, columns):
        """All lines of a file of columns."""
        cells = [column.cells() for column in columns]
        bare = [FORMS[c.form].is_number and self.quoting == "texts" for c in columns]
        rows = [
            [self._cell(text, is_bare) for text, is_bare in zip(row, bare, strict=True)]
            for row in zip(*cells, strict=True)
        ]
        header = [self._cell(c.name, False) for c in columns]
        mark = self.delimiter + (" " if self.spaced else "")
        last = self.delimiter if self.trailing else ""
        lines = [mark.join(row) + last for row in [header, *rows]]
        start = f"sep={self.delimiter}{self.end}" if self.sep else ""
        return start + self.end.join(lines) + self.end

    def _cell(self, text, is_bare):
        needs = re.search(rf'[{re.escape(self.delimiter)}"\r\n]', text)
        needs = needs or (self.spaced and text[:1] == " ")
        is_quoted = needs or self.quoting == "all" or (self.quoting == "texts" and not is_bare)
        return '"' + text.replace('"', '""') + '"' if is_quoted else text


@dataclass(frozen=True)
class Made:
    """A file."""

    columns: tuple
    dialect: Dialect

    def write(self, folder):
        path = folder / ("made.csv.gz" if self.dialect.packed else "made.csv")
        raw = self.dialect.text(self.columns).encode(self.dialect.encoding)
        path.write_bytes(gzip.compress(raw) if self.dialect.packed else raw)
        return path


@st.composite
def _columns(draw, name):
    form = draw(st.sampled_from(list(FORMS)))
    may = FORMS[form].may_lack
    some = st.lists(st.sampled_from(may), max_size=3, unique=True)
    words = draw(st.just([]) | some)
    return Column(name, form, draw(st.integers(0, 10**6)), tuple(words))


@st.composite
def files(draw):
    """A file of two to seven columns, the first of which tells rows apart."""
    n = draw(st.integers(1, 6))
    columns = [Column("number", "cents", 1), *(draw(_columns(f"column {i}")) for i in range(n))]
    delimiter = draw(st.sampled_from(",;\t|"))
    dialect = Dialect(
        delimiter,
        quoting=draw(st.sampled_from(["minimal", "minimal", "all", "texts"])),
        end=draw(st.sampled_from(["\n", "\r\n"])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16"])),
        sep=draw(st.integers(0, 5)) == 3,
        spaced=delimiter in ",;" and draw(st.integers(0, 5)) == 3,
        trailing=draw(st.integers(0, 5)) == 3,
        packed=draw(st.integers(0, 5)) == 3,
    )
    if dialect.spaced:  # blanks are the dialect's
        columns = [replace(c, words=tuple(w for w in c.words if w != " ")) for c in columns]
    if any(c.form in COMMAS for c in columns):  # else 12,345 would be told from 12,3 by nothing
        columns = [c for c in columns if c.form not in ("thousands", "thousandths")]
    return Made(tuple(columns), dialect)
