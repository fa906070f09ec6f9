"""What do the generator and the critic compute, with no arithmetic on zeros?

The networks are the paper's (Xu et al. 2019, arXiv:1907.00503, section 4.4): a generator of
residual layers, each of which reads everything before it, and a critic that judges `pac` rows at
once (PacGAN: Lin et al. 2018, arXiv:1712.04086). They are written for what they read:

- Every layer of the generator reads the noise and the condition, so what those add to all layers
  is one product and one gather of rows; a condition is a number, never a one-hot vector.
- The critic reads a real row as a gather of its first layer's weights: one for each code, one,
  scaled, for each scalar.
- The gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028) needs the norm of the critic's
  gradient at points between real and generated rows. The first layer is linear, so it need not be
  computed there again; the others are piecewise linear, so that gradient is a product of the
  weights that are switched on, and its own gradient is ordinary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tabveil.synthesizers.engine.layout import Layout, offsets

SLOPE = 0.2
"""Of the paper's critic: leaky rectifier."""


MAX_PLAIN, RANK = 1_000, 64
"""More conditions than MAX_PLAIN enter through vectors of size RANK: a column of 10,000 levels
would else need a weight for each pair of a named and a written level."""
EPSILON = 1e-5
"""Added to variances in batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167)."""


class NormedRectifier(nn.Module):
    """Batch normalisation and rectifier of shape (rows, n), as one step of few passes.

    In training a batch is normalised by itself; in evaluation mode by `mean` and `variance`, which
    are measured once (`forward.fix_statistics`), so that a row depends on no other.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, n: int):
        super().__init__()
        self.n = n
        self.weight = nn.Parameter(torch.ones(n))
        self.bias = nn.Parameter(torch.zeros(n))
        self.register_buffer("mean", torch.zeros(n))
        self.register_buffer("variance", torch.ones(n))

    def forward(self, rows: Tensor) -> Tensor:
        """Normalised, scaled, shifted, cut at 0."""
        if self.training:
            normed: Tensor = _BatchNorm.apply(rows, self.weight, self.bias)  # type: ignore[no-untyped-call]
            return torch.relu_(normed)
        scale = self.weight * (self.variance + EPSILON).rsqrt()
        return torch.relu(torch.addcmul(self.bias - self.mean * scale, rows, scale))


class _BatchNorm(torch.autograd.Function):
    """Normalise each column of a batch: torch's own takes several times longer at this shape."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        centred = rows - rows.mean(dim=0)
        inverse = (centred.square().mean(dim=0) + EPSILON).rsqrt()
        normed = centred.mul_(inverse)
        ctx.save_for_backward(normed, inverse, weight)
        return torch.addcmul(bias, normed, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        normed, inverse, weight = ctx.saved_tensors
        of_bias = gradient.sum(dim=0)
        of_weight = (gradient * normed).sum(dim=0)
        n = len(gradient)
        of_rows = torch.addcmul(gradient, normed, of_weight / -n)
        of_rows = of_rows.sub_(of_bias / n).mul_(weight * inverse)
        return of_rows, of_weight, of_bias


class Generator(nn.Module):
    """Noise, shape (n, n_noise), and conditions to raw outputs, shape (n, n_outputs).

    Args:
        n_noise: size of the noise vector.
        widths: of the residual layers.
        n_conditions, n_outputs: of the layout.
    """

    def __init__(self, n_noise: int, widths: Sequence[int], n_conditions: int, n_outputs: int):
        super().__init__()
        self.ends = offsets([*widths, n_outputs]).tolist()
        total = self.ends[-1]
        self.from_noise = nn.Parameter(torch.empty(n_noise, total))
        embedded = n_conditions > MAX_PLAIN
        self.from_condition = nn.Parameter(torch.empty(n_conditions, RANK if embedded else total))
        self.from_embedding = nn.Parameter(torch.empty(RANK, total)) if embedded else None
        self.bias = nn.Parameter(torch.empty(total))
        self.from_hidden = nn.ParameterList(
            torch.empty(width, total - end)
            for width, end in zip(widths, self.ends[1:], strict=False)
        )
        self.norms = nn.ModuleList(NormedRectifier(width) for width in widths)
        if not self.bias.is_meta:  # laid out only, to be loaded
            self._draw_weights(n_noise + (RANK if embedded else n_conditions))

    @torch.no_grad()
    def _draw_weights(self, fan_in: int) -> None:
        """Uniform within 1 / sqrt(fan in) of each layer, as in a stack of linear layers."""
        named = self.from_condition
        if self.from_embedding is not None:
            self.from_condition.uniform_(-((3 / RANK) ** 0.5), (3 / RANK) ** 0.5)  # of length 1
            named = self.from_embedding
        for i, (start, end) in enumerate(zip(self.ends, self.ends[1:], strict=False)):
            parts = [self.from_noise[:, start:end], named[:, start:end]]
            parts.append(self.bias[start:end])
            for j in range(i):
                shift = self.ends[j + 1]
                parts.append(self.from_hidden[j][:, start - shift : end - shift])
            for part in parts:
                part.uniform_(-(fan_in**-0.5), fan_in**-0.5)
            fan_in += end - start

    def forward(self, noise: Tensor, conditions: Tensor | None) -> Tensor:
        """Raw outputs; `conditions`, shape (n,), are places in the condition vector."""
        left = self._first(noise, conditions)
        for norm, weight in self._layers():
            # One split: its gradient is one joining, where slices would each fill a matrix.
            own, left = torch.split(left, [norm.n, left.shape[1] - norm.n], dim=1)
            left = torch.addmm(left, norm(own), weight)
        return left

    @torch.no_grad()
    def statistics(self, noise: Tensor, conditions: Tensor | None) -> list[tuple[Tensor, Tensor]]:
        """Mean and variance of each residual layer over these inputs, as in training."""
        found = []
        left = self._first(noise, conditions)
        for norm, weight in self._layers():
            own, left = torch.split(left, [norm.n, left.shape[1] - norm.n], dim=1)
            variance, mean = torch.var_mean(own, dim=0, correction=0)
            found.append((mean, variance))
            normed = (own - mean) * (variance + EPSILON).rsqrt()
            hidden = torch.relu(torch.addcmul(norm.bias, normed, norm.weight))
            left = torch.addmm(left, hidden, weight)
        return found

    @torch.no_grad()
    def fix(self, statistics: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Keep these means and variances, and use them from now on, in place."""
        for (norm, _), (mean, variance) in zip(self._layers(), statistics, strict=True):
            norm.mean.copy_(mean)
            norm.variance.copy_(variance)
        self.eval()

    def _layers(self) -> Iterator[tuple[NormedRectifier, Tensor]]:
        """Each residual layer, and what it adds to those after it."""
        for norm, weight in zip(self.norms, self.from_hidden, strict=True):
            assert isinstance(norm, NormedRectifier)
            yield norm, weight

    def _first(self, noise: Tensor, conditions: Tensor | None) -> Tensor:
        """What noise and conditions add to every layer."""
        left = torch.addmm(self.bias, noise, self.from_noise)
        if conditions is None:
            return left
        named = functional.embedding(conditions, self.from_condition)
        if self.from_embedding is not None:
            return torch.addmm(left, named, self.from_embedding)
        return left + named


class Critic(nn.Module):
    """Rows, `pac` at a time, to scores, high for real ones.

    Args:
        layout: of a row.
        widths: of the hidden layers.
        pac: rows judged together.
        dropout: share of the hidden layers' outputs left out in training, in [0, 1).
    """

    places: Tensor
    slots: Tensor

    def __init__(self, layout: Layout, widths: Sequence[int], pac: int, dropout: float):
        super().__init__()
        self.dropout = dropout
        self.pac, self.n_row, self.n_conditions = pac, layout.n_outputs, layout.n_conditions
        fan_in = pac * (self.n_row + self.n_conditions)
        self.from_row = nn.Parameter(_uniform(fan_in, pac * self.n_row, widths[0]))
        self.from_condition = nn.Parameter(_uniform(fan_in, pac * self.n_conditions, widths[0]))
        self.bias = nn.Parameter(_uniform(fan_in, widths[0]))
        self.rest = nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(widths, [*widths[1:], 1], strict=True)
        )
        places = torch.from_numpy(layout.starts)
        slots = torch.arange(pac)[:, None]
        every = torch.cat([torch.arange(layout.n_scalars), places]) + slots * self.n_row
        self.register_buffer("places", every.reshape(-1), persistent=False)
        self.register_buffer("slots", slots * self.n_conditions, persistent=False)

    def of_condition(self, conditions: Tensor | None) -> Tensor:
        """What conditions, shape (n,), add to the first layer: shape (n / pac, width)."""
        if conditions is None:
            return self.bias
        places = conditions.view(-1, self.pac) + self.slots.view(1, -1)
        return functional.embedding(places, self.from_condition).sum(dim=1) + self.bias

    def of_fake(self, rows: Tensor) -> Tensor:
        """What generated rows, shape (n, n_row), add to the first layer."""
        return rows.view(-1, self.pac * self.n_row) @ self.from_row

    def of_real(self, codes: Tensor, scalars: Tensor) -> Tensor:
        """What encoded rows add: codes, shape (n, n_spans), and scalars, shape (n, n_scalars)."""
        n = len(codes) // self.pac
        at = torch.cat([torch.zeros_like(scalars, dtype=torch.long), codes], dim=1)
        at = at.view(n, -1) + self.places
        weights = torch.cat([scalars, torch.ones_like(codes, dtype=scalars.dtype)], dim=1)
        weights = weights.view(at.shape)
        if at.is_cuda:  # a product with zeros is cheap there, and a gather's gradient is not
            spread = weights.new_zeros(n, len(self.from_row)).scatter_(1, at, weights)
            return spread @ self.from_row
        return functional.embedding_bag(at, self.from_row, mode="sum", per_sample_weights=weights)

    def of_same(self, codes: Tensor, scalars: Tensor) -> Tensor:
        """What rows packed with copies of themselves add, bias included: shape (n, width).

        An unknown code, -1, adds nothing.
        """
        weight = self.from_row.view(self.pac, self.n_row, -1).sum(dim=0)
        known = (codes >= 0).to(scalars.dtype)
        at = torch.cat([torch.zeros_like(scalars, dtype=torch.long), codes.clamp(min=0)], dim=1)
        at = at + self.places[: at.shape[1]]
        factors = torch.cat([scalars, known], dim=1)
        summed = functional.embedding_bag(at, weight, mode="sum", per_sample_weights=factors)
        return summed + self.bias

    def of_same_condition(self, conditions: Tensor) -> Tensor:
        """What the same condition of every packed row adds: shape (n, width)."""
        weight = self.from_condition.view(self.pac, self.n_conditions, -1).sum(dim=0)
        return weight[conditions]

    def judge(self, first: Tensor, random: torch.Generator | None) -> Tensor:
        """Scores, shape (n / pac,), from the first layer's sums; `random` draws the dropout."""
        hidden = first
        for layer in self.rest:
            hidden = functional.leaky_relu(hidden, SLOPE)
            hidden = layer(hidden if random is None else hidden * self._kept(hidden, random))
        return hidden[:, 0]

    def penalty(self, first: Tensor, random: torch.Generator) -> Tensor:
        """Mean squared distance from 1 of the gradient's norm at points with these first sums.

        Args:
            first: shape (n / pac, width); not differentiated.
            random: draws the dropout.
        """
        slopes = []
        with torch.no_grad():
            hidden = first
            for layer in self.rest:
                slope = torch.where(hidden > 0, 1.0, SLOPE)
                slope *= self._kept(hidden, random)
                slopes.append(slope)
                hidden = layer(hidden * slope)
        weights = [layer.weight for layer in self.rest if isinstance(layer, nn.Linear)]
        flow = weights[-1] * slopes[-1]
        for weight, slope in zip(weights[-2::-1], slopes[-2::-1], strict=True):
            flow = (flow @ weight) * slope
        squares = (flow @ self.from_row.T).square().sum(dim=1)
        if self.n_conditions:
            squares = squares + (flow @ self.from_condition.T).square().sum(dim=1)
        return ((squares + 1e-12).sqrt() - 1).square().mean()

    def _kept(self, hidden: Tensor, random: torch.Generator) -> Tensor | float:
        """Dropout's factors: 0, or what makes up for the zeros."""
        if not self.dropout:
            return 1.0
        uniform = torch.empty_like(hidden).uniform_(generator=random)
        return (uniform >= self.dropout).to(hidden.dtype) / (1 - self.dropout)


def _uniform(fan_in: int, *shape: int) -> Tensor:
    return torch.empty(shape).uniform_(-(fan_in**-0.5), fan_in**-0.5)
