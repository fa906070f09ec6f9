"""Which numbers about a column may be written down, so that none is one person's value?

A minimum, a maximum or an exact share of a small table belongs to somebody. What is stored of a
column is therefore rounded: bounds outwards to a coarse step, shares to three digits. A value
that several rows hold is nobody's alone and may stand as it is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SHARED_ROWS = 5
"""Rows that must hold a value before it is written down exactly (the usual cell-size rule)."""
BOUND_PARTS = 20
"""A bound is rounded to a step of at least a twentieth of the column's range."""


def step_for(spread: float, parts: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `spread / parts`.

    >>> step_for(73.0, 20)
    5.0
    """
    least = spread / parts
    power = 10.0 ** math.floor(math.log10(least))
    return float(next(k * power for k in (1, 2, 5, 10) if k * power >= least * (1 - 1e-9)))


def outer_bounds(values: NDArray[np.float64], shared: int = SHARED_ROWS) -> tuple[float, float]:
    """Bounds that hold every value: exact where `shared` rows share one, else rounded out.

    Args:
        values: shape (n,), n >= 1, finite.
        shared: rows that must hold a bound before it is written down exactly.

    >>> outer_bounds(np.array([0.0] * 5 + [17.0, 88.0]))
    (0.0, 90.0)
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low, high
    step = step_for(high - low, BOUND_PARTS)
    shared_low = np.count_nonzero(values == low) >= shared
    shared_high = np.count_nonzero(values == high) >= shared
    out_low = low if shared_low else on_step(math.floor(low / step) * step, step)
    out_high = high if shared_high else on_step(math.ceil(high / step) * step, step)
    return min(low, out_low), max(high, out_high)


def on_step(value: float, step: float) -> float:
    """`value` at the nearest multiple of `step`, without the noise of binary fractions.

    >>> on_step(0.1 + 0.2, 0.1)
    0.3
    """
    if step <= 0 or not math.isfinite(value / step):
        return value
    nearest = round(value / step) * step
    return float(round(nearest, -math.floor(math.log10(step)))) if step < 1 else float(nearest)


def to_digits(rates: NDArray[np.float64], digits: int = 3) -> list[float]:
    """Each number at `digits` significant digits; zeros stay zero.

    >>> to_digits(np.array([0.0123456, 0.9876543]))
    [0.0123, 0.988]
    """
    return [float(f"{rate:.{digits}g}") for rate in rates]


def level_rates(codes: NDArray[np.int64], n_levels: list[int]) -> tuple[tuple[float, ...], ...]:
    """For each code column, the share of rows at each code, to three digits.

    Args:
        codes: shape (n, n_columns), n >= 1, column j in [0, n_levels[j]).
        n_levels: how many codes each column has.
    """
    counts = [np.bincount(codes[:, j], minlength=k) for j, k in enumerate(n_levels)]
    return tuple(tuple(to_digits(count / len(codes))) for count in counts)
