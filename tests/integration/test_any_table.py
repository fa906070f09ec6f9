"""Does every table that a team may hold go down the whole line, and come back as it was?"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.cli import main
from tabveil.data.schema import infer_schema
from tabveil.data.tables import read_table

REAL = Path(__file__).parents[3] / "shared" / "data"
TABLES = sorted(json.loads((REAL / "sets.json").read_text())) if REAL.is_dir() else []
N = 400
NULLS = 0.03
"""How far the share of missing values may be off; beside it four standard errors of a sample."""


def odd_tables():
    rng = np.random.default_rng(0)
    x = rng.normal(size=N)
    dates = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 9e6, N), unit="s")
    few = pd.DataFrame({"a": range(90), "b": list("xyyzzz") * 15, "c": [0.5, 1.5, 1.5] * 30})
    return {
        "wide": pd.DataFrame({f"v{i}": (x + rng.normal(size=N)).round(2) for i in range(60)}),
        "small": pd.DataFrame({"a": x[:150].round(2), "b": rng.choice(["x", "y"], 150)}),
        "categories": pd.DataFrame({f"c{i}": rng.choice(list("abcd"), N) for i in range(6)}),
        "numbers": pd.DataFrame(
            {"i": rng.poisson(3, N), "f": x * 1e9, "g": rng.exponential(size=N)}
        ),
        "repeats": few.iloc[rng.integers(90, size=N)].reset_index(drop=True),
        "unicode": pd.DataFrame(
            {"größe": x.round(1), "名前": rng.choice(["日本", "中国", "한국"], N), "a b,c": x > 0}
        ),
        "constant": pd.DataFrame({"one": 7, "text": "same", "x": x, "none": np.nan}),
        "missing": pd.DataFrame(
            {
                "i": pd.array(np.where(rng.random(N) < 0.4, None, rng.integers(0, 9, N)), "Int64"),
                "b": pd.array(rng.choice([True, False, None], N), "boolean"),
                "s": pd.Series(rng.choice(["u", "v", None], N), dtype="string"),
                "d": pd.Series(dates).where(rng.random(N) < 0.7),
                "k": pd.Categorical(rng.choice(["low", "high"], N), ["low", "high"]),
            }
        ),
        "levels": pd.DataFrame(
            {"city": [f"c{i}" for i in rng.integers(0, 150, N)], "x": x.round(3)}
        ),
    }


ODD = odd_tables()


def drawn(table, folder, *, synthesizer):
    """Take a Parquet file down the line; return the drawn rows."""
    path = folder / "table.parquet"
    table.to_parquet(path, index=False)
    root, out = folder / "store", folder / "rows.parquet"
    words = ["dataset=csv", f"dataset.path={path}", f"root={root}", *synthesizer]
    quick = ["attack=[copies]", "objective.risk_from=[copies]", "evaluation.synthetic_ratio=1"]
    assert main(["train", *words, *quick, "evaluation.plots=false"]) == 0
    (generator,) = root.rglob("generator")
    assert main(["sample", f"model={generator}", f"n={len(table)}", f"out={out}"]) == 0
    return pd.read_parquet(out)


def check(rows, table):
    """A validator made from the source: columns, dtypes, ranges, categories, missing values."""
    assert [name for name in table if name in set(rows)] == list(rows)
    identifiers = infer_schema(table).of_kind("identifier")
    for name in rows:
        found, source = rows[name], table[name]
        at_random = 4 * np.sqrt(source.isna().mean() * (1 - source.isna().mean()) / len(rows))
        off = abs(found.isna().mean() - source.isna().mean())
        assert off <= NULLS + at_random, f"{name}: {off:.3f} of the missing values"
        present, known = found.dropna(), source.dropna()
        if name in identifiers:  # made up, of the same type
            assert not set(present) & set(known), name
            assert present.dtype == known.dtype, name
            continue
        if not len(known):
            assert not len(present), name
            continue
        if pd.api.types.is_bool_dtype(known) or known.nunique() <= 2:
            assert set(present.astype(str)) <= set(known.astype(str)), name
        elif pd.api.types.is_numeric_dtype(known):
            assert pd.api.types.is_numeric_dtype(present), name
            span = known.max() - known.min()  # bounds are rounded outwards
            assert present.min() >= known.min() - span / 20 - 1, name
            assert present.max() <= known.max() + span / 20 + 1, name
            if (known % 1 == 0).all():
                assert (present % 1 == 0).all(), name
        elif pd.api.types.is_datetime64_any_dtype(known):
            assert pd.api.types.is_datetime64_any_dtype(present), name


@pytest.mark.parametrize("name", ODD)
def test_an_odd_table_comes_back_as_it_was(name, tmp_path):
    rows = drawn(ODD[name], tmp_path, synthesizer=["synthesizer=marginals"])
    check(rows, ODD[name])
    for column in rows:
        texts = ODD[name][column].dropna()
        if texts.dtype == object:
            # Levels that few rows hold come as one that is made up.
            assert set(rows[column].dropna()) <= {*texts, "other"}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES or [pytest.param("", marks=pytest.mark.skip)])
def test_a_real_table_comes_back_as_it_was(name, tmp_path):
    (path,) = REAL.glob(f"{name}.csv.gz")
    table = read_table(path)
    rows = drawn(table, tmp_path, synthesizer=["synthesizer.epochs=2"])
    check(rows, table)
