"""Are the identifiers of real people released?

A column that identifies rows or persons is compared by no attack, but a name in it gives its owner
away by itself. So the different values of `train` are looked up in the synthetic column, and those
of `control` beside them: a file may number its rows from 1, as everybody's does, and only what
occurs of `train` beyond `control` was copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from tabveil.measure.cells import level_text

BEYOND_CHANCE = 1e-3
"""A smaller p-value is no chance: an audit looks at a handful of such columns at most."""
_WHOLE = r"[+-]?\d{1,15}"


@dataclass(frozen=True)
class Released:
    """How many of the different values of an identifier stand in the synthetic table.

    Attributes:
        column: its name.
        train: share of the values that only `train` has, in [0, 1].
        control: share of those that only `control` has.
        p: chance of so many more of `train` if none was copied.
    """

    column: str
    train: float
    control: float
    p: float

    @property
    def shown(self) -> bool:
        """Whether real identifiers were copied, beyond chance."""
        return self.p < BEYOND_CHANCE

    def __str__(self) -> str:
        return (
            f"{self.train:.1%} of the values of column {self.column!r} in train stand in the "
            f"synthetic table, and {self.control:.1%} of those in control"
        )


def released(column: str, tables: Mapping[str, pd.DataFrame]) -> Released | None:
    """Look the column's values up; None where one of the three tables has none.

    Args:
        column: an identifier.
        tables: by name, `train`, `control` and `synthetic` among them.
    """
    named = [tables.get(name, pd.DataFrame()) for name in ("train", "control", "synthetic")]
    if not all(column in table.columns for table in named):
        return None
    train, control, synthetic = (_distinct(table[column]) for table in named)
    shared = np.intersect1d(train, control)
    train, control = np.setdiff1d(train, shared), np.setdiff1d(control, shared)
    if not min(len(train), len(control), len(synthetic)):
        return None
    found = [int(np.isin(side, synthetic).sum()) for side in (train, control)]
    p = float(stats.hypergeom.sf(found[0] - 1, len(train) + len(control), sum(found), len(train)))
    p = max(p, _by_density(train, synthetic))
    return Released(column, found[0] / len(train), found[1] / len(control), p)


def _distinct(values: pd.Series[Any]) -> NDArray[np.str_]:
    levels = pd.Series(values.dropna().unique(), dtype=object)
    return np.unique(np.array([level_text(level) for level in levels], dtype=str))


def _by_density(train: NDArray[np.str_], synthetic: NDArray[np.str_]) -> float:
    """Chance of so many hits by whole numbers drawn from the range of `train`; of texts 0.

    Where `train` is numbered 1 … n and `control` from n + 1 on, a synthetic table that numbers its
    own rows from 1 hits `train` only, and copies nobody.
    """
    sides = [pd.Series(side) for side in (train, synthetic)]
    if not all(side.str.fullmatch(_WHOLE).all() for side in sides):
        return 0.0
    real, made = (side.astype("int64").to_numpy() for side in sides)
    low, high = int(real.min()), int(real.max())
    inside = made[(made >= low) & (made <= high)]
    hits = int(np.isin(inside, real).sum())
    return float(stats.binom.sf(hits - 1, len(inside), min(1.0, len(real) / (high - low + 1))))
