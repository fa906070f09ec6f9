"""No drawn row lies where hardly any people are.

Far from everybody else a drawn row points at whoever is nearest. The border is learnt from
`reference`, whom the model never saw, so that it says nothing about the training rows. It moves the
problem: the rows just inside are the outliers now (the "privacy onion", Carlini et al. 2022,
arXiv:2206.10469).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from tabveil.contracts import Filter, Source, Stage
from tabveil.errors import ConfigError
from tabveil.measure.distance import nearest
from tabveil.measure.encode import DistanceEncoder
from tabveil.seeding import child_rng

_MOST = 5_000
"""Reference rows that are searched: the border hardly moves with more."""


@dataclass(frozen=True)
class SuppressOutliers:
    """Leave out drawn rows that are farther from people than all but a share of these are.

    Args:
        share: of the reference rows that lie beyond the border, in (0, 0.5).
        k: the distance to the k-th nearest reference row counts.
    """

    name: ClassVar[str] = "outliers"
    stage: ClassVar[Stage] = "rows"
    names_people: ClassVar[bool] = False
    share: float = 0.01
    k: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.share < 0.5 or self.k < 1:
            raise ConfigError(
                f"protection.outliers: share={self.share} must lie in (0, 0.5), k={self.k} be at "
                f"least 1"
            )

    def against(self, source: Source) -> Filter:
        """A filter by distance to the reference. Raises ConfigError if that has too few rows."""
        if len(source.reference) <= self.k:
            raise ConfigError(
                f"protection.outliers: {len(source.reference)} reference rows are too few for "
                f"k={self.k}"
            )
        encoder = DistanceEncoder.fit(source.reference, source.schema)
        order = child_rng(0, "outliers").permutation(len(source.reference))[:_MOST]
        people = encoder.transform(source.reference.iloc[order])
        # The nearest of all is the row itself.
        among = nearest(people, people, k=self.k + 1).distance[:, -1]
        border = float(np.quantile(among, 1 - self.share))

        def keep(rows: pd.DataFrame) -> pd.DataFrame:
            if not len(rows):
                return rows
            away = nearest(encoder.transform(rows), people, k=self.k).distance[:, -1]
            return rows[away <= border]

        return keep
