"""How is an autoencoder trained whose second half makes rows from noise?

TVAE (Xu et al. 2019, arXiv:1907.00503, section 4.4; written from the paper): a *compressor* says a
row as a Gaussian over latent vectors, a *decompressor* says a latent vector as a likelihood of
rows: a softmax for each span, and for each scalar a Gaussian around a tanh, of a deviation that is
learnt for the column. Both are trained to make the evidence lower bound large (Kingma and Welling
2013, arXiv:1312.6114); rows are then drawn by the decompressor alone, from standard noise.

There is no arithmetic on zeros: the compressor's first layer is a gather of its weights' rows, and
the likelihood looks up the outputs that a row names. Scalars of rows in an atom have no likelihood.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from tabveil.contracts import OnEpoch
from tabveil.seeding import child_seed
from tabveil.synthesizers.engine.encoder import Encoded
from tabveil.synthesizers.engine.layout import Layout
from tabveil.threads import without_denormals

LEAST_DEVIATION = 0.01
"""A likelihood without a floor grows without bound where a scalar can be told exactly."""
_FIRST_DEVIATION = 0.25
"""Of a scalar of which nothing is known but its Gaussian mode: `(x - mean) / (4 std)`."""
_STEPS_DRAWN = 64


@dataclass(frozen=True)
class Training:
    """Everything that training depends on but the rows; names as in `tvae.Tvae`."""

    embedding_dim: int
    compress_dims: Sequence[int]
    decompress_dims: Sequence[int]
    l2scale: float
    batch_size: int
    epochs: int
    loss_factor: float
    learning_rate: float
    averaging: float


@dataclass(frozen=True)
class Batch:
    """Rows, as the compressor reads them and the likelihood judges them.

    Attributes:
        at: shape (n, n_scalars + n_spans), the outputs that a row names: every scalar, and one
            code of each span.
        factors: of the same shape, the scalars and ones.
        counted: shape (n, n_scalars), 1 where a scalar means something, 0 in an atom.
    """

    at: Tensor
    factors: Tensor
    counted: Tensor


@without_denormals()
def train(
    encoded: Encoded,
    layout: Layout,
    settings: Training,
    *,
    seed: int,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
) -> Decompressor:
    """Train on encoded rows, reporting the epoch's mean losses of a row after each epoch.

    An exception from `on_epoch` ends the training and is passed on.
    """
    pair = Autoencoder.start(layout, settings, seed=seed, device=device)
    rows = Rows.of(encoded, layout, device)
    for epoch in range(1, settings.epochs + 1):
        losses = [pair.step(batch) for batch in rows.batches(settings.batch_size, pair.random)]
        if on_epoch is not None:
            lost, known = torch.stack(losses).mean(dim=0).tolist()
            on_epoch(epoch, {"reconstruction": lost, "divergence": known})
    return pair.averaged or pair.decompressor


@dataclass(frozen=True)
class Rows:
    """The training rows on the device, in the encoder's small types."""

    codes: Tensor
    scalars: Tensor
    layout: Layout

    @classmethod
    def of(cls, encoded: Encoded, layout: Layout, device: torch.device) -> Rows:
        """Take them there."""
        codes, scalars = torch.from_numpy(encoded.codes), torch.from_numpy(encoded.scalars)
        return cls(codes.to(device), scalars.to(device), layout)

    def batches(self, size: int, random: torch.Generator) -> Iterator[Batch]:
        """One epoch: each row at most once, in a new order, in full batches, many made at a time.

        The rows of a last part batch wait for another epoch, unless they are the whole table.
        """
        n = len(self.codes)
        order = torch.randperm(n, generator=random, device=self.codes.device)
        size = min(size, n)
        for rows in torch.split(order[: n - n % size], size * _STEPS_DRAWN):
            drawn = (torch.split(part, size) for part in self._read(rows))
            for at, factors, counted in zip(*drawn, strict=True):
                yield Batch(at, factors, counted)

    def _read(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A batch's attributes, of these rows."""
        layout, device = self.layout, rows.device
        codes, scalars = self.codes[rows].long(), self.scalars[rows]
        places = codes + torch.from_numpy(layout.starts).to(device)
        every = torch.arange(layout.n_scalars, device=device).expand(len(rows), -1)
        n_wide = torch.tensor(layout.n_wide, dtype=torch.long, device=device)
        counted = (codes[:, list(layout.scalar_spans)] < n_wide).to(scalars.dtype)
        ones = torch.ones_like(codes, dtype=scalars.dtype)
        return torch.cat([every, places], dim=1), torch.cat([scalars, ones], dim=1), counted


class Layers(nn.Module):
    """Linear layers, with a rectifier between each two."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        self.weights = nn.ParameterList(torch.empty(a, b) for a, b in pairwise(widths))
        self.biases = nn.ParameterList(torch.empty(b) for b in widths[1:])

    def draw_weights(self, random: torch.Generator) -> None:
        """Uniform within 1 / sqrt(fan in), as torch's own linear layers."""
        for weight, bias in zip(self.weights, self.biases, strict=True):
            _draw((weight, bias), len(weight), random)

    def forward(self, rows: Tensor) -> Tensor:
        """Shape (n, first width) to (n, last width)."""
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = torch.addmm(bias, torch.relu(rows) if i else rows, weight)
        return rows


class Compressor(nn.Module):
    """Rows to the mean and log variance of their latent vectors.

    Args:
        layout: of a row.
        widths: of the hidden layers.
        n_latent: size of a latent vector.
    """

    def __init__(self, layout: Layout, widths: Sequence[int], n_latent: int):
        super().__init__()
        first, *others = [*widths, 2 * n_latent]
        self.n_read = layout.n_scalars + len(layout.widths)
        self.from_row = nn.Parameter(torch.empty(layout.n_outputs, first))
        self.bias = nn.Parameter(torch.empty(first))
        self.rest = Layers([first, *others])

    def draw_weights(self, random: torch.Generator) -> None:
        """The first layer's fan in is what a row names, not all that it could name."""
        _draw((self.from_row, self.bias), self.n_read, random)
        self.rest.draw_weights(random)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean and log variance, both shape (n, n_latent)."""
        first = functional.embedding_bag(
            batch.at, self.from_row, mode="sum", per_sample_weights=batch.factors
        )
        first = first + self.bias
        both: Tensor = self.rest(torch.relu_(first)) if len(self.rest.weights) else first
        mean, log_variance = both.chunk(2, dim=1)
        return mean, log_variance


class Decompressor(nn.Module):
    """Latent vectors to raw outputs, and the deviations of the scalars around theirs."""

    def __init__(self, n_latent: int, widths: Sequence[int], n_outputs: int, n_scalars: int):
        super().__init__()
        self.layers = Layers([n_latent, *widths, n_outputs])
        self.spread = nn.Parameter(torch.empty(n_scalars))

    @property
    def deviations(self) -> Tensor:
        """Shape (n_scalars,), between the least and 1, which is more than any scalar has."""
        return LEAST_DEVIATION + (1 - LEAST_DEVIATION) * torch.sigmoid(self.spread)

    @torch.no_grad()
    def draw_weights(self, random: torch.Generator) -> None:
        """First weights; deviations start at that of a Gaussian mode."""
        self.layers.draw_weights(random)
        share = (_FIRST_DEVIATION - LEAST_DEVIATION) / (1 - LEAST_DEVIATION)
        self.spread.fill_(math.log(share / (1 - share)))

    def forward(self, latent: Tensor) -> Tensor:
        """Raw outputs, shape (n, n_outputs): scalars before tanh, spans before softmax."""
        raw: Tensor = self.layers(latent)
        return raw


@torch.no_grad()
def _draw(parameters: Sequence[Tensor], fan_in: int, random: torch.Generator) -> None:
    for parameter in parameters:
        parameter.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=random)


def reconstruction(raw: Tensor, deviations: Tensor, batch: Batch, layout: Layout) -> Tensor:
    """Mean over rows of the negative log likelihood, but for a constant.

    Args:
        raw: shape (n, n_outputs), the decompressor's.
        deviations: shape (n_scalars,).
        batch: the rows that are judged.
        layout: of a row.
    """
    sizes = [layout.n_scalars, *(block.end - block.start for block in layout.blocks)]
    means, *parts = torch.split(raw, sizes, dim=1)
    total = -raw.gather(1, batch.at[:, layout.n_scalars :]).sum()
    for part, block in zip(parts, layout.blocks, strict=True):
        total = total + part.reshape(len(raw), -1, block.width).logsumexp(dim=-1).sum()
    if layout.n_scalars:
        away = (batch.factors[:, : layout.n_scalars] - torch.tanh(means)) / deviations
        total = total + (batch.counted * (0.5 * away.square() + deviations.log())).sum()
    return total / len(raw)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Mean over rows of the Kullback-Leibler divergence from standard noise."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum() / len(mean)


@dataclass
class Autoencoder:
    """The two halves, and what one step of training needs."""

    compressor: Compressor
    decompressor: Decompressor
    averaged: Decompressor | None
    optimiser: torch.optim.Adam
    random: torch.Generator
    layout: Layout
    settings: Training
    n_steps: int = 0

    @classmethod
    def start(
        cls, layout: Layout, settings: Training, *, seed: int, device: torch.device
    ) -> Autoencoder:
        """Draw the first weights; on every device the same."""
        n_latent = settings.embedding_dim
        compressor = Compressor(layout, settings.compress_dims, n_latent)
        decompressor = Decompressor(
            n_latent, settings.decompress_dims, layout.n_outputs, layout.n_scalars
        )
        random = torch.Generator().manual_seed(child_seed(seed, "weights"))
        for half in (compressor, decompressor):
            half.draw_weights(random)
            half.to(device)
        averaged = copy.deepcopy(decompressor).requires_grad_(False) if settings.averaging else None
        optimiser = torch.optim.Adam(
            [*compressor.parameters(), *decompressor.parameters()],
            lr=settings.learning_rate,
            weight_decay=settings.l2scale,
            fused=True,
        )
        random = torch.Generator(device).manual_seed(child_seed(seed, "training"))
        return cls(compressor, decompressor, averaged, optimiser, random, layout, settings)

    def step(self, batch: Batch) -> Tensor:
        """One update: the mean reconstruction and divergence of a row before it, shape (2,)."""
        mean, log_variance = self.compressor(batch)
        noise = torch.empty_like(mean).normal_(generator=self.random)
        raw = self.decompressor(torch.addcmul(mean, noise, (0.5 * log_variance).exp()))
        lost = reconstruction(raw, self.decompressor.deviations, batch, self.layout)
        known = divergence(mean, log_variance)
        self.optimiser.zero_grad()
        (self.settings.loss_factor * lost + known).backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._average()
        return torch.stack([lost, known]).detach()

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged half towards the trained one: at first it is the plain mean."""
        self.n_steps += 1
        if self.averaged is not None:
            mine: list[Tensor] = list(self.averaged.parameters())
            theirs: list[Tensor] = list(self.decompressor.parameters())
            share = max(1 - self.settings.averaging, 1 / self.n_steps)
            torch._foreach_lerp_(mine, theirs, share)
