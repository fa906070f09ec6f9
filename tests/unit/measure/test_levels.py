"""Are cells the same number exactly where they hold the same value?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabveil.data.schema import infer_schema
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.levels import Levels


def test_numbers_are_equal_where_values_are() -> None:
    targets = pd.DataFrame({"n": [1.5, 1.5, np.nan, 99.0], "t": ["a", None, "b", "a"]})
    table = pd.DataFrame({"n": [np.nan, 1.5, 98.0, 99.0, 2.0], "t": ["z", "a", None, None, "b"]})
    reference = pd.DataFrame({"n": [0.0, 1.5, 3.0], "t": ["a", "b", "c"]})
    schema = infer_schema(reference, kinds={"n": "numeric", "t": "categorical"})
    encoder = DistanceEncoder.fit(reference, schema)
    levels = Levels.of(encoder.transform(targets))
    places = levels.of_table(encoder.transform(table))
    same = levels.of_targets[:, :, None] == places[:, None, :]
    for column, equal in zip(("n", "t"), same, strict=True):
        mine, theirs = (f[column].astype(object).fillna("gap") for f in (targets, table))
        assert (equal == (mine.to_numpy()[:, None] == theirs.to_numpy()[None])).all()
    assert (levels.counts(places) == same.sum(axis=2)).all()
