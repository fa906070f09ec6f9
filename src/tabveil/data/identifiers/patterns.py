r"""What do the codes of a column have in common, and how are more of the kind made?

A pattern writes `#` for a digit, `9` for a digit that is not zero, `A` and `a` for a letter, `x`
and `X` for a hexadecimal digit, `z` and `Z` for a letter or digit; what follows a backslash and all
other characters stand as they are: `\I\D-9###` is ID-1000 to ID-9999. A pattern is written down
only if at least five different codes have it, and a letter or a zero only if every code begins with
it. Numbers that count rows go on above a power of ten that all originals are below.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence

from tabveil.data.identifiers.spaces import Count, Part, Pick, Space
from tabveil.data.rounding import SHARED_ROWS

RUNNING = "from "
"""What the pattern of numbers that count rows begins with."""
_MOST = 10**15 - 1  # a float64 column, as one with missing values is, holds no more digits
USUAL = "AAAA-####-####"
"""For codes that have no pattern in common."""
TOKEN = "x" * 64
"""The look of a keyed hash (HMAC-SHA256 in hexadecimal digits)."""
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLASSES = {
    "#": Pick(tuple("0123456789"), r"\d"),
    "9": Pick(tuple("123456789"), r"\d"),
    "A": Pick(tuple(_UPPER), "[A-Z]"),
    "a": Pick(tuple(_UPPER.lower()), "[a-z]"),
    "x": Pick(tuple("0123456789abcdef"), "[0-9a-f]"),
    "X": Pick(tuple("0123456789ABCDEF"), "[0-9A-F]"),
    "z": Pick(tuple("0123456789" + _UPPER.lower()), "[0-9a-z]"),
    "Z": Pick(tuple("0123456789" + _UPPER), "[0-9A-Z]"),
}
"""What the characters of a pattern stand for."""
_HEX = re.compile(r"(?=.*[a-fA-F])(?=.*\d)([0-9a-f]{8,}|[0-9A-F]{8,})")
_LONGER = (3, 6, 9, 12, 15, 18)  # digits put behind a pattern when its own codes do not suffice
_MOSTLY = 0.5  # of the codes; where fewer have a shared pattern, letters and digits take turns
_LONGEST = 128  # codes beyond this are cut: their pattern is rarely shared, and slow to draw
_MOST_RUNNING = 14  # digits: above the power of ten there must be room in 15 of them


def patterns_of(texts: Sequence[str], *, numeric: bool = False) -> dict[str, int]:
    r"""The patterns that at least five different codes have, and how many codes have each.

    Args:
        texts: codes, one a row, none missing.
        numeric: whether they are numbers, which have no zeros in front.

    >>> patterns_of(["ID-017", "ID-180", "ID-222", "ID-305", "ID-461"])
    {'\\I\\D-###': 5}
    """
    different = set(texts)
    if len(different) < SHARED_ROWS:
        return {}
    if all(map(_HEX.fullmatch, different)) and len({len(text) for text in different}) == 1:
        digit = "X" if any(text != text.lower() for text in different) else "x"
        return {digit * min(len(texts[0]), _LONGEST): len(texts)}
    fixed = _letters_of_all(different)
    zeros = "" if numeric or fixed else _zeros_of_all(different)
    padded = not numeric and (bool(fixed) or any(text.startswith("0") for text in different))
    shared = _shared(texts, lambda text: _generic(text, fixed or zeros, padded=padded))
    if sum(shared.values()) >= _MOSTLY * len(texts) or numeric:
        return shared
    return _shared(texts, _mixed) or shared


def _shared(texts: Sequence[str], pattern_of: Callable[[str], str]) -> dict[str, int]:
    """Patterns with a place that varies that five different texts have, the commonest first."""
    counts, different = Counter[str](), Counter[str]()
    patterns = {text: pattern_of(text) for text in texts}
    different.update(patterns.values())
    counts.update(patterns[text] for text in texts)
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {p: n for p, n in listed if different[p] >= SHARED_ROWS and _choices(p)}


def _mixed(text: str) -> str:
    """The pattern of a code in which every place may hold a letter or a digit."""
    place = "z" if text.islower() else "Z"
    rest = re.sub(r"[\\#]", r"\\\g<0>", text[:_LONGEST])
    return re.sub(r"[^\W_]", place, rest)


def running_start(texts: Sequence[str]) -> str | None:
    """How numbers that count rows go on: "from" the power of ten above all of them, "wide" as they.

    None if the texts do not count rows: whole numbers of any width, or all padded to one, without
    gaps and repeats.

    >>> running_start(["1", "2", "3"]), running_start(["0008", "0009", "0010"])
    ('from 10', 'from 100 wide 4')
    """
    if not texts or not all(re.fullmatch(r"\d{1,18}", text) for text in texts):
        return None
    numbers = {int(text) for text in texts}
    if len(numbers) < len(texts) or max(numbers) - min(numbers) + 1 != len(numbers):
        return None
    width = len(str(max(numbers)))
    if width >= _MOST_RUNNING:
        return None
    padded = any(len(text) > 1 and text.startswith("0") for text in texts)
    if padded and len({len(text) for text in texts}) > 1:
        return None
    return f"{RUNNING}{10**width}" + (f" wide {len(texts[0])}" if padded else "")


def running(pattern: str) -> list[Space]:
    """The numbers that go on as `running_start` says; wider ones when the width is used up."""
    start, _, wide = pattern.removeprefix(RUNNING).partition(" wide ")
    width = int(wide) if wide else 0
    low = int(start)
    if not width or low >= 10**width:
        return [Space((Count(low, _MOST),))]
    return [Space((Count(low, 10**width - 1, width),)), Space((Count(10**width, _MOST),))]


def codes(pattern: str) -> list[Space]:
    """Codes of a pattern; where all begin with zeros, then ones of the same width with fewer."""
    zeros = len(re.match(r"(\\0)*", pattern)[0]) // 2  # type: ignore[index]
    rest = pattern[2 * zeros :]
    opened = ["\\0" * left + "9" + "#" * (zeros - left - 1) for left in reversed(range(zeros))]
    return [Space(_parts(front + rest)) for front in ("\\0" * zeros, *opened)]


def longer_codes(pattern: str) -> list[str]:
    """Patterns with more digits behind."""
    return [pattern + "#" * more for more in _LONGER]


def has_outline(pattern: str) -> bool:
    """Whether letters and digits stand in the same places in all codes of a pattern."""
    return not pattern.startswith(RUNNING) and not set("xXzZ") & set(_pieces(pattern))


def skeleton_of_code(pattern: str) -> str:
    r"""What two patterns share if they may give the same code.

    >>> skeleton_of_code(r"\I\D-9##"), skeleton_of_code("AA-###")
    ('AA-###', 'AA-###')
    """
    return "".join(map(_bone, _pieces(pattern)))


def _bone(piece: str) -> str:
    letter = piece[1:]
    if letter.isdecimal() or piece == "9":
        return "#"
    return ("A" if letter.isupper() else "a") if letter.isalpha() else piece


def _letters_of_all(texts: set[str]) -> str:
    """The letters that every text begins with, if something else follows."""
    letters = re.match(r"[A-Za-z]*", _begins_all(texts))
    return letters[0] if letters and letters[0] not in texts else ""


def _zeros_of_all(texts: set[str]) -> str:
    """The zeros that every text begins with, if something else follows."""
    zeros = re.match(r"0*", _begins_all(texts))
    return zeros[0] if zeros and zeros[0] not in texts else ""


def _begins_all(texts: set[str]) -> str:
    first, last = min(texts), max(texts)  # whatever these two begin with, all between them do
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def _generic(text: str, fixed: str, *, padded: bool) -> str:
    """The pattern of one code; digits in front are not zero unless some code begins with one."""
    text = text[:_LONGEST]
    rest = re.sub(r"[\\#]", r"\\\g<0>", text[len(fixed) :])
    rest = re.sub(r"[^\W\d_]", lambda m: "A" if m[0].isupper() else "a", rest)
    rest = re.sub(r"\d", "#", rest)
    if not padded and rest.startswith("#"):
        rest = "9" + rest[1:]
    return "".join("\\" + letter for letter in fixed) + rest


def _pieces(pattern: str) -> list[str]:
    return re.findall(r"\\.|.", pattern, re.DOTALL)


def _parts(pattern: str) -> tuple[Part, ...]:
    return tuple(CLASSES.get(piece, piece[-1]) for piece in _pieces(pattern))


def _choices(pattern: str) -> bool:
    """Whether a pattern has any place that varies."""
    return any(not isinstance(part, str) for part in _parts(pattern))
