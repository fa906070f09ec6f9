"""Which made-up values can stand for a form of identifier, in a given look?

The one table from a form to its spaces; `looks.py` chooses the look, `masks.py` draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tabveil.data.identifiers import numbers, patterns, people
from tabveil.data.identifiers.looks import Look
from tabveil.data.identifiers.national import NATIONAL
from tabveil.data.identifiers.spaces import Count, Space

RUNNING = "from "
"""What the pattern of numbers that count rows begins with."""
_MOST = 10**15 - 1  # a float64 column, as one with missing values is, holds no more digits
FROM_WORD_LISTS = frozenset(
    ("full_name", "first_name", "last_name", "email", "address", "url", "free_text")
)
"""Forms whose spaces depend on Faker's lists."""


def _key(look: Look) -> list[Space]:
    if look.pattern.startswith(RUNNING):
        return [Space((Count(int(look.pattern.removeprefix(RUNNING)), _MOST),))]
    return patterns.codes(look.pattern)


def _national(look: Look) -> list[Space]:
    kind, _, plain = look.pattern.partition(" ")
    if kind not in NATIONAL:
        return patterns.codes(look.pattern)
    spaces = NATIONAL[kind].spaces()
    return [_without_hyphens(space) for space in spaces] if plain else spaces


def _without_hyphens(space: Space) -> Space:
    return replace(space, parts=tuple(part for part in space.parts if part != "-"))


_SPACES: dict[str, Callable[[Look], list[Space]]] = {
    "full_name": lambda look: people.names(look.locale, look.pattern),
    "first_name": lambda look: people.names(look.locale, look.pattern),
    "last_name": lambda look: people.names(look.locale, look.pattern),
    "email": lambda look: people.emails(look.locale),
    "phone": lambda look: numbers.phones(look.locale, look.pattern),
    "national_id": _national,
    "iban": lambda look: numbers.ibans(look.pattern),
    "card": lambda look: numbers.cards(look.pattern),
    "ip": lambda look: numbers.ips(look.pattern),
    "mac": lambda look: numbers.macs(look.pattern),
    "address": lambda look: people.addresses(look.locale, look.pattern),
    "url": lambda _: people.urls(),
    "uuid": lambda _: numbers.uuids(),
    "key": _key,
    "free_text": lambda look: people.texts(look.locale, int(look.pattern)),
    "token": lambda _: patterns.codes(patterns.TOKEN),
}
MASKED = tuple(_SPACES)
"""The forms that can be made up: those of `find.FORMS`, and "token"."""


def spaces_of(form: str, look: Look) -> list[Space]:
    """The spaces of a form, the most natural one first; no text is in two of them."""
    return _SPACES[form](look)
