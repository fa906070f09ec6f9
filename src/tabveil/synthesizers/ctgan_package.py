"""How does the `ctgan` package's CTGAN become a synthesizer that may be released?

The package trains; this adapter does the rest. `TableCodec` feeds it complete columns and brings
missing values, whole numbers, dates and rounding back. After training only the generator's
weights, the mixtures and the levels' rates are kept: the package's own saved model holds the row
ids of every category, from which training rows can be rebuilt, and is a pickle. The critic stays
in memory for the audit, and is never saved (see `package_critic`).

Sampling is ours, because the package (0.12.1) conditions the wrong column when asked for any but
the first, draws conditions by log frequencies, and normalises each batch by itself. The last
matters most: where all rows of a batch share a condition, batch normalisation subtracts it again
(3 to 5 % of rows met a condition on a rare level that 99 % meet with fixed statistics). So the
statistics are measured once, after training, over conditions drawn at the levels' true rates, and a
row does not depend on those beside it (experiments/batch_norm).

Xu et al., Modeling Tabular Data using Conditional GAN, NeurIPS 2019, arXiv:1907.00503.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
import torch
from ctgan.synthesizers.ctgan import CTGAN, Discriminator, Generator
from safetensors.torch import save

from tabveil.contracts import Critic, OnEpoch, Where
from tabveil.data.codec import TableCodec
from tabveil.data.rounding import level_rates
from tabveil.data.schema import Schema
from tabveil.errors import TabveilError
from tabveil.seeding import child_rng, child_seed, global_state
from tabveil.synthesizers.chunks import concat, draw_chunks, take
from tabveil.synthesizers.conditions import keep_met, parse, wanted_codes
from tabveil.synthesizers.generator import (
    draw_inputs,
    expected_shapes,
    measure_statistics,
    read_weights,
    reorder_levels,
)
from tabveil.synthesizers.loading import read_json, reading, write_json
from tabveil.synthesizers.package_critic import CtganCritic, Modes, noting
from tabveil.synthesizers.params import check_params
from tabveil.synthesizers.scale import FloatScale
from tabveil.synthesizers.spans import Mixture, Spans

_WEIGHTS = "weights.safetensors"
_ENCODER = "encoder.json"


@dataclass(frozen=True)
class _Fitted:
    codec: TableCodec
    spans: Spans
    generator: torch.nn.Module | None
    """None where every column is constant: nothing was left to model."""
    critic: Critic | None = None
    """None there too, and where the generator was loaded: it is never saved."""


@dataclass
class CtganPackage:
    """CTGAN as the package trains it. Parameters, names and defaults are the package's.

    Args:
        embedding_dim: size of the noise vector.
        generator_dim: width of each residual layer of the generator.
        discriminator_dim: width of each layer of the critic.
        generator_lr, discriminator_lr: learning rates of Adam.
        generator_decay, discriminator_decay: weight decays of Adam.
        batch_size: rows a step, even and a multiple of `pac`.
        discriminator_steps: critic updates for each generator update.
        log_frequency: draw training conditions by log frequency instead of frequency.
        verbose: show a progress bar.
        epochs: passes over the training table.
        pac: rows that the critic judges together (PacGAN).
        enable_gpu: train on a GPU where there is one. Sampling is always on the CPU.
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
    verbose: bool = False
    epochs: int = 300
    pac: int = 10
    enable_gpu: bool = True
    _fitted: _Fitted | None = field(default=None, init=False, repr=False)

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Train on `train`, shape (n_train, n_columns), reporting losses after each epoch.

        An exception from `on_epoch` ends the training and is passed on.

        Raises:
            ConfigError: a parameter that cannot work, named.
            DataError: a table that the codec cannot hold.
        """
        check_params(self.params())
        codec = TableCodec.learn(train, schema)
        floats, codes = codec.encode(train)
        if not floats.shape[1] + codes.shape[1]:
            self._fitted = _Fitted(codec, Spans((), ()), None)
            return
        scale = FloatScale.learn(floats)
        columns = {f"float{j}": column for j, column in enumerate(scale.apply(floats).T)}
        columns |= {f"code{j}": column for j, column in enumerate(codes.T)}
        model = _ReportingCTGAN(on_epoch, **self.params())
        # The package would start a process for each core, inside every worker of a sweep.
        with (
            global_state(child_seed(seed, "ctgan_package")),
            joblib.parallel_config(backend="sequential"),
            noting(Discriminator) as made,
        ):
            model.fit(pd.DataFrame(columns), [name for name in columns if name.startswith("code")])
        modes, orders = _modes(model), _level_orders(model)
        spans = Spans(_mixtures(modes, scale), level_rates(codes, codec.n_levels))
        generator = model._generator.cpu()
        reorder_levels(generator, spans, orders)
        rng = child_rng(seed, "ctgan_package", "statistics")
        measure_statistics(generator, spans, self.embedding_dim, rng)
        (network,) = made
        rng = child_rng(seed, "ctgan_package", "critic")
        critic = CtganCritic.of(network, codec, scale, modes, orders, rng)
        self._fitted = _Fitted(codec, spans, generator, critic)

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
        conditions = parse(where, fitted.codec.schema, fitted.codec.levels)
        wanted = fitted.spans.rarest(wanted_codes(conditions, fitted.codec))

        def draw(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
            if fitted.generator is None:
                return fitted.codec.decode(np.empty((n_rows, 0)), np.empty((n_rows, 0), np.int64))
            inputs = draw_inputs(fitted.spans, n_rows, self.embedding_dim, rng, wanted)
            with torch.inference_mode():
                outputs = fitted.generator(inputs).numpy()
            return fitted.codec.decode(*fitted.spans.decode(outputs, rng))

        return take(keep_met(draw_chunks(draw, seed), n, conditions), n)

    def save(self, directory: Path) -> None:
        """Write the generator's weights and what is needed to decode its outputs."""
        fitted = self._require()
        data = {
            "params": self.params(),
            "codec": fitted.codec.to_dict(),
            "spans": fitted.spans.to_dict(),
        }
        write_json(directory / _ENCODER, data)
        weights = fitted.generator.state_dict() if fitted.generator else {}
        (directory / _WEIGHTS).write_bytes(save({k: v.contiguous() for k, v in weights.items()}))

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote into the package's generator class.

        Raises ArtifactError when a file is missing, cut short, or does not fit the other.
        """
        path = directory / _ENCODER
        data = read_json(path)
        with reading(path):
            loaded = cls(**data["params"])
            check_params(loaded.params())
            codec = TableCodec.from_dict(data["codec"])
            spans = Spans.from_dict(data["spans"])
            if len(spans.mixtures) != len(codec.float_names):
                raise ValueError("as many mixtures as float columns are needed")
            if [len(rates) for rates in spans.rates] != codec.n_levels:
                raise ValueError("as many rates as levels are needed")
        noise, widths = loaded.embedding_dim, list(loaded.generator_dim)
        weights = read_weights(directory / _WEIGHTS, expected_shapes(noise, widths, spans))
        generator = None
        if weights:
            generator = Generator(noise + spans.n_conditions, widths, spans.n_outputs)
            generator.load_state_dict(weights)
            generator.eval()
        loaded._fitted = _Fitted(codec, spans, generator)
        return loaded

    def params(self) -> dict[str, Any]:
        """The parameters by the package's names."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in named.items()}

    def _require(self) -> _Fitted:
        if self._fitted is None:
            raise TabveilError("this ctgan_package is not fitted: call fit or load first")
        return self._fitted


