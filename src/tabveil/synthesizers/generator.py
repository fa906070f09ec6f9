"""What happens to a CTGAN generator's weights between training and drawing rows?

They are put into an order that says nothing about the training rows, their batch-norm statistics
are fixed, and they are written and read as plain tensors whose shapes must fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from tabveil.errors import ArtifactError
from tabveil.synthesizers.spans import Spans, Wanted

_DTYPES = (torch.float32, torch.int64)
"""Of weights, and of the batches that batch normalisation has counted."""
LARGEST = 1e8
"""No training gives larger numbers; products of a few such still have a place in a float."""
_STATISTICS_BATCHES, _STATISTICS_ROWS = 50, 1_000
"""Batch-norm statistics over 50,000 rows: sampling error below half a percent of a deviation."""


@torch.no_grad()
def reorder_levels(
    generator: torch.nn.Module, spans: Spans, orders: Sequence[Sequence[int]]
) -> None:
    """Sort the levels inside each code column's span by code, in inputs and outputs, in place.

    The package's encoder lists levels as they first appear: the first level of every column,
    together, would be the first training row.

    Args:
        generator: the package's; every Linear layer reads the condition vector in its last
            columns, the last layer writes the outputs.
        spans: its layout.
        orders: for each code column, the code at each position of the trained span.
    """
    starts = np.cumsum([0, *(len(order) for order in orders)])
    by_code = [start + np.argsort(order) for start, order in zip(starts, orders, strict=False)]
    positions = torch.from_numpy(np.concatenate([np.empty(0, np.int64), *by_code]))
    n = spans.n_conditions
    if not n:
        return
    layers = [layer for layer in generator.modules() if isinstance(layer, torch.nn.Linear)]
    for layer in layers:
        layer.weight[:, -n:] = layer.weight[:, -n:][:, positions]
    layers[-1].weight[-n:] = layers[-1].weight[-n:][positions]
    layers[-1].bias[-n:] = layers[-1].bias[-n:][positions]


@torch.no_grad()
def measure_statistics(
    generator: torch.nn.Module, spans: Spans, embedding_dim: int, rng: np.random.Generator
) -> None:
    """Fix the batch-norm statistics to those of rows drawn at the levels' true rates, in place.

    The running averages that training leaves belong to the last few batches and to the training
    conditions. Leaves the generator in evaluation mode.
    """
    for layer in generator.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.reset_running_stats()
            layer.momentum = None  # a plain mean over the batches
    generator.train()
    for _ in range(_STATISTICS_BATCHES):
        generator(draw_inputs(spans, _STATISTICS_ROWS, embedding_dim, rng))
    generator.eval()


def draw_inputs(
    spans: Spans,
    n: int,
    embedding_dim: int,
    rng: np.random.Generator,
    wanted: Wanted | None = None,
) -> torch.Tensor:
    """Draw noise and condition vectors, shape (n, embedding_dim + n_conditions)."""
    conditions = spans.draw_conditions(n, rng, wanted)
    noise = rng.standard_normal((n, embedding_dim), dtype=np.float32)
    return torch.from_numpy(np.hstack([noise, conditions]))


def expected_shapes(
    embedding_dim: int, widths: Sequence[int], spans: Spans
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a generator; none where nothing is modelled."""
    if not spans.n_outputs:
        return {}
    shapes: dict[str, tuple[int, ...]] = {}
    n_inputs = embedding_dim + spans.n_conditions
    for i, width in enumerate(widths):
        shapes[f"seq.{i}.fc.weight"] = (width, n_inputs)
        for name in ("fc.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"):
            shapes[f"seq.{i}.{name}"] = (width,)
        shapes[f"seq.{i}.bn.num_batches_tracked"] = ()
        n_inputs += width
    shapes[f"seq.{len(widths)}.weight"] = (spans.n_outputs, n_inputs)
    shapes[f"seq.{len(widths)}.bias"] = (spans.n_outputs,)
    return shapes


def read_weights(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Read tensors whose names and shapes are known.

    Raises ArtifactError when the file is missing, cut short, of other shapes, or holds numbers
    that are not finite or beyond what training gives.
    """
    try:
        weights = load_file(path)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: the generator is incomplete") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read: it was cut short or altered") from error
    if {name: tuple(tensor.shape) for name, tensor in weights.items()} != dict(shapes):
        raise ArtifactError(f"{path} does not belong to the encoder.json beside it")
    if any(tensor.dtype not in _DTYPES for tensor in weights.values()):
        raise ArtifactError(f"{path} holds numbers of another type: it was altered")
    if not all(bool((tensor.abs() <= LARGEST).all()) for tensor in weights.values()):
        raise ArtifactError(f"{path} holds numbers that are not finite, or huge: it was altered")
    return dict(weights)
