"""How do raw outputs become a generated row, and how well does it meet its condition?

A span's code is drawn by the Gumbel softmax (Jang et al. 2017, arXiv:1611.01144), which the critic
reads as a row of shares; a scalar by tanh. A scalar means nothing in an atom: it is multiplied by
the share of its span's other modes, so that a generated row says 0 there as a real one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

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
        self.n_scalars = layout.n_scalars
        self.blocks = [(len(block.spans), block.width) for block in layout.blocks]
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
        shares: Tensor = _Softmax.apply((logits - noise) / TEMPERATURE, self.blocks)  # type: ignore[no-untyped-call]
        scalars = torch.tanh(scalars)
        if self.gate is not None:
            scalars = scalars * (shares @ self.gate)
        return torch.cat([scalars, shares], dim=1)


class _Softmax(torch.autograd.Function):
    """The softmax of each span, shape (n, n_shares), its spans in blocks of one width.

    Torch's own runs along a row, a few numbers at a time; here an output is a line, and each pass
    runs on vectors.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, blocks: Sequence[tuple[int, int]]) -> Tensor:
        lines = logits.T.contiguous()
        shares = torch.empty_like(lines)
        for part, into in zip(_parts(lines, blocks), _parts(shares, blocks), strict=True):
            torch.softmax(part, dim=1, out=into)
        ctx.save_for_backward(shares)
        ctx.blocks = blocks
        return shares.T.contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (shares,) = ctx.saved_tensors
        weighted = gradient.T * shares
        for part, of in zip(_parts(weighted, ctx.blocks), _parts(shares, ctx.blocks), strict=True):
            part.addcmul_(of, part.sum(dim=1, keepdim=True), value=-1)
        return weighted.T.contiguous(), None


def _parts(lines: Tensor, blocks: Sequence[tuple[int, int]]) -> list[Tensor]:
    """Views of each block of lines, shape (n_spans, width, n)."""
    sizes = [n_spans * width for n_spans, width in blocks]
    parts = torch.split(lines, sizes)
    return [part.view(*block, -1) for part, block in zip(parts, blocks, strict=True)]


class ConditionLoss(nn.Module):
    """Mean cross entropy of each row's conditioned span with the code that was asked for.

    Only that span of a row is looked at: all spans are read as if they were as wide as the widest
    one that a condition can name, and what lies beyond their own width counts nothing.
    """

    span_at: Tensor
    code_at: Tensor
    places: Tensor
    beyond: Tensor

    def __init__(self, layout: Layout):
        super().__init__()
        widths = torch.tensor([layout.widths[j] for j in layout.conditional], dtype=torch.long)
        starts = torch.from_numpy(layout.starts)[list(layout.conditional)]
        steps = torch.arange(int(widths.max()) if len(widths) else 0)
        is_beyond = steps >= widths[:, None]
        places = starts[:, None] + torch.where(is_beyond, 0, steps)
        spans = torch.arange(len(widths)).repeat_interleave(widths)
        codes = torch.arange(len(spans)) - torch.from_numpy(layout.condition_starts)[spans]
        for name, buffer in (
            ("span_at", spans),
            ("code_at", codes),
            ("places", places),
            ("beyond", torch.where(is_beyond, -torch.inf, 0.0)),
        ):
            self.register_buffer(name, buffer, persistent=False)

    def forward(self, raw: Tensor, conditions: Tensor) -> Tensor:
        """From raw outputs, shape (n, n_outputs), and places in the condition vector, (n,)."""
        spans = self.span_at[conditions]
        logits = raw.gather(1, self.places[spans]) + self.beyond[spans]
        return functional.cross_entropy(logits, self.code_at[conditions])
