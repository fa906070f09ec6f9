"""Independent columns: a table whose columns know nothing of each other.

The baseline below every model: each column is drawn on its own, levels by their rates, numbers
from rounded quantiles. What it scores in a metric is what that metric gives for shapes alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import OnEpoch, Where
from tabveil.data.codec import TableCodec
from tabveil.data.rounding import (
    SHARED_ROWS,
    level_rates,
    on_step,
    outer_bounds,
    step_for,
    to_digits,
)
from tabveil.data.schema import Schema
from tabveil.errors import ConfigError, TabveilError
from tabveil.synthesizers.chunks import concat, draw_chunks, take
from tabveil.synthesizers.conditions import keep_met, parse, wanted_codes
from tabveil.synthesizers.loading import read_json, reading, write_json

_FILE = "marginals.json"
_FEW = 0.04
"""Of the rows of a column of levels: as many may hold values that are too rare to be levels."""


@dataclass(frozen=True)
class Quantiles:
    """The distribution of one float column.

    Attributes:
        spikes: values that many rows share, and `rates`, their shares.
        knots: evenly spaced quantiles of the other rows, ends rounded outwards.
    """

    spikes: tuple[float, ...]
    rates: tuple[float, ...]
    knots: tuple[float, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `dataclasses.asdict`'s data. Raises ValueError, KeyError or TypeError otherwise."""
        parts = [tuple(map(float, data[key])) for key in ("spikes", "rates", "knots")]
        if len(parts[0]) != len(parts[1]) or not np.isfinite(np.concatenate(parts)).all():
            raise ValueError("spikes and rates must be finite, as many of each")
        if len(parts[2]) == 1 or not (parts[0] or parts[2]):
            raise ValueError("a distribution needs spikes or at least two knots")
        return cls(*parts)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw `n` values, shape (n,)."""
        uniform, position = rng.random((n, 2)).T
        spikes: NDArray[np.float64] = np.array(self.spikes)
        edges = np.cumsum(self.rates)
        spike = np.searchsorted(edges, uniform, side="right")
        if not self.knots:
            spike = np.minimum(spike, len(spikes) - 1)  # rounded rates may miss 1 by a little
        is_spike = spike < len(spikes)
        values = np.empty(n)
        values[is_spike] = spikes[spike[is_spike]]
        if self.knots:
            positions = np.linspace(0, 1, len(self.knots))
            values[~is_spike] = np.interp(position[~is_spike], positions, self.knots)
        return values


@dataclass(frozen=True)
class _Fitted:
    codec: TableCodec
    quantiles: tuple[Quantiles, ...]
    rates: tuple[tuple[float, ...], ...]


@dataclass
class Marginals:
    """Independent columns.

    Args:
        n_quantiles: knots kept of a numeric column, at most one for each five rows; a value held
            by more than 1 / n_quantiles of the rows is kept as it is, and any value that five rows
            hold where at most 2 * n_quantiles different ones occur.
    """

    n_quantiles: int = 100
    _fitted: _Fitted | None = field(default=None, init=False, repr=False)

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Learn each column's distribution. Nothing is drawn and there are no epochs."""
        del seed, on_epoch
        if self.n_quantiles < 2:
            raise ConfigError(f"synthesizer.n_quantiles={self.n_quantiles}: at least 2 are needed")
        codec = TableCodec.learn(train, schema)
        floats, codes = codec.encode(train)
        present = _present(codec, codes)
        self._fitted = _Fitted(
            codec,
            tuple(
                _learn(floats[present[name], j], self.n_quantiles)
                for j, name in enumerate(codec.float_names)
            ),
            level_rates(codes, codec.n_levels),
        )

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows; see `conditions` for `where`."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size."""
        fitted = self._require()
        conditions = parse(where, fitted.codec.schema, fitted.codec.levels)
        # The columns are independent, so leaving out the other levels is exact.
        wanted = wanted_codes(conditions, fitted.codec)

        def draw(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
            return _draw(fitted, n_rows, rng, wanted)

        return take(keep_met(draw_chunks(draw, seed), n, conditions), n)

    def save(self, directory: Path) -> None:
        """Write the rates and rounded quantiles as JSON."""
        fitted = self._require()
        data = {
            "n_quantiles": self.n_quantiles,
            "codec": fitted.codec.to_dict(),
            "quantiles": [asdict(quantiles) for quantiles in fitted.quantiles],
            "rates": fitted.rates,
        }
        write_json(directory / _FILE, data)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote. Raises ArtifactError when the file is missing or altered."""
        path = directory / _FILE
        data = read_json(path)
        with reading(path):
            loaded = cls(n_quantiles=int(data["n_quantiles"]))
            codec = TableCodec.from_dict(data["codec"])
            quantiles = tuple(Quantiles.from_dict(entry) for entry in data["quantiles"])
            rates = tuple(tuple(map(float, column)) for column in data["rates"])
            if len(quantiles) != len(codec.float_names):
                raise ValueError("as many quantiles as float columns are needed")
            if [len(column) for column in rates] != codec.n_levels:
                raise ValueError("as many rates as levels are needed")
        loaded._fitted = _Fitted(codec, quantiles, rates)
        return loaded

    def _require(self) -> _Fitted:
        if self._fitted is None:
            raise TabveilError("this marginals synthesizer is not fitted: call fit or load first")
        return self._fitted


def _present(codec: TableCodec, codes: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """For each float column, which rows hold a value of their own, shape (n,)."""
    everywhere = np.ones(len(codes), dtype=bool)
    missing = {name: codes[:, j] == 1 for j, name in enumerate(codec.code_names)}
    return {name: ~missing[name] if name in missing else everywhere for name in codec.float_names}


def _learn(values: NDArray[np.float64], n_quantiles: int) -> Quantiles:
    distinct, counts = np.unique(values, return_counts=True)
    # Of few different values each is a level of its own, as the engine has it.
    is_level = len(distinct) <= 2 * n_quantiles
    least = SHARED_ROWS if is_level else max(len(values) / n_quantiles, SHARED_ROWS)
    is_spike = counts >= least
    if is_level and counts[~is_spike].sum() <= _FEW * len(values) and is_spike.any():
        # The few rows of rarer values join the nearest level: between levels lies nothing.
        nearest = _nearest(distinct[~is_spike], distinct[is_spike])
        counts = counts[is_spike] + np.bincount(
            nearest, weights=counts[~is_spike], minlength=int(is_spike.sum())
        )
        rates = to_digits(counts / len(values))
        return Quantiles(tuple(distinct[is_spike].tolist()), tuple(rates), ())
    rates = to_digits(counts[is_spike] / len(values))
    rest = values[~np.isin(values, distinct[is_spike])]
    knots = _knots(rest, n_quantiles) if len(rest) else ()
    return Quantiles(tuple(distinct[is_spike].tolist()), tuple(rates), knots)


def _nearest(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.int64]:
    """The place of each value's nearest level; `levels` ascend."""
    above = np.searchsorted(levels, values).clip(1, max(1, len(levels) - 1))
    if len(levels) == 1:
        return np.zeros(len(values), dtype=np.int64)
    below = above - 1
    return np.where(values - levels[below] <= levels[above] - values, below, above)


def _knots(values: NDArray[np.float64], n_quantiles: int) -> tuple[float, ...]:
    """Evenly spaced quantiles, rounded to a tenth of the gap around each."""
    n_gaps = max(1, min(n_quantiles, len(values) // SHARED_ROWS))
    knots = np.quantile(values, np.linspace(0, 1, n_gaps + 1))
    knots[0], knots[-1] = outer_bounds(values)
    gaps = (knots[2:] - knots[:-2]) / 2
    inner = [
        on_step(knot, step_for(gap, 10)) if gap > 0 else float(knot)
        for knot, gap in zip(knots[1:-1].tolist(), gaps.tolist(), strict=True)
    ]
    return (float(knots[0]), *inner, float(knots[-1]))


def _draw(
    fitted: _Fitted, n: int, rng: np.random.Generator, wanted: Mapping[int, tuple[int, ...]]
) -> pd.DataFrame:
    floats = [quantiles.draw(n, rng) for quantiles in fitted.quantiles]
    codes = np.empty((n, len(fitted.rates)), dtype=np.int64)
    for j, column in enumerate(fitted.rates):
        allowed = np.array(wanted.get(j, range(len(column))))
        edges = np.cumsum(np.array(column)[allowed])
        drawn = np.searchsorted(edges[:-1], rng.random(n) * edges[-1], side="right")
        codes[:, j] = allowed[drawn]
    return fitted.codec.decode(np.array(floats).reshape(len(floats), n).T, codes)
