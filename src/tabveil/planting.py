"""Which tables leak as much as is known, and which leak nothing?

They are made from the tables of an audit: training rows are planted in the synthetic one, or the
roles are dealt anew. What attacks then find is in `controls.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from tabveil.contracts import EvalInput
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.lineup import lineup_of
from tabveil.seeding import child_rng

PLANTED = ("copies_1pct", "outliers_1pct", "copies_10pct")
OUTLIERS_AMONG = 10_000
"""Training rows among which the outlying ones are looked for."""
FEWEST_FRESH = 200
"""Rows in half of the reference, below which it cannot stand for a synthetic table."""


def planted(
    data: EvalInput, names: Collection[str] = PLANTED
) -> Iterator[tuple[str, str, int, pd.DataFrame]]:
    """Name, words, number of planted rows and table, for each of the leaks that can be planted.

    Rows come from all of `train`, as a generator's would, whoever is asked about; but not those
    that are nobody's own, since they are in a table that leaks nothing, too.
    """
    own = _own(data)
    what = "training rows" if len(own) == len(data.train) else "training rows that are not common"
    for name in (one for one in PLANTED if one in names):
        share = 0.10 if name == "copies_10pct" else 0.01
        is_outlying = name == "outliers_1pct"
        rows = _outliers(data) if is_outlying else own
        kind = "outlying training rows" if is_outlying else what
        n = min(max(1, round(share * len(data.synthetic))), len(rows))
        words = f"{n} of {len(data.synthetic)} rows replaced by {kind}"
        if n:
            yield name, words, n, plant(data.synthetic, rows, n, seed=data.seed, name=name)


def _own(data: EvalInput) -> pd.DataFrame:
    """The rows of `train` that are neither shared with another table nor as common as such rows."""
    keys = DistanceEncoder.fit(data.reference, data.schema).transform(data.train).row_keys()
    return data.train[~np.isin(keys, lineup_of(data).keys.shared)]


def _outliers(data: EvalInput) -> pd.DataFrame:
    """Of all of `train`: taken from those asked about, too many of them would be asked about."""
    limits = replace(data.limits, max_targets=OUTLIERS_AMONG)
    lineup = lineup_of(replace(data, membership=None, limits=limits))
    return lineup.targets.frame[lineup.is_member & lineup.is_outlier]


def plant(
    synthetic: pd.DataFrame, rows: pd.DataFrame, n: int, *, seed: int, name: str
) -> pd.DataFrame:
    """The table with `n` of its rows, drawn at random, replaced by as many of `rows`."""
    rng = child_rng(seed, "plant", name)
    keep = np.sort(rng.permutation(len(synthetic))[n:])
    put = np.sort(rng.choice(len(rows), size=n, replace=False))
    return pd.concat([synthetic.iloc[keep], rows.iloc[put][synthetic.columns]], ignore_index=True)


def null(data: EvalInput) -> tuple[str, str, EvalInput]:
    """Name, words and an input in which nothing leaks."""
    rng = child_rng(data.seed, "null")
    half = len(data.reference) // 2
    if half >= FEWEST_FRESH:
        order = rng.permutation(len(data.reference))
        first, second = (
            data.reference.iloc[np.sort(part)].reset_index(drop=True)
            for part in (order[:half], order[half:])
        )
        words = f"{half} fresh real rows in place of the synthetic table"
        return "fresh", words, replace(data, synthetic=first, reference=second)
    words = "train and control shuffled"
    if data.membership:
        is_member = rng.permutation(data.membership.is_member)
        shuffled = replace(data.membership, is_member=is_member, in_pool=is_member)
        return "permuted", words, replace(data, membership=shuffled)
    both = pd.concat([data.train, data.control[data.train.columns]], ignore_index=True)
    order = rng.permutation(len(both))
    train, control = (
        both.iloc[np.sort(part)].reset_index(drop=True)
        for part in (order[: len(data.train)], order[len(data.train) :])
    )
    return "permuted", words, replace(data, train=train, control=control)
