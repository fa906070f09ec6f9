"""What does a leak look like?

The control that every attack must catch: a "synthesizer" that replays training rows. Its tables
are as useful as the training table and as private as publishing it. It holds those rows, so it
is never saved and never released.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from tabveil.contracts import OnEpoch, Where
from tabveil.data.levels import find_levels
from tabveil.data.schema import Schema
from tabveil.errors import ArtifactError, TabveilError
from tabveil.synthesizers.chunks import concat, draw_chunks, take
from tabveil.synthesizers.conditions import keep_met, met, parse

_REFUSAL = "copycat replays real rows: it is a control for attacks and is never saved or released"


@dataclass
class Copycat:
    """Training rows, drawn with replacement."""

    _train: pd.DataFrame | None = field(default=None, init=False, repr=False)
    _schema: Schema | None = field(default=None, init=False, repr=False)

    def fit(
        self, train: pd.DataFrame, schema: Schema, *, seed: int, on_epoch: OnEpoch | None = None
    ) -> None:
        """Keep the training rows. There are no epochs."""
        del seed, on_epoch
        self._train, self._schema = schema.restore(train), schema

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` training rows; see `conditions` for `where`."""
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size."""
        if self._train is None or self._schema is None:
            raise TabveilError("this copycat is not fitted: call fit first")
        names = self._schema.of_kind("categorical", "boolean")
        levels = {name: find_levels(self._train[name]) for name in names}
        conditions = parse(where, self._schema, levels)
        allowed = self._train[met(self._train, conditions)]
        rows = allowed if len(allowed) else self._train  # none: let keep_met say so

        def draw(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
            return rows.iloc[rng.integers(len(rows), size=n_rows)]

        return take(keep_met(draw_chunks(draw, seed), n, conditions), n)

    def save(self, directory: Path) -> None:
        """Refuse: raises ArtifactError, always."""
        del directory
        raise ArtifactError(_REFUSAL)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Refuse: raises ArtifactError, always."""
        del directory
        raise ArtifactError(_REFUSAL)
