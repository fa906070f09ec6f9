"""How is the any-order autoregressive family fitted, drawn from, saved and loaded?

A row's likelihood is the product of each column's, given those before it; the network gives every
column's distribution given *any* others (`any_order/network`). So a condition on any columns is met
by restricting their own distributions and drawing the rest given them: no row is rejected but at
the edges of a range.

Numbers are atoms (values that enough rows share) and equally full bins, in which a value is drawn
evenly; a missing value is one code more. What is saved is the network's weights and the encoder:
levels, bins and rounded rates, no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabveil.contracts import Critic, OnEpoch, Where
from tabveil.data.schema import Schema
from tabveil.errors import TabveilError
from tabveil.seeding import child_seed
from tabveil.synthesizers.any_order.ancestral import Ancestral
from tabveil.synthesizers.any_order.code_columns import CodeColumns
from tabveil.synthesizers.any_order.likelihood_training import LikelihoodTraining
from tabveil.synthesizers.any_order.likelihood_training import train as train_network
from tabveil.synthesizers.any_order.network import AnyOrderNetwork
from tabveil.synthesizers.any_order.restriction import Restriction
from tabveil.synthesizers.chunks import CHUNK_ROWS, concat, draw_chunks, take
from tabveil.synthesizers.conditions import keep_met, parse
from tabveil.synthesizers.engine.artifact import (
    load_encoder,
    load_network,
    refuse_diverged,
    save_network,
)
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.modes import Numbers
from tabveil.synthesizers.loading import reading
from tabveil.synthesizers.params import check_params, least_rows

MAX_BINS = 20_000
"""Bins in all columns together: in a wide table of numbers each has fewer."""

ASKED_ROWS = 500
"""Rows drawn at first under conditions: often few are asked for, and nearly all meet them."""


@dataclass(frozen=True)
class _Fitted:
    columns: CodeColumns
    network: AnyOrderNetwork | None
    """None where every column is constant: nothing was left to model."""
    temperature: float = 1.0
    calibrated: bool = False

    @cached_property
    def sampler(self) -> Ancestral | None:
        """The network made ready to draw from."""
        if self.network is None:
            return None
        rates = self.columns.rates if self.calibrated else None
        return Ancestral(self.network, self.temperature, rates)


@dataclass
class Autoregressive:
    """Any column given any others, by tabveil's own engine.

    Args:
        embedding_dim: size of the vector that stands for a code; smaller in a wide table.
        hidden_dim: hidden units of each column; fewer in a wide table.
        dropout: share of them that is left out in training, in [0, 1).
        learning_rate: of Adam, at first.
        weight_decay: of Adam, decoupled, at least 0; of all weights but the embeddings.
        embedding_decay: the same of the embeddings: the more, the less a rare code says of its own.
        batch_size: rows a step; a smaller table is one batch.
        epochs: passes over the training table at most.
        patience: rounds without a better held-out likelihood before the learning rate is cut.
        least_gain: nats a column by which all held-out rows together must become likelier in a
            round, at least 0.
        averaging: share of the averaged weights kept at each step, in [0, 1).
        max_atoms, min_spike, n_bins: how numbers are said; see `engine.modes.Numbers`.
        bin_rows: training rows for each bin, at least: a small table has fewer bins.
        min_count: training rows that must hold a level or value, or lie in a bin; None: 20, in a
            table of fewer than 5,000 rows one in 250, at least 5.
        calibrated: whether codes are made to come at their true rates, after training.
        temperature: above 0; below 1 likely codes are drawn more often than they should.
        enable_gpu: train on a GPU where there is one. Sampling is always on the CPU.
    """

    embedding_dim: int = 8
    hidden_dim: int = 24
    dropout: float = 0.1
    learning_rate: float = 1e-2
    weight_decay: float = 0.0
    embedding_decay: float = 20.0
    batch_size: int = 256
    epochs: int = 100
    patience: int = 2
    least_gain: float = 2.0
    averaging: float = 0.998
    max_atoms: int = 200
    min_spike: float = 0.01
    n_bins: int = 200
    bin_rows: int = 50
    min_count: int | None = None
    calibrated: bool = True
    temperature: float = 1.0
    enable_gpu: bool = True
    _fitted: _Fitted | None = field(default=None, init=False, repr=False)

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Train on `train`, shape (n_train, n_columns), reporting losses after each round.

        An exception from `on_epoch` ends the training and is passed on.

        Raises:
            ConfigError: a parameter that cannot work, named.
            DataError: a table that the codec cannot hold.
            TabveilError: the training diverged.
        """
        check_params(self.params())
        numbers = Numbers(self.max_atoms, self.min_spike, "bins", self._bins(len(train), schema))
        seed = child_seed(seed, "autoregressive")
        least = least_rows(self.min_count, len(train))
        encoder, encoded = Encoder.learn(train, schema, numbers, min_count=least, seed=seed)
        columns = CodeColumns(encoder)
        if not columns.widths:
            self._fitted = _Fitted(columns, None)
            return
        gpu = self.enable_gpu and torch.cuda.is_available()
        codes = columns.join(encoded.codes)
        network = train_network(
            codes,
            columns.widths,
            columns.rates,
            columns.n_bins,
            self._training(),
            seed=child_seed(seed, "training"),
            device=torch.device("cuda" if gpu else "cpu"),
            on_epoch=on_epoch,
        ).cpu()
        refuse_diverged(network)
        self._fitted = _Fitted(columns, network, self.temperature, self.calibrated)

    @property
    def critic(self) -> Critic | None:
        """How likely the model thinks rows are; None before `fit` and where nothing is modelled.

        The weights alone give it, so a loaded model has it, too.
        """
        return self.log_likelihood if self._fitted and self._fitted.network else None

    def log_likelihood(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Of rows with the schema's columns, shape (n,), in nats, up to the place inside a bin."""
        fitted = self._require()
        if fitted.sampler is None:
            return np.zeros(len(rows))
        codes = fitted.columns.join(fitted.columns.encoder.encode(rows).codes)
        return fitted.sampler.log_likelihood(codes.astype(np.int64))

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows; see `conditions` for `where`."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size.

        Raises ConditionError for a condition that no row of the model can meet.
        """
        fitted = self._require()
        encoder, sampler = fitted.columns.encoder, fitted.sampler
        conditions = parse(where, encoder.codec.schema, encoder.codec.levels)
        restriction = Restriction.of(conditions, fitted.columns)

        def draw(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
            if sampler is None:
                return encoder.codec.decode(np.empty((n_rows, 0)), np.empty((n_rows, 0), np.int64))
            codes = sampler.draw(n_rows, rng, restriction.allowed)
            return encoder.decode(fitted.columns.split(codes), restriction.places(codes, rng))

        chunks = draw_chunks(draw, seed, first=ASKED_ROWS if conditions else CHUNK_ROWS)
        return take(keep_met(chunks, n, conditions), n)

    def save(self, directory: Path) -> None:
        """Write the network's weights and what is needed to decode its codes."""
        fitted = self._require()
        save_network(directory, self.params(), fitted.columns.encoder, fitted.network)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises ArtifactError when a file is missing, cut short, or does not fit the other.
        """
        params, encoder = load_encoder(directory)
        with reading(directory):
            loaded = cls(**params)
            check_params(loaded.params())
            columns = CodeColumns(encoder)
        network = None
        if columns.widths:
            network = load_network(
                directory,
                lambda: AnyOrderNetwork(columns.widths, loaded.embedding_dim, loaded.hidden_dim),
            )
        loaded._fitted = _Fitted(columns, network, loaded.temperature, loaded.calibrated)
        return loaded

    def params(self) -> dict[str, Any]:
        """The parameters by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def _bins(self, n_rows: int, schema: Schema) -> int:
        n_numbers = sum(column.kind in ("numeric", "datetime") for column in schema.columns)
        return max(1, min(self.n_bins, n_rows // self.bin_rows, MAX_BINS // max(1, n_numbers)))

    def _training(self) -> LikelihoodTraining:
        named = {f.name for f in fields(LikelihoodTraining)}
        return LikelihoodTraining(**{k: v for k, v in self.params().items() if k in named})

    def _require(self) -> _Fitted:
        if self._fitted is None:
            raise TabveilError("this autoregressive model is not fitted: call fit or load first")
        return self._fitted
