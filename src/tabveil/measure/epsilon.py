"""How large must the ε of differential privacy be at least, given how well members were guessed?

A one-run audit (Steinke, Nasr & Jagielski 2023, arXiv:2305.08846): each target was in or out of
the training table by an independent fair coin; the attacker calls the targets that look most like
members "in", those that look least like them "out", and abstains on the rest. If the model were
ε-differentially private, each guess would be right with chance at most e^ε / (1 + e^ε), whatever
the others are, so that the number of right guesses is at most binomial. The ε at which it becomes
implausible is a lower bound of the true one.

How many guesses of either kind to make is chosen on one half of the targets and the bound is taken
on the other: choosing and reporting on the same ones would certify noise. Ties are broken at
random; a stable sort with the members first once "certified" an ε of 6.5 on a safe table.

Where membership was not drawn by coins (an audit of a table with given splits) the bound holds
for a model of how the splits came about, not as a theorem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

MOST = 20.0
"""The largest ε ever stated: 1 wrong in 485 million, beyond any number of targets."""
_N_CHOICES = 25
_MIN_GUESSES = 4


@dataclass(frozen=True)
class Epsilon:
    """A point estimate of the guesses' log-odds, its one- and two-sided bounds.

    Attributes:
        value: log-odds of a guess being right, half a guess added to either side; at least 0.
        low: the audited ε: a 95 % lower bound; 0 where nothing is certified.
        high: an upper bound of the log-odds of *these* guesses; no promise about ε.
        n_guesses, n_right: in the half that is reported.
    """

    value: float
    low: float
    high: float
    n_guesses: int
    n_right: int


def audit_epsilon(
    *, members: NDArray[np.float64], others: NDArray[np.float64], rng: np.random.Generator
) -> Epsilon:
    """Audit with as many members as others, the surplus of the larger side drawn away.

    Args:
        members: shape (m,), scores of the members, high for "member".
        others: shape (n,), scores of the non-members.
        rng: draws the equal numbers and the halves, breaks ties.
    """
    n = min(len(members), len(others))
    scores = np.concatenate([rng.permutation(members)[:n], rng.permutation(others)[:n]])
    truth = np.arange(2 * n) < n
    mixed = rng.permutation(2 * n)
    chosen, reported = mixed[:n], mixed[n:]
    n_in, n_out = _best_numbers(*_right(scores[chosen], truth[chosen], rng))
    is_in, is_out = _right(scores[reported], truth[reported], rng)
    n_guesses = n_in + n_out
    n_right = int(is_in[:n_in].sum() + is_out[:n_out].sum())
    low = lower_bound(n_right, n_guesses)
    value = float(np.log((n_right + 0.5) / (n_guesses - n_right + 0.5)))
    value = max(0.0, low, value)
    most = float(stats.beta.ppf(0.975, n_right + 1, max(n_guesses - n_right, 0.5)))
    high = min(MOST, max(float(np.log(most / (1 - most))), value + 1e-6))
    return Epsilon(min(value, high), min(low, value), high, n_guesses, n_right)


def lower_bound(n_right: int, n_guesses: int) -> float:
    """The largest ε that so many right guesses exclude at 95 %, from 0 on.

    >>> lower_bound(50, 100)
    0.0
    >>> round(lower_bound(500, 500), 2)
    5.11
    """
    if n_right == 0:
        return 0.0
    least = float(stats.beta.ppf(0.05, n_right, n_guesses - n_right + 1))
    return float(np.clip(np.log(least / (1 - least)), 0.0, MOST)) if least > 0 else 0.0


def _right(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether "in" is right, highest score first, and "out", lowest first; both shape (n,)."""
    order = np.lexsort((rng.random(len(scores)), scores))
    return truth[order[::-1]], ~truth[order]


def _best_numbers(is_in: NDArray[np.bool_], is_out: NDArray[np.bool_]) -> tuple[int, int]:
    """How many to call in and how many out, of a few numbers each, to certify most."""
    n = len(is_in)
    sizes = np.unique([0, *np.geomspace(min(_MIN_GUESSES, n), n // 2, _N_CHOICES).astype(int)])
    right = [np.concatenate([[0], np.cumsum(one)])[sizes] for one in (is_in, is_out)]
    n_right = right[0][:, None] + right[1][None, :]
    n_guesses = sizes[:, None] + sizes[None, :]
    wrong = n_guesses - n_right
    with np.errstate(invalid="ignore"):
        least = np.where(n_right > 0, stats.beta.ppf(0.05, n_right, wrong + 1), 0.0)
    best = np.unravel_index(int(np.argmax(np.where(n_guesses > 0, least, -1.0))), least.shape)
    return int(sizes[best[0]]), int(sizes[best[1]])
