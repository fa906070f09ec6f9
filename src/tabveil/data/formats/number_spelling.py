"""Numbers as they are written: decimal marks, groups of thousands, currencies, percent, brackets.

A spelling is found in the different cells of a column; a column has one. Reading keeps every digit
that a float can hold, and writing gives the source's number of decimal places back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Mark = Literal[",", "."]
"""What stands before the decimals."""

_CURRENCIES = (
    "USD|EUR|GBP|CHF|JPY|CNY|INR|BRL|MXN|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|RUB|UAH|TRY|"
    "ILS|ZAR|KRW|SGD|HKD|THB|IDR|MYR|PHP|VND|NGN|KES|EGP|SAR|AED|ARS|CLP|COP|PEN"
)
_SIGNS = r"US\$|R\$|A\$|C\$|HK\$|[$€£¥₹₽₩₺₫₪₦฿]|zł|Kč|kr\.?|Fr\.|Rs\.?"
_UNITS = (
    "kg|g|mg|µg|μg|ug|ng|lbs?|oz|km|m|cm|mm|µm|in|ft|mi|l|L|dl|dL|ml|mL|µl|h|hrs?|min|sec|s|ms|"
    "days?|weeks?|months?|years?|yrs?|°C|°F|K|bpm|mmHg|kcal|kJ|kWh|W|kW|V|A|Hz|MB|GB|KB|"
    "mg/dL|mg/dl|mmol/L|mmol/l|g/dL|g/dl|IU|U/L"
)
_GROUPS = (",", ".", " ", "\u00a0", "\u202f", "'", "’")
_MINUS = "-−–"
_POINT = "\0"
"""Stands for a point between thousands until the decimal point has become a comma."""
_CELL = re.compile(
    r"(?P<open>\()?(?P<first>[-−–+])?"
    rf"(?P<prefix>(?:{_SIGNS}|(?:{_CURRENCIES})) ?)?(?P<second>[-−–+])?"
    r"(?P<body>\d(?:[\d.,\u00a0\u202f'’ ]*\d)?\.?|[.,]\d+)(?P<exponent>[eE][+-]?\d+)?"
    rf"(?P<suffix>[ \u00a0\u202f]?(?:%|‰|{_SIGNS}|(?:{_CURRENCIES})|(?:{_UNITS})))?"
    r"(?P<last>-)?(?P<close>\))?"
)
_SPECIAL = r"\.$|[-−–]$|^[^\d.-]"
"""Of a plain number: what Arrow does not read as Python does."""
_SHOW_THOUSANDS = 50
"""Different cells; of so many decimals one in 200 times none ends in a zero."""
_LOOKED_AT = 1000
"""Different cells that show how numbers are written; all are then read."""
MOST_PLACES = 12
"""Decimal places beyond which a number is written as short as its float can be told."""
MOST_DIGITS = 15
"""Digits of a whole number that a float holds exactly, whatever they are."""


@dataclass(frozen=True)
class Spelling:
    """How the numbers of a column are written.

    Attributes:
        mark: before the decimals.
        group: between thousands; empty: none.
        prefix, suffix: around the digits, blanks included.
        minus: where a negative number has its sign: "-x" before the prefix, "$-x" behind it, "x-"
            at the end, "(x)" brackets; with another sign than "-", that one in its place.
        plus: whether positive numbers have a sign.
        places: the fewest and the most decimal places; zeros fill up to the fewest.
        lakhs: whether groups above the thousands have two digits, as in 12,34,567.
        exponent: whether very small and very large ones are written as 1e-05.
        power: of numbers that all have an exponent: its letter, its sign where positive ones have
            one, and a zero for each digit that it has at least, as "E+00".
        width: of a cell, which blanks fill on the left, or on the right where it is negative; 0:
            they do not.
        bare: whether a number below 1 has no zero before its mark, as in .5.
        zeros: digits before the mark, which zeros fill up, as in 007.5; 0: they do not.
    """

    mark: Mark = "."
    group: str = ""
    prefix: str = ""
    suffix: str = ""
    minus: str = "-x"
    plus: bool = False
    places: tuple[int, int] = (0, 0)
    lakhs: bool = False
    exponent: bool = False
    power: str = ""
    width: int = 0
    bare: bool = False
    zeros: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether any program reads its numbers as they stand."""
        return self == Spelling(places=self.places, exponent=self.exponent, power=self.power)

    @property
    def is_whole(self) -> bool:
        """Whether it has no decimals."""
        return self.places == (0, 0) and not self.exponent

    def read(self, texts: pa.Array) -> NDArray[np.float64]:
        """The numbers, shape (n,); NaN where a text is none in this spelling.

        Args:
            texts: shape (n,), strings without gaps.
        """
        if self.is_plain:
            try:
                plain = np.asarray(pc.cast(texts, pa.float64()), dtype=np.float64)
            except pa.ArrowInvalid:
                plain = np.array([np.nan])
            if np.isfinite(plain).all():
                return plain
        texts = pc.utf8_trim(texts, characters=" ") if self.width else texts
        fits = pc.match_substring_regex(texts, self._regex)
        bodies = texts.filter(fits)
        if (
            self.is_plain
            and not pc.any(pc.match_substring_regex(bodies, r"\.$|[-−–]$|^[^\d.-]")).as_py()
        ):
            numbers = np.full(len(texts), np.nan)
            numbers[np.asarray(fits)] = np.asarray(pc.cast(bodies, pa.float64()))
            return numbers
        negative = np.asarray(pc.match_substring_regex(bodies, rf"[{_MINUS}(]\D*\d|\d\D*-\)?$"))
        if self.exponent:
            negative = np.asarray(pc.match_substring_regex(bodies, rf"^[{_MINUS}(]"))
        for text in (self.prefix.strip(), self.suffix):
            bodies = pc.replace_substring(bodies, text, "") if text else bodies
        if self.group:
            bodies = pc.replace_substring(bodies, self.group, "")
        if self.mark == ",":
            bodies = pc.replace_substring(bodies, ",", ".")
        if self.exponent:
            bodies = pc.utf8_ltrim(bodies, characters=f"+{_MINUS}( ")
        else:
            bodies = pc.replace_substring_regex(bodies, r"[^\d.]", "")
        floats = np.asarray(pc.cast(bodies, pa.float64()), dtype=np.float64)
        numbers = np.full(len(texts), np.nan)
        numbers[np.asarray(fits)] = np.where(negative, -floats, floats)
        return numbers

    def write(self, numbers: NDArray[Any]) -> pa.Array:
        """The numbers as texts.

        Args:
            numbers: shape (n,), finite.
        """
        digits = _digits(np.abs(numbers), self)
        if self.zeros:
            digits = _filled(digits, self.zeros)
        if self.group:
            digits = _grouped(digits, self.group, lakhs=self.lakhs)
        if self.mark == ",":
            digits = pc.replace_substring(digits, ".", ",")
        if self.group == ".":
            digits = pc.replace_substring(digits, _POINT, ".")
        if self.bare:
            digits = pc.replace_substring_regex(digits, r"^0([.,])", r"\1")
        negative = pa.array(np.signbit(numbers) & (np.asarray(_is_not_zero(digits))))
        minus = next((sign for sign in _MINUS if sign in self.minus), "-")
        sign = pc.if_else(negative, minus, "+" if self.plus else "")
        blank, prefix = (" ", self.prefix[1:]) if self.prefix[:1] == " " else ("", self.prefix)
        inside = _joined(prefix, sign, digits, self.suffix)
        if "$" not in self.minus:
            bare = _joined(prefix, digits, self.suffix)
            if self.minus == "(x)":
                inside = pc.if_else(negative, _joined("(", bare, ")"), bare)
            elif self.minus == "x-":
                inside = _joined(bare, sign)
            else:
                inside = _joined(sign, bare)
        inside = _joined(blank, inside)  # it stands before any sign
        if self.width < 0:
            return pc.utf8_rpad(inside, -self.width)
        return pc.utf8_lpad(inside, self.width) if self.width else inside

    @property
    def _regex(self) -> str:
        mark = re.escape(self.mark)
        whole = rf"\d{{{self.zeros},}}" if self.zeros else r"(?:0|[1-9]\d*)"
        if self.group:
            whole = rf"(?:{_wholes(self.group, lakhs=self.lakhs)}|{whole})"
        # Zeros in front are a code's; of whole numbers a person may want them read all the same.
        body = rf"(?:{whole}(?:{mark}\d*)?|\d+|{mark}\d+)"
        if self.exponent:
            body += r"(?:[eE][+-]?\d+)?"
        prefix, suffix = re.escape(self.prefix), re.escape(self.suffix)
        sign = rf"[{_MINUS}+]?"
        return rf"^\(?{sign}{prefix}{sign}{body}{suffix}-?\)?$"


