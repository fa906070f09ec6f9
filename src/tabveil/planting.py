"""Which tables leak as much as is known, and which leak nothing?

They are made from the tables of an audit: training rows, or near-copies of them, are planted in the
synthetic one, or the roles are dealt anew. What attacks then find is in `controls.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import EvalInput
from tabveil.measure.lineup import lineup_of
from tabveil.measure.near_copies import disguised, moved
from tabveil.seeding import child_rng

OUTLIERS_AMONG = 10_000
"""Training rows among which the outlying ones are looked for."""
FEWEST_FRESH = 200
"""Rows in half of the reference, below which it cannot stand for a synthetic table."""


@dataclass(frozen=True)
class Kind:
    """What is planted.

    Attributes:
        words: for it.
        percents: of the number of synthetic rows, to which the leak is added; ascending. A larger
            leak is planted only where a smaller one stayed unseen.
        needed: whether the smallest must be seen before it can be said that nothing is there. Of
            the others it is told from which size on they were: in a small table of few columns no
            near-copy is nearer than a stranger, and a policy says what it asks for.
    """

    words: str
    percents: tuple[int, ...]
    needed: bool = False


PLANTED = {
    "copies": Kind("training rows", (1, 10), needed=True),
    "outliers": Kind("outlying training rows", (1,), needed=True),
    "near": Kind("near-copies of training rows", (1, 2, 5, 10)),
    "disguised": Kind("disguised training rows", (1, 2, 5, 10)),
}
"""Near-copies have a little noise on every number; disguised rows are rounded, or shifted, or had a
cell changed (`measure/near_copies.py`)."""


def leak_name(kind: str, percent: int) -> str:
    """What a planted leak is called, in reports and by policies."""
    return f"{kind}_{percent}pct"


def kind_of(name: str) -> str:
    """The kind of a leak called so, of `PLANTED`."""
    return name.partition("_")[0]


def percent_of(name: str) -> int:
    """The size of a leak called so."""
    return int(name.partition("_")[2].removesuffix("pct"))


@dataclass(frozen=True)
class Planted:
    """A leak.

    Attributes:
        name: see `leak_name`.
        words: what is planted, and how much of it.
        rows: to be added to the synthetic ones, shape (n, n_columns).
    """

    name: str
    words: str
    rows: pd.DataFrame


def planted(data: EvalInput, kind: str) -> Iterator[Planted]:
    """Ever larger leaks of one of `PLANTED`; none where there is no row to plant.

    Rows come from all of `train`, as a generator's would, whoever is asked about; but not those
    that are nobody's own, since they are in a table that leaks nothing, too.
    """
    own = _outliers(data) if kind == "outliers" else _own(data)
    words = PLANTED[kind].words
    if kind != "outliers" and len(own) < len(data.train):
        words += " that are not common"
    if kind in ("near", "disguised"):
        change = moved if kind == "near" else disguised
        rng = child_rng(data.seed, "plant", kind)
        changed = change(own, data.schema.modelled(), rng)
        own = changed[_keys(data, changed) != _keys(data, own)]
    order = child_rng(data.seed, "plant", kind, "rows").permutation(len(own))
    before = 0
    for percent in PLANTED[kind].percents:
        n = min(max(1, round(percent / 100 * len(data.synthetic))), len(own))
        if n > before:  # else there are no more rows than were planted
            said = f"{n} {words} beside {len(data.synthetic)} rows"
            yield Planted(leak_name(kind, percent), said, own.iloc[order[:n]])
        before = n


def _own(data: EvalInput) -> pd.DataFrame:
    """The rows of `train` that are neither shared with another table nor as common as such rows."""
    return data.train[~np.isin(_keys(data, data.train), lineup_of(data).keys.shared)]


def _keys(data: EvalInput, table: pd.DataFrame) -> NDArray[np.uint64]:
    return lineup_of(data).encoder.transform(table).row_keys()


def _outliers(data: EvalInput) -> pd.DataFrame:
    """Of all of `train`: taken from those asked about, too many of them would be asked about."""
    limits = replace(data.limits, max_targets=OUTLIERS_AMONG)
    lineup = lineup_of(replace(data, membership=None, limits=limits))
    return lineup.targets.frame[lineup.is_member & lineup.is_outlier]


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
