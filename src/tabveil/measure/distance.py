"""Which rows of one table lie nearest to each row of another, and how far away?

The one nearest-neighbour engine of the package, for tables of mixed types. What a distance is,
down to missing values and unknown levels, stands in `measure/encode.py`:

    distance = sqrt(sum over columns of their squared contribution / number of columns)

0 for equal rows and only for those; 1 when every category differs; above 1 only beyond the
range of `reference`.

How: squared distances of all pairs come from one matrix product in float32, chunk by chunk,
which is fast but loses up to about 1e-5 where near-copies matter most. So it only nominates a
few candidates, whose distances are computed again from differences in float64. Where rounding
could have hidden a nearer row, that query is searched once more in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tabveil.errors import DataError
from tabveil.measure.encode import Encoded

Device = Literal["auto", "cpu", "cuda"]

MISSING_WEIGHT = 0.75
"""Missing against a value: ¾ + (rank - ½)², so between ¾ and 1 inside the known range."""

_SPARE = 4
"""Candidates beyond k. More would make fewer second searches and dearer first ones."""
_BLOCK = 64
"""Rows per block in the search for the smallest values: about √n of a common table."""
_MAX_LEVELS = 64
"""A category with more shared levels is compared code by code: cheaper than its one-hot."""
_CHUNK_PAIRS = {"cpu": 2**22, "cuda": 2**27}
"""Pairs held at once: 16 MB of float32 on a CPU (near its cache), 512 MB on a GPU."""


@dataclass(frozen=True)
class Neighbours:
    """The k nearest rows of each query, nearest first.

    Attributes:
        distance: shape (n_queries, k), float64.
        index: shape (n_queries, k), int64; position in the searched table. Which of several
            equally near rows is named is not defined.
    """

    distance: NDArray[np.float64]
    index: NDArray[np.int64]


def nearest(queries: Encoded, table: Encoded, *, k: int = 1, device: Device = "auto") -> Neighbours:
    """Find the `k` rows of `table` nearest to each row of `queries`.

    Memory is bounded whatever the number of rows; threads are the caller's to set.

    Args:
        queries: rows to find neighbours for, encoded by the same encoder as `table`.
        table: the rows searched; at least `k` of them.
        k: neighbours per query.
        device: "auto" takes a GPU when there is one.

    Raises:
        DataError: `table` has fewer than `k` rows, k < 1, or the columns differ or are none.
    """
    _check(queries, table, k)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    distance, index, certain = _search(queries, table, k, torch.float32, device)
    if not certain.all():
        again = np.flatnonzero(~certain)
        distance[again], index[again], _ = _search(
            queries.take(again), table, k, torch.float64, device
        )
    return Neighbours(distance=distance, index=index)


def _check(queries: Encoded, table: Encoded, k: int) -> None:
    if (queries.numeric, queries.categorical) != (table.numeric, table.categorical):
        raise DataError("the two tables are encoded with different columns; use one encoder")
    if not queries.n_columns:
        raise DataError("no column is left to compare rows by")
    if not 1 <= k <= len(table):
        raise DataError(f"k={k} nearest rows of a table of {len(table)}; k is from 1 to its rows")


def _search(
    queries: Encoded, table: Encoded, k: int, dtype: torch.dtype, device: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Distances and positions, shape (n_queries, k), and which queries are surely right."""
    distance = np.empty((len(queries), k))
    index = np.empty((len(queries), k), dtype=np.int64)
    certain = np.ones(len(queries), dtype=bool)
    n_candidates = min(k + _SPARE, len(table))
    product = _Product.of(queries, table, dtype, device)
    ours, theirs = _Exact.of(queries, device), _Exact.of(table, device)
    for rows in product.chunks():
        approximate, candidates = _smallest(product.squared(rows), n_candidates)
        exact = ours.squared(rows, theirs, candidates)
        best, order = exact.topk(k, largest=False, sorted=True)
        distance[rows] = (best / queries.n_columns).sqrt().cpu().numpy()
        index[rows] = candidates.gather(1, order).cpu().numpy()
        if n_candidates < len(table):
            furthest = best[:, -1]
            beyond = approximate[:, -1].double() - ours.rounding(rows, furthest, dtype)
            certain[rows] = ((furthest == 0) | (furthest <= beyond)).cpu().numpy()
    return distance, index, certain


