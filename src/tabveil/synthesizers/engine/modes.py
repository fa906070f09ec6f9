"""How does a number become a mode and a place inside it, and come back?

The paper's mode-specific normalisation (Xu et al. 2019, arXiv:1907.00503, section 4.2) says a
number as one of the column's Gaussian modes and a scalar inside it: `(x - mean) / (4 std)`. A
Gaussian is a poor word for the zeros of a capital gain or for 74 whole ages. So a mode may also be
an *atom*, a single value of width 0, which has no scalar; and the modes of what is left may be
Gaussians or equally full *bins*. All three decode in the same way.

Nothing kept of a column is one row's: an atom is a value that enough rows share, other numbers are
rounded to a small part of their mode's width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from tabveil.data.rounding import SHARED_ROWS, on_step, outer_bounds, step_for, to_digits
from tabveil.synthesizers.engine.mixture import fit_mixture, weighted_points

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Wide = tuple[Floats, Floats, Floats]
"""Means, deviations and shares of modes that have a width."""

WIDEST = 0.99
"""A scalar is clipped to this on either side: tanh never reaches 1."""
_LEAST_SHARE = 0.005
"""Of the paper's fit: a component with a smaller share of the rows is no mode."""
_PER_WIDTH = 4.0
_CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class Numbers:
    """How numeric columns are said.

    Attributes:
        max_atoms: columns with at most so many different values are atoms throughout, and no
            column has more; 0: no atoms at all, as in the paper.
        min_spike: in other columns, a value becomes an atom where it has at least this share of
            the rows.
        rest: what the other values are: Gaussian modes, or equally full bins.
        n_bins: how many bins at most.
        shared: rows that must hold a value, or lie in a mode, for it to be written down.
    """

    max_atoms: int = 0
    min_spike: float = 0.01
    rest: Literal["mixture", "bins"] = "mixture"
    n_bins: int = 20
    shared: int = SHARED_ROWS


