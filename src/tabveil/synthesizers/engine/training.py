"""How are the generator and the critic trained against each other?

The paper's algorithm (Xu et al. 2019, arXiv:1907.00503, section 4; Wasserstein loss with gradient
penalty): the critic learns to tell real rows from generated ones under the same conditions, the
generator to be held for real and to meet its condition. Each step's last generated rows serve
both: the critic learns from them without the generator's gradients, then the generator from the
critic that has just moved. Conditions and rows are drawn for many steps at once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from tabveil.contracts import OnEpoch
from tabveil.seeding import child_seed, global_state
from tabveil.synthesizers.engine.activations import Activation, ConditionLoss
from tabveil.synthesizers.engine.encoder import Encoded
from tabveil.synthesizers.engine.layout import Layout
from tabveil.synthesizers.engine.networks import Critic, Generator
from tabveil.synthesizers.engine.recorded import Batch, Recorded
from tabveil.synthesizers.engine.rows import RowSampler
from tabveil.threads import without_denormals

PENALTY = 10.0
"""Of Gulrajani et al. 2017: weight of the gradient penalty."""
BETAS = (0.5, 0.9)
"""Of the paper's Adam."""
_STEPS_DRAWN = 64
_PARTS = 10
"""The average spans a tenth of the steps so far, until it spans what `averaging` says."""


@dataclass(frozen=True)
class Training:
    """Everything that training depends on but the rows; names as in `ctgan.Ctgan`."""

    embedding_dim: int
    generator_dim: Sequence[int]
    discriminator_dim: Sequence[int]
    generator_lr: float
    generator_decay: float
    discriminator_lr: float
    discriminator_decay: float
    batch_size: int
    discriminator_steps: int
    log_frequency: bool
    epochs: int
    pac: int
    averaging: float
    dropout: float
    full_rate_steps: int | None
    penalty_share: float


@dataclass(frozen=True)
class Trained:
    """What training leaves: the generator, averaged where asked for, and its critic."""

    generator: Generator
    critic: Critic