@dataclass(frozen=True)
class _Exact:
    """A table's encoding as tensors, for distances free of cancellation."""

    ranks: torch.Tensor
    missing: torch.Tensor
    codes: torch.Tensor

    @classmethod
    def of(cls, encoded: Encoded, device: str) -> _Exact:
        return cls(
            ranks=torch.as_tensor(encoded.ranks - 0.5, device=device),
            missing=torch.as_tensor(encoded.missing, device=device),
            codes=torch.as_tensor(encoded.codes, device=device),
        )

    def squared(self, rows: slice, table: _Exact, candidates: torch.Tensor) -> torch.Tensor:
        """Sums of squares to `candidates`, both shape (n_rows, n_candidates), by differences."""
        gap = (self.ranks[rows, None] - table.ranks[candidates]).square_().sum(2)
        unlike = (self.missing[rows, None] != table.missing[candidates]).sum(2)
        differ = (self.codes[rows, None] != table.codes[candidates]).sum(2)
        return gap.add_(unlike, alpha=MISSING_WEIGHT).add_(differ)

    def rounding(self, rows: slice, furthest: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """How far off the matrix product may be for rows as near as `furthest`; shape (n_rows,).

        Rounding grows with the terms of the sum: such a row's numeric norm is at most the
        query's + √furthest, and each column of codes adds a whole 0 or 1. Codes alone are exact.
        """
        norm = self.ranks[rows].square().sum(1) + MISSING_WEIGHT * self.missing[rows].sum(1)
        size = (2 * norm.sqrt() + furthest.sqrt()).square() + self.codes.shape[1] + 1
        return size * (8 * torch.finfo(dtype).eps * (self.ranks.shape[1] > 0))


@dataclass(frozen=True)
class _Product:
    """Approximate squared sums as one matrix product: |q|² + |t|² - 2 q·t.

    A categorical column adds 1, and takes it back where the levels agree: by one-hot columns
    for the levels that both tables hold or, where those are many, by comparing codes. The table
    is padded to whole blocks with rows at infinite distance.
    """

    left: torch.Tensor
    right: torch.Tensor
    left_norms: torch.Tensor
    right_norms: torch.Tensor
    wide: list[tuple[torch.Tensor, torch.Tensor]]

    @classmethod
    def of(cls, queries: Encoded, table: Encoded, dtype: torch.dtype, device: str) -> _Product:
        def tensor(values: NDArray[Any], dtype: torch.dtype = dtype) -> torch.Tensor:
            return torch.as_tensor(values, dtype=dtype, device=device)

        padding = (0, -len(table) % _BLOCK)
        both = queries.missing.any(axis=0) & table.missing.any(axis=0)
        left = [2 * (queries.ranks - 0.5), 2 * MISSING_WEIGHT * queries.missing[:, both]]
        right, wide = [table.ranks - 0.5, table.missing[:, both]], []
        for ours, theirs in zip(queries.codes.T, table.codes.T, strict=True):
            shared = np.intersect1d(ours, theirs)
            if len(shared) <= _MAX_LEVELS:
                left.append(ours[:, None] == shared)
                right.append(theirs[:, None] == shared)
            else:
                theirs = np.pad(theirs, padding)
                wide.append((tensor(ours, torch.int64)[:, None], tensor(theirs, torch.int64)))
        right_norms = _numeric_norms(table) + len(queries.categorical) - len(wide)
        return cls(
            left=tensor(np.hstack(left)),
            right=tensor(np.pad(np.hstack(right), (padding, (0, 0)))).T,
            left_norms=tensor(_numeric_norms(queries))[:, None],
            right_norms=tensor(np.pad(right_norms, padding, constant_values=np.inf)),
            wide=wide,
        )

    def chunks(self) -> Iterator[slice]:
        """Slices of the queries, each with a bounded number of pairs."""
        n_queries, n_table = len(self.left_norms), len(self.right_norms)
        step = max(1, _CHUNK_PAIRS[self.left.device.type] // n_table)
        for start in range(0, n_queries, step):
            yield slice(start, min(start + step, n_queries))

    def squared(self, rows: slice) -> torch.Tensor:
        """Shape (n_rows, n_table padded)."""
        sums = torch.addmm(self.right_norms, self.left[rows], self.right, alpha=-1)
        sums += self.left_norms[rows]
        for ours, theirs in self.wide:
            sums += ours[rows] != theirs
        return sums


def _numeric_norms(encoded: Encoded) -> NDArray[np.float64]:
    """Squared norm of each row's numeric part, shape (n,)."""
    squares = np.square(encoded.ranks - 0.5) + MISSING_WEIGHT * encoded.missing
    norms: NDArray[np.float64] = squares.sum(axis=1)
    return norms


def _smallest(values: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The `n` smallest of each row, ascending, and their columns; both shape (n_rows, n).

    They lie in the `n` blocks with the smallest minima; this spares a sort of whole rows.
    """
    blocks = values.view(len(values), -1, _BLOCK)
    if blocks.shape[1] <= n:
        smallest = values.topk(n, largest=False)
        return smallest.values, smallest.indices
    chosen = blocks.amin(2).topk(n, largest=False).indices
    inside = blocks.gather(1, chosen[:, :, None].expand(-1, -1, _BLOCK)).flatten(1)
    best, position = inside.topk(n, largest=False)
    block = chosen.gather(1, position // _BLOCK)
    return best, block * _BLOCK + position % _BLOCK
