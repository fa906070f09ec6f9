"""How is our own CTGAN fitted, drawn from, saved and loaded?

Written from the paper (Xu et al., Modeling Tabular Data using Conditional GAN, NeurIPS 2019,
arXiv:1907.00503): mode-specific normalisation (`engine/modes`), training by sampling
(`engine/rows`), conditional generator and PacGAN critic with gradient penalty (`engine/networks`,
`engine/training`). Its parameters have the `ctgan` package's names and meaning; those that the
paper does not have can each be switched off, and `conf/synthesizer/ctgan_paper.yaml` does so.

What is saved is the generator's weights and the encoder: levels, modes and rounded rates, no row.
The critic stays in memory for the audit, and is never saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import torch

from tabveil.contracts import Critic, OnEpoch, Where
from tabveil.data.schema import Schema
from tabveil.errors import TabveilError
from tabveil.seeding import child_rng, child_seed
from tabveil.synthesizers.chunks import concat, draw_chunks, take
from tabveil.synthesizers.conditions import keep_met, parse
from tabveil.synthesizers.engine.artifact import (
    load_encoder,
    load_network,
    refuse_diverged,
    save_network,
)
from tabveil.synthesizers.engine.calibration import calibrate
from tabveil.synthesizers.engine.drawing import Drawing
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.forward import Forward, fix_statistics
from tabveil.synthesizers.engine.modes import Numbers
from tabveil.synthesizers.engine.networks import Generator
from tabveil.synthesizers.engine.opinion import Opinion
from tabveil.synthesizers.engine.training import Training
from tabveil.synthesizers.engine.training import train as _train
from tabveil.synthesizers.loading import reading
from tabveil.synthesizers.params import check_params, least_rows


@dataclass(frozen=True)
class _Fitted:
    drawing: Drawing
    generator: Generator | None
    """None where every column is constant: nothing was left to model."""
    critic: Critic | None = None
    """None there too, and where the generator was loaded: it is never saved."""

    @cached_property
    def forward(self) -> Forward | None:
        """The generator made ready to draw from."""
        return Forward.of(self.generator) if self.generator else None


@dataclass
class Ctgan:
    """CTGAN by tabveil's own engine.

    Args:
        embedding_dim: size of the noise vector.
        generator_dim: width of each residual layer of the generator.
        discriminator_dim: width of each layer of the critic.
        generator_lr, discriminator_lr: learning rates of Adam.
        generator_decay, discriminator_decay: weight decays of Adam.
        batch_size: rows a step, even and a multiple of `pac`.
        discriminator_steps: critic updates for each generator update.
        log_frequency: draw training conditions by log frequency instead of frequency.
        epochs: passes over the training table.
        pac: rows that the critic judges together (PacGAN).
        enable_gpu: train on a GPU where there is one. Sampling is always on the CPU.
        max_atoms, min_spike, rest, n_bins: how numbers are said; see `engine.modes.Numbers`.
        condition_on_numbers: whether a condition may name the mode of a number, too.
        averaging: share of the averaged generator kept at each step, in [0, 1); 0: the last one.
        dropout: share of the critic's hidden outputs left out in training, in [0, 1).
        full_rate_steps: steps after which the learning rates fall linearly, to 0 at the end; at
            most half of all. None: they never fall.
        penalty_share: share of a batch's packs at which the gradient penalty is taken, in (0, 1].
        calibrated: whether outputs are shifted, after training, until levels and modes come at
            their true rates.
        min_count: training rows that must hold a level for the generator to know it; None: as
            `params.least_rows` says.
    """

    embedding_dim: int = 128
    generator_dim: Sequence[int] = (256, 256)
    discriminator_dim: Sequence[int] = (256, 256)
    generator_lr: float = 2e-4
    generator_decay: float = 1e-6
    discriminator_lr: float = 2e-4
    discriminator_decay: float = 1e-6
    batch_size: int = 500
    discriminator_steps: int = 1
    log_frequency: bool = True
    epochs: int = 300
    pac: int = 10
    enable_gpu: bool = True
    max_atoms: int = 0
    min_spike: float = 0.01
    rest: Literal["mixture", "bins"] = "mixture"
    n_bins: int = 20
    condition_on_numbers: bool = False
    averaging: float = 0.0
    dropout: float = 0.5
    full_rate_steps: int | None = None
    penalty_share: float = 1.0
    calibrated: bool = False
    min_count: int | None = 5
    _fitted: _Fitted | None = field(default=None, init=False, repr=False)

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Train on `train`, shape (n_train, n_columns), reporting losses after each epoch.

        An exception from `on_epoch` ends the training and is passed on.

        Raises:
            ConfigError: a parameter that cannot work, named.
            DataError: a table that the codec cannot hold.
            TabveilError: the training diverged.
        """
        check_params(self.params())
        numbers = Numbers(self.max_atoms, self.min_spike, self.rest, self.n_bins)
        encoder, encoded = Encoder.learn(
            train,
            schema,
            numbers,
            min_count=least_rows(self.min_count, len(train)),
            seed=child_seed(seed, "ctgan"),
        )
        drawing = Drawing.of(encoder, condition_on_numbers=self.condition_on_numbers)
        if not drawing.layout.n_outputs:
            self._fitted = _Fitted(drawing, None)
            return
        gpu = self.enable_gpu and torch.cuda.is_available()
        trained = _train(
            encoded,
            drawing.layout,
            self._training(),
            seed=child_seed(seed, "ctgan"),
            device=torch.device("cuda" if gpu else "cpu"),
            on_epoch=on_epoch,
        )
        generator = trained.generator.cpu()
        refuse_diverged(generator)
        rng = child_rng(seed, "ctgan", "statistics")
        fix_statistics(generator, drawing, self.embedding_dim, rng)
        if self.calibrated:
            rng = child_rng(seed, "ctgan", "calibration")
            calibrate(generator, drawing, self.embedding_dim, rng)
        rng = child_rng(seed, "ctgan", "critic")
        opinion = Opinion.of(encoder, drawing.layout, trained.critic, rng)
        self._fitted = _Fitted(drawing, generator, opinion)

    @property
    def critic(self) -> Critic | None:
        """The critic it was trained against; None before `fit`, and after `load`."""
        return self._fitted.critic if self._fitted else None

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows; see `conditions` for `where`."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size.

        Where several columns are conditioned, the generator is given the rarest of them; rows
        that miss any condition are rejected.
        """
        fitted = self._require()
        drawing, codec = fitted.drawing, fitted.drawing.encoder.codec
        conditions = parse(where, codec.schema, codec.levels)
        wanted = drawing.wanted(conditions)
        forward = fitted.forward

        def draw(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
            if forward is None:
                return codec.decode(np.empty((n_rows, 0)), np.empty((n_rows, 0), np.int64))
            inputs = drawing.draw_inputs(n_rows, self.embedding_dim, rng, wanted)
            return drawing.encoder.decode(*drawing.draw_codes(forward(*inputs), rng))

        return take(keep_met(draw_chunks(draw, seed), n, conditions), n)

    def save(self, directory: Path) -> None:
        """Write the generator's weights and what is needed to decode its outputs."""
        fitted = self._require()
        save_network(directory, self.params(), fitted.drawing.encoder, fitted.generator)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises ArtifactError when a file is missing, cut short, or does not fit the other.
        """
        params, encoder = load_encoder(directory)
        with reading(directory):
            loaded = cls(**params)
            check_params(loaded.params())
            drawing = Drawing.of(encoder, condition_on_numbers=loaded.condition_on_numbers)
        layout = drawing.layout
        generator = None
        if layout.n_outputs:
            generator = load_network(
                directory,
                lambda: Generator(
                    loaded.embedding_dim,
                    loaded.generator_dim,
                    layout.n_conditions,
                    layout.n_outputs,
                ),
            )
        loaded._fitted = _Fitted(drawing, generator)
        return loaded

    def params(self) -> dict[str, Any]:
        """The parameters by name."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in named.items()}

    def _training(self) -> Training:
        named = {f.name for f in fields(Training)}
        return Training(**{name: value for name, value in self.params().items() if name in named})

    def _require(self) -> _Fitted:
        if self._fitted is None:
            raise TabveilError("this ctgan is not fitted: call fit or load first")
        return self._fitted
