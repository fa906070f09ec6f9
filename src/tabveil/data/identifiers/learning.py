"""How is a mask learnt from a column, so that it draws no value of that column?

See `masks.py` for what is stored and why it tells nothing. Here the originals are still at hand.
"""

from __future__ import annotations

import ipaddress
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tabveil.data.identifiers.columns import as_texts, present_values
from tabveil.data.identifiers.find import Found
from tabveil.data.identifiers.forms import (
    MASKED,
    Look,
    has_outline,
    longer_patterns,
    skeleton_of,
    spaces_of,
)
from tabveil.data.identifiers.looks import looks_of
from tabveil.data.identifiers.masks import ROOM, WHOLE, Mask, Tier, Writing, word_lists
from tabveil.data.identifiers.patterns import TOKEN
from tabveil.data.identifiers.spaces import Space, outline
from tabveil.errors import DataError
from tabveil.seeding import child_rng

_LEAST = 20  # texts; a space with less room than this is left out: few values would come too often
_STEPS = (1, 7, 23, 61, 151, 307, 601, 1009, 3001, 10_007, 100_003, 1_000_003, 10_000_019)  # primes
_TRIES = 1000
_MOST_RESTS = 50  # of a space: all that are free would say which are not
_NUMBER_DIGITS = 15  # what int64 and float64 both hold exactly
_ENOUGH = 100_000  # different values of a column in which values repeat
_SAMPLED = 20_000  # rows from which shapes are read: shares are then off by half a percent


def learn(values: pd.Series[Any], found: Found, *, seed: int) -> Mask:
    """Learn how a column's made-up values look.

    Args:
        values: the original column; its name keeps two columns of one form apart.
        found: what `find_identifier` said, or the form `token` for values that look hashed.
        seed: decides which of the possible made-up values are drawn, and in which order.

    Raises:
        DataError: the form is unknown.
    """
    if found.form not in MASKED:
        raise DataError(f"no made-up values of the form {found.form!r}; one of {', '.join(MASKED)}")
    present = present_values(values)
    texts = as_texts(present)
    numeric = pd.api.types.is_numeric_dtype(values)
    unique = len(set(texts)) == len(texts)
    rng = child_rng(seed, "identifiers", str(values.name))
    rows = np.sort(rng.permutation(len(texts))[:_SAMPLED])
    sample = [texts[i] if numeric else str(present.iloc[i]).strip() for i in rows]
    locale, patterns = looks_of(found.form, texts, numeric=numeric, sample=sample)
    column = _Column(
        form=found.form,
        locale=locale,
        originals=_Originals(_readings(texts)),
        numeric=numeric,
        unique=unique,
    )
    column, writings = _first_that_fits(column, patterns, rng)
    return Mask(
        form=column.form,
        locale=column.locale,
        missing=round(1 - len(texts) / len(values), 2) if len(values) else 0.0,
        unique=unique,
        dtype=_dtype(values, numeric=column.numeric),
        salt=int(rng.integers(2**32)),
        writings=writings,
        words=word_lists(column.form, column.locale),
    )