def find_spellings(texts: Sequence[str]) -> list[Spelling]:
    """The spellings in which texts may be numbers: one, two where marks leave it open, or none.

    Args:
        texts: different cells; those that are no number in any spelling are passed over.
    """
    looked_at = [text for text in texts[:_LOOKED_AT] if text.strip(" ")]
    trimmed = [text.strip(" ") for text in looked_at]
    cells = [(text, match) for text in trimmed if (match := _CELL.fullmatch(text))]
    if not cells or 2 * len(cells) < len(looked_at):
        return []
    matches = [match for _, match in cells]
    affixes = Counter((match["prefix"] or "", match["suffix"] or "") for match in matches)
    (prefix, suffix), _ = affixes.most_common(1)[0]
    found = [m for m in matches if ((m["prefix"] or ""), (m["suffix"] or "")) == (prefix, suffix)]
    if all(text.endswith(" ") for text in looked_at):
        suffix += " "
    widths = {len(text) for text in looked_at}
    is_padded = any(text.startswith(" ") for text in looked_at) and len(widths) == 1
    is_filled = any(text.endswith(" ") for text in looked_at) and len(widths) == 1
    width = 0
    if is_padded or is_filled:
        width = max(widths) if is_padded else -max(widths)
        suffix = suffix.removesuffix(" ")
    lone_blank = all(text.startswith(" ") and not text.startswith("  ") for text in looked_at)
    return [
        Spelling(
            mark=mark,
            group=group,
            prefix=" " + prefix if lone_blank and not is_padded else prefix,
            suffix=suffix,
            minus=_minus(found),
            plus=_has_plus(found),
            places=places,
            lakhs=lakhs,
            exponent=any(match["exponent"] for match in found),
            power=_power([match["exponent"] for match in found]),
            width=width,
            bare=any(match["body"][0] in ".," for match in found),
            zeros=0 if group else _zeros([match["body"].split(mark)[0] for match in found]),
        )
        for mark, group, lakhs, places in _marks([match["body"] for match in found])
    ]


