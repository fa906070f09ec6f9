"""How do a table's floats come into reach of the ctgan package's mixture fit?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FloatScale:
    """A shift and a factor for each float column; both shape (n_floats,)."""

    centers: Floats
    scales: Floats

    @classmethod
    def learn(cls, floats: Floats) -> Self:
        """Choose them for `floats`, shape (n, n_floats).

        The fit adds 1e-6 to every variance, so a column of small spread (rates, coordinates) is
        scaled up to a spread of 1 to 10; a column far from zero (dates) loses digits, so it is
        centred. All others stay as they are: the package's behaviour.
        """
        spreads = floats.std(axis=0)
        spreads = np.where(spreads > 0, spreads, 1)
        medians = np.median(floats, axis=0)
        centers = np.where(np.abs(medians) > 1e3 * spreads, np.rint(medians), 0)
        small_or_huge = (spreads < 1) | (spreads > 1e9)
        return cls(centers, np.where(small_or_huge, 10.0 ** np.floor(np.log10(spreads)), 1))

    def apply(self, floats: Floats) -> Floats:
        """Scaled floats, shape (n, n_floats)."""
        scaled: Floats = (floats - self.centers) / self.scales
        return scaled
