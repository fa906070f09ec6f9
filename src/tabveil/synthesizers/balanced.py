"""How are rows drawn so that each level of a column has a wanted share?

    shares = {"income": {">50K": 0.5, "<=50K": 0.5}}

Every level's rows are drawn with that level as a condition, so that the other columns follow as the
model knows them, and mixed. Shares are kept in every chunk to within a row, and over all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from tabveil.contracts import Draws, Where
from tabveil.errors import ConfigError
from tabveil.seeding import child_rng, stream_seed
from tabveil.synthesizers.chunks import CHUNK_ROWS, concat

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Balanced:
    """Draws rows of another sampler, at wanted shares of a column's levels.

    Attributes:
        inner: that draws.
        column: whose levels have shares.
        shares: level → share, above 0, together 1; None is the missing level.
    """

    inner: Draws
    column: str
    shares: Mapping[Any, float]

    @classmethod
    def by(cls, inner: Draws, shares: Mapping[str, Mapping[Any, float]]) -> Self:
        """Read column → level → share.

        Raises:
            ConfigError: there is not exactly one column, or shares are not above 0 and together 1.
        """
        if len(shares) != 1:
            raise ConfigError(f"shares={dict(shares)}: name one column and its levels' shares")
        ((column, told),) = shares.items()
        wrong = [level for level, share in told.items() if not share > 0]
        if not told or wrong or abs(sum(told.values()) - 1) > _TOLERANCE:
            raise ConfigError(
                f"shares.{column}: shares must be above 0 and add up to 1; those of "
                f"{list(told)} add up to {sum(told.values()):g}"
            )
        return cls(inner, column, told)

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows. Raises ConditionError for a level that is not there or cannot be met."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size. Raises as `sample`."""
        if where and self.column in where:
            raise ConfigError(f"{self.column!r} has shares and a condition: give it one of them")
        streams = [
            _Stream(self.inner, n, stream_seed(seed, "share", i), {**(where or {}), self.column: v})
            for i, v in enumerate(self.shares)
        ]
        edges = np.cumsum(list(self.shares.values()))
        for i, start in enumerate(range(0, n, CHUNK_ROWS)):
            end = min(n, start + CHUNK_ROWS)
            counts = np.diff(_upto(edges, end) - _upto(edges, start), prepend=0)
            parts = [stream.take(int(k)) for stream, k in zip(streams, counts, strict=True) if k]
            order = child_rng(seed, "mix", i).permutation(end - start)
            mixed = pd.concat(parts, ignore_index=True).iloc[order]
            yield mixed.set_axis(pd.RangeIndex(start, end))


def _upto(edges: np.ndarray[Any, Any], n: int) -> np.ndarray[Any, Any]:
    """Rows of all levels up to each, among the first `n`."""
    rows: np.ndarray[Any, Any] = np.rint(edges * n).astype(int)
    rows[-1] = n
    return rows


class _Stream:
    """Rows of one level, as many at a time as are asked for."""

    def __init__(self, inner: Draws, n: int, seed: int, where: Where) -> None:
        self._frames = inner.iter_sample(n, seed=seed, where=where)
        self._left: pd.DataFrame | None = None

    def take(self, n: int) -> pd.DataFrame:
        parts = [] if self._left is None else [self._left]
        while sum(map(len, parts)) < n:
            parts.append(next(self._frames))
        joined = concat(parts)
        self._left = joined.iloc[n:]
        return joined.iloc[:n]
