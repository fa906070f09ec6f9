"""Which columns keep to a range, repeat nothing, or look all the same?

A bound is proposed where at least five rows hold it: values that pile up at a limit, and a limit
that is nobody's own. Uniqueness is proposed where whole numbers would repeat by chance. A pattern
is proposed for codes, texts with digits in them, not for words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

import numpy as np
import pandas as pd

from tabveil.data.numbers import to_floats
from tabveil.data.rounding import SHARED_ROWS
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.thresholds import FEW_ROWS, LEAST_SHARE
from tabveil.data.schema import Schema

_REPEATS_BY_CHANCE = 10.0
"""Pairs of equal numbers that chance would make: with ten expected, none is no accident."""
_ROOM = 5
"""Numbers in the range for each row: with fewer, the rows of a longer sample could not differ."""


def ranges(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[Range, str]]:
    """Propose the least and the largest number where values pile up there."""
    for column in schema.columns:
        if column.kind != "numeric":
            continue
        floats = to_floats(rows[column.name], column)
        present = floats[~np.isnan(floats)]
        if len(present) < FEW_ROWS or present.min() == present.max():
            continue
        low, high = float(present.min()), float(present.max())
        piled = [int(np.count_nonzero(present == end)) for end in (low, high)]
        ends = [
            end if n >= SHARED_ROWS else None for end, n in zip((low, high), piled, strict=True)
        ]
        if ends != [None, None]:
            why = f"{piled[0]} rows hold the least value, {piled[1]} the largest"
            yield Range(column.name, low=ends[0], high=ends[1]), why


def uniques(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[Unique, str]]:
    """Propose that whole numbers differ, where chance would repeat ten of them."""
    for column in schema.columns:
        if column.kind != "numeric" or column.decimals != 0:
            continue
        floats = to_floats(rows[column.name], column)
        present = floats[~np.isnan(floats)]
        if len(present) < FEW_ROWS or len(np.unique(present)) < len(present):
            continue
        n_numbers = present.max() - present.min() + 1
        n_repeats = len(present) ** 2 / (2 * n_numbers)
        if n_repeats >= _REPEATS_BY_CHANCE and n_numbers >= _ROOM * len(present):
            why = f"by chance about {n_repeats:.0f} pairs of rows would hold the same number"
            yield Unique((column.name,)), why


def patterns(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[Regex, str]]:
    """Propose the pattern that nearly all texts of a column share, where they hold digits."""
    for name in schema.of_kind("categorical"):
        texts = rows[name].dropna()
        if not texts.map(lambda text: isinstance(text, str)).all() or texts.nunique() < FEW_ROWS:
            continue
        shapes = texts.map({text: _shape(text) for text in texts.unique()}).value_counts()
        shape = str(shapes.index[0])
        if r"\d" in shape and shapes.iloc[0] >= LEAST_SHARE * len(texts):
            yield Regex(name, shape), f"{texts.nunique()} texts, all of one shape"


def _shape(text: str) -> str:
    r"""The pattern of a text: digits, letters, and the rest as it is.

    >>> _shape("AB-1234")
    '[A-Z]{2}\\-\\d{4}'
    """
    return "".join(_run(kind, len(list(run))) for kind, run in groupby(text, key=_kind))


def _run(kind: str, n: int) -> str:
    return kind if n == 1 else f"{kind}{{{n}}}"


def _kind(letter: str) -> str:
    if letter.isdecimal() and letter.isascii():
        return r"\d"
    if letter.isalpha() and letter.isascii():
        return "[A-Z]" if letter.isupper() else "[a-z]"
    return re.escape(letter)