class _ReportingCTGAN(CTGAN):  # type: ignore[misc]
    """The package's class, with each epoch's losses passed on as they are stored.

    `fit` offers no callback, but assigns `self.loss_values`, a frame that grows by one row after
    each epoch: a setter on that name is the one place to hear of it without copying `fit`.
    """

    def __init__(self, on_epoch: OnEpoch | None, **params: Any) -> None:
        self._on_epoch = on_epoch
        super().__init__(**params)

    @property
    def loss_values(self) -> pd.DataFrame | None:
        """Losses so far, one row an epoch."""
        return self._loss_values

    @loss_values.setter
    def loss_values(self, losses: pd.DataFrame | None) -> None:
        self._loss_values = losses
        if self._on_epoch is not None and losses is not None and len(losses):
            last = losses.iloc[-1]
            values = {
                "generator": float(last["Generator Loss"]),
                "discriminator": float(last["Discriminator Loss"]),
            }
            self._on_epoch(len(losses), values)


def _modes(model: CTGAN) -> list[Modes]:
    """The modes that the package fitted to each float column, as it was scaled."""
    infos = [i for i in model._transformer._column_transform_info_list if _is_float(i)]
    fits = [info.transform for info in infos]
    return [Modes(fit._bgm_transformer, fit.valid_component_indicator) for fit in fits]


def _mixtures(modes: list[Modes], scale: FloatScale) -> tuple[Mixture, ...]:
    """The modes of each float column in the column's own units, rounded."""
    found = [column.means_and_stds() for column in modes]
    return tuple(
        Mixture.rounded(means * factor + center, stds * factor)
        for (means, stds), center, factor in zip(found, scale.centers, scale.scales, strict=True)
    )


def _level_orders(model: CTGAN) -> list[list[int]]:
    """For each code column, the codes in the order of the package's one-hot encoder."""
    infos = model._transformer._column_transform_info_list
    return [[int(code) for code in i.transform.dummies] for i in infos if not _is_float(i)]


def _is_float(info: Any) -> bool:
    return bool(info.column_type == "continuous")
