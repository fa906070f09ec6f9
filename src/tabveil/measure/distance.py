"""Which rows of one table lie nearest to each row of another, and how far away?

The one nearest-neighbour engine of the package, for tables of mixed types. What a distance is,
down to missing values and unknown levels, stands in `measure/encode.py`:

    distance = sqrt(sum over columns of their squared contribution / number of columns)

0 for equal rows and only for those; 1 when every category differs; above 1 only beyond the
range of `reference`.

How: squared distances of all pairs come chunk by chunk, numbers from a matrix product in float32,
levels from comparing bytes. That is fast but loses up to about 1e-5 where near-copies matter most.
So it only nominates a few candidates, whose distances are computed again from differences in
float64. Where rounding could have hidden a nearer row, that query is searched once more in float64.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
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
_MOST_COUNTED = 255
"""Columns whose differences a byte can count."""
_CHUNK_PAIRS = {"cpu": 2**20, "cuda": 2**27}
"""Pairs held at once: 4 MB of float32 on a CPU (near its cache), 512 MB on a GPU."""
_REFINED = {"cpu": 2**10, "cuda": 2**16}
"""Queries whose candidates are compared again at once."""

_Pair = tuple[torch.Tensor, torch.Tensor]
"""Of the queries and of the table."""
_Codes = Any
"""An array of NumPy on a CPU, a tensor on a GPU; whole numbers."""


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
    if k == 1 and not queries.numeric and len(queries) > 1:
        return _nearest_levels(queries, table, device)
    queries, table = _with_small_codes(queries, table)
    distance, index, certain = _search(queries, table, k, torch.float32, device)
    if not certain.all():
        again, exactly = ~certain, torch.float64
        distance[again], index[again], _ = _search(queries.take(again), table, k, exactly, device)
    return Neighbours(distance=distance, index=index)


def _nearest_levels(queries: Encoded, table: Encoded, device: str) -> Neighbours:
    """The nearest row where there are levels only: many rows are alike, and searched once."""
    (ours, back), (theirs, _) = (
        np.unique(rows.row_keys(), return_index=True, return_inverse=True)[1:]
        for rows in (queries, table)
    )
    few, among = _with_small_codes(queries.take(ours), table.take(theirs))
    distance, index, _ = _search(few, among, 1, torch.float32, device)  # of codes alone: exact
    return Neighbours(distance=distance[back], index=theirs[index[back]])


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
    product = _Product.of(queries, table, dtype, device)
    n_candidates = min(k + _SPARE, len(table))
    approximate, candidates = product.smallest(n_candidates)
    exact = _Exact.of(queries, table, device)
    distance = np.empty((len(queries), k))
    index = np.empty((len(queries), k), dtype=np.int64)
    certain = np.ones(len(queries), dtype=bool)
    for start in range(0, len(queries), _REFINED[device]):
        rows = slice(start, start + _REFINED[device])
        best, order = exact.squared(rows, candidates[rows]).topk(k, largest=False, sorted=True)
        distance[rows] = (best / queries.n_columns).sqrt().cpu().numpy()
        index[rows] = candidates[rows].gather(1, order).cpu().numpy()
        if n_candidates < len(table):
            furthest = best[:, -1]
            beyond = approximate[rows, -1].double() - exact.rounding(rows, furthest, dtype)
            certain[rows] = ((furthest == 0) | (furthest <= beyond)).cpu().numpy()
    return distance, index, certain


def _with_small_codes(queries: Encoded, table: Encoded) -> tuple[Encoded, Encoded]:
    """The same levels as whole numbers from 0, alike in both: fewer bytes to compare and fetch."""
    columns = zip(queries.codes.T, table.codes.T, strict=True)
    small = [pd.factorize(np.concatenate(both))[0].astype(np.int32) for both in columns]
    if not small:
        return queries, table
    codes: NDArray[Any] = np.column_stack(small)
    ours, theirs = codes[: len(queries)], codes[len(queries) :]
    return replace(queries, codes=ours), replace(table, codes=theirs)


@dataclass(frozen=True)
class _Exact:
    """Both encodings as tensors, for distances free of cancellation."""

    ranks: _Pair
    missing: _Pair
    codes: _Pair

    @classmethod
    def of(cls, queries: Encoded, table: Encoded, device: str) -> _Exact:
        def pair(ours: NDArray[Any], theirs: NDArray[Any]) -> _Pair:
            return torch.as_tensor(ours, device=device), torch.as_tensor(theirs, device=device)

        gaps = queries.missing.any(axis=0) | table.missing.any(axis=0)  # most columns have none
        return cls(
            ranks=pair(queries.ranks - 0.5, table.ranks - 0.5),
            missing=pair(queries.missing[:, gaps], table.missing[:, gaps]),
            codes=pair(queries.codes, table.codes),
        )

    def squared(self, rows: slice, candidates: torch.Tensor) -> torch.Tensor:
        """Sums of squares to `candidates`, both shape (n_rows, n_candidates), by differences."""
        ours, theirs = self.ranks
        sums = (ours[rows, None] - theirs[candidates]).square_().sum(2)
        for (ours, theirs), weight in ((self.missing, MISSING_WEIGHT), (self.codes, 1.0)):
            if ours.shape[1]:
                sums.add_((ours[rows, None] != theirs[candidates]).sum(2), alpha=weight)
        return sums

    def rounding(self, rows: slice, furthest: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """How far off the matrix product may be for rows as near as `furthest`; shape (n_rows,).

        Rounding grows with the terms of the sum: such a row's numeric norm is at most the
        query's + √furthest, and each column of codes adds a whole 0 or 1. Codes alone are exact.
        """
        ranks, missing, codes = (ours for ours, _ in (self.ranks, self.missing, self.codes))
        norm = ranks[rows].square().sum(1) + MISSING_WEIGHT * missing[rows].sum(1)
        size = (2 * norm.sqrt() + furthest.sqrt()).square() + codes.shape[1] + 1
        return size * (8 * torch.finfo(dtype).eps * (ranks.shape[1] > 0))


@dataclass(frozen=True)
class _Product:
    """Approximate squared sums: |q|² + |t|² - 2 q·t for numbers, plus a count of unlike levels.

    Numbers take one matrix product, with |t|² as a column; levels are compared byte by byte, which
    costs a tenth of their one-hot columns in that product. |q|² is the same for all of a query's
    pairs and added last. The table is padded to whole blocks with rows at infinite distance.
    """

    left: torch.Tensor
    right: torch.Tensor
    left_norms: torch.Tensor
    codes: list[tuple[_Codes, _Codes]]
    room: torch.Tensor
    counts: _Codes
    flags: _Codes

    @classmethod
    def of(cls, queries: Encoded, table: Encoded, dtype: torch.dtype, device: str) -> _Product:
        def tensor(values: NDArray[Any]) -> torch.Tensor:
            return torch.as_tensor(values, dtype=dtype, device=device)

        padding = (0, -len(table) % _BLOCK)
        both = queries.missing.any(axis=0) & table.missing.any(axis=0)
        left = [1 - 2 * queries.ranks, -2 * MISSING_WEIGHT * queries.missing[:, both]]
        right = [table.ranks - 0.5, table.missing[:, both]]
        norms = np.pad(_numeric_norms(table), padding, constant_values=np.inf)[:, None]
        columns = zip(queries.codes.T, table.codes.T, strict=True)
        codes = [_in_bytes(ours, theirs, padding) for ours, theirs in columns]
        n_padded = len(table) + padding[1]
        room = max(1, min(len(queries), _CHUNK_PAIRS[device] // n_padded)), n_padded
        return cls(
            left=tensor(np.hstack([*left, np.ones((len(queries), 1))])),
            right=tensor(np.hstack([np.pad(np.hstack(right), (padding, (0, 0))), norms])).T,
            left_norms=tensor(_numeric_norms(queries))[:, None],
            codes=[(_on(ours, device), _on(theirs, device)) for ours, theirs in codes],
            room=torch.empty(room, dtype=dtype, device=device),
            counts=_bytes(room, device),
            flags=_bytes(room, device),
        )

    def smallest(self, n: int) -> _Pair:
        """The `n` smallest sums of each query, ascending, and their rows; shape (n_queries, n)."""
        n_queries, step = len(self.left), len(self.room)
        values = self.left.new_empty((n_queries, n))
        found = torch.empty((n_queries, n), dtype=torch.int64, device=values.device)
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            for start in range(0, n_queries, step):
                rows = slice(start, min(start + step, n_queries))
                values[rows], found[rows] = _smallest(self.squared(rows, threads), n)
        return values.add_(self.left_norms), found

    def squared(self, rows: slice, threads: ThreadPoolExecutor) -> torch.Tensor:
        """Less the query's own norm; shape (n_rows, n_table padded); good until the next call."""
        sums = self.room[: rows.stop - rows.start]
        n_parts = torch.get_num_threads() if sums.is_cpu else 1  # torch has threads of its own
        edges = np.linspace(0, len(sums), n_parts + 1).astype(int).tolist()
        parts = [slice(*edge) for edge in pairwise(edges)]
        for first in range(0, len(self.codes), _MOST_COUNTED):
            count = partial(self._unlike, rows, self.codes[first : first + _MOST_COUNTED])
            for part, unlike in zip(parts, threads.map(count, parts), strict=True):
                (sums[part].add_ if first else sums[part].copy_)(torch.as_tensor(unlike))
        return sums.addmm_(self.left[rows], self.right, beta=1 if self.codes else 0)

    def _unlike(self, rows: slice, codes: list[tuple[_Codes, _Codes]], part: slice) -> _Codes:
        """How many of at most 255 columns differ; bytes of shape (n_part, n_table padded).

        New arrays for every column would cost more than the comparison.
        """
        counts, flags = self.counts[part], self.flags[part]
        on_cpu = isinstance(counts, np.ndarray)
        differ: Any = np.not_equal if on_cpu else torch.ne
        truth = np.bool_ if on_cpu else torch.bool
        (ours, theirs), *others = codes
        differ(ours[rows][part], theirs, out=counts.view(truth))
        for ours, theirs in others:
            differ(ours[rows][part], theirs, out=flags.view(truth))
            counts += flags
        return counts


def _in_bytes(
    ours: NDArray[np.int32], theirs: NDArray[np.int32], padding: tuple[int, int]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """In as few bytes as may be, for more comparisons at once; shape (n, 1), (n_table padded,)."""
    most = max(ours.max(initial=0), theirs.max(initial=0))
    dtype = next(d for d in (np.uint8, np.int16, np.int32) if most <= np.iinfo(d).max)
    return ours.astype(dtype)[:, None], np.pad(theirs.astype(dtype), padding)


def _on(codes: NDArray[Any], device: str) -> _Codes:
    """NumPy compares bytes on a CPU ten times faster than torch, which is for the GPU."""
    return codes if device == "cpu" else torch.as_tensor(codes, device=device)


def _bytes(shape: tuple[int, int], device: str) -> _Codes:
    if device == "cpu":
        return np.empty(shape, dtype=np.uint8)
    return torch.empty(shape, dtype=torch.uint8, device=device)


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
