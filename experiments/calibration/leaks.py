"""Tables that leak in known ways, made of rows that leak nothing.

copies, copies_10: 1 %, 10 % of the rows are training rows.
outlier_copies: the same, of the decile farthest from the reference.
near_1, near_2: 1 %, 2 % are training rows with noise on their numbers, 2 % of their spread.
disguised_1: 1 % are training rows that were rounded, shifted or had a cell changed.
all_near: every row is a training row with that noise.
noise: every row is a training row, each number moved by 10 % of its column's spread, each level
drawn anew with a chance of 10 %.
displaced: 10 % are training rows with three cells drawn anew.
filter: of twice as many fresh rows, the half that lies farthest from any training row: "privacy" by
a similarity filter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tabveil.contracts import EvalInput, Limits
from tabveil.data.schema import Schema
from tabveil.measure.distance import nearest
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.lineup import lineup_of
from tabveil.measure.near_copies import disguised, moved
from tabveil.seeding import child_rng

SHARES = {
    "copies": 0.01,
    "copies_10": 0.1,
    "outlier_copies": 0.01,
    "near_1": 0.01,
    "near_2": 0.02,
    "disguised_1": 0.01,
    "displaced": 0.1,
}
NOISE = 0.1


def leaking(scenario: str, data: EvalInput, fresh: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The fresh rows of `data`, made to leak; `fresh` holds more of them where there are more."""
    rng = child_rng(seed, scenario)
    if scenario == "none":
        return data.synthetic
    if scenario == "all_near":
        return moved(data.train, data.schema, rng)
    if scenario == "noise":
        return noisy(data.train, data.schema, rng)
    if scenario == "filter":
        return filtered(fresh, data)
    rows = data.train
    if scenario == "outlier_copies":
        lineup = lineup_of(replace(data, limits=Limits(None, None, "cpu")))
        rows = lineup.targets.frame[lineup.is_member & lineup.is_outlier]
    elif scenario in ("near_1", "near_2"):
        rows = moved(rows, data.schema, rng)
    elif scenario == "disguised_1":
        rows = disguised(rows, data.schema, rng)
    elif scenario == "displaced":
        rows = displaced(rows, data.schema, rng)
    n = round(SHARES[scenario] * len(data.synthetic))
    return plant(data.synthetic, rows, n, seed=seed, name=scenario)


def plant(
    synthetic: pd.DataFrame, rows: pd.DataFrame, n: int, *, seed: int, name: str
) -> pd.DataFrame:
    """The table with `n` of its rows, drawn at random, replaced by as many of `rows`."""
    rng = child_rng(seed, "plant", name)
    keep = np.sort(rng.permutation(len(synthetic))[n:])
    put = np.sort(rng.choice(len(rows), size=n, replace=False))
    return pd.concat([synthetic.iloc[keep], rows.iloc[put][synthetic.columns]], ignore_index=True)


def displaced(rows: pd.DataFrame, schema: Schema, rng: np.random.Generator) -> pd.DataFrame:
    """Every row with three of its cells drawn anew from their columns."""
    made = rows.copy()
    where = rng.random((len(rows), len(schema.names))).argsort(axis=1) < 3
    for i, name in enumerate(schema.names):
        others = rows[name].iloc[rng.permutation(len(rows))].set_axis(rows.index)
        made[name] = rows[name].where(~where[:, i], others)
    return made


def noisy(train: pd.DataFrame, schema: Schema, rng: np.random.Generator) -> pd.DataFrame:
    """Every training row, displaced in every column; whole numbers stay whole."""
    rows = train.copy()
    for name in schema.names:
        values = rows[name]
        if schema[name].kind == "numeric":
            whole = bool((values.dropna() % 1 == 0).all())
            moved = values + rng.normal(size=len(rows)) * NOISE * values.std()
            rows[name] = moved.round() if whole else moved
        else:
            drawn = values.sample(frac=1, random_state=int(rng.integers(2**31))).to_numpy()
            rows[name] = values.where(rng.random(len(rows)) >= NOISE, drawn)
    return rows


def filtered(fresh: pd.DataFrame, data: EvalInput) -> pd.DataFrame:
    """Of the fresh rows, the half that lies farthest from any training row."""
    encoder = DistanceEncoder.fit(data.reference, data.schema)
    queries, train = encoder.transform(fresh), encoder.transform(data.train)
    away = nearest(queries, train, device="cpu").distance[:, 0]
    kept = np.argsort(-away, kind="stable")[: len(fresh) // 2]
    return fresh.iloc[np.sort(kept)].reset_index(drop=True)