@without_denormals()
def train(
    encoded: Encoded,
    layout: Layout,
    settings: Training,
    *,
    seed: int,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
) -> Trained:
    """Train on encoded rows, reporting the epoch's mean losses after each epoch.

    An exception from `on_epoch` ends the training and is passed on.
    """
    duel = Duel.start(layout, settings, seed=seed, device=device)
    steps = max(1, len(encoded.codes) // settings.batch_size)
    batches = _batches(encoded, layout, settings, duel.random, device)
    step = Recorded(duel.step, duel.random) if device.type == "cuda" else duel.step
    for epoch in range(1, settings.epochs + 1):
        losses = torch.zeros(2, device=device)
        for _ in range(steps):
            duel.begin_step(settings.epochs * steps)
            losses += step(list(islice(batches, settings.discriminator_steps)))
        if on_epoch is not None:
            generator, critic = (losses / steps).tolist()
            on_epoch(epoch, {"generator": generator, "discriminator": critic})
    return Trained(duel.averaged or duel.generator, duel.critic)


def _batches(
    encoded: Encoded,
    layout: Layout,
    settings: Training,
    random: torch.Generator,
    device: torch.device,
) -> Iterator[Batch]:
    """Batches without end, many drawn at a time."""
    sampler = RowSampler.of(encoded, layout, log_frequency=settings.log_frequency, device=device)
    codes, scalars = (
        torch.from_numpy(part).to(device) for part in (encoded.codes, encoded.scalars)
    )
    size = settings.batch_size
    while True:
        conditions, rows = sampler.draw(size * _STEPS_DRAWN, random)
        drawn_codes, drawn_scalars = codes[rows].long(), scalars[rows]
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            named = conditions[part] if conditions is not None else None
            yield Batch(named, drawn_codes[part], drawn_scalars[part])


@dataclass
class Duel:
    """A generator and a critic, and what one step of training needs."""

    generator: Generator
    critic: Critic
    averaged: Generator | None
    activation: Activation
    condition_loss: ConditionLoss
    optimisers: tuple[torch.optim.Adam, torch.optim.Adam]
    random: torch.Generator
    settings: Training
    share: float | Tensor
    """What the averaged generator takes of the trained one at the next step; on a GPU a tensor, as
    the learning rates are, so that a recorded step reads it."""
    n_steps: int = 0

    @classmethod
    def start(
        cls,
        layout: Layout,
        settings: Training,
        *,
        seed: int,
        device: torch.device,
    ) -> Duel:
        """Draw the first weights."""
        with global_state(child_seed(seed, "weights")):
            generator = Generator(
                settings.embedding_dim,
                settings.generator_dim,
                layout.n_conditions,
                layout.n_outputs,
            ).to(device)
            critic = Critic(layout, settings.discriminator_dim, settings.pac, settings.dropout).to(
                device
            )
        return cls(
            generator,
            critic,
            copy.deepcopy(generator).requires_grad_(False) if settings.averaging else None,
            Activation(layout).to(device),
            ConditionLoss(layout).to(device),
            (
                _adam(generator, settings.generator_lr, settings.generator_decay),
                _adam(critic, settings.discriminator_lr, settings.discriminator_decay),
            ),
            torch.Generator(device).manual_seed(child_seed(seed, "training")),
            settings,
            torch.zeros((), device=device) if device.type == "cuda" else 0.0,
        )

    def begin_step(self, total: int) -> None:
        """Count the next step of a training of `total`, and set what depends on its number.

        The averaged generator moves quickly at first: a short training would else be averaged with
        its random start.
        """
        left, full = 1.0, self.settings.full_rate_steps
        if full is not None:
            left = min(1.0, (total - self.n_steps) / (total - min(full, total / 2)))
        rates = (self.settings.generator_lr, self.settings.discriminator_lr)
        for optimiser, rate in zip(self.optimisers, rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = _set(group["lr"], rate * left)
        self.n_steps += 1
        share = max(1 - self.settings.averaging, _PARTS / (_PARTS + self.n_steps))
        self.share = _set(self.share, share)

    def step(self, batches: Sequence[Batch]) -> Tensor:
        """One update of the critic for each batch, then one of the generator.

        Returns their losses, shape (2,). The work depends on nothing but the contents of tensors:
        it can be recorded.
        """
        last = len(batches) - 1
        for i, batch in enumerate(batches):
            with torch.set_grad_enabled(i == last):
                raw = self._generate(batch)
                fake = self.activation(raw, self.random)
            critic_loss = self._teach_critic(batch, fake.detach())
        return torch.stack([self._teach_generator(batch, raw, fake), critic_loss])

    def _generate(self, batch: Batch) -> Tensor:
        noise = torch.empty(
            len(batch.codes), self.settings.embedding_dim, device=batch.codes.device
        ).normal_(generator=self.random)
        raw: Tensor = self.generator(noise, batch.conditions)
        return raw

    def _teach_critic(self, batch: Batch, fake: Tensor) -> Tensor:
        critic = self.critic
        named = critic.of_condition(batch.conditions)
        of_fake = critic.of_fake(fake) + named
        of_real = critic.of_real(batch.codes, batch.scalars) + named
        scores = critic.judge(torch.cat([of_fake, of_real]), self.random)
        n = len(of_fake)
        loss = scores[:n].mean() - scores[n:].mean()
        few = max(1, round(self.settings.penalty_share * n))
        share = torch.empty(few, 1, device=fake.device).uniform_(generator=self.random)
        between = torch.lerp(of_fake.detach()[:few], of_real.detach()[:few], share)
        _update(self.optimisers[1], critic, loss + PENALTY * critic.penalty(between, self.random))
        return loss.detach()

    def _teach_generator(self, batch: Batch, raw: Tensor, fake: Tensor) -> Tensor:
        critic = self.critic
        with torch.no_grad():
            named = critic.of_condition(batch.conditions)
        loss = -critic.judge(critic.of_fake(fake) + named, self.random).mean()
        if batch.conditions is not None:
            loss = loss + self.condition_loss(raw, batch.conditions)
        _update(self.optimisers[0], self.generator, loss)
        self._average()
        return loss.detach()

    @torch.no_grad()
    def _average(self) -> None:
        """Move the averaged generator towards the trained one."""
        if self.averaged is not None:
            mine: list[Tensor] = list(self.averaged.parameters())
            theirs: list[Tensor] = list(self.generator.parameters())
            share = self.share
            weights = [share] * len(mine) if isinstance(share, Tensor) else share
            torch._foreach_lerp_(mine, theirs, weights)


def _set(old: float | Tensor, new: float) -> float | Tensor:
    """The new number, in place where the old one is a tensor."""
    return old.fill_(new) if isinstance(old, Tensor) else new


def _adam(network: nn.Module, rate: float, decay: float) -> torch.optim.Adam:
    parameters = list(network.parameters())
    on_gpu = parameters[0].is_cuda  # there the rate is read by a recorded step
    return torch.optim.Adam(
        parameters,
        lr=torch.tensor(rate, device=parameters[0].device) if on_gpu else rate,
        betas=BETAS,
        weight_decay=decay,
        fused=True,
        capturable=on_gpu,
    )


def _update(optimiser: torch.optim.Adam, network: nn.Module, loss: Tensor) -> None:
    """One step for this network's parameters; no other gradient is computed."""
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimiser.step()
