"""How is the network trained, and when does it stop?

Each row is scored in an order of the columns as rows are drawn under conditions: some at random
come first, mostly few, and the others follow in the table's order. The loss is minus the
log-likelihood. A tenth of the rows is held out. Where they have not become likelier by a least gain
for some rounds the learning rate falls, starting again from the best weights; after a few such cuts
the best weights are the model. A round is an epoch; in a small table several, in a large one a
part.

What is learnt last is what single rows say. Three things keep it out: the least gain, which ends
the learning before; the decay of the embeddings, by which a code that few rows have is taken for an
average one (Adam's steps sum up to less where gradients are seldom); and knots (`knots`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tabveil.contracts import OnEpoch
from tabveil.seeding import child_rng, child_seed, global_state
from tabveil.synthesizers.any_order.knots import tie, untie
from tabveil.synthesizers.any_order.network import AnyOrderNetwork
from tabveil.threads import without_denormals

BETAS = (0.9, 0.99)
_HELD_OUT, _MOST_HELD_OUT = 0.1, 10_000
_LEAST_ROWS = 20
"""A smaller table holds no rows out, and is learnt from for `patience` rounds a rate."""
_MOST_MASKED = 8_000_000
"""Inputs of a batch, masked for each column: 32 MB of them."""
_ORDERS, _HELD_BLOCK = 4, 1_000
_CUT, _CUTS = 0.4, 4
_KNOTS = 8
_STEPS = (40, 500)
"""Steps of a round, at least and at most."""


@dataclass(frozen=True)
class LikelihoodTraining:
    """Everything that training depends on but the rows; names as in `Autoregressive`."""

    embedding_dim: int
    hidden_dim: int
    dropout: float
    learning_rate: float
    weight_decay: float
    embedding_decay: float
    batch_size: int
    epochs: int
    patience: int
    least_gain: float
    averaging: float


@without_denormals()
def train(
    codes: NDArray[np.integer],
    widths: Sequence[int],
    rates: Sequence[NDArray[np.float64]],
    n_bins: Sequence[int],
    settings: LikelihoodTraining,
    *,
    seed: int,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
) -> AnyOrderNetwork:
    """Fit a network to `codes`, shape (n, n_columns), reporting losses after each round.

    Args:
        codes: at least one row, every code in [0, width).
        widths: how many codes each column has; at least one column.
        rates: for each column the share of the rows at each code, above 0.
        n_bins: for each column how many of its first codes are a number's bins, in order.
        settings: of the training.
        seed: of weights, batches, orders and the rows held out.
        device: that trains; the network that is returned is on it.
        on_epoch: an exception from it ends the training and is passed on.
    """
    with global_state(child_seed(seed, "weights")):
        network = AnyOrderNetwork(
            widths, settings.embedding_dim, settings.hidden_dim, settings.dropout
        )
        tie(network, n_bins, _KNOTS)
    network.start_at([torch.from_numpy(np.log(r / r.sum())).float() for r in rates])
    inner = codes[:, network.order]
    rng = child_rng(seed, "held out")
    order = rng.permutation(len(inner))
    n_held = min(int(_HELD_OUT * len(inner)), _MOST_HELD_OUT) if len(inner) >= _LEAST_ROWS else 0
    fitting = Fitting(
        network.to(device),
        torch.from_numpy(inner[order[n_held:]]).to(device),
        torch.from_numpy(inner[order[:n_held]]).to(device),
        settings,
        seed,
    )
    fitting.run(on_epoch)
    untie(network)
    return network.eval()


class Fitting:
    """A network on its way to its best weights."""

    def __init__(
        self,
        network: AnyOrderNetwork,
        learnt: Tensor,
        held: Tensor,
        settings: LikelihoodTraining,
        seed: int,
    ) -> None:
        self.network, self.learnt, self.held, self.settings = network, learnt, held, settings
        device = learnt.device
        self.random = torch.Generator(device).manual_seed(child_seed(seed, "training"))
        self.parameters: list[Tensor] = list(network.parameters())
        self.averaged = [p.detach().clone() for p in self.parameters]
        orders = torch.Generator(device).manual_seed(child_seed(seed, "orders"))
        self.held_seen = [self._orders(len(part), orders) for part in self._held_parts()]
        self.rate, self.n_steps = settings.learning_rate, 0
        self.optimiser = self._optimiser()

    def run(self, on_epoch: OnEpoch | None) -> None:
        """Leave the best weights in the network."""
        settings = self.settings
        per_epoch = max(1, -(-len(self.learnt) // settings.batch_size))
        per_round = int(np.clip(per_epoch, *_STEPS))
        batches = self._batches()
        best, best_weights = np.inf, [p.clone() for p in self.averaged]
        n_judged = len(self.held) or len(self.learnt)
        least_gain = settings.least_gain * self.learnt.shape[1] / n_judged
        waited = cuts = 0
        for round_ in range(1, max(1, settings.epochs * per_epoch // per_round) + 1):
            loss = self._round(batches, per_round)
            held = self.held_out_loss() if len(self.held) else loss
            if on_epoch is not None:
                on_epoch(round_, {"loss": loss, "held_out": held})
            if held < best - least_gain:
                best, waited = held, 0
                best_weights = [p.clone() for p in self.averaged]
            else:
                waited += 1
            if waited >= settings.patience:
                cuts, waited = cuts + 1, 0
                if cuts > _CUTS:
                    break
                self._restart(best_weights, self.rate * _CUT)
        self._put(best_weights)

    @torch.no_grad()
    def held_out_loss(self) -> float:
        """Minus the log-likelihood a row of the held-out rows, by the averaged weights."""
        mine = [p.detach().clone() for p in self.parameters]
        self._put(self.averaged)
        parts = zip(self._held_parts(), self.held_seen, strict=True)
        total = sum(float(self.network.losses(part.long(), seen).sum()) for part, seen in parts)
        self._put(mine)
        return total / (_ORDERS * len(self.held))

    def _held_parts(self) -> list[Tensor]:
        """The held-out rows, each as often as orders are looked at."""
        return list(torch.split(self.held.repeat(_ORDERS, 1), _HELD_BLOCK))

    def _round(self, batches: Iterator[Tensor], n_steps: int) -> float:
        total = torch.zeros((), device=self.learnt.device)
        for _ in range(n_steps):
            total += self._step(next(batches))
        return float(total) / n_steps

    def _step(self, batch: Tensor) -> Tensor:
        seen = self._orders(len(batch), self.random)
        loss = self.network.losses(batch, seen, self.random).sum() / len(batch)
        gradients = torch.autograd.grad(loss, self.parameters)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimiser.step()
        self.n_steps += 1
        share = max(1 - self.settings.averaging, 10 / (10 + self.n_steps))
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, self.parameters, share)
        return loss.detach()

    def _orders(self, n: int, random: torch.Generator) -> Tensor:
        """Who sees whom, where each of `n` rows has an order of its own or, in a wide table, all
        have one: shape (n, n_columns, n_columns) or (n_columns, n_columns), 0 or 1.
        """
        n_columns, device = self.learnt.shape[1], random.device
        n_inputs = sum(self.network.dims)
        n_orders = n if n * n_columns * n_inputs <= _MOST_MASKED else 1
        table = torch.tensor(self.network.order, dtype=torch.float32, device=device)
        share = torch.rand(n_orders, 1, generator=random, device=device) ** 2
        asked = torch.rand(n_orders, n_columns, generator=random, device=device)
        place = torch.where(asked < share, asked / share - 1, table)
        seen = (place[:, :, None] < place[:, None, :]).float()
        return seen if n_orders == n else seen[0]

    def _batches(self) -> Iterator[Tensor]:
        """Batches without end, each row once an epoch; a smaller table is one batch."""
        size = min(self.settings.batch_size, len(self.learnt))
        device = self.learnt.device
        while True:
            order = torch.randperm(len(self.learnt), generator=self.random, device=device)
            for start in range(0, len(order) - size + 1, size):
                yield self.learnt[order[start : start + size]].long()

    def _restart(self, weights: list[Tensor], rate: float) -> None:
        self._put(weights)
        self.averaged = [p.clone() for p in weights]
        self.rate = rate
        self.optimiser = self._optimiser()

    @torch.no_grad()
    def _put(self, weights: list[Tensor]) -> None:
        for parameter, weight in zip(self.parameters, weights, strict=True):
            parameter.copy_(weight)

    def _optimiser(self) -> torch.optim.Optimizer:
        embeddings = list(self.network.embeddings.parameters())
        mine = set(map(id, embeddings))
        others = [p for p in self.parameters if id(p) not in mine]
        groups = [
            {"params": embeddings, "weight_decay": self.settings.embedding_decay},
            {"params": others, "weight_decay": self.settings.weight_decay},
        ]
        return torch.optim.AdamW(groups, lr=self.rate, betas=BETAS, fused=True)
