"""Which columns of texts are numbers, written as 1.234,56 or as 1,234.56?

Two spellings, and 1,234 is a number in both: a thousand times as much in one. A column is turned
into numbers where only one spelling fits all of its values. Where both fit, the file's other
columns decide if they agree; else the texts stay texts, and `dataset.decimal` says which it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pandas as pd

Mark = Literal[",", "."]
"""What stands before the decimals; the other one groups the thousands."""

_MARKS: tuple[Mark, Mark] = (",", ".")


def _pattern(mark: Mark) -> str:
    decimal, group = re.escape(mark), re.escape(_other(mark))
    whole, grouped = r"(?:0|[1-9]\d*)", rf"[1-9]\d{{0,2}}(?:{group}\d{{3}})+"
    # No leading zeros: 007 and 01.234 are codes.
    return rf"[+-]?(?:{grouped}|{whole}|(?={decimal}))(?:{decimal}\d+)?(?:[eE][+-]?\d+)?"


def _other(mark: Mark) -> Mark:
    return "." if mark == "," else ","


def spelled_numbers(
    table: pd.DataFrame,
    texts_of: Callable[[list[str]], pd.DataFrame],
    *,
    decimal: Mark | None,
) -> pd.DataFrame:
    """Turn text columns that are wholly numbers into numbers.

    Args:
        table: as pandas read it: a point before decimals, no groups.
        texts_of: reads columns again as they are written. Where commas stand before decimals,
            1.234 was read as a number, and was none.
        decimal: what a person says stands before decimals; None: found out.

    Returns:
        The table, with int64 and float64 in place of such texts.
    """
    spellings = {
        str(name): fits for name in table.select_dtypes(object) if (fits := _spellings(table[name]))
    }
    if not spellings and decimal != ",":
        return table
    floats = table.select_dtypes(float).columns.tolist()
    written = texts_of(floats) if floats else pd.DataFrame()
    read = {name: fits for name in floats if (fits := _spellings(written[name]))}
    agreed = decimal or _agreed({**spellings, **read})
    changed = table.copy(deep=False)
    for name, fits in spellings.items():
        mark = agreed if len(fits) > 1 else fits[0]
        if mark is not None and decimal in (None, mark):
            changed[name] = _numbers(table[name], mark)
    if agreed == ",":
        for name, fits in read.items():
            if "," in fits:
                changed[name] = _numbers(written[name], ",")
    return changed


def _spellings(values: pd.Series[Any]) -> list[Mark]:
    """The spellings in which every value is a number; none where no value has a mark."""
    present = values.dropna()
    if present.empty or not isinstance(present.iloc[0], str):
        return []
    first = present.iloc[0]  # most text columns show here that they hold no numbers
    fits = [m for m in _MARKS if re.fullmatch(_pattern(m), first)]
    fits = [m for m in fits if present.astype(str).str.fullmatch(_pattern(m)).all()]
    return fits if fits and present.astype(str).str.contains("[.,]").any() else []


def _agreed(spellings: Mapping[str, list[Mark]]) -> Mark | None:
    sure = {fits[0] for fits in spellings.values() if len(fits) == 1}
    return sure.pop() if len(sure) == 1 else None


def _numbers(values: pd.Series[Any], mark: Mark) -> pd.Series[Any]:
    plain = values.str.replace(_other(mark), "", regex=False).str.replace(mark, ".", regex=False)
    if not plain.isna().any() and plain.str.fullmatch(r"[+-]?\d{1,18}").all():
        return plain.astype("int64")
    return plain.astype(float)  # by Python's float, which reads to the last bit
