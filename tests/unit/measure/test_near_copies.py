"""Near-copies are near, keep their dtypes and decimals, and come of any table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import Schema, infer_schema
from tabveil.measure.near_copies import NOISE, disguised, moved

N = 400


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2020-02-01") + pd.to_timedelta(rng.integers(0, 2000, N), "D")
    return pd.DataFrame(
        {
            "income": np.exp(rng.normal(9, 1, N)).round(2),
            "age": rng.integers(18, 90, N),
            "visits": pd.array(rng.integers(0, 300, N), dtype="Int64"),
            "since": days.as_unit("us"),
            "seen": days.tz_localize("Europe/Berlin"),
            "town": rng.choice(list("abc"), N),
            "member": rng.random(N) < 0.5,
        }
    )


def schema_of(rows: pd.DataFrame) -> Schema:
    return infer_schema(rows, kinds={"income": "numeric", "age": "numeric", "visits": "numeric"})


def test_noise_moves_every_number_a_little_and_no_level() -> None:
    rows = table()
    made = moved(rows, schema_of(rows), np.random.default_rng(1))
    assert made.dtypes.equals(rows.dtypes)
    for name in ("income", "age", "visits"):
        by = (made[name].astype(float) - rows[name].astype(float)) / rows[name].astype(float).std()
        assert 0 < by.std() < 2 * NOISE
    assert (made["income"].round(2) == made["income"]).all()
    for name in ("since", "seen"):
        assert pd.Timedelta(0) < (made[name] - rows[name]).abs().max() <= pd.Timedelta(days=20)
    pd.testing.assert_frame_equal(made[["town", "member"]], rows[["town", "member"]])


def test_each_row_has_one_disguise_at_its_place() -> None:
    rows = table()
    made = disguised(rows, schema_of(rows), np.random.default_rng(1))
    assert made.dtypes.equals(rows.dtypes)
    assert made.index.equals(rows.index)
    unlike = (made.astype(str) != rows.astype(str)).sum(axis=1)
    assert 0.2 < (unlike <= 1).mean() < 0.5  # one cell changed, at most
    assert ((made["age"] - rows["age"]).abs() <= 1).mean() > 0.8


@pytest.mark.parametrize("change", [moved, disguised])
@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([pd.NA] * 5, dtype="Int64"),
        pd.Series([np.nan] * 5),
        pd.Series([7] * 5),
        pd.Series([2**62, 2**62 + 1, 3, 4, 5]),
        pd.Series([1.5, np.nan, 1e140, -3.0, 0.0]),
        pd.Series(["2020-01-01"] * 4 + ["9999-12-31"], dtype="datetime64[us]"),
        pd.Series([pd.NaT, pd.Timestamp.max, *pd.to_datetime(["2020-01-01"] * 3)]),
        pd.Series([pd.NaT] * 5, dtype="datetime64[ns]"),
        pd.Series([True, False] * 2 + [True]),
    ],
    ids=["gaps", "nan", "constant", "long", "huge", "year 9999", "last", "no date", "truth"],
)
def test_odd_columns_keep_their_dtype_and_range(change, cells: pd.Series) -> None:
    rows = pd.DataFrame({"x": cells, "town": list("abcab")})
    kind = "datetime" if str(cells.dtype).startswith("datetime") else None
    schema = infer_schema(rows, kinds={"x": kind} if kind else None)
    made = change(rows, schema, np.random.default_rng(0))
    assert made["x"].dtype == cells.dtype
    assert made["x"].isna().equals(cells.isna())
    known = made["x"].dropna()
    if len(known):
        assert cells.min() <= known.min()
        assert known.max() <= cells.max()


def test_one_row_is_disguised_too() -> None:
    rows = table().head(1)
    for change in (moved, disguised):
        assert len(change(rows, schema_of(table()), np.random.default_rng(0))) == 1
