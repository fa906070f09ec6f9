"""Do the columns hang together as they do in the real table: all pairs, on common bins?

SDMetrics' pair score looks at the strongly related pairs only and bins each table by itself, so
that one outlier moves it; and a plain two-way comparison is kind to independent marginals. Here
the bins come from `control` for both tables, every pair counts, and the headline asks for the
dependence alone, which independent marginals have none of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Direction, EvalInput, Score
from tabveil.data.schema import Schema
from tabveil.errors import EvaluationError
from tabveil.measure.rows import draw_rows

Array = NDArray[np.float64]


class Pairs:
    """All-pairs association and two-way total variation, synthetic against `control`."""

    name: ClassVar[str] = "pairs"
    direction: ClassVar[Direction] = "maximize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(self, *, n_bins: int = 10, max_rows: int = 20_000) -> None:
        """Store the settings.

        Args:
            n_bins: quantile bins of a numeric column, most common levels of a categorical one.
            max_rows: rows taken of each table.
        """
        self.n_bins = n_bins
        self.max_rows = max_rows

    @staticmethod
    def applies(schema: Schema) -> bool:
        """Whether there is a pair of columns."""
        return len(schema.modelled().columns) >= 2

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Give `association` (headline) and `tv`, both 1 for a perfect table.

        Raises EvaluationError when a table has too few rows or a single column.
        """
        if not self.applies(data.schema):
            raise EvaluationError("pairs needs two columns; the schema models fewer")
        control, synthetic = (
            draw_rows(table, data.schema, self.max_rows, seed=data.seed, name=name)
            for name, table in (("control", data.control), ("synthetic", data.synthetic))
        )
        bins = {name: _Bins.fit(control[name], self.n_bins) for name in control.columns}
        starts = np.cumsum([0, *(one.n for one in bins.values())][:-1])
        real, fake = (_Joint.of(table, bins, starts) for table in (control, synthetic))
        tv = _pairs(np.abs(real.rates - fake.rates), starts) / 2
        errors = _pairs(np.abs(real.dependence - fake.dependence), starts) / 2
        return [
            Score("association", association(real=real, synthetic=fake)),
            Score("tv", 1 - float(tv.mean()), detail={"worst": _worst(errors, list(bins))}),
        ]


@dataclass(frozen=True)
class _Bins:
    """One column's bins, learnt from the real table.

    The last bin holds missing values; of a categorical column the one before it holds all
    levels that are not among the most common.
    """

    cuts: Array | None
    levels: pd.Index[Any] | None

    @classmethod
    def fit(cls, values: pd.Series[Any], n_bins: int) -> _Bins:
        present = values.dropna()
        if values.dtype == object:
            counts = present.value_counts()
            ordered = sorted(counts.index, key=lambda level: (-counts[level], level))
            return cls(cuts=None, levels=pd.Index(ordered[:n_bins], dtype=object))
        inner = np.linspace(0, 1, n_bins + 1)[1:-1]
        cuts = np.unique(np.quantile(present, inner)) if len(present) else np.zeros(0)
        return cls(cuts=cuts, levels=None)

    @property
    def n(self) -> int:
        """Number of bins."""
        return 2 + len(self.levels if self.cuts is None else self.cuts)  # type: ignore[arg-type]

    def codes(self, values: pd.Series[Any]) -> NDArray[np.int64]:
        """Bin of each value, shape (n,)."""
        if self.cuts is not None:
            found = np.searchsorted(self.cuts, values.to_numpy())
        else:
            assert self.levels is not None
            known = self.levels.get_indexer(pd.Index(values))
            found = np.where(known < 0, len(self.levels), known)
        return np.where(values.isna().to_numpy(), self.n - 1, found)


@dataclass(frozen=True)
class _Joint:
    """How often the bins of all columns meet: one square matrix, a block per pair of columns.

    Attributes:
        rates: shape (n_all_bins, n_all_bins), share of rows in both bins.
        dependence: same shape, `rates` minus the product of the marginals: 0 for independent.
        spread: shape (n_all_bins,), p(1 - p) of each bin.
        starts: shape (n_columns,), first bin of each column.
        n_rows: rows counted.
    """

    rates: Array
    dependence: Array
    spread: Array
    starts: NDArray[np.int64]
    n_rows: int

    @classmethod
    def of(
        cls, table: pd.DataFrame, bins: Mapping[str, _Bins], starts: NDArray[np.int64]
    ) -> _Joint:
        n_all = sum(one.n for one in bins.values())
        hits = np.zeros((len(table), n_all), dtype=np.float32)  # counts are exact to 2**24
        for (name, one), start in zip(bins.items(), starts, strict=True):
            hits[np.arange(len(table)), start + one.codes(table[name])] = 1
        rates = (hits.T @ hits).astype(np.float64) / len(table)
        share = np.diag(rates)
        return cls(rates, rates - np.outer(share, share), share * (1 - share), starts, len(table))

    def noise(self) -> Array:
        """Variance of each cell of `dependence` by sampling alone, were the columns independent."""
        return np.outer(self.spread, self.spread) / self.n_rows


def association(*, real: _Joint, synthetic: _Joint) -> float:
    """The share of the real table's dependence that the synthetic one reproduces.

    A pair's dependence is the total variation between its joint table and the product of its
    marginals; a pair's error is the total variation between the two tables' departures from
    independence, so that a reversed relation is an error too. With squares summed over all pairs,
    what sampling alone would give taken off (E|z| = sqrt(2/pi) of a normal's spread):

        1 - sum of errors² / sum of dependences² of whichever table has more

    Returns:
        In [0, 1]. About 0: independent columns, or relations that are not there. About 1: as good
        as fresh real rows. 1 as well when neither table shows any dependence.
    """
    both = real.noise() + synthetic.noise()
    error = _squares(real.dependence - synthetic.dependence, both, real.starts)
    strength = max(_squares(one.dependence, one.noise(), one.starts) for one in (real, synthetic))
    if strength <= 0:
        return 1.0
    return float(np.clip(1 - error / strength, 0, 1))


def _squares(difference: Array, variance: Array, starts: NDArray[np.int64]) -> float:
    """Sum over pairs of squared total variation, less that of noise of this variance."""
    seen = _pairs(np.abs(difference), starts) / 2
    expected = _pairs(np.sqrt(2 / np.pi * variance), starts) / 2
    return float((seen**2 - expected**2).sum())


def _pairs(cells: Array, starts: NDArray[np.int64]) -> Array:
    """Sum the cells of each pair's block, shape (n_pairs,), by rows of the upper triangle."""
    blocks = np.add.reduceat(np.add.reduceat(cells, starts, axis=0), starts, axis=1)
    return np.asarray(blocks[np.triu_indices(len(starts), k=1)])


def _worst(errors: Array, names: list[str], n: int = 10) -> list[dict[str, Any]]:
    """The pairs whose dependence is farthest off, for a report."""
    first, second = np.triu_indices(len(names), k=1)
    return [
        {"columns": [names[first[i]], names[second[i]]], "error": float(errors[i])}
        for i in np.argsort(-errors, kind="stable")[:n]
    ]
