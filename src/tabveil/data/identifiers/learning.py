"""How is a mask learnt from a column, so that it draws no value of that column?

See `masks.py` for what is stored and why it tells nothing. Here the originals are still at hand.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabveil.data.identifiers.columns import as_texts, present_values
from tabveil.data.identifiers.find import Found
from tabveil.data.identifiers.forms import MASKED, spaces_of
from tabveil.data.identifiers.looks import Look, look_of
from tabveil.data.identifiers.masks import ROOM, Mask, Tier, word_lists
from tabveil.data.identifiers.patterns import TOKEN
from tabveil.data.identifiers.spaces import Space
from tabveil.errors import DataError
from tabveil.seeding import child_rng

_LEAST = 1000  # a space with less room than this is left out: its values would repeat visibly
_STEPS = (1, 7, 23, 61, 151, 307, 601, 1009, 3001, 10_007, 100_003, 1_000_003, 10_000_019)  # primes
_TRIES = 1000
_NUMBER_DIGITS = 15  # what int64 and float64 both hold exactly


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
    texts = as_texts(present_values(values))
    numeric = pd.api.types.is_numeric_dtype(values)
    unique = len(set(texts)) == len(texts)
    rng = child_rng(seed, "identifiers", str(values.name))
    look = _look(found.form, texts, numeric=numeric, unique=unique)
    form, look, tiers = _first_that_fits(found.form, look, texts, rng, numeric=numeric)
    return Mask(
        form=form,
        locale=look.locale,
        pattern=look.pattern,
        missing=round(1 - len(texts) / len(values), 2) if len(values) else 0.0,
        unique=unique,
        dtype=_dtype(values, numeric=numeric and form != "token"),
        salt=int(rng.integers(2**32)),
        tiers=tiers,
        words=word_lists(form, look.locale),
    )


def _first_that_fits(
    form: str, look: Look, texts: Sequence[str], rng: np.random.Generator, *, numeric: bool
) -> tuple[str, Look, tuple[Tier, ...]]:
    """The form and look, or where they are full or no number: long numbers, else tokens."""
    long_number = ("key", Look(pattern="9" + "#" * (_NUMBER_DIGITS - 1)))
    options = [(form, look), *([long_number] if numeric else []), ("token", Look(pattern=TOKEN))]
    originals = _readings(texts)
    for form, look in options:
        spaces = spaces_of(form, look)
        numbers = numeric and form != "token"
        tiers = choose_tiers(_castable(spaces) if numbers else spaces, originals, rng)
        if tiers:
            return form, look, tiers
    raise DataError("this column leaves no made-up value free; drop it")


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


def _look(form: str, texts: Sequence[str], *, numeric: bool, unique: bool) -> Look:
    if not texts:
        return look_of(form, [""], counts_rows=False)
    whole = unique and numeric and all(map(str.isdigit, texts))  # measurements may be named so
    ends = [int(text) for text in texts] if whole else []
    return look_of(form, texts, counts_rows=whole and max(ends) - min(ends) + 1 == len(ends))


def _castable(spaces: list[Space]) -> list[Space]:
    """The spaces, up to the first that a column of numbers cannot hold."""
    return list(itertools.takewhile(lambda space: _is_whole(space.at(space.size - 1)), spaces))


def _is_whole(text: str) -> bool:
    return text.isdigit() and len(text) <= _NUMBER_DIGITS


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


def choose_tiers(
    spaces: list[Space], originals: Sequence[str], rng: np.random.Generator
) -> tuple[Tier, ...]:
    """Choose a rest in each space that no original has, until there is room enough.

    Args:
        spaces: the most natural one first.
        originals: texts that must not be drawn.
        rng: chooses among the rests that are free.

    Returns:
        Tiers with room for `ROOM` values; none if the spaces do not hold that many.
    """
    tiers: list[Tier] = []
    room = 0
    for index, space in enumerate(spaces):
        numbers = (space.number_of(text) for text in originals)
        taken = {number for number in numbers if number is not None}
        chosen = _free_rest(space.size, taken, rng)
        if chosen is not None:
            tiers.append(Tier(index, *chosen))
            room += tiers[-1].room(spaces)
        if room >= ROOM:
            return tuple(tiers)
    return ()


def _free_rest(size: int, taken: set[int], rng: np.random.Generator) -> tuple[int, int] | None:
    """The smallest step with a rest that no taken number has, and such a rest, at random."""
    for step in _STEPS:
        if size // step < _LEAST:
            return None
        rests = {number % step for number in taken}
        if len(rests) == step:
            continue
        for _ in range(_TRIES):
            rest = int(rng.integers(step))
            if rest not in rests:
                return step, rest
    return None
