"""How are a fitted generator's raw outputs computed fast, many rows at a time?

Once training is over, normalisation is made a fixed scale and shift, and both are folded into the
weights before it. Rows go through in portions that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tabveil.synthesizers.engine.drawing import Drawing
from tabveil.synthesizers.engine.networks import EPSILON, Generator, NormedRectifier

Floats = NDArray[np.float32]

_PORTION, _REGISTER = 1_000, 16
_STATISTICS_BATCHES, _STATISTICS_ROWS = 10, 5_000
"""Over 50,000 rows a mean errs by less than half a percent of a deviation."""


def fix_statistics(
    generator: Generator, drawing: Drawing, n_noise: int, rng: np.random.Generator
) -> None:
    """Fix a generator's batch-norm statistics to those of rows drawn at the true rates, in place.

    In training a batch is normalised by itself, so that a row depends on its neighbours, and where
    all of them share a condition, normalisation subtracts it again. With statistics fixed over
    conditions at their true rates it does not (experiments/batch_norm).
    """
    found = []
    for _ in range(_STATISTICS_BATCHES):
        noise, places = drawing.draw_inputs(_STATISTICS_ROWS, n_noise, rng)
        named = None if places is None else torch.from_numpy(places)
        found.append(generator.statistics(torch.from_numpy(noise), named))
    generator.fix([_mean(of_layer) for of_layer in zip(*found, strict=True)])


def _mean(statistics: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    means, variances = zip(*statistics, strict=True)
    return torch.stack(means).mean(dim=0), torch.stack(variances).mean(dim=0)


@dataclass(frozen=True)
class Layer:
    """What a layer adds up: a product of all that was made before it, and its condition's part.

    Attributes:
        weight: shape (n_noise + widths of the layers before it, width).
        of_condition: shape (max(1, n_conditions), width), bias included; or (rank + 1, width)
            where conditions are embedded.
    """

    weight: Tensor
    of_condition: Tensor


@dataclass(frozen=True)
class Forward:
    """A generator whose statistics are fixed: its residual layers, then its outputs.

    Attributes:
        layers: all but the last are rectified.
        embedding: shape (n_conditions, rank + 1), where conditions are embedded.
        n_outputs: of the last layer; its further columns are padding.
    """

    layers: tuple[Layer, ...]
    embedding: Tensor | None
    n_outputs: int

    @classmethod
    @torch.no_grad()
    def of(cls, generator: Generator) -> Forward:
        """Fold the statistics into copies of the weights."""
        reads, embedding = _reads(generator)
        *layers, last = (
            _folded(generator, reads, i, embedded=embedding is not None)
            for i in range(len(generator.ends) - 1)
        )
        padded = Layer(_padded(last.weight), _padded(last.of_condition))
        return cls((*layers, padded), embedding, last.weight.shape[1])

    @torch.inference_mode()
    def __call__(self, noise: Floats, conditions: NDArray[np.int64] | None) -> Floats:
        """Raw outputs, shape (n, n_outputs), from noise (n, n_noise) and conditions (n,)."""
        n, n_noise = noise.shape
        places = torch.zeros(n, dtype=torch.long)
        if conditions is not None:
            places = torch.from_numpy(conditions)
        *hidden, last = self.layers
        raw = torch.empty(n, last.weight.shape[1])
        made = torch.empty(min(n, _PORTION), len(last.weight))
        for start in range(0, n, _PORTION):
            rows = slice(start, start + _PORTION)
            read = made[: len(raw[rows])]
            read[:, :n_noise] = torch.from_numpy(noise[rows])
            before = n_noise
            for layer in hidden:
                after = before + layer.weight.shape[1]
                self._add_up(layer, read[:, :before], places[rows], read[:, before:after])
                read[:, before:after].clamp_(min=0)
                before = after
            self._add_up(last, read, places[rows], raw[rows])
        found: Floats = raw[:, : self.n_outputs].numpy()
        return found

    def _add_up(self, layer: Layer, read: Tensor, places: Tensor, into: Tensor) -> None:
        """Write a layer's sums for rows read, shape (n, k), and conditions (n,) where asked.

        The product is added to what stands there: no sums are made to be added once more.
        """
        if self.embedding is None:
            torch.index_select(layer.of_condition, 0, places, out=into)
        else:
            torch.mm(self.embedding[places], layer.of_condition, out=into)
        into.addmm_(read, layer.weight)


def _reads(generator: Generator) -> tuple[Tensor, Tensor | None]:
    """What each condition adds to all layers, bias included, and how conditions are embedded."""
    bias, condition = generator.bias[None], generator.from_condition
    if generator.from_embedding is None:
        return (condition + bias if len(condition) else bias), None
    # The bias is the weight of a further number that is always 1.
    embedding = torch.cat([condition, torch.ones(len(condition), 1)], dim=1)
    return torch.cat([generator.from_embedding, bias]), embedding


def _folded(generator: Generator, reads: Tensor, i: int, *, embedded: bool) -> Layer:
    """Layer `i`, its normalisation folded into its weights."""
    start, end = generator.ends[i : i + 2]
    parts = [generator.from_noise[:, start:end]]
    for hidden, shift in zip(generator.from_hidden[:i], generator.ends[1:], strict=False):
        parts.append(hidden[:, start - shift : end - shift])
    weight, named = torch.cat(parts), reads[:, start:end].clone()
    if i < len(generator.norms):
        norm = generator.norms[i]
        assert isinstance(norm, NormedRectifier)
        scale = norm.weight * (norm.variance + EPSILON).rsqrt()
        weight *= scale
        named *= scale
        bias = named[-1:] if embedded else named
        bias += norm.bias - norm.mean * scale
    return Layer(weight, named)


def _padded(weight: Tensor) -> Tensor:
    """With columns of zeros up to a whole number of registers: products run faster."""
    return functional.pad(weight, (0, -weight.shape[1] % _REGISTER))
