r"""What do the codes of a column have in common, and how are more of the kind made?

A pattern writes `#` for a digit, `9` for a digit that is not zero, `A` and `a` for a letter, `x`
for a hexadecimal digit; what follows a backslash and all other characters stand as they are:
`\I\D-9###` is ID-1000 to ID-9999. A pattern is written down only if at least five rows have
it, and a letter only if every row begins with it. Numbers that count rows go on above a power of
ten that all originals are below.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from tabveil.data.identifiers.spaces import Part, Pick, Space, digits
from tabveil.data.rounding import SHARED_ROWS

USUAL = "AAAA-####-####"
"""For codes that have no pattern in common."""
TOKEN = "x" * 64
"""The look of a keyed hash (HMAC-SHA256 in hexadecimal digits)."""
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CLASSES = {
    "#": Pick(tuple("0123456789"), r"\d"),
    "9": Pick(tuple("123456789"), r"\d"),
    "A": Pick(tuple(_UPPER), "[A-Z]"),
    "a": Pick(tuple(_UPPER.lower()), "[a-z]"),
    "x": Pick(tuple("0123456789abcdef"), "[0-9a-f]"),
}
_HEX = re.compile(r"(?=.*[a-f])(?=.*\d)[0-9a-f]{8,}")
_LONGER = (0, 3, 6, 9, 12)  # digits put behind a pattern when its own codes do not suffice
_LONGEST = 128  # codes beyond this are cut: their pattern is rarely shared, and slow to draw
_MOST_RUNNING = 14  # digits: above the power of ten there must be room in 15 of them


def pattern_of(texts: Sequence[str]) -> str | None:
    r"""The pattern that most codes have; None if fewer than five share one.

    Args:
        texts: codes, one a row, none missing.

    >>> pattern_of(["ID-017", "ID-180", "ID-222", "ID-305", "ID-461"])
    '\\I\\D-###'
    """
    if not texts:
        return None
    widths = {len(text) for text in texts}
    if len(widths) == 1 and len(texts) >= SHARED_ROWS and all(map(_HEX.fullmatch, texts)):
        return "x" * min(widths.pop(), _LONGEST)
    fixed = _letters_of_all(texts) if len(texts) >= SHARED_ROWS else ""
    zeros = any(text.startswith("0") for text in texts)
    counts = Counter(_generic(text, fixed, zeros) for text in texts)
    pattern, rows = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return pattern if rows >= SHARED_ROWS and _choices(pattern) else None


def running_start(texts: Sequence[str]) -> int | None:
    """The power of ten above all of these whole numbers; None if they are none, or too large.

    >>> running_start(["1", "2", "891"])
    1000
    """
    if not all(re.fullmatch(r"\d{1,18}", text) for text in texts):
        return None
    width = len(str(max(map(int, texts), default=0)))
    return 10**width if width < _MOST_RUNNING else None


def codes(pattern: str) -> list[Space]:
    """Codes of a pattern, then ones with more digits behind."""
    parts = _parts(pattern)
    longer: list[tuple[Part, ...]] = [(digits(width),) if width else () for width in _LONGER]
    return [Space((*parts, *more)) for more in longer]


def _letters_of_all(texts: Sequence[str]) -> str:
    """The letters that every text begins with, if something else follows."""
    first, last = min(texts), max(texts)  # whatever these two begin with, all between them do
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    letters = re.match(r"[A-Za-z]*", "".join(character for character, _ in same))
    return letters[0] if letters and letters[0] not in texts else ""


def _generic(text: str, fixed: str, zeros: bool) -> str:
    """The pattern of one code; digits in front are not zero if no code begins with one."""
    text = text[:_LONGEST]
    rest = re.sub(r"\\", r"\\\\", text[len(fixed) :])
    rest = re.sub(r"[^\W\d_]", lambda m: "A" if m[0].isupper() else "a", rest)
    rest = re.sub(r"\d", "#", rest)
    if not zeros and not fixed and rest.startswith("#"):
        rest = "9" + rest[1:]
    return "".join("\\" + letter for letter in fixed) + rest


def _parts(pattern: str) -> tuple[Part, ...]:
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    return tuple(_CLASSES.get(piece, piece.removeprefix("\\")) for piece in pieces)


def _choices(pattern: str) -> bool:
    """Whether a pattern has any place that varies."""
    return any(not isinstance(part, str) for part in _parts(pattern))