@dataclass(frozen=True)
class Modes:
    """The modes of a float column, in its units: first those with a width, then the atoms.

    Attributes:
        means: ascending inside either part.
        stds: 0 for an atom. A scalar s in mode m decodes to `means[m] + 4 stds[m] s`.
        shares: of the training rows, 3 digits, summing to about 1.
        even: whether a row belongs to the bin it lies in, rather than to a Gaussian by chance.
    """

    means: tuple[float, ...]
    stds: tuple[float, ...]
    shares: tuple[float, ...]
    even: bool = False

    @property
    def n_wide(self) -> int:
        """Modes that have a width."""
        return sum(std > 0 for std in self.stds)

    @classmethod
    def fit(cls, values: Floats, numbers: Numbers) -> Self:
        """Find the modes of `values`, shape (n,), n >= 1, finite."""
        atoms, others = _split(values, numbers)
        wide: Wide = (np.empty(0), np.empty(0), np.empty(0))
        even = numbers.rest == "bins" and len(others) >= 2 * numbers.shared
        if even:
            wide = _bins(others, numbers)
        elif len(others):
            wide = _gaussians(others, numbers)
        parts = zip(wide, (atoms, 0 * atoms, np.ones(len(atoms))), strict=True)
        means, stds, shares = (np.concatenate(pair) for pair in parts)
        found = cls(tuple(means.tolist()), tuple(stds.tolist()), tuple(shares.tolist()), even)
        codes, _ = found.encode(values, np.random.default_rng(0))
        shares = np.bincount(codes, minlength=len(means)) / len(values)
        kept = shares > 0
        return cls(
            tuple(means[kept].tolist()),
            tuple(stds[kept].tolist()),
            tuple(to_digits(shares[kept])),
            found.even,
        )

    def encode(
        self, values: Floats, rng: np.random.Generator | None
    ) -> tuple[Codes, NDArray[np.float32]]:
        """A mode for each value, and the scalar inside it, clipped; both shape (n,).

        The mode of a value that is no atom is drawn by how likely each mode is to have made it,
        as in the paper, or, without `rng`, is the likeliest; with bins it is the bin that the
        value lies in.
        """
        codes = np.empty(len(values), dtype=np.int64)
        for start in range(0, len(values), _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            codes[rows] = self._modes_of(values[rows], rng)
        widths = np.array(self.stds) * _PER_WIDTH
        inside = values - np.array(self.means)[codes]
        width = widths[codes]
        scalars = np.divide(inside, width, out=np.zeros(len(values)), where=width > 0)
        return codes, np.clip(scalars, -WIDEST, WIDEST).astype(np.float32)

    def decode(self, codes: Codes, scalars: NDArray[np.floating[Any]]) -> Floats:
        """The number at each mode and scalar in [-1, 1], shape (n,)."""
        widths = np.array(self.stds) * _PER_WIDTH
        decoded: Floats = np.array(self.means)[codes] + widths[codes] * scalars
        return decoded

    def may_hold(
        self, ranges: Sequence[tuple[float, float]], bounds: tuple[float, float]
    ) -> NDArray[np.bool_]:
        """Which modes can decode to a number in one of the ranges, ends included: shape (k,).

        Decoded numbers are clipped to `bounds`.
        """
        means, reach = np.array(self.means), np.array(self.stds) * _PER_WIDTH
        least, most = np.clip(means - reach, *bounds), np.clip(means + reach, *bounds)
        held = np.zeros(len(means), dtype=bool)
        for low, high in ranges:
            held |= (least <= high) & (most >= low)
        return held

    def _modes_of(self, values: Floats, rng: np.random.Generator | None) -> Codes:
        means, stds, n_wide = np.array(self.means), np.array(self.stds), self.n_wide
        codes = np.full(len(values), -1)
        if n_wide < len(means):
            codes = n_wide + _nearest(means[n_wide:], values)
            exact = means[codes] == values
            if n_wide:
                codes[~exact] = -1
        left = np.flatnonzero(codes < 0)
        if not len(left):
            return codes
        if self.even:
            edges = (means + _PER_WIDTH * stds)[: n_wide - 1]
            codes[left] = np.searchsorted(edges, values[left], side="left")
            return codes
        z = (values[left, None] - means[:n_wide]) / stds[:n_wide]
        log_density = -0.5 * z**2 - np.log(stds[:n_wide]) + np.log(self.shares[:n_wide])
        if rng is None:
            codes[left] = log_density.argmax(axis=1)
            return codes
        edges = np.exp(log_density - log_density.max(axis=1, keepdims=True)).cumsum(axis=1)
        points = rng.random(len(left)) * edges[:, -1]
        codes[left] = (edges[:, :-1] <= points[:, None]).sum(axis=1)
        return codes

    def to_dict(self) -> dict[str, Any]:
        """JSON-able data; `from_dict` gives equal modes back."""
        return {
            "means": list(self.means),
            "stds": list(self.stds),
            "shares": list(self.shares),
            "even": self.even,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises ValueError, KeyError or TypeError when it is not that."""
        means, stds, shares = (
            tuple(float(number) for number in data[key]) for key in ("means", "stds", "shares")
        )
        if not len(means) == len(stds) == len(shares) > 0:
            raise ValueError("modes need means, deviations and shares, as many of each")
        widths = tuple(_PER_WIDTH * std for std in stds)
        if not np.isfinite(means + widths + shares).all() or min(stds) < 0 or min(shares) <= 0:
            raise ValueError("modes need finite means, deviations of at least 0, shares above 0")
        if any(a == 0 < b for a, b in pairwise(stds)):
            raise ValueError("atoms stand after the modes that have a width")
        return cls(means, stds, shares, bool(data["even"]))


def _split(values: Floats, numbers: Numbers) -> tuple[Floats, Floats]:
    """The atoms, ascending, and the values that are none, shape (n_others,).

    Too few others to say anything about are left to the nearest atom.
    """
    if not numbers.max_atoms:
        return np.empty(0), values
    distinct, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    least: float = numbers.shared
    if len(distinct) > numbers.max_atoms:
        least = max(least, numbers.min_spike * len(values))
    is_atom = counts >= least
    if is_atom.sum() > numbers.max_atoms:
        is_atom[np.lexsort((distinct, -counts))[numbers.max_atoms :]] = False
    if is_atom.any() and counts[~is_atom].sum() < numbers.shared:
        return distinct[is_atom], np.empty(0)
    return distinct[is_atom], values[~is_atom[inverse]]


def _gaussians(values: Floats, numbers: Numbers) -> Wide:
    """The modes of `values`: means at a hundredth of their mode's width, deviations at 3 digits."""
    points, counts = weighted_points(values)
    if len(points) == 1:
        # One value, not an atom: a mode of some width around it.
        return points, np.abs(points) * 1e-3 + 1e-3 * (points == 0), np.ones(1)
    means, stds, shares = fit_mixture(points, counts)
    kept = shares >= max(_LEAST_SHARE, min(numbers.shared / len(values), shares.max()))
    grid = zip(means[kept].tolist(), stds[kept].tolist(), strict=True)
    rounded = [on_step(mean, step_for(std, 100)) for mean, std in grid]
    return np.array(rounded), np.array(to_digits(stds[kept])), shares[kept]


def _bins(values: Floats, numbers: Numbers) -> Wide:
    """Centres, deviations (a quarter of half the width) and shares of equally full bins.

    An inner edge is the mean of a few rows, the outer ones are rounded outwards: none is a row's.
    """
    ordered = np.sort(values)
    most, shared = min(numbers.n_bins, len(values) // numbers.shared), numbers.shared
    at = np.linspace(0, len(values), most + 1).astype(int)[1:-1]
    inner = [float(ordered[i - shared // 2 :][:shared].mean()) for i in at]
    low, high = outer_bounds(ordered, shared)
    edges = np.unique([low, *inner, high])
    if len(edges) == 1:
        return _gaussians(values, numbers)
    gaps = np.minimum(np.diff(edges, prepend=-np.inf), np.diff(edges, append=np.inf))
    rounded = [on_step(e, step_for(g, 20)) for e, g in zip(edges[1:-1], gaps[1:-1], strict=True)]
    edges = np.unique([low, *rounded, high])
    n = len(edges) - 1
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2 / _PER_WIDTH, np.full(n, 1 / n)


def _nearest(ordered: Floats, values: Floats) -> Codes:
    """The index of the nearest of `ordered` (ascending) to each value."""
    return np.searchsorted((ordered[1:] + ordered[:-1]) / 2, values)
