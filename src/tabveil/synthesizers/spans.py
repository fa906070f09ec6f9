"""What do a generator's inputs and outputs mean, span by span?

CTGAN's generator reads noise and a condition vector (one-hot over every level of every code
column) and writes, for each float column, a scalar and mixture-component logits, and for each
code column, level logits (Xu et al. 2019, arXiv:1907.00503, sections 4.2 and 4.3). `Spans` knows
that layout and the two things needed to draw from it: the mixtures, and the levels' true rates.
It is all an artifact keeps of the training table beside the codec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tabveil.data.rounding import on_step, step_for, to_digits

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Wanted = tuple[int, tuple[int, ...]]
"""A code column by its index, and the codes that are wanted of it."""


@dataclass(frozen=True)
class Mixture:
    """The Gaussian modes of a float column: means and standard deviations, in its units."""

    means: tuple[float, ...]
    stds: tuple[float, ...]

    @classmethod
    def rounded(cls, means: Floats, stds: Floats) -> Self:
        """Round each mean to a hundredth of its mode's width and each width to 3 digits."""
        grid = zip(means.tolist(), stds.tolist(), strict=True)
        return cls(tuple(on_step(m, step_for(s, 100)) for m, s in grid), tuple(to_digits(stds)))


@dataclass(frozen=True)
class Spans:
    """Layout of a generator: first the float columns' spans, then the code columns'.

    Attributes:
        mixtures: one for each float column.
        rates: for each code column, the share of training rows at each code, rounded.
    """

    mixtures: tuple[Mixture, ...]
    rates: tuple[tuple[float, ...], ...]

    @property
    def n_conditions(self) -> int:
        """Width of the condition vector."""
        return sum(len(rates) for rates in self.rates)

    @property
    def n_outputs(self) -> int:
        """Width of the generator's output."""
        return sum(1 + len(mixture.means) for mixture in self.mixtures) + self.n_conditions

    def rarest(self, wanted: Mapping[int, tuple[int, ...]]) -> Wanted | None:
        """Of the restricted code columns, the one that the fewest rows meet; None without any."""
        if not wanted:
            return None
        return min(wanted.items(), key=lambda item: sum(self.rates[item[0]][c] for c in item[1]))

    def draw_conditions(
        self, n: int, rng: np.random.Generator, wanted: Wanted | None = None
    ) -> NDArray[np.float32]:
        """Draw one-hot condition vectors by the levels' true rates, shape (n, n_conditions).

        A column is drawn uniformly, then its level by rate; with `wanted`, that column, and only
        the wanted codes.
        """
        if not self.rates:
            return np.zeros((n, 0), dtype=np.float32)
        starts = np.cumsum([0, *(len(rates) for rates in self.rates)])
        columns = rng.integers(len(self.rates), size=n)
        uniform = rng.random(n)
        positions = np.empty(n, dtype=np.int64)
        for j, rates in enumerate(self.rates):
            rows = slice(None) if wanted else columns == j
            if wanted and wanted[0] != j:
                continue
            weights = np.array(rates)
            if wanted:
                weights[[code not in wanted[1] for code in range(len(rates))]] = 0
            edges = np.cumsum(weights)
            drawn = np.searchsorted(edges[:-1], uniform[rows] * edges[-1], side="right")
            positions[rows] = starts[j] + drawn
        vectors = np.zeros((n, self.n_conditions), dtype=np.float32)
        vectors[np.arange(n), positions] = 1
        return vectors

    def decode(
        self, outputs: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[Floats, Codes]:
        """Draw rows from raw generator outputs, shape (n, n_outputs).

        A level or mode is drawn from its span's softmax, which is what the package's Gumbel
        softmax followed by argmax draws; a float is `clip(tanh(u), -1, 1) * 4 std + mean` of its
        mode (section 4.2).

        Returns:
            floats, shape (n, n_floats); codes, shape (n, n_codes).
        """
        n = len(outputs)
        floats = np.empty((n, len(self.mixtures)))
        codes = np.empty((n, len(self.rates)), dtype=np.int64)
        start = 0
        for j, mixture in enumerate(self.mixtures):
            end = start + 1 + len(mixture.means)
            modes = draw_softmax(outputs[:, start + 1 : end], rng)
            scalar = np.tanh(outputs[:, start].astype(np.float64))
            floats[:, j] = scalar * 4 * np.take(mixture.stds, modes) + np.take(mixture.means, modes)
            start = end
        for j, rates in enumerate(self.rates):
            codes[:, j] = draw_softmax(outputs[:, start : start + len(rates)], rng)
            start += len(rates)
        return floats, codes

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives equal spans back."""
        mixtures = [{"means": list(m.means), "stds": list(m.stds)} for m in self.mixtures]
        return {"mixtures": mixtures, "rates": [list(rates) for rates in self.rates]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises ValueError, KeyError or TypeError when it is not that."""
        mixtures = tuple(
            Mixture(tuple(map(float, m["means"])), tuple(map(float, m["stds"])))
            for m in data["mixtures"]
        )
        rates = tuple(tuple(map(float, column)) for column in data["rates"])
        for mixture in mixtures:
            as_many = len(mixture.means) == len(mixture.stds) > 0
            if not as_many or not np.isfinite(mixture.means + mixture.stds).all():
                raise ValueError("a mixture needs finite means and deviations, as many of each")
        for column in rates:
            if not column or not np.isfinite(column).all() or min(column) <= 0:
                raise ValueError("rates must be positive numbers")
        return cls(mixtures, rates)


_SAFE = 60
"""Largest logit of a row whose exponentials, and their sum, are floats of full precision."""


def draw_softmax(logits: NDArray[np.float32], rng: np.random.Generator) -> Codes:
    """Draw one index a row from the softmax of `logits`, shape (n, k), by inverse CDF."""
    n, k = logits.shape
    if k == 1:
        return np.zeros(n, dtype=np.int64)
    weights = np.array(logits.T, order="C")  # an index a line: each pass below runs on vectors
    largest = weights.max(axis=0)
    if np.abs(largest).max(initial=0) > _SAFE:
        weights -= largest
    np.exp(weights, out=weights)
    for below, weight in pairwise(weights):
        weight += below
    points = rng.random(n, dtype=np.float32) * weights[-1]
    # Sums may round either way; the last index stands for whatever the others leave.
    # In few bytes: faster.
    drawn: Codes = (weights[:-1] <= points).sum(axis=0, dtype=np.min_scalar_type(k))
    return drawn.astype(np.int64)
