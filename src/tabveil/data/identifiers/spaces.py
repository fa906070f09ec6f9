"""How is a whole number written as an e-mail address, a name or an account number, and read back?

A `Space` lists every text that a template can give, numbered from 0 without gaps: parts with
choices are the digits of a number in mixed radix. Texts can be read back into their number, which
is how a mask makes sure at learning time that none of its made-up values is an original one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property


def fold(text: str) -> str:
    """What is the same for two texts that differ in case only, also where capitals merge letters.

    >>> fold("Weiß") == fold("WEISS"), fold("Işıl") == fold("IŞIL")
    (True, True)
    """
    return text.upper().casefold()


@dataclass(frozen=True)
class Pick:
    """A part with a list of choices.

    Attributes:
        options: different texts even when case is ignored; none of them may run into what
            follows, so words hold only letters or stand before a character that no option holds.
        regex: what an option looks like.
    """

    options: Sequence[str]
    regex: str = r"[^\W\d_]+"

    @property
    def size(self) -> int:
        """How many choices there are."""
        return len(self.options)

    def write(self, number: int) -> str:
        """The choice of that number."""
        return self.options[number]

    def read(self, text: str) -> int | None:
        """The number of a choice; None for a text that is none."""
        return self._numbers.get(fold(text))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {fold(option): number for number, option in enumerate(self.options)}


@dataclass(frozen=True)
class Count:
    """A part with the whole numbers `low … high`, padded with zeros to `width` digits."""

    low: int
    high: int
    width: int = 0

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.high - self.low + 1

    @property
    def regex(self) -> str:
        """What such a number looks like."""
        return rf"\d{{{self.width}}}" if self.width else r"\d+"

    def write(self, number: int) -> str:
        """The number as a text."""
        return f"{self.low + number:0{self.width}d}"

    def read(self, text: str) -> int | None:
        """The number; None outside the range or padded otherwise."""
        number = int(text) - self.low
        return number if 0 <= number < self.size and self.write(number) == text else None


def outline(text: str) -> str:
    """A text with one letter for each run of letters, `9` for a digit, one space for each gap.

    >>> outline("Ann  O'Hara 12")
    "a a'a 99"
    """
    digits_as_nines = re.sub(r"\d", "9", " ".join(text.split()))
    return re.sub(r"[^\W\d_]+", "a", digits_as_nines)


Part = str | Pick | Count


def digits(width: int) -> Count:
    """A part of `width` digits, zeros in front."""
    return Count(0, 10**width - 1, width)


def _plain(text: str) -> str:
    return text


@dataclass(frozen=True)
class Space:
    """Every text that a template gives.

    Attributes:
        parts: texts that stand as they are, and parts with choices.
        finish: completes a text, with check digits or layout.
        undo: takes off what `finish` added; of a text that `finish` cannot have given it may
            return anything. Given as little as a wrong check digit, it may read too much: what
            it reads is only ever avoided.
    """

    parts: tuple[Part, ...]
    finish: Callable[[str], str] = _plain
    undo: Callable[[str], str] = _plain

    @cached_property
    def size(self) -> int:
        """How many texts there are."""
        size = 1
        for part in self.parts:
            size *= 1 if isinstance(part, str) else part.size
        return size

    def at(self, number: int) -> str:
        """The text of that number, in `0 … size - 1`."""
        written = []
        for part in reversed(self.parts):
            if isinstance(part, str):
                written.append(part)
            else:
                number, choice = divmod(number, part.size)
                written.append(part.write(choice))
        return self.finish("".join(reversed(written)))

    def number_of(self, text: str) -> int | None:
        """The number of a text, whatever its case and spaces around; None for any other text."""
        found = self._pattern.fullmatch(self.undo(" ".join(text.split())))
        if not found:
            return None
        number = 0
        for part, piece in zip(self._choices, found.groups(), strict=True):
            choice = part.read(piece)
            if choice is None:
                return None
            number = number * part.size + choice
        return number

    @cached_property
    def _choices(self) -> list[Pick | Count]:
        return [part for part in self.parts if not isinstance(part, str)]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pieces = [
            re.escape(re.sub(r"\s+", " ", part)) if isinstance(part, str) else f"({part.regex})"
            for part in self.parts
        ]
        return re.compile("".join(pieces), re.IGNORECASE)
