"""Total variation between a small source and what is drawn, of each column of levels."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tabveil.contracts import Synthesizer
from tabveil.data.pooling import Pooling
from tabveil.data.schema import infer_schema
from tabveil.synthesizers.pooled import Pooled

CONF = Path(__file__).parents[3] / "conf"
SYNTHESIZERS = pytest.mark.parametrize("synthesizer", ["marginals", "ctgan", "tvae"])
POOLINGS = pytest.mark.parametrize("pooling", ["rare", "none"])


def departments() -> pd.DataFrame:
    """1,000 rows, 40 departments of about 25 rows each."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "department": [f"D{i:02d}" for i in rng.integers(0, 40, 1000)],
            "site": [f"S{i}" for i in rng.integers(0, 12, 1000)],
            "age": rng.integers(18, 90, 1000),
        }
    )


def patients() -> pd.DataFrame:
    """286 rows with the counts of a table of breast cancers; columns know nothing of each other."""
    counts: dict[str, dict[str | None, int]] = {
        "recurs": {"no": 201, "yes": 85},
        "age": {"20-29": 1, "30-39": 36, "40-49": 90, "50-59": 96, "60-69": 57, "70-79": 6},
        "menopause": {"ge40": 129, "lt40": 7, "premeno": 150},
        "tumor": dict(
            zip([f"{i}-{i + 4}" for i in range(0, 55, 5)], TUMORS, strict=True),
        ),
        "nodes": {"0-2": 213, "3-5": 36, "6-8": 17, "9-11": 10, "12-14": 3, "15-17": 6, "24-26": 1},
        "caps": {"no": 222, "yes": 56, None: 8},
        "quadrant": {"central": 21, "ll": 110, "lu": 97, "rl": 24, "ru": 33, None: 1},
    }
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            name: rng.permutation(
                np.repeat(np.array(list(held), dtype=object), list(held.values()))
            )
            for name, held in counts.items()
        }
    )


TUMORS = (8, 4, 28, 30, 50, 54, 60, 19, 22, 3, 8)
TABLES = {"departments": departments, "patients": patients}


def configured(path: str) -> Any:
    params = yaml.safe_load((CONF / path).read_text(encoding="utf-8"))
    module, _, name = params.pop("_target_").rpartition(".")
    return getattr(importlib.import_module(module), name)(**params)


@cache
def variations(table_name: str, synthesizer: str, pooling: str) -> dict[str, float]:
    """Column → total variation, as the command `train` splits a table and draws members."""
    table = TABLES[table_name]()
    order, n = np.random.default_rng(0).permutation(len(table)), len(table)
    pool = table.iloc[order[: n // 2]].reset_index(drop=True)
    reference = table.iloc[order[n // 2 : round(0.65 * n)]].reset_index(drop=True)
    schema = infer_schema(table)
    rule = configured(f"pooling/{pooling}.yaml").learn(pool, reference, schema)
    model: Synthesizer = Pooled(configured(f"synthesizer/{synthesizer}.yaml"), rule)
    model.fit(pool.head(round(0.7 * len(pool))), schema, seed=0)
    drawn = model.sample(20_000, seed=1)
    return {name: variation(table[name], drawn[name]) for name in schema.of_kind("categorical")}


def variation(a: pd.Series[Any], b: pd.Series[Any]) -> float:
    shares = [x.value_counts(normalize=True, dropna=False) for x in (a, b)]
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


@POOLINGS
@SYNTHESIZERS
def test_forty_departments_keep_their_shares(synthesizer: str, pooling: str) -> None:
    assert variations("departments", synthesizer, pooling)["department"] <= 0.08


@POOLINGS
@SYNTHESIZERS
def test_each_column_of_286_patients_keeps_its_shares(synthesizer: str, pooling: str) -> None:
    found = variations("patients", synthesizer, pooling)
    assert len(found) == 7
    assert max(found.values()) <= 0.15


def test_towns_of_three_or_four_rows_become_one_label() -> None:
    table = pd.DataFrame({"town": [f"t{i % 286}" for i in range(1000)], "n": [1.5, 2] * 500})
    schema = infer_schema(table)
    pool, reference = table.iloc[::2].reset_index(drop=True), table.iloc[1::2]
    rule = Pooling().learn(pool, reference, schema)
    model = Pooled(configured("synthesizer/marginals.yaml"), rule)
    model.fit(pool, schema, seed=0)
    assert set(model.sample(1000, seed=0)["town"]) == {"other"}
