"""Changes of the engine that were tried and not kept; each patches it for one training.

straight_through    the critic reads generated codes exactly, as it reads real ones, and gives
                    the generator the gradient of the shares (Bengio et al. 2013,
                    arXiv:1308.3432)
target_conditions   three conditions in ten name a level of the last code column (the target)
information         the generator also matches the mean and the deviation of the critic's last
                    hidden layer over real rows (table-GAN: Park et al. 2018,
                    arXiv:1806.03384)
pairs               it also matches how often two codes meet in a row, over a batch
lazy_penalty        every second critic update has the gradient penalty, twice as heavy (Karras et
                    al. 2020, arXiv:1912.04958, section 3.1)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional

from tabveil.synthesizers.engine.activations import Activation
from tabveil.synthesizers.engine.networks import SLOPE, Critic
from tabveil.synthesizers.engine.recorded import Batch
from tabveil.synthesizers.engine.rows import RowSampler
from tabveil.synthesizers.engine.training import Duel

TARGET_SHARE, PAIR_WEIGHT, INFORMATION_WEIGHT = 0.3, 100.0, 1.0


@contextlib.contextmanager
def straight_through() -> Iterator[None]:
    soft = Activation.forward

    def forward(self: Activation, raw: Tensor, generator: torch.Generator) -> Tensor:
        made = soft(self, raw, generator)
        scalars, shares = made[:, : self.n_scalars], made[:, self.n_scalars :]
        parts = torch.split(shares.detach(), [n * width for n, width in self.blocks], dim=1)
        exact = [
            functional.one_hot(v.argmax(dim=-1), v.shape[-1]).flatten(1)
            for part, (n, width) in zip(parts, self.blocks, strict=True)
            for v in [part.reshape(len(raw), n, width)]
        ]
        codes = shares + (torch.cat(exact, dim=1) - shares).detach()
        if self.gate is not None:
            scalars = torch.tanh(raw[:, : self.n_scalars]) * (codes @ self.gate)
        return torch.cat([scalars, codes], dim=1)

    with patch.object(Activation, "forward", forward):
        yield


@contextlib.contextmanager
def target_conditions() -> Iterator[None]:
    def draw(self: RowSampler, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        uniform = torch.rand((4, n), generator=generator, dtype=torch.float64)
        span = (uniform[0] * self.n_spans).floor()
        span[uniform[3] < TARGET_SHARE] = self.n_spans - 1
        places = torch.searchsorted(self.edges, span + uniform[1] * (1 - 1e-12), right=True)
        row = self.starts[places] + (uniform[2] * self.counts[places]).long()
        return places, self.rows[row].long()

    with patch.object(RowSampler, "draw", draw):
        yield


def _with_loss(extra: Callable[[Duel, Batch, Tensor], Tensor]) -> Any:
    """Add a loss of the generated rows to the generator's: the critic is shown one more number."""
    teach, judge = Duel._teach_generator, Critic.judge

    def taught(self: Duel, batch: Batch, raw: Tensor, fake: Tensor) -> Tensor:
        added = extra(self, batch, fake)

        def judged(critic: Critic, first: Tensor, random: torch.Generator | None) -> Tensor:
            return judge(critic, first, random) - added

        with patch.object(Critic, "judge", judged):
            return teach(self, batch, raw, fake)

    return patch.object(Duel, "_teach_generator", taught)


def information() -> Any:
    def hidden(critic: Critic, first: Tensor) -> Tensor:
        for layer in list(critic.rest)[:-1]:
            first = layer(functional.leaky_relu(first, SLOPE))
        return functional.leaky_relu(first, SLOPE)

    def loss(duel: Duel, batch: Batch, fake: Tensor) -> Tensor:
        critic = duel.critic
        with torch.no_grad():
            named = critic.of_condition(batch.conditions)
            real = hidden(critic, critic.of_real(batch.codes, batch.scalars) + named)
        made = hidden(critic, critic.of_fake(fake) + named)
        away = (made.mean(dim=0) - real.mean(dim=0)).norm() + (made.std(0) - real.std(0)).norm()
        return INFORMATION_WEIGHT * away

    return _with_loss(loss)


def pairs() -> Any:
    def loss(duel: Duel, batch: Batch, fake: Tensor) -> Tensor:
        n_scalars = duel.activation.n_scalars
        places = duel.critic.places[n_scalars : n_scalars + batch.codes.shape[1]]
        real = torch.zeros_like(fake).scatter_(1, batch.codes + places, 1.0)[:, n_scalars:]
        made = fake[:, n_scalars:]
        return PAIR_WEIGHT * ((made.T @ made - real.T @ real) / len(fake)).square().mean()

    return _with_loss(loss)


@contextlib.contextmanager
def lazy_penalty() -> Iterator[None]:
    whole, n_lessons = Critic.penalty, dict[int, int]()

    def penalty(self: Critic, first: Tensor, random: torch.Generator) -> Tensor:
        n_lessons[id(self)] = n_lessons.get(id(self), -1) + 1
        return torch.zeros(()) if n_lessons[id(self)] % 2 else 2 * whole(self, first, random)

    with patch.object(Critic, "penalty", penalty):
        yield


IDEAS = {
    made.__name__: made
    for made in (straight_through, target_conditions, information, pairs, lazy_penalty)
}
