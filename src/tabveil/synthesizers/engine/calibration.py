"""Do a trained generator's codes come as often as the training table's?

An adversarial loss hardly feels that a rare level is drawn half as often as it should be, or never.
So once training is over the generator's output biases are shifted until, over rows drawn at the
conditions' true rates, each span's codes come at theirs: iterative proportional fitting (Deming
and Stephan 1940) of one margin at a time. What two columns have to do with each other is left to
the generator. The rates are those that the encoder keeps anyway: nothing more of the table is
read.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tabveil.synthesizers.engine.drawing import Drawing
from tabveil.synthesizers.engine.forward import Forward
from tabveil.synthesizers.engine.networks import Generator

_ROWS, _CELLS = 50_000, 25_000_000
"""Rows drawn at most, and their outputs: 100 MB of them."""
_LEAST_EXPECTED = 10
"""Rows in which a code should stand to be shifted: fewer say too little of it."""
_ROUNDS, _FARTHEST = 30, 8.0


@torch.no_grad()
def calibrate(
    generator: Generator, drawing: Drawing, n_noise: int, rng: np.random.Generator
) -> None:
    """Shift the output biases of a generator whose statistics are fixed, in place."""
    layout = drawing.layout
    n = min(_ROWS, _CELLS // layout.n_outputs)
    raw = Forward.of(generator)(*drawing.draw_inputs(n, n_noise, rng))
    bias = generator.bias[len(generator.bias) - layout.n_outputs :]
    for start, width, shares in zip(
        layout.starts, layout.widths, drawing.encoder.shares, strict=True
    ):
        shift = shift_to(raw[:, start : start + width], np.array(shares))
        bias[start : start + width] += torch.from_numpy(shift).to(bias.dtype)


def shift_to(logits: NDArray[np.float32], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What to add to each column of logits so that their softmax has these means.

    Args:
        logits: shape (n, k).
        shares: shape (k,), positive; they need not sum to 1.

    Returns:
        Shape (k,), within 8 of 0; 0 for columns whose share is of too few rows.
    """
    wanted = shares / shares.sum()
    is_shifted = wanted * len(logits) >= _LEAST_EXPECTED
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shift = np.zeros(len(wanted))
    for _ in range(_ROUNDS):
        drawn = weights * np.exp(shift, dtype=np.float32)
        mean = (drawn / drawn.sum(axis=1, keepdims=True)).mean(axis=0, dtype=np.float64)
        step = np.where(is_shifted, np.log(wanted / np.maximum(mean, 1e-9)), 0.0)
        shift = np.clip(shift + step, -_FARTHEST, _FARTHEST)
        if np.abs(step).max() < 0.01:
            break
    return shift