@dataclass(frozen=True)
class _Originals:
    """The values that must not be drawn."""

    texts: Sequence[str]

    @cached_property
    def _by_outline(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for text in self.texts:
            found.setdefault(outline(text), []).append(text)
        return found

    def in_space(self, space: Space, *, has_outline: bool) -> set[int]:
        """The numbers of those that a space holds."""
        texts = self._by_outline.get(outline(space.at(0)), ()) if has_outline else self.texts
        numbers = (space.number_of(text) for text in texts)
        return {number for number in numbers if number is not None}


@dataclass(frozen=True)
class _Column:
    """What made-up values must fit."""

    form: str
    locale: str
    originals: _Originals
    numeric: bool
    unique: bool

    def spaces(self, pattern: str) -> list[Space]:
        """The spaces of a pattern, up to the first that a column of numbers cannot hold."""
        spaces = spaces_of(self.form, Look(self.locale, pattern))
        return list(itertools.takewhile(_is_whole, spaces)) if self.numeric else spaces

    def tiers(self, pattern: str, rng: np.random.Generator, *, room: int) -> tuple[Tier, ...]:
        """Where values of a pattern come from that no original is; they may be fewer than `room`.

        In each space a rest is chosen that no original has, until there is room enough.
        """
        tiers: list[Tier] = []
        for index, space in enumerate(self.spaces(pattern)):
            known = has_outline(self.form, pattern)
            taken = self.originals.in_space(space, has_outline=known)
            chosen = [Tier(index, *rest) for rest in _free_rests(space.size, taken, rng, room)]
            tiers += chosen
            room -= sum(space.size // tier.step for tier in chosen)
            if room <= 0:
                break
        return tuple(tiers)


def _first_that_fits(
    column: _Column, patterns: Mapping[str, int], rng: np.random.Generator
) -> tuple[_Column, tuple[Writing, ...]]:
    """The form and its patterns; where they are full or no numbers, long numbers, else tokens."""
    long_number = {"9" + "#" * (_NUMBER_DIGITS - 1): 1}
    options = [(column, patterns)]
    if column.numeric:
        options.append((replace(column, form="key"), long_number))
    options.append((replace(column, form="token", numeric=False), {TOKEN: 1}))
    for option, listed in options:
        writings = _writings(option, listed, rng)
        if writings:
            return option, writings
    raise DataError("this column leaves no made-up value free; drop it")


def _writings(
    column: _Column, patterns: Mapping[str, int], rng: np.random.Generator
) -> tuple[Writing, ...]:
    """Where values of each pattern come from, and of a longer one if those do not suffice.

    None at all if even then a unique column had no room for `ROOM` values.
    """
    found: dict[str, tuple[Tier, ...]] = {}
    wanted = ROOM if column.unique else min(len(column.originals.texts), _ENOUGH)
    rows = sum(patterns.values())
    for pattern, n in patterns.items():
        need = max(math.ceil(wanted * n / rows), _LEAST)
        tiers = column.tiers(pattern, rng, room=need)
        if tiers:
            found[pattern] = tiers
    shares = _per_mille({pattern: patterns[pattern] for pattern in found})
    writings = tuple(Writing(p, share, found[p]) for p, share in shares.items() if share)
    if writings and all(_room(column, w) * WHOLE >= ROOM * w.share for w in writings):
        return writings
    divided = _divided(column, writings)
    if divided:
        return divided
    more = _longer(column, [*shares], next(iter(patterns)), rng)
    if more:
        return (*writings, more)
    return () if column.unique else writings


def _divided(column: _Column, writings: tuple[Writing, ...]) -> tuple[Writing, ...]:
    """The patterns, and half of the values of one that has many for when others are used up."""
    for index, writing in enumerate(writings):
        halves = [
            tuple(Tier(t.space, 2 * t.step, t.rest + more * t.step) for t in writing.tiers)
            for more in (0, 1)
        ]
        own, spare = replace(writing, tiers=halves[0]), Writing(writing.pattern, 0, halves[1])
        if _room(column, spare) >= ROOM:
            return (*writings[:index], own, *writings[index + 1 :], spare)
    return ()


def _room(column: _Column, writing: Writing) -> int:
    spaces = column.spaces(writing.pattern)
    return sum(tier.room(spaces) for tier in writing.tiers)


def _per_mille(rows: Mapping[str, int]) -> dict[str, int]:
    """Shares of the whole to three digits, which add up to it."""
    total, passed, shares = sum(rows.values()), 0, {}
    for pattern, n in rows.items():
        before = round(passed * WHOLE / total)
        passed += n
        shares[pattern] = round(passed * WHOLE / total) - before
    return shares


def _longer(
    column: _Column, taken: Sequence[str], commonest: str, rng: np.random.Generator
) -> Writing | None:
    """Values for when others are used up: of no shape that these have, and room for `ROOM`."""
    shapes = {skeleton_of(column.form, pattern) for pattern in taken}
    for pattern in longer_patterns(column.form, commonest):
        if skeleton_of(column.form, pattern) in shapes:
            continue
        tiers = column.tiers(pattern, rng, room=ROOM)
        if tiers and _room(column, writing := Writing(pattern, 0, tiers)) >= ROOM:
            return writing
    return None


def _dtype(values: pd.Series[Any], *, numeric: bool) -> str:
    """The dtype that made-up values fit: numbers in 64 bits; a category's would name originals."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if numeric:
        return re.sub(r"(?i)u?int\d+$", _wide, str(values.dtype)).replace("float32", "float64")
    return "object" if pd.api.types.is_numeric_dtype(values) else str(values.dtype)


def _wide(narrow: re.Match[str]) -> str:
    """int64, or Int64 where the dtype holds missing values."""
    return "Int64" if narrow[0].strip("U")[0] == "I" else "int64"


def _is_whole(space: Space) -> bool:
    """Whether a space holds numbers that a column of numbers can hold."""
    ends = (space.at(0), space.at(space.size - 1))
    return all(e.isdecimal() and len(e) <= _NUMBER_DIGITS and str(int(e)) == e for e in ends)


def _readings(texts: Iterable[str]) -> list[str]:
    """Every way in which an original could be written as a made-up value is."""
    different = {unicodedata.normalize("NFC", text) for text in texts}
    for text in tuple(different):
        if text.count(":") > 1 or text.count(".") == 3:
            try:
                different.add(str(ipaddress.ip_address(text)))
            except ValueError:
                continue
    return sorted(different)


def _free_rests(
    size: int, taken: set[int], rng: np.random.Generator, room: int
) -> list[tuple[int, int]]:
    """Steps with rests that no taken number has, at random, and fewest of them.

    The smallest step whose free rests hold `room` numbers, or the one that comes closest.
    """
    best: list[tuple[int, int]] = []
    most = 0
    for step in _STEPS:
        if size // step < _LEAST:
            break
        rests = {number % step for number in taken}
        wanted = min(math.ceil(room / (size // step)), _MOST_RESTS)
        chosen = _some_free(step, rests, rng, wanted)
        if len(chosen) * (size // step) > most:
            most = len(chosen) * (size // step)
            best = [(step, rest) for rest in chosen]
        if most >= room:
            break
    return best


def _some_free(step: int, rests: set[int], rng: np.random.Generator, wanted: int) -> list[int]:
    """Up to `wanted` of the rests that are free, at random."""
    if len(rests) == step:
        return []
    chosen: dict[int, None] = {}
    for rest in rng.integers(step, size=_TRIES).tolist():
        if rest not in rests:
            chosen[rest] = None
        if len(chosen) == wanted:
            break
    return list(chosen)
