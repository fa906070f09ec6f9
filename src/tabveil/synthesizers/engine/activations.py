"""How do raw outputs become a generated row, and how well does it meet its condition?

A span's code is drawn by the Gumbel softmax (Jang et al. 2017, arXiv:1611.01144), which the critic
reads as a row of shares; a scalar by tanh. A scalar means nothing in an atom: it is multiplied by
the share of its span's other modes, so that a generated row says 0 there as a real one does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tabveil.synthesizers.engine.layout import Layout

TEMPERATURE = 0.2
"""Of the paper (section 4.4)."""
_LEAST = 1e-20
"""Drawn uniformly from here on: a zero, once in 2**24 draws, has no logarithm."""


class Activation(nn.Module):
    """Raw outputs to rows, over a layout's blocks."""

    gate: Tensor | None

    def __init__(self, layout: Layout):
        super().__init__()
        self.blocks, self.n_scalars = layout.blocks, layout.n_scalars
        self.sizes = [block.end - block.start for block in self.blocks]
        gate = torch.zeros(layout.n_outputs - layout.n_scalars, layout.n_scalars)
        for scalar, (span, n_wide) in enumerate(
            zip(layout.scalar_spans, layout.n_wide, strict=True)
        ):
            start = int(layout.starts[span]) - layout.n_scalars
            gate[start : start + n_wide, scalar] = 1
        gated = any(
            n_wide < layout.widths[span]
            for span, n_wide in zip(layout.scalar_spans, layout.n_wide, strict=True)
        )
        self.register_buffer("gate", gate if gated else None, persistent=False)

    def forward(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Rows as the critic reads them, shape (n, n_outputs)."""
        n_shares = raw.shape[1] - self.n_scalars
        scalars, logits = torch.split(raw, [self.n_scalars, n_shares], dim=1)
        # The logarithm of an exponential variable, by two logarithms that run on vectors.
        noise = torch.empty_like(logits).uniform_(_LEAST, 1, generator=generator)
        noise = noise.log_().neg_().log_()
        parts = torch.split((logits - noise) / TEMPERATURE, self.sizes, dim=1)
        shares = torch.cat(
            [
                part.reshape(len(raw), -1, block.width).softmax(dim=-1).flatten(1)
                for part, block in zip(parts, self.blocks, strict=True)
            ],
            dim=1,
        )
        scalars = torch.tanh(scalars)
        if self.gate is not None:
            scalars = scalars * (shares @ self.gate)
        return torch.cat([scalars, shares], dim=1)


class ConditionLoss(nn.Module):
    """Mean cross entropy of each row's conditioned span with the code that was asked for."""

    span_at: Tensor
    output_at: Tensor

    def __init__(self, layout: Layout):
        super().__init__()
        named = set(layout.conditional)
        used = [block for block in layout.blocks if named.intersection(block.spans)]
        order = [span for block in used for span in block.spans]
        row = [order.index(span) for span in layout.conditional for _ in range(layout.widths[span])]
        self.sizes = [layout.n_scalars, *(block.end - block.start for block in layout.blocks)]
        self.widths = [
            block.width if named.intersection(block.spans) else 0 for block in layout.blocks
        ]
        self.register_buffer("span_at", torch.tensor(row, dtype=torch.long), persistent=False)
        self.register_buffer(
            "output_at", torch.from_numpy(layout.output_of_condition), persistent=False
        )

    def forward(self, raw: Tensor, conditions: Tensor) -> Tensor:
        """From raw outputs, shape (n, n_outputs), and places in the condition vector, (n,)."""
        _, *parts = torch.split(raw, self.sizes, dim=1)
        totals = torch.cat(
            [
                part.reshape(len(raw), -1, width).logsumexp(dim=-1)
                for part, width in zip(parts, self.widths, strict=True)
                if width
            ],
            dim=1,
        )
        total = totals.gather(1, self.span_at[conditions][:, None])
        named = raw.gather(1, self.output_at[conditions][:, None])
        return (total - named).mean()
