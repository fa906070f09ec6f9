"""Which format the texts of a column have, decided from all of its cells.

Nothing is decided by the first rows. Numbers, dates and their like are found where all cells are
ones, but for words that mean missing and a few odd cells; every other column is text, exactly as
it is written. What two readings fit equally well is not decided here: both are returned.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tabveil.data.formats import durations
from tabveil.data.formats.cells import Cells
from tabveil.data.formats.column_format import QUOTED_EMPTY, SHARED_ROWS, Format
from tabveil.data.formats.date_pattern import DatePattern, Read, date_patterns
from tabveil.data.formats.dates_in_digits import (
    ODD_DIGITS,
    ODD_WORDS,
    is_of_days,
    patterns_of_days,
)
from tabveil.data.formats.number_spelling import (
    MOST_DIGITS,
    Mark,
    Spelling,
    find_spellings,
    settled,
)
from tabveil.data.formats.zones import zone_of
from tabveil.data.identifiers.checksums import luhn_holds
from tabveil.errors import DataError

MISSING_WORDS = (
    *("NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "#N/A N/A"),
    *("NULL", "Null", "null", "(null)", "None", "none", "NaN", "nan", "-NaN", "-nan"),
    *("nil", "NIL", "n.a.", "N.A.", "k.A.", "k. A.", "missing", "Missing"),
    *("-", "--", "---", "–", "—", ".", "..", "...", "?", "??", "*", "**"),
    *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
"""Words that mean missing in a column of which the rest is numbers, dates or truth values."""
_NO_DATES = ("0000-00-00", "0000-00-00 00:00:00", "00000000", "0", "00.00.0000", "00/00/0000")
"""Words that mean missing among dates."""
_ENOUGH = 20
"""Different numbers that make a few words odd ones out; fewer may be levels themselves."""
_YEARS = (1500, 2200)
_OPEN_YEARS = (1, 9999)
"""Years of dates that mean the beginning and the end of time."""
_FEW_LEVELS = 50
"""So many different texts at most are levels rather than numbers where 1.1 stands beside 1.10."""
_MANY_DAYS, _FEW_DAYS = 25, 12
"""Of a month, in two readings of the same dates. Where both are days, both have many."""
_SAMPLED = 1000
_CENSORED = r"^\s*[<>≤≥]=?\s*\S+$|^\d+\+$"
"""Beyond what was measured: <5, >=100, 100+."""
_CODE = r"^\d+[eE]\d+$"
_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_TRUTHS = (("false", "true"), ("False", "True"), ("FALSE", "TRUE"))
_ENOUGH_CHECKED = 8
"""Different numbers that all have a check digit; one in five has, by either rule, by chance."""
_CHECKED_LENGTHS = (8, 10, 12, 13, 14, 15)


@dataclass(frozen=True)
class Told:
    """What is known of a column before it is read.

    Attributes:
        kind: that a person gave it; None: inferred.
        pattern: of its dates, or an example of its numbers, that a person gave.
        missing: words that mean missing, whatever the rest of the column is; None: the default.
        is_text: whether the source says that the cells are texts, so that digits may be a code.
        decimal: the decimal mark that a person gave for the whole file.
    """

    kind: str | None = None
    pattern: str | None = None
    missing: Sequence[str] | None = None
    is_text: bool = False
    decimal: Mark | None = None


@dataclass(frozen=True)
class Inferred:
    """What a column's format may be.

    Attributes:
        formats: one; two where the cells can be read in two ways.
        why: what decided, where that is not plain.
        notes: what happens to cells that do not fit; the cells themselves are quoted only where
            enough rows hold them.
    """

    formats: tuple[Format, ...]
    why: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)


def infer_format(cells: Cells, told: Told) -> Inferred:
    """Find the format of a column of texts.

    Raises:
        DataError: a person gave a kind or a pattern that the cells do not fit. The message has no
            column: the caller knows it.
    """
    words = MISSING_WORDS if told.missing is None else tuple(told.missing)
    column = _Column(cells, told, words)
    if told.kind in ("categorical", "identifier"):
        return column.as_text()
    if told.kind == "boolean":
        return column.truths() or column.zeros_and_ones() or column.as_text()
    if told.kind == "numeric":
        return column.as_numbers_or_times()
    if told.kind == "datetime":
        return column.as_dates()
    if not len(column.present):
        return column.as_text()
    for attempt in (column.truths, column.codes, column.numbers, column.dates, column.times):
        found = attempt()
        if found is not None:
            return found
    return column.as_text()


@dataclass(frozen=True)
class _Fit:
    """Of the different texts that are not missing: which fit, and what becomes of the rest."""

    fits: NDArray[np.bool_]
    odd: NDArray[np.bool_]
    missing: NDArray[np.bool_]


class _Column:
    """The texts of one column, and the attempts to read them."""

    def __init__(self, cells: Cells, told: Told, words: Sequence[str]) -> None:
        self.cells, self.told = cells, told
        self.words = cells.among(words) & ~cells.is_blank
        self.empty = cells.is_blank
        # Words that a person named are missing in every column; the default ones only beside
        # numbers and their like.
        self.always = self.empty | (self.words if told.missing is not None else False)
        self.present = np.flatnonzero(~self.always & (cells.counts > 0))
        self.likely = np.flatnonzero(~self.empty & ~self.words & (cells.counts > 0))

    # --- attempts ---

    def truths(self) -> Inferred | None:
        texts = set(self.cells.texts.take(pa.array(self.likely[:4])).to_pylist())
        for pair in _TRUTHS:
            if texts and texts <= set(pair) and len(self.likely) <= 2:
                missing = self.empty | self.words
                return self._made(Format("truth", truths=pair), missing)
        return None

    def zeros_and_ones(self) -> Inferred | None:
        texts = set(self.cells.texts.take(pa.array(self.likely[:3])).to_pylist())
        if len(self.likely) > 2 or not texts <= {"0", "1"} or not texts:
            return None
        return self.numbers()

    def codes(self) -> Inferred | None:
        """Digits that are no number: leading zeros, too many digits, 1E2, check digits."""
        cells, likely = self.cells, self.likely
        if not len(likely) or not self._looks_like_numbers():
            return None
        mask = np.zeros(len(cells.texts), dtype=bool)
        mask[likely] = True
        n = cells.rows(mask)
        if cells.having("e").any() and (cells.matching(_CODE) & mask).any():
            return self.as_text("code", "such as 1E2: a code, not a number")
        # Blanks around digits make no number of a code.
        texts = cells.texts
        if cells.floats is None and cells.having(" ").any():
            texts = cells.once("trimmed", pc.utf8_trim_whitespace)
        digits = mask & np.asarray(pc.ascii_is_decimal(texts), dtype=bool)
        if self._is_of_days(digits, n):
            return None
        zeros = np.asarray(pc.starts_with(texts, "0"), dtype=bool) & digits
        lengths = np.asarray(pc.utf8_length(texts))
        zeros &= lengths > 1
        widths = set(np.unique(lengths[digits]).tolist())
        if zeros.any() and (cells.rows(zeros) >= ODD_DIGITS * n or len(widths) == 1):
            return self.as_text("code", "leading zeros: a code, not a number")
        if ((lengths > MOST_DIGITS) & digits).any() and cells.rows(digits) >= (1 - ODD_DIGITS) * n:
            return self.as_text("code", f"more than {MOST_DIGITS} digits: a code, not a number")
        if cells.rows(digits) < n:
            return None
        if self.told.is_text and (len(widths) == 1 or len(likely) < _ENOUGH):
            return self.as_text("code", "digits that the source holds as texts")
        may_check = len(widths) == 1 and widths <= set(_CHECKED_LENGTHS)
        may_check = may_check and len(likely) >= _ENOUGH_CHECKED
        may_check = may_check and all(_has_check_digit(t.strip()) for t in self._sample())
        checked = texts.take(pa.array(likely)) if may_check else []
        if may_check and all(_has_check_digit(text.as_py()) for text in checked):
            return self.as_text("code", "check digits hold: a code, not a number")
        return None

    def _looks_like_numbers(self) -> bool:
        sample = self._sample()
        plain = sum(_PLAIN.fullmatch(text.strip(" ")) is not None for text in sample)
        return plain >= (1 - ODD_WORDS) * len(sample)

    @cached_property
    def digits(self) -> NDArray[np.bool_]:
        """Which texts are nothing but digits, shape (n_texts,)."""
        if self.cells.floats is not None and not any(t.isdigit() for t in self._sample()):
            # Numbers with decimals: those without are few, and found among those without a mark.
            bare = ~self.cells.having(".")
            if not bare.any():
                return bare
        return np.asarray(pc.ascii_is_decimal(self.cells.texts), dtype=bool)

    def numbers(self) -> Inferred | None:
        if self._is_of_days(self.digits, self.cells.rows(~self.empty)):
            return None
        found = [fit for spelling in self._spellings() if (fit := self._fit_numbers(spelling))]
        if not found:
            return None
        if self._has_two_spellings_of_a_level(found[0][0]):
            return self.as_text(
                "text", "1.10 is written with a zero that 1.1 or 1.9 has not: a text, not a number"
            )
        return self._numbers_made(found)

    def dates(self) -> Inferred | None:
        found = []
        for pattern in self._patterns():
            fit = self._fit(~np.isnat(self._read(pattern).dates), extra=_NO_DATES)
            if fit is not None and self._is_plausible(pattern, fit):
                found.append((pattern, fit))
        return self._dates_made(found) if found else None

    def _is_plausible(self, pattern: DatePattern, fit: _Fit) -> bool:
        """Whether the years are such as tables hold: 1-0003 is no January of the year 3."""
        years = self._read(pattern).dates[fit.fits].astype("datetime64[Y]").astype(np.int64) + 1970
        odd = ((years < _YEARS[0]) | (years > _YEARS[1])) & ~np.isin(years, _OPEN_YEARS)
        return int(self.cells.counts[fit.fits][odd].sum()) <= ODD_DIGITS * self.cells.rows(fit.fits)

    def times(self) -> Inferred | None:
        return self._times_of_day() or self._durations()

    # --- what a person asked for ---

    def as_text(self, sort: Literal["text", "code"] = "text", why: str = "") -> Inferred:
        if self.told.kind == "boolean" and len(self.present) > 2:
            raise DataError(f"is to be boolean, but has {len(self.present)} different texts")
        return self._made(Format(sort), self.always, why)

    def as_numbers_or_times(self) -> Inferred:
        mark = _mark_of(self.told.pattern)
        told_mark = mark or self.told.decimal
        spellings = [s for s in self._spellings() if told_mark in (None, s.mark)]
        found = [fit for s in spellings if (fit := self._fit_numbers(s, strict=False))]
        if found:
            return self._numbers_made(found)
        times = self.times()
        if times is not None:
            return times
        if not len(self.likely):
            return self._made(Format("whole", spelling=Spelling()), self.always | self.words)
        raise DataError(self._unfit("numeric", "numbers", spellings))

    def as_dates(self) -> Inferred:
        if not len(self.likely):
            empty = Format("datetime", pattern=self.told.pattern or "%Y-%m-%d")
            return self._made(empty, self.always | self.words)
        if self.told.pattern is None:
            found = self.dates()
            if found is None and (days := self._days_in_digits()) is not None:
                return days
            if found is None:
                raise DataError(self._unfit("datetime", "dates in one way of writing", ()))
            return found
        try:
            asked = DatePattern.from_text(self.told.pattern)
        except ValueError as error:
            raise DataError(f"has a format that is none: {error}") from None
        # As in strptime, %d reads 5 and 05; how it is written shows in the cells.
        bare = DatePattern(_bare(asked.text), asked.case)
        for pattern in (asked, bare):
            fit = self._fit(~np.isnat(self._read(pattern).dates), extra=_NO_DATES)
            if fit is not None:
                return self._dates_made([(pattern, fit)])
        raise DataError(
            f"is to be read as {self.told.pattern}, but "
            f"{self._n_unfit(~np.isnat(self._read(bare).dates))} of its cells are not written so"
        )

    # --- numbers ---

    def _spellings(self) -> list[Spelling]:
        spellings = find_spellings(self._sample())
        mark = self.told.decimal
        return [s for s in spellings if mark in (None, s.mark) or (s.is_whole and s.group != mark)]

    def _fit_numbers(
        self, spelling: Spelling, *, strict: bool = True
    ) -> tuple[Spelling, _Fit] | None:
        fits = ~np.isnan(self.cells.once(spelling, spelling.read))
        fit = self._fit(fits, strict=strict)
        if fit is None:
            return None
        texts = self.cells.texts if fits.all() else self.cells.texts.filter(pa.array(fit.fits))
        return settled(spelling, texts), fit

    def _numbers_made(self, found: Sequence[tuple[Spelling, _Fit]]) -> Inferred:
        made = []
        for spelling, fit in found:
            sort: Literal["whole", "decimal"] = "whole" if spelling.is_whole else "decimal"
            made.append(self._made(Format(sort, spelling=spelling), fit.missing, fit=fit))
        formats = tuple(one.formats[0] for one in made)
        return replace(made[0], formats=formats)

    def _has_two_spellings_of_a_level(self, spelling: Spelling) -> bool:
        """Whether 1.10 stands beside 1.1 or 1.9 among few texts, as versions do.

        A program that writes numbers leaves zeros at the end out, or writes them everywhere.
        """
        least, most = spelling.places
        if not 1 < len(self.likely) <= _FEW_LEVELS or least == most:
            return False
        texts = self.cells.texts.take(pa.array(self.likely))
        longer = rf"\{spelling.mark}\d{{{least}}}\d*0$"
        if least and pc.any(pc.match_substring_regex(texts, longer)).as_py():
            return True
        numbers = spelling.read(texts)
        numbers = numbers[~np.isnan(numbers)]
        return len(np.unique(numbers)) < len(numbers)

    # --- dates ---

    def _patterns(self) -> Sequence[DatePattern]:
        if self._is_of_days(self.digits, self.cells.rows(~self.empty)):
            return [DatePattern(text) for text in patterns_of_days(self._sample())]
        sample = self._sample()
        if all(text.strip(" ").isdigit() for text in sample):
            return []
        before, after = _blanks_around(sample)
        patterns = date_patterns([text.strip(" ") for text in sample])
        return [replace(p, text=before + p.text + after) for p in patterns]

    def _read(self, pattern: DatePattern) -> Read:
        return self.cells.once(pattern, pattern.read)

    def _dates_made(self, found: Sequence[tuple[DatePattern, _Fit]]) -> Inferred:
        # A reading that leaves cells out is none beside one that does not.
        least = min(self.cells.rows(fit.odd) for _, fit in found)
        found = [(p, fit) for p, fit in found if self.cells.rows(fit.odd) == least]
        found = self._without_doubles(found)
        n_readings = len(found)
        found = self._likely_readings(found)
        why = "days run through the whole month" if len(found) < n_readings else ""
        made = []
        for pattern, fit in found:
            format = Format("datetime", pattern=pattern.text, case=pattern.case)  # noqa: A001
            zoned = self._zoned(format, pattern, fit)
            made.append(self._made(zoned, fit.missing, why, fit=fit))
        return replace(made[0], formats=tuple(one.formats[0] for one in made))

    def _without_doubles(
        self, found: Sequence[tuple[DatePattern, _Fit]]
    ) -> Sequence[tuple[DatePattern, _Fit]]:
        """One of the readings where the column holds a single date that all of them read alike."""
        if len(self.likely) > 1 or len(found) < 2:
            return found
        readings = [self._read(pattern).dates[self.likely] for pattern, _ in found]
        same = all(np.array_equal(readings[0], other) for other in readings[1:])
        return found[:1] if same else found

    def _likely_readings(
        self, found: Sequence[tuple[DatePattern, _Fit]]
    ) -> Sequence[tuple[DatePattern, _Fit]]:
        """Those in which days run through the month, where in the others they are a few only.

        Of 05.03.19 the last part may be a day, but not where it is one of five in all rows, and the
        first one any from 1 to 31.
        """
        if len(found) < 2:
            return found
        n_days = []
        for pattern, fit in found:
            dates = self._read(pattern).dates[fit.fits].astype("datetime64[D]")
            days = dates - dates.astype("datetime64[M]").astype("datetime64[D]")
            n_days.append(len(np.unique(days)))
        full = [reading for reading, n in zip(found, n_days, strict=True) if n >= _MANY_DAYS]
        return full if full and min(n_days) <= _FEW_DAYS else found

    def _zoned(self, format: Format, pattern: DatePattern, fit: _Fit) -> Format:  # noqa: A002
        if pattern.text.endswith(("Z", "UTC")):
            return replace(format, zone="UTC")
        if not pattern.keys & {"z"}:
            return format
        read = self._read(pattern)
        assert read.offsets is not None
        zone, shares = zone_of(
            read.dates[fit.fits], read.offsets[fit.fits], self.cells.counts[fit.fits]
        )
        return replace(format, zone=zone, offsets=shares)

    def _days_in_digits(self) -> Inferred | None:
        for text in ("%Y%m%d", "%Y%m", "%d%m%Y", "%Y"):
            pattern = DatePattern(text)
            fit = self._fit(~np.isnat(self._read(pattern).dates), extra=_NO_DATES)
            if fit is not None:
                return self._dates_made([(pattern, fit)])
        return None

    def _is_of_days(self, digits: NDArray[np.bool_], n: int) -> bool:
        """Whether digits are days such as 20230623, or months such as 202306."""
        return n > 0 and is_of_days(self._sample(), self.cells, digits, n)

    # --- times of day, durations ---

    def _times_of_day(self) -> Inferred | None:
        before, after = _blanks_around(self._sample())
        for bare in _TIMES:
            text = before + bare + after
            pattern = DatePattern(text)
            read = self._read(pattern)
            fit = self._fit(~np.isnat(read.dates))
            if fit is not None:
                ticks = read.dates[fit.fits].astype("datetime64[us]").astype(np.int64)
                seconds = (ticks % 86_400_000_000) / 1e6
                return self._made(
                    Format("time", pattern=text, unit=_unit(seconds)), fit.missing, fit=fit
                )
        return None

    def _durations(self) -> Inferred | None:
        for pattern in durations.PATTERNS:
            seconds = durations.read_durations(self.cells.texts, pattern)
            fit = self._fit(~np.isnan(seconds))
            if fit is not None:
                unit = _unit(seconds[fit.fits])
                return self._made(
                    Format("duration", pattern=pattern, unit=unit), fit.missing, fit=fit
                )
        return None

    # --- what all share ---

    def _sample(self) -> list[str]:
        """Different texts of all parts of the column, none missing."""
        likely = self.likely
        if len(likely) > _SAMPLED:
            likely = likely[np.linspace(0, len(likely) - 1, _SAMPLED).astype(np.int64)]
        texts: list[str] = self.cells.texts.take(pa.array(likely)).to_pylist()
        return texts

    def _fit(
        self, fits: NDArray[np.bool_], *, extra: Sequence[str] = (), strict: bool = True
    ) -> _Fit | None:
        """What becomes of each text if those that fit are read; None where too many do not."""
        cells = self.cells
        fits = fits & ~self.empty
        missing = (self.empty | self.words | (cells.among(extra) if extra else False)) & ~fits
        odd = ~fits & ~missing & (cells.counts > 0)
        n_fits, n_odd = cells.rows(fits), cells.rows(odd)
        if not n_fits:
            return None
        if n_odd:
            with_digits = (
                odd & cells.matching(r"\d") & ~cells.matching(r"^\s*[<>≤≥]=?\s*\S+$|^\d+\+$")
            )
            n = n_fits + n_odd
            few = strict and int(fits.sum()) < _ENOUGH and n_odd > ODD_DIGITS * n
            if few or n_odd > ODD_WORDS * n or cells.rows(with_digits) > ODD_DIGITS * n:
                return None
        return _Fit(fits, odd, missing | odd)

    def _made(
        self,
        format: Format,  # noqa: A002
        missing: NDArray[np.bool_],
        why: str = "",
        fit: _Fit | None = None,
    ) -> Inferred:
        words, notes = self._words_for_missing(missing)
        if fit is not None and fit.odd.any():
            notes = (*notes, self._odd_note(format, fit))
        return Inferred((replace(format, missing=words or None),), why, notes)

    def _words_for_missing(
        self, missing: NDArray[np.bool_]
    ) -> tuple[dict[str, float], tuple[str, ...]]:
        """How missing cells are written, with shares; a note where that is a word."""
        n_empty = int((self.cells.codes < 0).sum())
        words = self.cells.shares(missing) if missing.any() else {}
        shared = {word: n for word, n in words.items() if n >= SHARED_ROWS}
        if not n_empty and not shared and words:  # nobody's word is told, but blanks may be
            shared = {word: n for word, n in words.items() if not word.strip()}
        if n_empty and "" in shared:  # an empty text beside nothing at all
            shared[QUOTED_EMPTY] = shared.pop("")
        counts = ({"": n_empty} if n_empty else {}) | shared
        shares = {word: float(f"{n / sum(counts.values()):.3g}") for word, n in counts.items()}
        named = [f"{w!r} ({n} cells)" for w, n in shared.items() if self._means_missing(w)]
        notes = (f"taken for missing: {', '.join(named)}",) if named else ()
        return ({} if set(shares) <= {""} else shares), notes

    def _means_missing(self, text: str) -> bool:
        words = MISSING_WORDS if self.told.missing is None else self.told.missing
        return bool(text.strip()) and text.strip() in (*words, *_NO_DATES)

    def _odd_note(self, format: Format, fit: _Fit) -> str:  # noqa: A002
        cells = self.cells
        counts = cells.shares(fit.odd)
        n, shared = sum(counts.values()), {w: k for w, k in counts.items() if k >= SHARED_ROWS}
        texts = list(shared)[:5]
        what = {"datetime": "no dates", "time": "no times", "duration": "no durations"}
        named = f" ({', '.join(map(repr, texts))} stay such cells)" if texts else ""
        lost = n - sum(shared.values())
        rest = f"; {lost} become missing" if lost else ""
        are = what.get(format.sort, "no numbers")
        return f"{n} of {cells.rows(cells.counts > 0)} cells are {are}{named}{rest}"

    def _n_unfit(self, fits: NDArray[np.bool_]) -> int:
        return self.cells.rows(~fits & ~self.empty & ~self.words)

    def _unfit(self, kind: str, what: str, spellings: Sequence[Spelling]) -> str:
        n = self.cells.rows(~self.empty & ~self.words)
        best = min(
            (self._n_unfit(~np.isnan(s.read(self.cells.texts))) for s in spellings), default=n
        )
        return (
            f"is to be {kind}, but {best} of its {n} cells are no {what}; give it another kind, or "
            f"name the words that mean missing by dataset.missing"
        )


_TIMES = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%3f", "%H:%M:%S.%6f", "%H:%M:%S[.%6f]"),
    *("%-H:%M", "%-H:%M:%S", "%I:%M %p", "%-I:%M %p", "%I:%M:%S %p", "%-I:%M:%S %p"),
)


def _blanks_around(sample: Sequence[str]) -> tuple[str, str]:
    """The blanks that all texts begin and end with."""
    before = min((len(text) - len(text.lstrip(" ")) for text in sample), default=0)
    after = min((len(text) - len(text.rstrip(" ")) for text in sample), default=0)
    return " " * before, " " * after


def _unit(seconds: NDArray[np.float64]) -> float:
    """The largest of the usual steps that all of them are multiples of."""
    ticks = np.rint(seconds * 1e6).astype(np.int64)
    for unit in (3600, 1800, 900, 600, 300, 60, 1, 0.001):
        if len(ticks) and not (ticks % round(unit * 1e6)).any():
            return float(unit)
    return 1e-6


def _bare(text: str) -> str:
    for key in "dmHI":
        text = text.replace(f"%{key}", f"%-{key}")
    return text


def _mark_of(example: str | None) -> Mark | None:
    """The decimal mark of an example such as 1.234,56 or 1,234,567."""
    marks = [sign for sign in example or "" if sign in ",."]
    if not marks:
        return None
    is_of_thousands = marks.count(marks[-1]) > 1
    if is_of_thousands:
        return "." if marks[-1] == "," else ","
    return marks[-1]  # type: ignore[return-value]


def _has_check_digit(digits: str) -> bool:
    """Whether the last digit checks the others, as in an EAN or by Luhn's rule."""
    return _gs1_holds(digits) or luhn_holds(digits)


def _gs1_holds(digits: str) -> bool:
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(reversed(digits)))
    return total % 10 == 0


def readings(inferred: Inferred) -> Mapping[str, Any]:
    """The two ways in which a column may be read, as a person would ask for them."""
    return {(f.pattern or "") if f.sort == "datetime" else f.words: f for f in inferred.formats}
