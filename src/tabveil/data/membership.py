"""Which people of the training pool does one trial learn from?

Each trial of a sweep learns from an independent random part of `train`: a coin for every person,
so that a person is a member of some trials and not of others. Two things follow. Those left out
are non-members that differ from the members in nothing but the coin; and each trial is a shadow
model of every other (search/shadows.py), at no extra training.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.prepared import Prepared
from tabveil.data.twins import link, twin_codes
from tabveil.errors import ConfigError
from tabveil.seeding import child_rng

FEWEST = 5
"""People that a trial must have left to learn from."""


def draw_members(prepared: Prepared, rate: float, *, seed: int) -> NDArray[np.bool_]:
    """Toss a coin for each person of `train`.

    Rows of one person share their coin, and so do identical rows: a member's twin among the
    non-members would look like one. (Not where so many rows are identical that a few coins would
    decide everything, and not rows that stand in the reference too, about whom no attack asks.)

    Args:
        prepared: the splits.
        rate: chance of each person to be learnt from, in (0, 1]; 1: everybody is.
        seed: of the coins; the same seed, the same members.

    Returns:
        Shape (n_train,), True for the rows to learn from.

    Raises:
        ConfigError: the rate is not in (0, 1], or leaves hardly anybody.
    """
    if not 0 < rate <= 1:
        raise ConfigError(f"evaluation.train_rate={rate} must be above 0 and at most 1")
    n = len(prepared.train)
    if rate == 1:
        return np.ones(n, dtype=bool)
    hashes, known = (
        np.asarray(pd.util.hash_pandas_object(table, index=False), dtype=np.uint64)
        for table in (prepared.train, prepared.reference)
    )
    group = pd.factorize(prepared.groups["train"])[0]
    unit = link(
        group,
        twin_codes(hashes),
        most_rows=n / 10,
        fewest_units=20,
        common=np.isin(hashes, known),
    ).unit
    drawn = child_rng(seed, "membership").random(int(unit.max()) + 1) < rate
    chosen: NDArray[np.bool_] = drawn[unit]
    if chosen.sum() < FEWEST:
        raise ConfigError(
            f"evaluation.train_rate={rate} leaves {int(chosen.sum())} of {n} training rows to "
            f"learn from; raise it, or bring a larger table"
        )
    return chosen
