"""Does a column number or name the rows, though its values mean nothing?

Texts that mostly differ say who a row is. Whole numbers do not: a balance differs from row to row
as well. They are keys if they run without gaps, if as many drawn at random would repeat but these
never do, if they are long and of one length, or if the column is named as a key.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from tabveil.data.identifiers.columns import Looked
from tabveil.data.identifiers.role_words import QUASI, SENSITIVE, meanings
from tabveil.data.identifiers.words import names_a_person, read_name

_MOSTLY_DIFFERENT, _MANY = 0.5, 20  # as in `schema.py`, where such texts are not modelled
_A_FEW = 8  # different values from which a short table can tell anything
_NEARLY_ALL = 0.9  # in a short table, where half of a category's values may differ by chance
_SHARE_OF_PERSONS = 0.02  # distinct customers per row from which a table is about customers
_SHARE_OF_A_FEW = 0.3  # the same in a short table
_REPEATS = 10.0  # expected repeats; that none occurs then has a chance of e**-10
_LONG = 8  # digits; amounts hardly ever have so many, and all the same number of them
_YEARS = (1800, 2100)
_TIMES = ((100_000_000, 2_000_000_000), (100_000_000_000, 2_000_000_000_000))  # Unix, s and ms
_TIMED = frozenset(
    ("year", "jahr", "annee", "ano", "anno", "date", "datum", "time", "zeit", "timestamp", "epoch")
)


def find_key(column: Looked, named: frozenset[str]) -> str:
    """Why the column is a key; empty if it is none."""
    differ = f"{column.n_distinct} of {column.n} differ"
    if meanings(column.name, QUASI) or _TIMED & set(read_name(column.name).split()):
        return ""
    if named & {"key", "uuid", "ip", "mac"} and _named_key(column):
        return f"named so, and {differ}"
    if meanings(column.name, SENSITIVE):
        return ""
    if column.whole is not None and not _is_code_text(column):
        return _numbered(column, column.whole)
    if not column.is_text:  # numbers beyond 64 bits, or with decimals
        return ""
    if column.different > _MOSTLY_DIFFERENT and column.n_distinct >= _MANY:
        return f"{column.n_distinct} different texts in {column.n} rows"
    return f"codes, and {differ}" if _short_table_of_codes(column) else ""


def _named_key(column: Looked) -> bool:
    """Mostly different; for keys of people, who may have many rows, different enough."""
    if names_a_person(column.name):
        enough = _SHARE_OF_PERSONS if column.n_distinct >= _MANY else _SHARE_OF_A_FEW
        return column.different >= enough and column.n_distinct >= _A_FEW
    if column.n_distinct >= _MANY:
        return column.different > _MOSTLY_DIFFERENT
    return column.different >= _NEARLY_ALL and column.n_distinct >= _A_FEW


def _is_code_text(column: Looked) -> bool:
    """Texts of digits with zeros in front, longer than a postcode: no quantity is written so."""
    zeros = any(text.startswith("0") and len(text) > 1 for text in column.texts)
    return column.is_text and zeros and max(column.widths) > 5


def _numbered(column: Looked, whole: pd.Series[Any]) -> str:
    low, high = int(whole.min()), int(whole.max())
    if column.n_distinct < column.n or column.n < _MANY or _may_be_time(low, high):
        return ""
    if high - low + 1 == column.n:
        return "numbers the rows"
    repeats = column.n * (column.n - 1) / 2 / (high - low + 1)
    if repeats >= _REPEATS:
        return f"no number repeats, of {column.n}; drawn at random about {repeats:.0f} would"
    if len(column.widths) == 1 and max(column.widths) >= _LONG and low >= 0:
        return f"{column.n} different numbers of {max(column.widths)} digits each"
    return ""


def _may_be_time(low: int, high: int) -> bool:
    spans = (_YEARS, *_TIMES)
    return any(first <= low and high <= last for first, last in spans)


def _short_table_of_codes(column: Looked) -> bool:
    """Nearly all different, each with a digit and a letter or sign, in a table of a few rows."""
    coded = column.share(lambda text: any(map(str.isdigit, text)) and not text.isdigit())
    return column.different >= _NEARLY_ALL and column.n_distinct >= _A_FEW and coded >= 0.8
