"""Are members and others told apart without looking at the synthetic table at all?

The attacker learns from half of the targets' own values who is a member, and guesses the other
half. Where `train` and `control` are random parts of one population, that cannot work. Where it
does, they differ by themselves (in time, place or sampling), and no membership attack on a
synthetic table can be told from this one.

References:
    Das, Zhang, Tramèr 2024, Blind Baselines Beat Membership Inference Attacks for Foundation
    Models (arXiv:2406.16201).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Score
from tabveil.measure.combine import cross_fit
from tabveil.measure.lineup import Lineup
from tabveil.measure.verdict import judge
from tabveil.seeding import child_seed

NAME = "blind"


def guess_blindly(lineup: Lineup) -> list[Score]:
    """The scores of `measure.verdict.judge` for a guess from the targets' own values."""
    encoded = lineup.targets.encoded
    levels = [_by_frequency(codes) for codes in encoded.codes.T]
    features = np.column_stack([encoded.ranks, encoded.missing, *levels]).astype(np.float64)
    seed = child_seed(lineup.seed, NAME)
    guess = cross_fit(features, lineup.is_member, seed=seed)
    return judge(lineup, guess, name=NAME, cross_fitted=True)


def _by_frequency(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Levels numbered from the rarest on, ties by the code, shape (n,): an order for trees."""
    _, position, counts = np.unique(codes, return_inverse=True, return_counts=True)
    place = np.empty(len(counts), dtype=np.float64)
    place[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    return place[position]
