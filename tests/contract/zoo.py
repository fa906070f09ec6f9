"""Which tables must every part of the house survive?

`tables()` gives small tables, one for each trap: dtypes, gaps, odd names, odd sizes. A contract
test holds each synthesizer, metric and attack to its contract over all of them:

    from zoo import ZOO, schema_of
    @pytest.mark.parametrize("name", ZOO)
    def test_…(name): table = ZOO[name]()
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tabveil.data.schema import Schema, infer_schema

N = 67
"""Rows of a table; a prime, so that an array of this length in an artifact is no coincidence."""


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _pick(values: list[object], n: int = N) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array[_rng().integers(len(values), size=n)]


def mixed() -> pd.DataFrame:
    """A bit of every kind, with negatives and an index that does not start at 0."""
    rng = _rng()
    return pd.DataFrame(
        {
            "balance": rng.normal(0, 1000, N).round(2),
            "visits": rng.poisson(3, N),
            "weight": rng.lognormal(4, 0.2, N),
            "health": _pick(["good", "fair", "poor"]),
            "smoker": rng.random(N) < 0.3,
            "since": pd.to_datetime("2020-02-27") + pd.to_timedelta(rng.integers(0, 900, N), "D"),
        },
        index=pd.RangeIndex(100, 100 + N),
    )


def missing_values() -> pd.DataFrame:
    """A gap in every kind of column."""
    table = mixed()
    gaps = {name: _rng().permutation(N)[: 5 + i] for i, name in enumerate(table)}
    table["smoker"] = table["smoker"].astype(object)
    table["visits"] = table["visits"].astype(float)
    for name, rows in gaps.items():
        table.loc[table.index[rows], name] = None
    return table


def all_missing() -> pd.DataFrame:
    """Whole columns without a value beside one that has some."""
    return pd.DataFrame(
        {
            "number": np.full(N, np.nan),
            "text": pd.Series([None] * N, dtype=object),
            "date": pd.Series([pd.NaT] * N, dtype="datetime64[ns]"),
            "level": _pick(["a", "b"]),
        }
    )


def constants() -> pd.DataFrame:
    """Columns of one value, and of one value and gaps."""
    return pd.DataFrame(
        {
            "whole": np.full(N, 3),
            "decimal": np.full(N, -2.5),
            "text": ["only"] * N,
            "flag": [True] * N,
            "date": [pd.Timestamp("2021-03-04")] * N,
            "sometimes": np.where(_rng().random(N) < 0.5, 1.5, np.nan),
        }
    )


def awkward_names() -> pd.DataFrame:
    """Column names that code likes to trip over."""
    rng = _rng()
    table = pd.DataFrame({"": rng.normal(0, 1, N)})
    for i, name in enumerate(["größe 身長", "a.b/c", "x y\t'\"", "code0", "float0", "0", "(rare)"]):
        table[name] = _pick(["u", "v"]) if i % 2 else rng.normal(i, 1, N)
    return table


def awkward_levels() -> pd.DataFrame:
    """Texts that look like numbers, gaps or truth values."""
    return pd.DataFrame(
        {
            "digits": _pick(["1", "02", "1.0"]),
            "gaps": _pick(["nan", "None", "", None]),
            "truths": _pick(["true", "False", "(rare)"]),
            "unicode": _pick(["ä", "日本", "🙂 'q\" \\ \n", " pad "]),
        }
    )


def nullable_dtypes() -> pd.DataFrame:
    """Pandas' own dtypes, with gaps."""
    rng = _rng()
    gap = rng.random(N) < 0.2
    return pd.DataFrame(
        {
            "Int64": pd.array(rng.integers(-5, 50, N), dtype="Int64"),
            "UInt8": pd.array(rng.integers(200, 256, N), dtype="UInt8"),
            "Float64": pd.array(rng.normal(0, 1, N), dtype="Float64"),
            "boolean": pd.array(rng.random(N) < 0.5, dtype="boolean"),
            "string": pd.array(_pick(["a", "b", "c"]), dtype="string"),
            "category": pd.Categorical(_pick(["x", "y"]), categories=["x", "y", "unused"]),
        }
    ).mask(pd.Series(gap))


def number_ranges() -> pd.DataFrame:
    """Numbers near the ends of what their dtype holds, tiny, huge and far from zero."""
    rng = _rng()
    return pd.DataFrame(
        {
            "uint8": rng.integers(0, 256, N).astype("uint8"),
            "int8": rng.integers(-128, 128, N).astype("int8"),
            "int64": rng.choice(rng.integers(2**62, 2**63 - 1, N // 2), N),  # unique: a key
            "float32": rng.normal(0, 1, N).astype("float32"),
            "tiny": rng.random(N) * 1e-9,
            "huge": rng.random(N) * 1e30,
            "far": 1e9 + rng.random(N),
            "heavy": np.where(rng.random(N) < 0.8, 0, rng.integers(1, 100_000, N)),
        }
    )


def datetimes() -> pd.DataFrame:
    """Dates by the day, by the second, with a zone, in other units, before 1970."""
    rng = _rng()
    seconds = pd.to_timedelta(rng.integers(0, 10**8, N), "s")
    days = pd.to_timedelta(rng.integers(0, 3000, N), "D")
    return pd.DataFrame(
        {
            "day": pd.Timestamp("2019-01-01") + days,
            "second": pd.Timestamp("2019-01-01") + seconds,
            "zone": (pd.Timestamp("2019-01-01") + seconds.floor("h"))
            .tz_localize("UTC")
            .tz_convert("Europe/Berlin"),
            "micro": pd.Series(pd.Timestamp("1930-01-01") + days).astype("datetime64[us]"),
            "whole": pd.Series(pd.Timestamp("1700-01-01") + days).astype("datetime64[s]"),
        }
    )


def all_categorical() -> pd.DataFrame:
    """No number at all."""
    return pd.DataFrame({f"c{i}": _pick(list("abcdef"[: i + 2])) for i in range(4)})


def all_numeric() -> pd.DataFrame:
    """No category at all."""
    return pd.DataFrame({f"n{i}": _rng().normal(i, i + 1, N) for i in range(3)})


def one_column() -> pd.DataFrame:
    """A single column."""
    return pd.DataFrame({"level": _pick(["a", "b", "c"])})


def duplicates() -> pd.DataFrame:
    """Few different rows, many times each."""
    return pd.DataFrame({"a": [1.5, -2.0] * 33, "b": ["x", "y"] * 33})


def two_rows() -> pd.DataFrame:
    """Fewer rows than anything wants."""
    return mixed().iloc[:2]


def one_row() -> pd.DataFrame:
    """A single row: every column is constant."""
    return mixed().iloc[:1]


ZOO: dict[str, Callable[[], pd.DataFrame]] = {
    make.__name__: make
    for make in (
        mixed,
        missing_values,
        all_missing,
        constants,
        awkward_names,
        awkward_levels,
        nullable_dtypes,
        number_ranges,
        datetimes,
        all_categorical,
        all_numeric,
        one_column,
        duplicates,
        two_rows,
        one_row,
    )
}
"""Name -> the function that makes the table anew."""


def schema_of(table: pd.DataFrame) -> Schema:
    """The inferred schema; every column of the zoo is modelled."""
    schema = infer_schema(table)
    assert schema.modelled() == schema, "a table of the zoo has an identifier"
    return schema
