"""Which mixture of many weak signals tells members from others best, and honestly?

The attacker is given half of the answers, learns from them how to weigh the signals, and is
judged on the other half; then the halves change places. No target is scored by a model that saw
it. That is done for a few divisions into halves and averaged, since one division alone is a
matter of luck.

Two learners, whose log-odds are added. Shallow trees see what is not in proportion: a few copies
at the very top, members known by their absence. A linear model held close to zero adds up many
weak signals that point the same way, which is what trained models leave; trees, one split at a
time, lose those in noise.

Signals enter as ranks (their scales differ between tables), for the trees stretched towards both
ends: they put values into at most 255 bins, so that of plain ranks the last bin would be a whole
0.4 %, far too coarse for a false-positive rate of 0.1 %.

Source: the attack model of Shokri et al. 2017 (arXiv:1610.05820) with the attacker's knowledge of
some members of Houssiau et al. 2022, TAPAS (arXiv:2211.06550).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tabveil.seeding import child_rng, child_seed

LEARNING_RATE, L2 = 0.06, 10.0


@dataclass(frozen=True)
class _Size:
    """How many trees, how deep, with how many rows a leaf at least; how many divisions."""

    n_trees: int
    depth: int
    leaf: int
    n_divisions: int


SMALL, LARGE = _Size(60, 2, 40, 3), _Size(100, 3, 20, 2)
"""What the rows bear. On a few thousand, larger trees cost a trained model's leak .004 of AUC; on
20,000, smaller ones stay below their own best signal where every row leaks a little, and a leaf of
40 is too coarse for the 50 copies that are learnt from."""
MANY = 5_000
"""Rows learnt from, from which on trees are large."""
LINEAR_C = 0.001
"""Inverse of the penalty on the linear weights: with a few thousand targets, a signal must hold
for most of them to count."""
_STRETCH = 20
"""Steps per factor of ten towards either end: about 170 for 10,000 targets, below 255 bins."""


def cross_fit(
    features: NDArray[np.float64], is_member: NDArray[np.bool_], *, seed: int
) -> NDArray[np.float64]:
    """Score every target by a model that learnt from the other half.

    Args:
        features: shape (n, n_features), finite, high for "member".
        is_member: shape (n,); at least two of either kind.
        seed: of the halves.

    Returns:
        Shape (n,), in (0, 1), high for "member": the mean of each target's ranks within its
        halves, so that the models' levels need not agree. Ties stay ties.
    """
    views = _stretched(features), _normal(features)
    scores = [
        _one_division(views, is_member, child_seed(seed, "division", i))
        for i in range(_size(len(is_member) // 2).n_divisions)
    ]
    averaged: NDArray[np.float64] = np.mean(scores, axis=0)
    return averaged


def _one_division(
    views: tuple[NDArray[np.float64], NDArray[np.float64]],
    is_member: NDArray[np.bool_],
    seed: int,
) -> NDArray[np.float64]:
    """Ranks within the halves, shape (n,); `views` are the signals as either learner reads them."""
    half = _halves(is_member, seed)
    scores = np.empty(len(is_member), dtype=np.float64)
    for mine in (False, True):
        learn, judged = half != mine, half == mine
        by_trees, by_weights = (
            learner(view[learn], is_member[learn], view[judged])
            for learner, view in zip((_trees, _linear), views, strict=True)
        )
        scores[judged] = _ranks(by_trees + by_weights)
    return scores


def _halves(is_member: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """Which half each target is in, shape (n,): as many members in either, as many others."""
    rng = child_rng(seed, "combine", "halves")
    half = np.zeros(len(is_member), dtype=bool)
    for kind in (True, False):
        rows = rng.permutation(np.flatnonzero(is_member == kind))
        half[rows[: len(rows) // 2]] = True
    return half


def _trees(
    matrix: NDArray[np.float64], is_member: NDArray[np.bool_], judged: NDArray[np.float64]
) -> NDArray[np.float64]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    size = _size(len(is_member))
    # No weights for unequal sides: they shift all scores alike, and only their order is used.
    model = HistGradientBoostingClassifier(
        max_iter=size.n_trees,
        learning_rate=LEARNING_RATE,
        max_depth=size.depth,
        min_samples_leaf=int(np.clip(len(is_member) // 10, 2, size.leaf)),
        l2_regularization=L2,
        early_stopping=False,
        random_state=0,
    ).fit(matrix, is_member)
    decision: NDArray[np.float64] = model.decision_function(judged)
    return decision


def _linear(
    matrix: NDArray[np.float64], is_member: NDArray[np.bool_], judged: NDArray[np.float64]
) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=LINEAR_C, max_iter=200).fit(matrix, is_member)
    decision: NDArray[np.float64] = model.decision_function(judged)
    return decision


def _size(n_learnt: int) -> _Size:
    return SMALL if n_learnt < MANY else LARGE


def _stretched(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of ranks, in whole steps; shape (n, n_features)."""
    ranks = np.apply_along_axis(_ranks, 0, features)
    steps: NDArray[np.float64] = np.round(_STRETCH * np.log10(ranks / (1 - ranks)))
    return steps


def _normal(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks as the values of a normal distribution, shape (n, n_features)."""
    scores: NDArray[np.float64] = stats.norm.ppf(np.apply_along_axis(_ranks, 0, features))
    return scores


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    ranks: NDArray[np.float64] = (stats.rankdata(values) - 0.5) / len(values)
    return ranks
