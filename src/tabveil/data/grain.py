"""The fine structure of a column's numbers: the grid they lie on, the decimals they need.

A price in steps of 0.05, a loan in thousands, ages of which few have decimals: a model draws
numbers in between. Values that many rows share come back as they are; all others are put on the
grid, or are rounded to as many decimals as such values have, each at its share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.rounding import to_digits

Floats = NDArray[np.float64]

_STEPS = (2, 4, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000)
_BESIDE = 0.005
"""Of the rows: as many may lie beside a grid; what lies there does not come back."""
_ENOUGH = 50
"""Rows, and different values of `_DIFFERENT`, that show a grid or decimals."""
_DIFFERENT = 8
_APART = 0.1
"""Total variation of the decimals that values need from those that any numbers on the same grid
would need, where nine in ten of two places need both: a smaller one is left alone."""
_MOST_POPULAR = 1000
"""Values that are listed at most: more are no levels."""


@dataclass(frozen=True)
class Grain:
    """The fine structure of one column.

    Attributes:
        popular: values that enough rows share, ascending; they are left alone.
        step, origin: of the grid on which all others lie; a step of 0: there is none.
        digits: the shares of the others that need 0, 1, 2, … decimals; empty: as they come. Those
            that need most lie on the grid.
    """

    popular: tuple[float, ...]
    step: float = 0.0
    origin: float = 0.0
    digits: tuple[float, ...] = ()

    @classmethod
    def learn(cls, values: Floats, decimals: int | None, least: int) -> Self | None:
        """Learn the structure of present values, shape (n,); None where there is none to keep.

        Args:
            values: finite numbers.
            decimals: places that hold all of them exactly; None: they are not rounded.
            least: rows that must share a value, or a number of decimals, for it to be written down.
        """
        if decimals is None or len(values) < _ENOUGH:
            return None
        distinct, counts = np.unique(values, return_counts=True)
        if len(distinct) < _DIFFERENT or np.abs(distinct).max() * 10.0**decimals > 2.0**53:
            return None
        shared = counts >= least
        popular = tuple(distinct[shared].tolist()) if shared.sum() <= _MOST_POPULAR else ()
        units = np.rint(distinct * 10.0**decimals).astype(np.int64)
        step, origin = _grid(units, counts, shared)
        digits = _digits(units[~shared], counts[~shared], decimals, least, (step, origin))
        scale = 10.0**-decimals
        return cls(popular, step * scale, origin * scale, digits) if step or digits else None

    def settle(self, values: Floats) -> Floats:
        """Numbers with that structure, shape (n,); missing ones stay missing."""
        popular = np.array(self.popular)
        places = np.searchsorted(popular, values).clip(0, max(0, len(popular) - 1))
        free = ~np.isnan(values)
        if len(popular):
            free &= popular[places] != values
        whole = values.copy()
        places = _places(values[free], self.digits)
        most = len(self.digits) - 1
        settled = values[free]
        for place in range(most):
            chosen = places == place
            settled[chosen] = np.round(settled[chosen], place)
        if self.step:
            finest = places == most
            steps = np.rint((settled[finest] - self.origin) / self.step)
            settled[finest] = self.origin + steps * self.step
        whole[free] = settled
        return whole

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `dataclasses.asdict`'s data. Raises ValueError, KeyError or TypeError otherwise."""
        popular, digits = (tuple(map(float, data[key])) for key in ("popular", "digits"))
        step, origin = float(data["step"]), float(data["origin"])
        numbers = np.array([*popular, *digits, step, origin])
        if not np.isfinite(numbers).all() or list(popular) != sorted(popular) or step < 0:
            raise ValueError("no structure of numbers")
        if (digits and (min(digits) < 0 or sum(digits) <= 0)) or not (step or digits):
            raise ValueError("no shares of decimals")
        return cls(popular, step, origin, digits)


def _grid(
    units: NDArray[np.int64], counts: NDArray[np.int64], shared: NDArray[np.bool_]
) -> tuple[int, int]:
    """The widest of the usual steps on which nearly all rows lie, and where it starts.

    Values that many rows share may lie beside it, since they come back as they are.
    """
    n = counts.sum()
    best = (0, 0)
    for step in _STEPS:
        rest = units % step
        origin = int(np.bincount(rest, weights=counts, minlength=1).argmax())
        on = rest == origin
        few_beside = counts[~on & ~shared].sum() <= _BESIDE * n
        if few_beside and on.sum() >= _DIFFERENT and 2 * counts[on].sum() >= n:
            best = (step, origin)
    return best


def _digits(
    units: NDArray[np.int64],
    counts: NDArray[np.int64],
    decimals: int,
    least: int,
    grid: tuple[int, int],
) -> tuple[float, ...]:
    """The shares of rows that need each number of decimals, where they are no natural ones."""
    n = int(counts.sum())
    if not decimals or n < _ENOUGH:
        return ()
    step, origin = grid
    rows = np.bincount(_needed(units, decimals), weights=counts, minlength=decimals + 1)
    rows[rows < least] = 0
    if not rows.sum():
        return ()
    shares = rows / rows.sum()
    any_numbers = origin + max(step, 1) * np.arange(10 ** min(decimals, 4))
    natural = np.bincount(_needed(any_numbers, decimals), minlength=decimals + 1)
    if np.abs(shares - natural / natural.sum()).sum() / 2 <= _APART:
        return ()
    # A grid is rounded to by the finest alone: what falls on fewer decimals is its own.
    return tuple(to_digits(shares if step > 1 else _without_chance(shares)))


def _without_chance(shares: Floats) -> Floats:
    """The shares that are rounded to each number of decimals, so that as many need them.

    Of numbers rounded to two decimals one in ten needs only one, and one in a hundred none.
    """
    left, chosen = shares.copy(), np.zeros(len(shares))
    for places in range(len(shares) - 1, -1, -1):
        chosen[places] = max(0.0, left[places]) / (0.9 if places else 1.0)
        for fewer in range(places):
            left[fewer] -= chosen[places] * 0.1 ** (places - fewer) * (0.9 if fewer else 1.0)
    whole: Floats = chosen / chosen.sum()
    return whole


def _needed(units: NDArray[np.int64], decimals: int) -> NDArray[np.int64]:
    """How many decimals each number of units of the last place needs, shape (n,)."""
    needed = np.full(len(units), decimals)
    for places in range(decimals - 1, -1, -1):
        needed[units % 10 ** (decimals - places) == 0] = places
    return needed


def _places(values: Floats, digits: tuple[float, ...]) -> NDArray[np.int64]:
    """For each value a number of decimals that its own bits pick: equal ones stay equal."""
    if not digits:
        return np.full(len(values), -1)
    edges = np.cumsum(digits)
    uniform = (pd.util.hash_array(values) >> np.uint64(11)).astype(np.float64) / 2.0**53
    return np.searchsorted(edges[:-1] / edges[-1], uniform, side="right")
