"""No drawn row equals a training row, column for column.

What is missing speaks: where rows are few and simple, so that a model would draw most of them by
chance, the ones it never draws are the training rows (experiments/protections).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from tabveil.contracts import Filter, Source, Stage
from tabveil.measure.encode import DistanceEncoder


@dataclass(frozen=True)
class DropCopies:
    """Leave out drawn rows that stand among the training rows."""

    name: ClassVar[str] = "copies"
    stage: ClassVar[Stage] = "rows"
    names_people: ClassVar[bool] = True

    def against(self, source: Source) -> Filter:
        """A filter that compares every column, as the attack by exact copies does."""
        encoder = DistanceEncoder.fit(source.reference, source.schema)
        real = encoder.transform(source.train).row_keys()

        def keep(rows: pd.DataFrame) -> pd.DataFrame:
            return rows[~np.isin(encoder.transform(rows).row_keys(), real)]

        return keep
