"""What of a column is looked at to tell whether it identifies people.

Present values as texts (a sample of them: thousands tell as much as millions), how many there are,
and how many differ. Texts that say "nothing known" count as missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tabveil.seeding import child_rng

_SAMPLED = 2000  # a share is then off by two hundredths at most, which no rule depends on
_NOTHING: tuple[str, ...] = (
    "",
    "-",
    "--",
    "?",
    ".",
    "n/a",
    "na",
    "nan",
    "none",
    "null",
    "nil",
    "unknown",
    "missing",
)
_NOTHING += ("unbekannt", "keine", "inconnu", "desconocido", "sconosciuto", "<na>", "k.a.")


@dataclass(frozen=True)
class Looked:
    """A column as the rules see it.

    Attributes:
        name: of the column.
        texts: the present values of a sample of rows, stripped.
        n: how many values are present.
        n_distinct: how many of them differ.
        whole: the present values where all are whole numbers that fit 64 bits, else None.
        is_text: whether the column is text, not numbers.
    """

    name: str | None
    texts: tuple[str, ...]
    n: int
    n_distinct: int
    whole: pd.Series[Any] | None
    is_text: bool

    @property
    def different(self) -> float:
        """Share of values that differ, in (0, 1]."""
        return self.n_distinct / self.n

    def share(self, looks: Callable[[str], bool]) -> float:
        """Share of the sampled texts that look so."""
        return sum(map(looks, self.texts)) / len(self.texts)

    @cached_property
    def widths(self) -> frozenset[int]:
        """The lengths of the sampled texts."""
        return frozenset(map(len, self.texts))


def look_at(values: pd.Series[Any], name: str | None) -> Looked | None:
    """Look at a column; None where it holds dates, truth values, fractions or nothing."""
    kinds = pd.api.types
    if kinds.is_datetime64_any_dtype(values) or kinds.is_timedelta64_dtype(values):
        return None
    present = present_values(values)
    if present.empty or kinds.is_bool_dtype(present) or kinds.is_complex_dtype(present):
        return None
    is_text = not kinds.is_numeric_dtype(present)
    if not is_text and not _all_whole(present):
        return None
    n_looked_at = min(_SAMPLED, len(present))
    rng = child_rng(0, "identifiers", "sample")
    rows = rng.choice(len(present), n_looked_at, replace=False, shuffle=False)
    texts = tuple(as_texts(present.iloc[np.sort(rows)]))
    different = pd.Series(present.unique())
    n_distinct = different.nunique() if not is_text else different.astype(str).nunique()
    whole = _as_whole(present, texts)
    return Looked(name, texts, len(present), int(n_distinct), whole, is_text)


def present_values(values: pd.Series[Any]) -> pd.Series[Any]:
    """The values that are not missing, texts that say so included."""
    present = values.dropna()
    if isinstance(present.dtype, pd.CategoricalDtype):
        present = present.astype(present.cat.categories.dtype)
    if pd.api.types.is_numeric_dtype(present):
        if not pd.api.types.is_float_dtype(present):
            return present
        finite = np.isfinite(present.to_numpy(float))
        return present if finite.all() else present[finite]
    if not len(present):
        return present
    codes, different = pd.factorize(present)  # each text is looked at once
    folded = pd.Series(different).astype(str).str.strip().str.casefold()
    nothing = folded.isin(_NOTHING).to_numpy()
    return present[~nothing[codes]] if nothing.any() else present


def as_texts(present: pd.Series[Any]) -> list[str]:
    """Values as texts, stripped; whole numbers without decimals, whatever their dtype."""
    if pd.api.types.is_float_dtype(present) and _all_whole(present):
        return [str(int(value)) for value in present]
    return [" ".join(str(value).split()) for value in present]


def _all_whole(present: pd.Series[Any]) -> bool:
    return bool((present % 1 == 0).all())


def _as_whole(present: pd.Series[Any], texts: tuple[str, ...]) -> pd.Series[Any] | None:
    """The values as 64-bit whole numbers; None if any is none."""
    if not all(text.isascii() and text.lstrip("-").isdigit() for text in texts):
        return None
    if pd.api.types.is_integer_dtype(present):
        largest = max(abs(int(present.min())), abs(int(present.max())))
        return present.astype("int64") if largest < 2**62 else None
    codes, different = pd.factorize(present)
    numbers = pd.Series(pd.to_numeric(pd.Series(different), errors="coerce")).astype("float64")
    if numbers.isna().any() or (numbers.abs() >= 2**62).any() or not _all_whole(numbers):
        return None
    whole = pd.to_numeric(pd.Series(different)).astype("int64").to_numpy()
    return pd.Series(whole[codes], index=present.index, name=present.name)
