"""What is put in place of an identifier, and why is it nobody's?

A mask is learnt from a column and stored with a generator. It holds a form, a locale, a pattern
that at least five rows share, the share of missing values to two digits, whether values were unique
and the dtype: no original value, and nothing to rebuild one from.

No made-up value is an original one, by construction. All texts of a form are numbered
(`spaces.py`); at learning time the originals are looked up among them, and a step and a rest are
chosen such that no original's number leaves that rest when divided by that step: the smallest step
that has such a rest, and one of its free rests at random. Only numbers of that rest are ever drawn.
Whoever holds the mask can list what it draws and knows that none of it is an original, which is the
promise itself. That a text is not drawn tells next to nothing: all texts of another rest are not.
The step tells roughly how many originals lie in the space, never which. A list of unused names
would have told more: that nobody here is called Zimmermann.

Unique columns stay unique: row k takes the k-th number of a seeded bijection (`permute.py`), so
that draws for start = 0, n, 2n, … never meet, up to `room` values (ten million at least).

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
from tabveil.data.identifiers.forms import FROM_WORD_LISTS, MASKED, RUNNING, spaces_of
from tabveil.data.identifiers.looks import Look
from tabveil.data.identifiers.permute import scatter
from tabveil.data.identifiers.spaces import Space
from tabveil.errors import DataError

ROOM = 10_000_000
"""Different values that every mask can give at least."""


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
class Mask:
    """How a column's made-up values look.

    Attributes:
        form: one of `MASKED`.
        locale: whose names, words and layouts are used.
        pattern: what that means depends on the form (`looks.py`).
        missing: share of missing values, to two digits.
        unique: whether no value repeats.
        dtype: of the column; values are drawn as texts, and those of numbers can be cast.
        salt: names the order in which values are handed out.
        tiers: where values come from, the first until it is empty, then the next.
        words: version and digest of Faker's lists; empty where none is used.
    """

    form: str
    locale: str
    pattern: str
    missing: float
    unique: bool
    dtype: str
    salt: int
    tiers: tuple[Tier, ...]
    words: str = ""

    @property
    def room(self) -> int:
        """How many different values there are."""
        spaces = self._spaces()
        return sum(tier.room(spaces) for tier in self.tiers)

    def draw(self, n: int, rng: np.random.Generator, *, start: int = 0) -> list[str | None]:
        """Make up `n` values, or None where one is missing.

        Args:
            n: how many.
            rng: chooses what is missing, and the values of columns that are not unique.
            start: how many rows were drawn before; it keeps unique values apart.

        Raises:
            DataError: the mask is empty before `start + n`, or Faker's lists have changed.
        """
        spaces = self._spaces()
        if self.unique and start + n > self.room:
            raise DataError(
                f"a column of the form {self.form!r} has {self.room} made-up values, and row "
                f"{start + n} asks for more; draw fewer rows or drop the column"
            )
        counts = range(start, start + n)
        if not self.unique:
            first = min(self.tiers[0].room(spaces), 2**62)
            counts = rng.integers(0, first, size=n).tolist()
        absent = rng.random(n) < self.missing
        return [
            None if gone else self._value(count, spaces)
            for count, gone in zip(counts, absent, strict=True)
        ]

    def _value(self, count: int, spaces: list[Space]) -> str:
        for tier in self.tiers:
            room = tier.room(spaces)
            if count < room:
                runs = self.pattern.startswith(RUNNING)
                place = count if runs else scatter(count, size=room, salt=self.salt)
                return spaces[tier.space].at(place * tier.step + tier.rest)
            count -= room
        raise DataError(f"a mask of the form {self.form!r} is empty; draw fewer rows")

    def _spaces(self) -> list[Space]:
        if self.words and self.words.split()[-1] != list_digest(self.locale):
            raise DataError(
                f"made-up values of the form {self.form!r} need the lists of Faker "
                f"{self.words.split()[0]}, not {lexicon.faker_version()}; install that version"
            )
        return spaces_of(self.form, Look(self.locale, self.pattern))

    def to_dict(self) -> dict[str, Any]:
        """The mask as plain JSON types; `from_dict` gives an equal one back."""
        return asdict(self) | {"tiers": [asdict(tier) for tier in self.tiers]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Mask:
        """Read what `to_dict` gave.

        Raises:
            DataError: it is no mask, or one that draws from nowhere.
        """
        try:
            tiers = tuple(Tier(**tier) for tier in data["tiers"])
            mask = cls(**{**data, "tiers": tiers})
            sound = mask.form in MASKED and tiers and all(_sound(tier) for tier in tiers)
            sound = sound and mask.locale in (*lexicon.LOCALES, "none")
            if not sound or not 0 <= mask.missing <= 1 or not isinstance(mask.pattern, str):
                raise ValueError("unknown form, or numbers out of range")
            spaces = spaces_of(mask.form, Look(mask.locale, mask.pattern))
            if max(tier.space for tier in tiers) >= len(spaces):
                raise ValueError("no such space")
        except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
            raise DataError(f"not a mask: {type(error).__name__}; learn it again") from error
        return mask


def _sound(tier: Tier) -> bool:
    return tier.space >= 0 and 0 <= tier.rest < tier.step


def word_lists(form: str, locale: str) -> str:
    """Version and digest of the lists that a form takes from Faker; empty if it takes none."""
    if form not in FROM_WORD_LISTS:
        return ""
    return f"{lexicon.faker_version()} {list_digest(locale)}"


def list_digest(locale: str) -> str:
    """Digest of a locale's lists and of those that stand in for it."""
    return f"{lexicon.fingerprint(locale)}{lexicon.fingerprint(lexicon.FALLBACK)}"
