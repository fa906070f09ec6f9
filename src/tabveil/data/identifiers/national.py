"""Which numbers does a state give its people, how are they told apart, and which are never given?

A short table: each entry names a number, its shape, what must hold of it, and a range of numbers
that are valid in form but given to nobody, as far as the issuing office says; should the originals
fill it (they are made up themselves, then), longer numbers follow. Other countries' numbers are
found by the name of their column and made up by their pattern (`patterns.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tabveil.data.identifiers.checksums import dni_letter, nir_key, pesel_digit, steuer_id_digit
from tabveil.data.identifiers.spaces import Count, Part, Pick, Space, digits


@dataclass(frozen=True)
class National:
    """One country's number.

    Attributes:
        label: what it is called in a reason.
        shape: what it looks like, of a text without spaces, dots, slashes and hyphens.
        holds: whether its check digits hold.
        share: share of a column's values that must have shape and check digits, where the
            column's name says nothing: digits alone have them by chance.
        spaces: numbers that are nobody's.
        longer: longer ones, for when those are used up.
    """

    label: str
    shape: re.Pattern[str]
    holds: Callable[[str], bool]
    share: float
    spaces: Callable[[], list[Space]]
    longer: Callable[[], list[Space]] = list

    def fits(self, text: str) -> bool:
        """Whether a text is such a number."""
        bare = compact(text)
        return bool(self.shape.fullmatch(bare)) and self.holds(bare)


def compact(text: str) -> str:
    """The text in capitals, without what is put between groups.

    >>> compact("86 095 742 719")
    '86095742719'
    """
    return re.sub(r"[\s.\-/]", "", text).upper()


def _ssn_holds(text: str) -> bool:
    """Never issued: area 000 and 666, group 00, serial 0000 (US Social Security Administration).

    Area 9xx is let pass: those are tax numbers of the same form (ITIN), or made up by us.
    """
    return text[:3] not in {"000", "666"} and text[5:] != "0000"


def _steuer_id_holds(text: str) -> bool:
    """Check digit, and of the first ten digits some repeat but none more than three times."""
    counts = {digit: text[:10].count(digit) for digit in text[:10]}
    return steuer_id_digit(text[:10]) == text[10] and max(counts.values()) in (2, 3)


def _dni_holds(text: str) -> bool:
    """The letter fits; of a foreigner's number (NIE) X, Y, Z stand for 0, 1, 2."""
    return dni_letter(text[:-1].translate(str.maketrans("XYZ", "012"))) == text[-1]


def _checked(parts: tuple[Part, ...], check: Callable[[str], str], n: int = 1) -> Space:
    """Numbers that end in `n` check digits."""
    return Space(parts, lambda text: text + check(text), lambda text: text[:-n])


def _ssn(serial: int = 4) -> list[Space]:
    """Area 9xx, group below 50: neither a social security number nor a tax number (ITIN)."""
    return [Space(("9", digits(2), Count(0, 49, 2), digits(serial)))]


def _steuer_id(width: int = 9) -> list[Space]:
    """A first digit 0 marks test numbers (German Federal Central Tax Office)."""
    return [_checked(("0", digits(width)), steuer_id_digit)]


def _dni(width: int = 7) -> list[Space]:
    """The top tenth of the range, which has not been handed out so far."""
    return [_checked(("9", digits(width)), dni_letter)]


def _nino() -> list[Space]:
    """Prefixes of letters that are never allocated; QQ is the one HMRC uses in examples."""
    ends = Pick(tuple("ABCD"), "[A-D]")
    barred = [a + b for a in "DFIQUV" for b in "DFIQUV" if a + b != "QQ"]
    prefixes = (Pick(("QQ",), "[A-Z]{2}"), Pick(barred, "[A-Z]{2}"))
    return [Space((prefix, digits(6), ends)) for prefix in prefixes]


def _pesel() -> list[Space]:
    """Births from 2200 to 2299, which add 60 to the month."""
    parts = (digits(2), Count(61, 72, 2), Count(1, 28, 2), digits(4))
    return [_checked(parts, pesel_digit)]


def _nir() -> list[Space]:
    """Born in department 00, which does not exist."""
    parts = (Count(1, 2), digits(2), Count(1, 12, 2), "00", Count(1, 990, 3), Count(1, 999, 3))
    return [_checked(parts, nir_key, n=2)]


_DAY = r"(0[1-9]|[12]\d|3[01])"
NATIONAL = {
    "ssn": National(
        "US social security numbers", re.compile(r"\d{9}"), _ssn_holds, 1.1, _ssn, lambda: _ssn(8)
    ),
    "steuer_id": National(
        "German tax ids",
        re.compile(r"\d{11}"),
        _steuer_id_holds,
        0.9,
        _steuer_id,
        lambda: _steuer_id(13),
    ),
    "dni": National(
        "Spanish DNI or NIE",
        re.compile(r"[\dXYZ]\d{7}[A-Z]"),
        _dni_holds,
        0.5,
        _dni,
        lambda: _dni(11),
    ),
    "nino": National(
        "British national insurance numbers",
        re.compile(r"[A-Z]{2}\d{6}[A-D]"),
        lambda _: True,  # it has no check digit
        0.8,
        _nino,
    ),
    "pesel": National(
        "Polish PESEL",
        re.compile(rf"\d\d([02468][1-9]|[13579][0-2]){_DAY}\d{{5}}"),
        lambda text: pesel_digit(text[:10]) == text[10],
        0.8,
        _pesel,
    ),
    "nir": National(
        "French social security numbers (NIR)",
        re.compile(r"[12]\d{4}(\d\d|2A|2B)\d{8}"),
        lambda text: nir_key(text[:13]) == text[13:],
        0.5,
        _nir,
    ),
}