def settled(spelling: Spelling, texts: pa.Array) -> Spelling:
    """The spelling with the decimal places that all cells of the column have.

    Args:
        spelling: found in some of the cells.
        texts: shape (n,), different cells that are numbers in it.
    """
    if spelling.places == (0, 0) and not spelling.exponent:
        found = pc.any(pc.match_substring(texts, spelling.mark)).as_py() if len(texts) else False
        if not found:
            return spelling
    texts = pc.utf8_trim(texts, characters=" ") if spelling.width else texts
    ends = np.asarray(pc.binary_length(texts)) - len(spelling.suffix.encode())
    place = np.asarray(pc.find_substring(texts, spelling.mark))
    if spelling.minus in ("(x)", "x-"):
        ends = ends - np.asarray(pc.match_substring_regex(texts, r"[)-]$")).astype(int)
    counts = np.where(place < 0, 0, ends - place - 1)
    if spelling.exponent:
        counts = counts[~np.asarray(pc.match_substring_regex(texts, "[eE]"))]
    if not len(counts):
        return spelling
    least, most = int(counts.min()), int(counts.max())
    return replace(spelling, places=(least, most))


def _power(exponents: Sequence[str | None]) -> str:
    """How exponents are written where all numbers have one."""
    known = [exponent for exponent in exponents if exponent]
    if not known or len(known) < len(exponents):
        return ""
    plus = "+" if any("+" in exponent for exponent in known) else ""
    return known[0][0] + plus + "0" * min(len(re.sub(r"\D", "", e)) for e in known)


def _marks(bodies: Sequence[str]) -> list[tuple[Mark, str, bool, tuple[int, int]]]:
    """The decimal mark, the group mark, whether that is of lakhs, and the places of every body."""
    plain = _marks_of(bodies, lakhs=False)
    return plain or _marks_of(bodies, lakhs=True)


def _marks_of(
    bodies: Sequence[str], *, lakhs: bool
) -> list[tuple[Mark, str, bool, tuple[int, int]]]:
    fits: list[tuple[Mark, str, bool, tuple[int, int]]] = []
    used = {sign for body in bodies for sign in body if sign in _GROUPS}
    for mark in (".", ","):
        groups = used - {mark}
        if len(groups) > 1:
            continue
        group = next(iter(groups), "")
        whole = r"\d+"
        if group:
            whole = rf"(?:{_wholes(group, lakhs=lakhs)}|\d{{1,3}}|\d+)"
        pattern = re.compile(rf"(?:{whole})?(?:{re.escape(mark)}(\d*))?")
        parts = [pattern.fullmatch(body) for body in bodies]
        if not all(parts):
            continue
        if group and group in ".," and _has_long_wholes(bodies, mark, group):
            continue
        lengths = [len(part[1] or "") for part in parts if part]
        fits.append((mark, group, lakhs and bool(group), (min(lengths), max(lengths))))
    if len(fits) == 2 and not used & {",", "."}:
        return fits[:1]
    if len(fits) == 2 and _are_thousands(bodies):
        return [fit for fit in fits if fit[1]]
    return fits


