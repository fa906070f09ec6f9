"""What is put in place of an identifier, and why is it nobody's?

A mask is learnt from a column and stored with a generator. It holds a form, a locale, patterns that
at least five rows with different values share, with their shares, the share of missing values to
two digits, whether values were unique and the dtype: no original value, and nothing to rebuild one
from.

No made-up value is an original one, by construction. All texts of a pattern are numbered
(`spaces.py`); at learning time the originals are looked up among them, and a step and a few rests
are chosen such that no original's number leaves one of them when divided by that step: the smallest
step whose free rests have room enough, and some of these at random. Only numbers of those rests are
drawn.
Whoever holds the mask can list what it draws and knows that none of it is an original, which is the
promise itself. That a text is not drawn tells next to nothing: all texts of another rest are not.
The step tells roughly how many originals lie in the space, never which. A list of unused names
would have told more: that nobody here is called Zimmermann.

Unique columns stay unique: the patterns have no text in common, of every thousand rows each pattern
has its share, and the k-th row of a pattern takes the k-th number of a seeded bijection
(`permute.py`). So draws for start = 0, n, 2n, … never meet, up to `room` values (ten million at
least). A row whose pattern is used up takes a value that is set apart for that, by its own number:
of a pattern with room to spare, or a longer one.

Two policies beside made-up values: `drop` needs no mask, and a keyed hash cannot be computed, since
a synthetic row has no original to hash. Its form `token` is made up as well: 64 hexadecimal digits,
the look of an HMAC-SHA256, for whoever reads the column as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tabveil.data.identifiers import lexicon
from tabveil.data.identifiers.forms import FROM_WORD_LISTS, MASKED, Look, spaces_of
from tabveil.data.identifiers.patterns import RUNNING
from tabveil.data.identifiers.permute import scatter
from tabveil.data.identifiers.spaces import Space
from tabveil.errors import DataError

ROOM = 10_000_000
"""Different values that a mask can give at least; fewer only where values repeat anyway."""
WHOLE = 1000
"""Shares of patterns are parts of this many rows."""


@dataclass(frozen=True)
class Tier:
    """Which texts of a space are drawn: those whose number leaves `rest` when divided by `step`."""

    space: int
    step: int
    rest: int

    def room(self, spaces: list[Space]) -> int:
        """How many texts that are."""
        return spaces[self.space].size // self.step


@dataclass(frozen=True)
class Writing:
    """One pattern of a column.

    Attributes:
        pattern: what it means depends on the form (`looks.py`).
        share: rows of it among `WHOLE`; 0 for values that are taken when others are used up.
        tiers: where its values come from, the first until it is empty, then the next.
    """

    pattern: str
    share: int
    tiers: tuple[Tier, ...]


class _Source:
    """The values of one pattern, numbered from 0 in the order in which they are handed out."""

    def __init__(self, writing: Writing, spaces: list[Space], salt: int) -> None:
        self._tiers = [(spaces[tier.space], tier, tier.room(spaces)) for tier in writing.tiers]
        self._in_order = writing.pattern.startswith(RUNNING)
        self._salt = salt
        self.room = sum(room for *_, room in self._tiers)

    def at(self, count: int) -> str:
        """The value of a number below `room`."""
        for space, tier, room in self._tiers:
            if count < room:
                place = count if self._in_order else scatter(count, size=room, salt=self._salt)
                return space.at(place * tier.step + tier.rest)
            count -= room
        raise IndexError(count)


@dataclass(frozen=True)
class Mask:
    """How a column's made-up values look.

    Attributes:
        form: one of `MASKED`.
        locale: whose names and words are used.
        missing: share of missing values, to two digits.
        unique: whether no value repeats.
        dtype: of the column; values are drawn as texts, and those of numbers can be cast.
        salt: names the order in which values are handed out.
        writings: the patterns of values.
        words: version and digest of Faker's lists; empty where none is used.
    """

    form: str
    locale: str
    missing: float
    unique: bool
    dtype: str
    salt: int
    writings: tuple[Writing, ...]
    words: str = ""

    @property
    def room(self) -> int:
        """How many rows can have a value of their own."""
        return self._room(self._sources())

    def _room(self, sources: list[_Source]) -> int:
        beyond = [s.room for s, w in zip(sources, self.writings, strict=True) if not w.share]
        if beyond:
            return beyond[0]
        pairs = zip(sources, self.writings, strict=True)
        return min(source.room // writing.share for source, writing in pairs) * WHOLE

    def draw(self, n: int, rng: np.random.Generator, *, start: int = 0) -> list[str | None]:
        """Make up `n` values, or None where one is missing.

        Args:
            n: how many.
            rng: chooses what is missing, and the values of columns that are not unique.
            start: how many rows were drawn before; it keeps unique values apart.

        Raises:
            DataError: the mask is empty before `start + n`, or Faker's lists have changed.
        """
        sources = self._sources()
        if self.unique and start + n > (room := self._room(sources)):
            raise DataError(
                f"a column of the form {self.form!r} has {room} made-up values, and row "
                f"{start + n} asks for more; draw fewer rows or drop the column"
            )
        turns = self._turns()
        if self.unique:
            values = (self._own(row, turns, sources) for row in range(start, start + n))
        else:
            picked = rng.integers(0, [2**62], size=(n, 2)).tolist()
            values = (_any(turns[a % WHOLE][0], b, sources) for a, b in picked)
        absent = rng.random(n) < self.missing
        return [None if gone else value for value, gone in zip(values, absent, strict=True)]

    def _turns(self) -> list[tuple[int, int]]:
        """Of each of `WHOLE` rows, the pattern, and how many rows before have it."""
        shares = [writing.share for writing in self.writings]
        listed = np.repeat(np.arange(len(shares)), shares)
        if not len(listed):
            return [(0, row) for row in range(WHOLE)]
        order = np.random.default_rng(self.salt).permutation(listed)
        counts = [0] * len(shares)
        turns = []
        for index in order.tolist():
            turns.append((index, counts[index]))
            counts[index] += 1
        return turns

    def _own(self, row: int, turns: list[tuple[int, int]], sources: list[_Source]) -> str:
        """The value of a row, which no other row has."""
        block, turn = divmod(row, WHOLE)
        index, before = turns[turn]
        count = block * self.writings[index].share + before
        if self.writings[index].share and count < sources[index].room:
            return sources[index].at(count)
        return sources[-1].at(row)

    def _sources(self) -> list[_Source]:
        if self.words and self.words.split()[-1] != list_digest(self.locale):
            raise DataError(
                f"made-up values of the form {self.form!r} need the lists of Faker "
                f"{self.words.split()[0]}, not {lexicon.faker_version()}; install that version"
            )
        return [
            _Source(w, spaces_of(self.form, Look(self.locale, w.pattern)), self.salt)
            for w in self.writings
        ]

    def to_dict(self) -> dict[str, Any]:
        """The mask as plain JSON types; `from_dict` gives an equal one back."""
        told = asdict(self)
        writings = [w | {"tiers": [*w["tiers"]]} for w in told["writings"]]
        return told | {"writings": writings}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Mask:
        """Read what `to_dict` gave.

        Raises:
            DataError: it is no mask, or one that draws from nowhere.
        """
        try:
            writings = tuple(
                Writing(**{**told, "tiers": tuple(Tier(**tier) for tier in told["tiers"])})
                for told in data["writings"]
            )
            mask = cls(**{**data, "writings": writings})
            sound = mask.form in MASKED and mask.locale in lexicon.LOCALES
            if not sound or not 0 <= mask.missing <= 1 or not _add_up(writings):
                raise ValueError("unknown form, or numbers out of range")
            for writing in writings:
                spaces = spaces_of(mask.form, Look(mask.locale, writing.pattern))
                if not all(_sound(tier, len(spaces)) for tier in writing.tiers):
                    raise ValueError("no such space")
        except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
            raise DataError(f"not a mask: {type(error).__name__}; learn it again") from error
        return mask


def _any(index: int, number: int, sources: list[_Source]) -> str:
    """One of the values of a pattern."""
    return sources[index].at(number % sources[index].room)


def _sound(tier: Tier, n_spaces: int) -> bool:
    return 0 <= tier.space < n_spaces and 0 <= tier.rest < tier.step


def _add_up(writings: tuple[Writing, ...]) -> bool:
    """Whether patterns share out all rows, or the one that there is takes them as they come."""
    shares = [writing.share for writing in writings]
    whole = sum(shares) == WHOLE or shares == [0]
    return whole and min(shares) >= 0 and all(writing.tiers for writing in writings)


def word_lists(form: str, locale: str) -> str:
    """Version and digest of the lists that a form takes from Faker; empty if it takes none."""
    if form not in FROM_WORD_LISTS:
        return ""
    return f"{lexicon.faker_version()} {list_digest(locale)}"


def list_digest(locale: str) -> str:
    """Digest of a locale's lists and of those that are used beside them."""
    return lexicon.fingerprint(locale)
