"""How much like a training row does the critic of a CTGAN hold a row to be?

CTGAN trains a critic beside its generator: a network that scores real rows high and generated
ones low. It meets the training rows in every epoch, so it may score them above other real rows;
an auditor asks it (Hayes et al. 2019, LOGAN, arXiv:1705.07663). It stays in memory for the audit
and is never part of an artifact.

A training row reaches the critic encoded, with a condition vector that names its level in one
code column, beside `pac - 1` other rows (Xu et al. 2019, arXiv:1907.00503; PacGAN: Lin et al.
2018, arXiv:1712.04086). Here a row is packed with copies of itself and its score is the mean over
code columns, so that it depends on nothing but the row. The package draws the mode of a number by
its responsibilities; here it is the likeliest one (a mean over drawn modes did no better).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabveil.data.codec import TableCodec
from tabveil.synthesizers.scale import FloatScale

MAX_CONDITIONS = 10
"""Code columns whose conditions are averaged: each costs a pass through the network."""
CHUNK_ROWS = 2_000
_WIDEST = 0.99
"""The package clips a scaled number to this on either side."""

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@contextlib.contextmanager
def noting(kind: Any) -> Iterator[list[Any]]:
    """List what is made of a class meanwhile; the class is left as it was, whatever happens.

    The package's `fit` keeps its critic to itself; this hears of it without copying `fit`. The
    method is exchanged, not the class, whose methods look the class up by name.
    """
    original = kind.__init__
    made: list[Any] = []

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        made.append(self)

    kind.__init__ = init
    try:
        yield made
    finally:
        kind.__init__ = original


@dataclass(frozen=True)
class Modes:
    """The modes of a float column as the package fitted them to scaled values.

    Attributes:
        mixture: scikit-learn's mixture; it holds parameters, no rows.
        valid: shape (n_components,), which of its components are modes.
    """

    mixture: Any
    valid: NDArray[np.bool_]

    def encode(self, values: Floats) -> tuple[Floats, Codes]:
        """The number inside its likeliest mode, and that mode; both shape (n,)."""
        modes = self.mixture.predict_proba(values[:, None])[:, self.valid].argmax(axis=1)
        means, stds = self.means_and_stds()
        return np.clip((values - means[modes]) / (4 * stds[modes]), -_WIDEST, _WIDEST), modes

    def means_and_stds(self) -> tuple[Floats, Floats]:
        """Of each mode, both shape (n_modes,)."""
        means, variances = self.mixture.means_, self.mixture.covariances_
        return means.reshape(-1)[self.valid], np.sqrt(variances.reshape(-1)[self.valid])


@dataclass(frozen=True)
class CtganCritic:
    """The critic of a trained CTGAN; calling it scores rows, high for rows like training rows.

    Attributes:
        codec, scale, modes: how a row became the critic's input.
        orders: for each code column, the code at each position of its span.
        conditions: the code columns whose conditions are averaged.
        weight: shape (n_inputs, width), the first layer for a row packed with itself.
        bias: shape (width,).
        rest: the layers after the first, in evaluation mode.
    """

    codec: TableCodec
    scale: FloatScale
    modes: Sequence[Modes]
    orders: Sequence[Sequence[int]]
    conditions: Sequence[int]
    weight: torch.Tensor
    bias: torch.Tensor
    rest: torch.nn.Module

    @classmethod
    def of(
        cls,
        network: Any,
        codec: TableCodec,
        scale: FloatScale,
        modes: Sequence[Modes],
        orders: Sequence[Sequence[int]],
        rng: np.random.Generator,
    ) -> Self:
        """Take what scoring needs from the package's network; `rng` draws the conditions."""
        layers = network.cpu().eval().seq
        first = layers[0]
        # A row packed with itself meets the sum of the blocks of weights that wait for each row.
        blocks = first.weight.detach().reshape(first.out_features, network.pac, -1)
        drawn = rng.permutation(len(orders))[:MAX_CONDITIONS]
        return cls(
            codec,
            scale,
            modes,
            orders,
            conditions=sorted(drawn.tolist()),
            weight=blocks.sum(dim=1).T.contiguous(),
            bias=first.bias.detach(),
            rest=layers[1:].requires_grad_(False),
        )

    def __call__(self, rows: pd.DataFrame) -> Floats:
        """Score rows, shape (n,). A level that was not in the training table is left blank.

        Raises DataError for values that their column's kind cannot hold.
        """
        chunks = [rows[i : i + CHUNK_ROWS] for i in range(0, len(rows), CHUNK_ROWS)]
        return np.concatenate([np.empty(0), *(self._score(chunk) for chunk in chunks)])

    @torch.inference_mode()
    def _score(self, rows: pd.DataFrame) -> Floats:
        floats, codes = self.codec.encode(rows, lenient=True)
        inputs, at = self._inputs(self.scale.apply(floats), codes)
        n_row = inputs.shape[1]
        hidden = torch.from_numpy(inputs) @ self.weight[:n_row] + self.bias
        total, counts = np.zeros(len(rows)), np.zeros(len(rows))
        for column in self.conditions:
            known = np.flatnonzero(at[:, column] >= 0)
            named = self.weight[n_row + torch.from_numpy(at[known, column])]
            total[known] += self.rest(hidden[known] + named).numpy()[:, 0]
            counts[known] += 1
        blank = np.flatnonzero(counts == 0)
        total[blank] = self.rest(hidden[blank]).numpy()[:, 0]
        return np.asarray(total / np.maximum(counts, 1))

    def _inputs(self, floats: Floats, codes: Codes) -> tuple[NDArray[np.float32], Codes]:
        """Encoded rows, shape (n, n_row), and each code's place in the condition vector.

        Places have shape (n, n_codes); -1 for a level that was not in the training table.
        """
        n, every = len(floats), np.arange(len(floats))
        starts = np.cumsum([0, *(len(order) for order in self.orders)])
        n_floats = sum(1 + int(modes.valid.sum()) for modes in self.modes)
        inputs = np.zeros((n, n_floats + int(starts[-1])), dtype=np.float32)
        start = 0
        for j, modes in enumerate(self.modes):
            inputs[:, start], chosen = modes.encode(floats[:, j])
            inputs[every, start + 1 + chosen] = 1
            start += 1 + int(modes.valid.sum())
        at = np.full(codes.shape, -1)
        for j, order in enumerate(self.orders):
            known = codes[:, j] >= 0
            at[known, j] = starts[j] + np.argsort(order)[codes[known, j]]
            inputs[known, start + at[known, j]] = 1
        return inputs, at
