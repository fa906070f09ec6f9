"""How are rows drawn column by column, and conditions met without rejecting rows?

Ancestral sampling: columns are drawn in one order, each from its distribution given those before. A
condition leaves a column only its allowed codes, weighted by how much of each is allowed;
conditioned columns come first, so that all others follow from them. Where several are conditioned,
drawing each from what is allowed would favour what seldom leads to the others' conditions; so the
rows of a chunk are drawn again in proportion to how likely they were to meet the conditions that
came later (importance resampling, Rubin 1987), before the other columns are drawn. The cost is that
of a draw without conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabveil.seeding import child_rng
from tabveil.synthesizers.any_order.network import AnyOrderNetwork
from tabveil.synthesizers.engine.calibration import shift_to

Codes = NDArray[np.int64]
Floats = NDArray[np.float32]
Allowed = Mapping[int, NDArray[np.float64]]
"""Column (table order) -> the share of each of its codes that is allowed, in [0, 1]."""
CALIBRATED_ROWS, CALIBRATED_CODES, CALIBRATED_CELLS = 20_000, 20_000_000, 2_000_000
"""Rows that are drawn to see how often codes come, at most; their log-odds of a column; their
cells: the time of a draw grows with the square of the columns."""
_BLOCK = 1_000
"""Rows at a time: their embeddings and log-odds stay in the processor's cache."""
_LEAST = 1e-30
_UNKNOWN = 1e-5
"""The likelihood of a level that the model does not know."""
_SAFE = 60
"""Log-odds whose exponentials, and their sums, are floats of full precision."""


@dataclass(frozen=True)
class _Column:
    """What draws one column: its place inside the network, and its part of each layer."""

    place: int
    embedding: Floats
    weight: Floats
    bias: Floats
    second: Floats
    second_bias: Floats
    head: Floats
    head_bias: Floats


