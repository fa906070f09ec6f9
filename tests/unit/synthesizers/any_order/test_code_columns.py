"""Is a numeric column with gaps one column of codes, and does it come back?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabveil.data.schema import infer_schema
from tabveil.synthesizers.any_order.code_columns import CodeColumns
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.modes import Numbers


def test_codes_come_back_and_missing_is_one_of_them() -> None:
    rng = np.random.default_rng(0)
    n = 500
    table = pd.DataFrame(
        {
            "gappy": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "level": rng.choice(["a", "b", None], n),
            "same": 1,
            "whole": rng.integers(0, 5, n),
        }
    )
    numbers = Numbers(max_atoms=20, rest="bins", n_bins=10)
    encoder, encoded = Encoder.learn(table, infer_schema(table), numbers, min_count=5, seed=0)
    columns = CodeColumns(encoder)
    assert [column.name for column in columns.columns] == ["gappy", "level", "whole"]
    assert columns.widths[1:] == (3, 5)
    joined = columns.join(encoded.codes)
    missing = table["gappy"].isna().to_numpy()
    assert (joined[missing, 0] == columns.widths[0] - 1).all()
    assert (joined[~missing, 0] < columns.widths[0] - 1).all()
    again = columns.join(columns.split(joined.astype(np.int64)))
    np.testing.assert_array_equal(again, joined)