def _are_thousands(bodies: Sequence[str]) -> bool:
    """Whether three digits or none stand behind the mark, in cells enough for ones of two digits.

    Of decimals without zeros at the end, one in ten has fewer digits than the longest.
    """
    lengths = Counter(
        len(re.split("[.,]", body)[-1]) if re.search("[.,]", body) else 0 for body in bodies
    )
    return set(lengths) == {0, 3} and lengths[3] >= _SHOW_THOUSANDS


def _has_long_wholes(bodies: Sequence[str], mark: str, group: str) -> bool:
    """Whether 1234 stands beside 1,234: what only some numbers have groups no thousands."""
    return any(len(body.split(mark)[0]) > 3 and group not in body for body in bodies)


def _minus(found: Sequence[re.Match[str]]) -> str:
    for match in found:
        if match["open"] and match["close"]:
            return "(x)"
        if match["last"]:
            return "x-"
        if match["second"] and match["second"] in _MINUS:
            return f"${match['second']}x"
        if match["first"] and match["first"] in _MINUS:
            return f"{match['first']}x"
    return "-x"


def _has_plus(found: Sequence[re.Match[str]]) -> bool:
    signs = [match["first"] or match["second"] for match in found]
    return any(sign == "+" for sign in signs) and all(signs)


def _digits(numbers: NDArray[Any], spelling: Spelling) -> pa.Array:
    """Digits with a point, at the spelling's places."""
    least, most = spelling.places
    if spelling.power:
        texts = [_powered(number, most, spelling.power) for number in numbers.tolist()]
        return pa.array(texts, pa.string())
    if np.issubdtype(numbers.dtype, np.integer):
        texts = pc.cast(pa.array(numbers), pa.string())
        return _joined(texts, "." + "0" * least) if least else texts
    if most > MOST_PLACES or spelling.exponent:
        return _shortest(numbers, least, exponent=spelling.exponent)
    known, codes = np.unique(numbers, return_inverse=True)
    texts = [_fixed(number, least, most) for number in known.tolist()]
    return pa.array(texts, pa.string()).take(pa.array(codes))


def _powered(number: float, places: int, power: str) -> str:
    mantissa, exponent = f"{number:.{places}e}".split("e")
    sign = "-" if exponent.startswith("-") else "+" * ("+" in power)
    return f"{mantissa}{power[0]}{sign}{exponent[1:].lstrip('0').zfill(power.count('0'))}"


def _fixed(number: float, least: int, most: int) -> str:
    text = f"{number:.{most}f}"
    if least == most or "." not in text:
        return text
    whole, _, decimals = text.partition(".")
    kept = decimals.rstrip("0")
    kept += "0" * (least - len(kept))
    return f"{whole}.{kept}" if kept else whole


def _shortest(numbers: NDArray[Any], least: int, *, exponent: bool) -> pa.Array:
    if exponent:
        texts = [repr(number) for number in numbers.tolist()]
    else:
        texts = [np.format_float_positional(n, trim="-") for n in numbers.tolist()]
    if least:
        texts = [t if "." in t or "e" in t else f"{t}.{'0' * least}" for t in texts]
    elif exponent:
        texts = [text.removesuffix(".0") for text in texts]
    return pa.array(texts, pa.string())


def _wholes(group: str, *, lakhs: bool) -> str:
    """What matches whole numbers with thousands apart."""
    mark = re.escape(group)
    if lakhs:
        return rf"[1-9]\d?(?:{mark}\d{{2}})*{mark}\d{{3}}"
    return rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+"


def _zeros(wholes: Sequence[str]) -> int:
    """The digits that all numbers have before their mark, where some begin with a zero."""
    lengths = {len(whole) for whole in wholes}
    is_filled = len(lengths) == 1 and any(whole.startswith("0") for whole in wholes)
    return lengths.pop() if is_filled and lengths != {1} and lengths != {0} else 0


def _filled(digits: pa.Array, width: int) -> pa.Array:
    """Zeros in front, up to so many digits before the point."""
    pieces = [text.partition(".") for text in digits.to_pylist()]
    return pa.array(["".join((p[0].zfill(width), *p[1:])) for p in pieces], pa.string())


def _grouped(digits: pa.Array, group: str, *, lakhs: bool) -> pa.Array:
    """Thousands apart; the decimals are left alone."""
    texts = []
    for text in digits.to_pylist():
        whole, point, decimals = text.partition(".")
        thousands = f"{int(whole):,}"
        if lakhs and len(whole) > 3:
            thousands = re.sub(r"(?<=\d)(?=(?:\d{2})+$)", ",", whole[:-3]) + "," + whole[-3:]
        thousands = thousands.replace(",", _POINT if group == "." else group)
        texts.append(thousands + point + decimals)
    return pa.array(texts, pa.string())


def _is_not_zero(digits: pa.Array) -> pa.Array:
    return pc.match_substring_regex(digits, "[1-9]")


def _joined(*pieces: Any) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, "")
