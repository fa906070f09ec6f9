"""In which few directions does a mixed table spread, and where does a row lie along them?

Kernels need numbers of one scale and few dimensions. Ranks, gaps and levels are centred, turned
to the principal components of `reference` and divided by their spread there, so that a distance
of 1 means one standard deviation of the population in any direction. Directions in which the
reference hardly spreads are left out: what divides by nothing measures rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tabveil.measure.distance import MISSING_WEIGHT
from tabveil.measure.encode import Encoded

MIN_ROWS_A_LEVEL = 5
"""Rarer levels, and those unknown to the reference, are one: none of the known ones."""
MAX_LEVELS = 100
"""Levels that get a column, the most frequent of all categories: the matrix stays narrow."""
MIN_SPREAD = 0.01
"""A direction counts if the reference spreads in it this much, in units of its widest."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Whitening:
    """Turns encoded rows into whitened principal components.

    Attributes:
        levels: per categorical column, the levels that have a column of their own.
        centre: shape (n_directions,), mean of the reference.
        turn: shape (n_directions, n_components), loadings divided by the spread; there may be
            no component, where the reference holds one row over and over.
    """

    levels: tuple[NDArray[np.int64], ...]
    centre: Values
    turn: Values

    @classmethod
    def fit(cls, reference: Encoded, n_components: int) -> Self:
        """Learn levels, centre and directions, at most `n_components` of them, widest first."""
        levels = _frequent_levels(reference)
        rows = _matrix(reference, levels)
        centre = rows.mean(axis=0)
        variances, directions = np.linalg.eigh(np.cov(rows - centre, rowvar=False, ddof=0))
        spread = np.sqrt(variances.clip(min=0))[::-1][:n_components]
        kept = spread > max(MIN_SPREAD * spread[0], np.finfo(np.float64).eps)
        return cls(levels, centre, directions[:, ::-1][:, :n_components][:, kept] / spread[kept])

    def __call__(self, rows: Encoded) -> Values:
        """Components of rows of the same encoder, shape (n, n_components)."""
        components: Values = (_matrix(rows, self.levels) - self.centre) @ self.turn
        return components


def _frequent_levels(reference: Encoded) -> tuple[NDArray[np.int64], ...]:
    counted = [np.unique(column, return_counts=True) for column in reference.codes.T]
    pooled = np.sort(np.concatenate([np.zeros(0, int), *(n for _, n in counted)]))[::-1]
    least = max(MIN_ROWS_A_LEVEL, pooled[MAX_LEVELS] + 1 if len(pooled) > MAX_LEVELS else 0)
    return tuple(codes[n >= least] for codes, n in counted)


def _matrix(rows: Encoded, levels: tuple[NDArray[np.int64], ...]) -> Values:
    """Squared differences of two rows add up as in `measure/encode.py`, pooled levels apart."""
    parts = [rows.ranks - 0.5, np.sqrt(MISSING_WEIGHT) * rows.missing]
    parts += [
        (column[:, None] == known) / np.sqrt(2)
        for column, known in zip(rows.codes.T, levels, strict=True)
    ]
    # A column of zeros keeps the matrix from being empty or a single direction.
    return np.hstack([*parts, np.zeros((len(rows), 2))])
