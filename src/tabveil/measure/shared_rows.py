"""Rows that stand on one side only, and tables that hold more of the same rows than they should.

Of a row that stands on two sides nothing can be learnt about a member; neither can of one that is
as common as such a row (docs/decisions/024). Rows are given by key: equal rows, equal keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tabveil.errors import CannotTell

Keys = NDArray[np.uint64]

MAX_OVERLAP = 0.9
"""Share of a table's single rows that may stand in another beyond what dealing explains. So many or
fewer are only left out, and the rest is attacked; of more, the table is a part of the other."""
FAR = 4.0
"""Standard errors beyond which an overlap is no chance: one table in 30,000 lies so far out."""


@dataclass(frozen=True)
class Twins:
    """How many rows of train and control nobody asks about, and how many different ones are left.

    Attributes:
        n_rows: of train and control.
        n_shared: of them, those that stand on another side too or are as common as such a row.
        n_members, n_others: different rows that may be targets.
    """

    n_rows: int
    n_shared: int
    n_members: int
    n_others: int

    def __str__(self) -> str:
        return (
            f"{self.n_shared:,} of the {self.n_rows:,} rows of train and control stand in "
            f"another table too, or are as common as rows that do: what is common to all is "
            f"nobody's secret; {self.n_members:,} different rows of members and "
            f"{self.n_others:,} of others can be asked about"
        )


def unshared_keys(*sides: Keys) -> Keys:
    """Different rows that stand on one side only and are rarer than any that stands on two."""
    keys = np.concatenate(sides)
    values, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    n_sides = np.zeros(len(values), dtype=np.intp)
    for side in np.split(place, np.cumsum([len(side) for side in sides])[:-1]):
        n_sides[np.unique(side)] += 1
    on_two = counts[n_sides > 1]
    unshared: Keys = values[(n_sides == 1) & (counts < on_two.min(initial=len(keys) + 1))]
    return unshared


def twins_of(pool: Keys, control: Keys, members: Keys, others: Keys) -> Twins:
    """Count the rows that are left out, given the keys that are not."""
    rows = np.concatenate([pool, control])
    asked = int(np.isin(rows, members).sum() + np.isin(rows, others).sum())
    return Twins(len(rows), len(rows) - asked, len(members), len(others))


def check_overlap(**sides: Keys) -> None:
    """Refuse two tables that hold more of the same rows than dealing out one table explains.

    Of rows that occur twice in two tables of n and m rows, dealing them out one by one puts
    2nm / (n² + m²) on both sides for each that it puts on one, and keeping twins together none.
    A copied table, or copies taken out of each file by itself, leaves next to none on one side.
    """
    for (name, one), (other, two) in combinations(sides.items(), 2):
        values, counts = np.unique(np.concatenate([one, two]), return_counts=True)
        twice = values[counts == 2]
        parted = int((np.isin(twice, one) & np.isin(twice, two)).sum())
        n, m = len(one), len(two)
        least = min(_n_single(one), _n_single(two))
        each = 2 * n * m / (n**2 + m**2)
        beyond = parted - each * (len(twice) - parted)
        chance = np.sqrt(parted + each**2 * (len(twice) - parted))
        if beyond > max(FAR * chance, MAX_OVERLAP * least):
            raise CannotTell(
                f"cannot tell: {name} and {other} overlap: {parted} rows that occur once in each "
                f"stand in both, tables of {n} and {m} rows; one holds rows of the other, or "
                f"copies were taken out of each by itself; split one table at random, copies and "
                f"all"
            )


def _n_single(keys: Keys) -> int:
    return int((np.unique(keys, return_counts=True)[1] == 1).sum())
