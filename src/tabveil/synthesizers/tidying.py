"""How do the rows of a drawn person get in order, and obey the rules of the table once more?

They are sorted by the column that persons' rows are sorted by. Where no two rows of a person may
share a value of it, of those that do all but one get the nearest value, of those drawn, that the
person has not. Columns that never fall are sorted by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.frames import with_columns
from tabveil.data.persons import PersonRule
from tabveil.data.rules.learnt import LearntRules
from tabveil.data.rules.limits import Unique
from tabveil.data.within_persons import Codes, Floats, as_floats
from tabveil.errors import DataError


def tidied(rows: pd.DataFrame, whose: Codes, rule: PersonRule) -> pd.DataFrame:
    """Rows in order, shape (n, n_columns), those of a person together.

    Args:
        rows: with a fresh index; not changed.
        whose: numbers of the persons, ascending, shape (n,).
        rule: says what is in order.
    """
    if rule.order is None or not len(rows):
        return rows
    if rule.distinct:
        rows = with_columns(rows, {rule.order: _apart(rows[rule.order], whose)})
    by = np.lexsort((as_floats(rows[rule.order]), whose))
    rows = rows.iloc[by].reset_index(drop=True)
    for name in rule.rising:
        ascending = np.lexsort((as_floats(rows[name]), whose))  # missing ones last
        rows = with_columns(rows, {name: rows[name].iloc[ascending].array})
    return rows


def obeying(
    rows: pd.DataFrame, rules: LearntRules, fixed: Sequence[str]
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Rows that obey the rules again, and in which of them that left the `fixed` columns be."""
    again = rules.undo(rules.apply(rows))
    obeys = np.logical_and.reduce([np.ones(len(rows), dtype=bool), *rules.obeyed(again).values()])
    for name in fixed:
        both_missing = again[name].isna() & rows[name].isna()
        obeys &= ((again[name] == rows[name]) | both_missing).to_numpy(dtype=bool)
    return again, obeys


def check_unique(rules: LearntRules | None, rule: PersonRule) -> None:
    """Refuse a rule that persons with several rows break. Raises DataError."""
    changed = {*rule.fixed}
    for one in rules.rules if rules else ():
        if isinstance(one, Unique) and changed & {*one.of}:
            raise DataError(
                f"the rule {one.name!r} cannot be kept with dataset.sample_groups: rows of one "
                f"person share {', '.join(sorted(changed & {*one.of}))}, or are put in its order; "
                f"give up one of the two"
            )


def _apart(values: pd.Series[Any], whose: Codes) -> pd.Series[Any]:
    """Values of which no person has two that are equal, as far as there are enough."""
    numbers = as_floats(values)
    known, first = np.unique(numbers, return_index=True)
    known, first = known[~np.isnan(known)], first[: len(known)]
    tied = np.flatnonzero(_repeats(numbers, whose))
    source = np.arange(len(values))
    starts = np.searchsorted(whose, whose[tied])
    ends = np.searchsorted(whose, whose[tied], side="right")
    for row, start, end in zip(tied.tolist(), starts.tolist(), ends.tolist(), strict=True):
        taken = np.isin(known, numbers[start:end])
        if taken.all():
            continue
        nearest = int(np.argmin(np.where(taken, np.inf, np.abs(known - numbers[row]))))
        numbers[row], source[row] = known[nearest], first[nearest]
    return values.iloc[source].reset_index(drop=True)


def _repeats(numbers: Floats, whose: Codes) -> NDArray[np.bool_]:
    """Which rows hold what an earlier row of their person holds, shape (n,)."""
    seen = pd.DataFrame({"whose": whose, "number": numbers}).duplicated()
    return np.asarray(seen.to_numpy() & ~np.isnan(numbers), dtype=bool)
