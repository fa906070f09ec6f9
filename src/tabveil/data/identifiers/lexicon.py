"""Which names do people bear, and which words do texts hold, in a country?

The lists are those of the Faker package (MIT), read from its provider classes: made-up values are
numbered combinations of them, so Faker's own random draws are not needed and two rows never meet
by chance. Faker is imported where a list is first asked for; the lists never change while a program
runs and are kept. Only words of letters alone are used, so that a combination can be read back.
"""

from __future__ import annotations

import hashlib
import importlib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from tabveil.data.identifiers.spaces import fold

FALLBACK = "en_US"
LOCALES: tuple[str, ...] = (
    "en_US",
    "en_GB",
    "de_DE",
    "fr_FR",
    "es_ES",
    "it_IT",
    "pl_PL",
    "pt_BR",
    "nl_NL",
)
LOCALES += ("sv_SE", "cs_CZ", "tr_TR", "ru_RU", "uk_UA", "el_GR")
_SCRIPTS = (frozenset(("ru_RU", "uk_UA")), frozenset(("el_GR",)))
"""Locales that share a script other than Latin."""
_FIRST = ("first_names", "first_names_female", "first_names_male")
_LAST: tuple[str, ...] = ("last_names", "last_names_female", "last_names_male", "male_last_names")
_LAST += ("unisex_last_names",)
_LEAST_LIST = 100  # a shorter list would make a column of very few names: pl_PL's first is ["Doe"]
_LEAST_VOTES = 5  # rows that must speak for a locale before it is written down
# Letters that Unicode does not take apart into a plain one and an accent.
_FOLDED = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe", "đ": "d"})


def plain(text: str) -> str:
    """Lower case, without accents.

    >>> plain("Łódź, Größe")
    'lodz, grosse'
    """
    parted = unicodedata.normalize("NFKD", text.casefold().translate(_FOLDED))
    return "".join(character for character in parted if not unicodedata.combining(character))


@cache
def first_names(locale: str) -> tuple[str, ...]:
    """First names of a locale in `LOCALES`, sorted, no two alike but for case."""
    return _names(locale, _FIRST)


@cache
def last_names(locale: str) -> tuple[str, ...]:
    """Last names of a locale in `LOCALES`, sorted, no two alike but for case."""
    return _names(locale, _LAST)


@cache
def words(locale: str) -> tuple[str, ...]:
    """Words that a made-up sentence is built of; Latin where Faker has none of the locale."""
    try:
        return _letters_only(_provider("lorem", locale).word_list)
    except ModuleNotFoundError:
        return _letters_only(_provider("lorem", "la").word_list)


@cache
def ascii_names(kind: str, locale: str) -> tuple[str, ...]:
    """Names as they stand in an e-mail address; English ones where the script is not Latin."""
    names = first_names(locale) if kind == "first" else last_names(locale)
    found = {plain(name) for name in names}
    kept = sorted(name for name in found if name.isascii() and name.isalpha())
    return tuple(kept) if len(kept) >= _LEAST_LIST else ascii_names(kind, FALLBACK)


@cache
def more_names(kind: str, locale: str) -> tuple[str, ...]:
    """Names of the other locales that use the same script, none of them a name of this one."""
    read = first_names if kind == "first" else last_names
    own = {fold(name) for name in read(locale)}
    listed = _letters_only(name for other in related(locale) for name in read(other))
    return tuple(name for name in listed if fold(name) not in own)


@cache
def more_ascii_names(kind: str, locale: str) -> tuple[str, ...]:
    """Names of all Latin locales as in an e-mail address, without those of `ascii_names`."""
    own = set(ascii_names(kind, locale))
    listed = {name for other in related(FALLBACK) for name in ascii_names(kind, other)}
    return tuple(sorted(listed - own))


def related(locale: str) -> tuple[str, ...]:
    """The other locales that use the same script."""
    script = next((group for group in _SCRIPTS if locale in group), None)
    others = script or frozenset(LOCALES).difference(*_SCRIPTS)
    return tuple(other for other in LOCALES if other in others and other != locale)


@cache
def known_first_names() -> frozenset[str]:
    """First names of all locales, folded by `plain`."""
    return frozenset(plain(name) for locale in LOCALES for name in first_names(locale))


@cache
def known_last_names() -> frozenset[str]:
    """Last names of all locales, folded by `plain`."""
    return frozenset(plain(name) for locale in LOCALES for name in last_names(locale))


@cache
def fingerprint(locale: str) -> str:
    """A short digest of all lists that a locale draws from: another Faker may hold other names."""
    lists = (locale, *related(locale), FALLBACK, *related(FALLBACK))
    listed = [(first_names(other), last_names(other)) for other in lists]
    listed += [(words(locale), words(FALLBACK))]
    return hashlib.sha256(repr(listed).encode()).hexdigest()[:12]


def faker_version() -> str:
    """The version of the installed Faker."""
    return str(importlib.import_module("faker").VERSION)


def locale_of_names(texts: Iterable[str]) -> str:
    """The locale whose names occur most often in the texts; `FALLBACK` where few do.

    Words that several locales know speak for none of them more than for the others; ties go to
    the one that stands first in `LOCALES`.
    """
    votes: Counter[str] = Counter()
    for word in (word.casefold() for text in texts for word in text.split()):
        for locale in _locales_by_name().get(word.strip(".,()\"'"), ()):
            votes[locale] += 1
    best = max(LOCALES, key=lambda locale: votes[locale])
    return best if votes[best] >= _LEAST_VOTES else FALLBACK


@cache
def _locales_by_name() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for locale in LOCALES:
        for name in {name.casefold() for name in first_names(locale) + last_names(locale)}:
            found[name] = (*found.get(name, ()), locale)
    return found


def _names(locale: str, attributes: tuple[str, ...]) -> tuple[str, ...]:
    provider = _provider("person", locale)
    listed = [list(getattr(provider, attribute, ())) for attribute in attributes]
    return _letters_only(name for names in listed if len(names) > 1 for name in names)


def _letters_only(listed: Iterable[str]) -> tuple[str, ...]:
    """Words of letters, sorted; the first of those that differ in case or form only."""
    kept: dict[str, str] = {}
    for word in sorted(unicodedata.normalize("NFC", word) for word in listed):
        if len(word) > 1 and word.isalpha() and word.lower().isalpha():  # not so "İ" in small
            kept.setdefault(fold(word), word)
    return tuple(kept.values())


def _provider(kind: str, locale: str) -> Any:
    """A Faker provider class, without the cost of a whole generator."""
    return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider
