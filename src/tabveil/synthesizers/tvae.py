"""How is TVAE, a variational autoencoder of rows, fitted, drawn from, saved and loaded?

Written from the paper (Xu et al., Modeling Tabular Data using Conditional GAN, NeurIPS 2019,
arXiv:1907.00503, section 4.4), on the same encoder, layout and artifact as our CTGAN; see
`engine/autoencoder` for the model. Its parameters have the `ctgan` package's names and meaning, or
are ours, as in `ctgan.Ctgan`.

It reads no condition: rows that a `where` does not allow are rejected. What is saved is the half
that makes rows, and the encoder: levels, modes and rounded rates, no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tabveil.contracts import OnEpoch, Where
from tabveil.data.schema import Schema
from tabveil.errors import TabveilError
from tabveil.seeding import child_seed
from tabveil.synthesizers.chunks import concat, draw_chunks, take
from tabveil.synthesizers.conditions import keep_met, parse
from tabveil.synthesizers.engine.artifact import (
    load_encoder,
    load_network,
    refuse_diverged,
    save_network,
)
from tabveil.synthesizers.engine.autoencoder import Decompressor, Training
from tabveil.synthesizers.engine.autoencoder import train as _train
from tabveil.synthesizers.engine.drawing import Drawing
from tabveil.synthesizers.engine.encoder import Encoder, Scalars
from tabveil.synthesizers.engine.modes import Numbers
from tabveil.synthesizers.loading import reading
from tabveil.synthesizers.params import check_params, least_rows


@dataclass(frozen=True)
class _Fitted:
    drawing: Drawing
    decompressor: Decompressor | None
    """None where every column is constant: nothing was left to model."""


@dataclass
class Tvae:
    """TVAE by tabveil's own engine.

    Args:
        embedding_dim: size of a latent vector.
        compress_dims: width of each hidden layer from a row to its latent vector.
        decompress_dims: width of each hidden layer from a latent vector to a row.
        l2scale: weight decay of Adam.
        batch_size: rows a step; a smaller table is one batch.
        epochs: passes over the training table.
        loss_factor: weight of the reconstruction against the divergence from standard noise.
        enable_gpu: train on a GPU where there is one. Sampling is always on the CPU.
        learning_rate: of Adam.
        max_atoms, min_spike, rest, n_bins: how numbers are said; see `engine.modes.Numbers`.
        averaging: share of the averaged weights kept at each step, in [0, 1); 0: the last ones.
        min_count: training rows that must hold a level for the model to know it; None: as
            `params.least_rows` says.
    """

    embedding_dim: int = 128
    compress_dims: Sequence[int] = (128, 128)
    decompress_dims: Sequence[int] = (128, 128)
    l2scale: float = 1e-5
    batch_size: int = 500
    epochs: int = 300
    loss_factor: float = 2.0
    enable_gpu: bool = True
    learning_rate: float = 1e-3
    max_atoms: int = 0
    min_spike: float = 0.01
    rest: Literal["mixture", "bins"] = "mixture"
    n_bins: int = 20
    averaging: float = 0.0
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
            seed=child_seed(seed, "tvae"),
        )
        drawing = Drawing.of(encoder)
        if not drawing.layout.n_outputs:
            self._fitted = _Fitted(drawing, None)
            return
        gpu = self.enable_gpu and torch.cuda.is_available()
        decompressor = _train(
            encoded,
            drawing.layout,
            self._training(),
            seed=child_seed(seed, "tvae"),
            device=torch.device("cuda" if gpu else "cpu"),
            on_epoch=on_epoch,
        )
        refuse_diverged(decompressor)
        self._fitted = _Fitted(drawing, decompressor.cpu().eval())

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows; see `conditions` for `where`."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size; others are rejected."""
        fitted = self._require()
        codec = fitted.drawing.encoder.codec
        conditions = parse(where, codec.schema, codec.levels)

        def draw(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
            return self._draw(fitted, n_rows, rng)

        return take(keep_met(draw_chunks(draw, seed), n, conditions), n)

    def _draw(self, fitted: _Fitted, n: int, rng: np.random.Generator) -> pd.DataFrame:
        drawing, model = fitted.drawing, fitted.decompressor
        if model is None:
            return drawing.encoder.decode(np.empty((n, 0), np.int64), np.empty((n, 0)))
        latent = rng.standard_normal((n, self.embedding_dim), dtype=np.float32)
        with torch.inference_mode():
            raw = model(torch.from_numpy(latent)).numpy()
            deviations = model.deviations.numpy()
        codes, means = drawing.draw_codes(raw, rng)
        return drawing.encoder.decode(codes, _draw_scalars(means, deviations, rng))

    def save(self, directory: Path) -> None:
        """Write the weights that make rows, and what is needed to decode their outputs."""
        fitted = self._require()
        save_network(directory, self.params(), fitted.drawing.encoder, fitted.decompressor)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises ArtifactError when a file is missing, cut short, or does not fit the other.
        """
        params, encoder = load_encoder(directory)
        with reading(directory):
            loaded = cls(**params)
            check_params(loaded.params())
            drawing = Drawing.of(encoder)
        layout = drawing.layout
        decompressor = None
        if layout.n_outputs:
            decompressor = load_network(
                directory,
                lambda: Decompressor(
                    loaded.embedding_dim, loaded.decompress_dims, layout.n_outputs, layout.n_scalars
                ),
            )
        loaded._fitted = _Fitted(drawing, decompressor)
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
            raise TabveilError("this tvae is not fitted: call fit or load first")
        return self._fitted


def _draw_scalars(
    means: Scalars, deviations: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw from Gaussians around `means`, shape (n, n_scalars), cut off at -1 and 1.

    By inverse CDF, so that what lies beyond an end is not heaped upon it.
    """
    low, high = ndtr((-1 - means) / deviations), ndtr((1 - means) / deviations)
    drawn = means + deviations * ndtri(low + (high - low) * rng.random(means.shape))
    return np.asarray(np.clip(drawn, -1, 1))