class Ancestral:
    """A trained network made ready to draw from, on the CPU.

    Args:
        network: trained.
        temperature: above 0; log-odds are divided by it.
        rates: of each column's codes, shape (width,), at which they shall come; None: as they do.
    """

    def __init__(
        self,
        network: AnyOrderNetwork,
        temperature: float = 1.0,
        rates: Sequence[NDArray[np.float64]] | None = None,
    ) -> None:
        self.rates = rates
        self.dims = network.dims
        self.starts = np.cumsum([0, *network.dims])
        self.columns = dict(_columns(network, temperature))

    def draw(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Rows of codes, shape (n, n_columns), in table order.

        Args:
            n: rows.
            rng: of all that is drawn.
            allowed: what conditions leave; each leaves something.
        """
        allowed = allowed or {}
        # One code alone is no choice: nothing is drawn before it that it could make unlikely.
        first = sorted(allowed, key=lambda j: (int((allowed[j] > 0).sum()), j))
        rest = [j for j in range(len(self.columns)) if j not in allowed]
        state = _Drawn(self, n, self.shifts)
        weights = np.zeros(n)
        for i, j in enumerate(first):
            log_share = state.add(j, rng, allowed[j])
            if i:  # of the first the share is the same in every row
                weights += log_share
        if len(first) > 1:
            state.keep(_resampled(weights, rng))
        for j in rest:
            state.add(j, rng)
        codes = np.empty((n, len(self.columns)), np.int64, order="F")
        for j, drawn in state.codes.items():
            codes[:, j] = drawn
        return codes

    @cached_property
    def shifts(self) -> Mapping[int, Floats]:
        """What brings codes to their rates; {} without rates.

        A shift of each column's log-odds, given those before it in the table, shape (width,):
        iterative proportional fitting of one column at a time. What columns have to do with each
        other is left to the network. Under conditions the shifts are the same.
        """
        shifts: dict[int, Floats] = {}
        if self.rates is None:
            return shifts
        n = min(
            CALIBRATED_ROWS,
            CALIBRATED_CODES // max(map(len, self.rates)),
            CALIBRATED_CELLS // len(self.rates),
        )
        rng = child_rng(0, "calibration")
        state = _Drawn(self, n, shifts)
        for j, rates in enumerate(self.rates):
            weights = np.concatenate([part for _, part in state.weights(j)], axis=1)
            logits = np.log(np.maximum(weights.T, _LEAST))
            shifts[j] = shift_to(logits, rates).astype(np.float32)
            state.add(j, rng)
        return shifts

    def log_likelihood(self, codes: Codes) -> NDArray[np.float64]:
        """Of rows, shape (n,), in nats; -1 is a code that the model does not know."""
        state = _Drawn(self, len(codes), self.shifts)
        total = np.zeros(len(codes))
        for j in range(len(self.columns)):
            total += state.look(j, codes[:, j])
        return total


def _columns(network: AnyOrderNetwork, temperature: float) -> Iterator[tuple[int, _Column]]:
    """Each column's part of the network, by its place in the table."""

    def array(tensor: Tensor) -> Floats:
        return np.ascontiguousarray(tensor.detach().cpu().numpy())

    n, hidden = len(network.order), network.hidden_dim
    weight = array(network.weight.view(-1, n, hidden).transpose(0, 1))
    bias = array(network.bias).reshape(n, hidden)
    embeddings: dict[int, Floats] = {}
    for (a, b), table in zip(network.groups, network.embeddings, strict=True):
        parts = torch.split(table, network.widths[a:b])
        embeddings |= {j: array(part) for j, part in zip(range(a, b), parts, strict=True)}
    for (a, b), head, biases in zip(
        network.buckets, network.heads, network.head_biases, strict=True
    ):
        for j in range(a, b):
            width = network.widths[j]
            yield (
                network.order[j],
                _Column(
                    j,
                    embeddings[j],
                    weight[j],
                    bias[j],
                    array(network.second[j]),
                    array(network.second_bias[j, 0]),
                    array(head[j - a, :, :width].T / temperature),
                    array(biases[j - a, 0, :width, None] / temperature),
                ),
            )


class _Drawn:
    """Rows of which some columns are drawn."""

    def __init__(self, model: Ancestral, n: int, shifts: Mapping[int, Floats]) -> None:
        self.model, self.n, self.shifts = model, n, shifts
        self.codes: dict[int, Codes] = {}
        self._seen: list[int] = []
        self._inputs = np.empty((n, int(model.starts[-1])), np.float32)
        self._filled = 0

    def add(
        self, j: int, rng: np.random.Generator, allowed: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Draw column `j`; the log of how likely its allowed codes were, shape (n,)."""
        uniform = rng.random(self.n, dtype=np.float32)
        drawn = np.empty(self.n, np.int64)
        share = np.zeros(self.n if allowed is not None else 0)
        for rows, weights in self.weights(j):
            if allowed is not None:
                total = weights.sum(axis=0)
                weights *= allowed[:, None].astype(np.float32)
                share[rows] = np.log(np.maximum(weights.sum(axis=0), _LEAST) / total)
            drawn[rows] = _inverse_cdf(weights, uniform[rows], allowed)
        self._put(j, drawn)
        return share

    def look(self, j: int, codes: Codes) -> NDArray[np.float64]:
        """The log-likelihood of given codes of column `j`, which later columns then see."""
        found = np.empty(self.n)
        for rows, weights in self.weights(j):
            mine = codes[rows]
            held = weights[np.maximum(mine, 0), np.arange(len(mine))] / weights.sum(axis=0)
            found[rows] = np.log(np.where(mine < 0, _UNKNOWN, np.maximum(held, _LEAST)))
        self._put(j, np.maximum(codes, 0))
        return found

    def keep(self, rows: Codes) -> None:
        """Keep these rows of those drawn so far; one may come several times."""
        self.codes = {j: codes[rows] for j, codes in self.codes.items()}
        self._inputs[:, : self._filled] = self._inputs[rows, : self._filled]

    def weights(self, j: int) -> Iterator[tuple[slice, Floats]]:
        """Unnormalised probabilities of column `j`'s codes, shape (width, rows), a part of the
        rows at a time.
        """
        column, starts = self.model.columns[j], self.model.starts
        seen = [slice(starts[c], starts[c + 1]) for c in self._seen]
        mine = column.weight
        bias = column.head_bias
        if j in self.shifts:
            bias = bias + self.shifts[j][:, None]
        weight = np.concatenate([mine[:0], *(mine[part] for part in seen)])
        for start in range(0, self.n, _BLOCK):
            rows = slice(start, min(start + _BLOCK, self.n))
            hidden = self._inputs[rows, : self._filled] @ weight
            hidden += column.bias
            np.maximum(hidden, 0, out=hidden)
            second = hidden @ column.second
            second += column.second_bias
            hidden += np.maximum(second, 0, out=second)
            logits = column.head @ hidden.T
            logits += bias
            largest = logits.max(axis=0)
            if np.abs(largest).max() > _SAFE:
                logits -= largest
            yield rows, np.exp(logits, out=logits)

    def _put(self, j: int, codes: Codes) -> None:
        column = self.model.columns[j]
        dim = self.model.dims[column.place]
        self._inputs[:, self._filled : self._filled + dim] = column.embedding[codes]
        self._filled += dim
        self._seen.append(column.place)
        self.codes[j] = codes


def _inverse_cdf(weights: Floats, uniform: Floats, allowed: NDArray[np.float64] | None) -> Codes:
    """One code a column of `weights`, shape (width, n), which it overwrites."""
    for below, weight in pairwise(weights):  # several times faster than a cumulative sum
        weight += below
    points = uniform * weights[-1]
    few = np.min_scalar_type(len(weights))
    drawn: Codes = (weights[:-1] <= points).sum(axis=0, dtype=few).astype(np.int64)
    if allowed is not None:  # rounding may end above all that is allowed
        np.minimum(drawn, np.flatnonzero(allowed)[-1], out=drawn)
    return drawn


def _resampled(log_weights: NDArray[np.float64], rng: np.random.Generator) -> Codes:
    """Rows in proportion to their weights, by systematic resampling (Kitagawa 1996), shuffled."""
    weights = np.exp(log_weights - log_weights.max())
    edges = np.cumsum(weights)
    points = (np.arange(len(edges)) + rng.random()) / len(edges) * edges[-1]
    rows: Codes = np.minimum(np.searchsorted(edges, points, side="right"), len(edges) - 1)
    return rng.permutation(rows)
