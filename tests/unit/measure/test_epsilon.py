"""Does a one-run audit certify what is there, and no more?"""

from __future__ import annotations

import numpy as np
import pytest

from tabveil.measure.epsilon import MOST, audit_epsilon, lower_bound


def audit(members, others, seed=0):
    return audit_epsilon(
        members=np.asarray(members, float),
        others=np.asarray(others, float),
        rng=np.random.default_rng(seed),
    )


def test_nothing_is_certified_where_nothing_is() -> None:
    rng = np.random.default_rng(1)
    certified = [audit(rng.normal(size=300), rng.normal(size=300), s).low > 0 for s in range(200)]
    assert np.mean(certified) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_equal_scores_certify_nothing_whatever_their_order() -> None:
    assert audit(np.zeros(500), np.zeros(500)).low == 0


def test_a_tenth_of_sure_guesses_among_noise_is_certified() -> None:
    rng = np.random.default_rng(2)
    members = np.where(np.arange(5000) < 500, 10 + rng.random(5000), rng.normal(size=5000))
    found = audit(members, rng.normal(size=5000))
    assert 2 < found.low <= found.value <= found.high <= MOST


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0])
def test_randomised_response_is_never_certified_above_its_own_epsilon(epsilon: float) -> None:
    """Each target tells the truth with chance e^ε / (1 + e^ε): exactly ε-private."""
    rng = np.random.default_rng(3)
    honest = np.exp(epsilon) / (1 + np.exp(epsilon))
    above, near = 0, 0
    for seed in range(100):
        members, others = rng.random(1000) < honest, rng.random(1000) >= honest
        low = audit(members, others, seed).low
        above += low > epsilon
        near += low > 0.5 * epsilon
    assert above <= 5 + 3 * np.sqrt(100 * 0.05 * 0.95)
    assert near > 50


def test_unequal_sides_are_made_equal() -> None:
    rng = np.random.default_rng(4)
    found = audit(rng.normal(size=5000), rng.normal(size=100))
    assert found.n_guesses <= 100
    assert found.low == 0


@pytest.mark.parametrize("n", [5, 6, 20])
def test_few_targets_give_a_wide_interval(n: int) -> None:
    found = audit(np.ones(n), np.zeros(n))
    assert 0 <= found.low <= found.value < found.high <= MOST


def test_the_bound_grows_with_the_number_of_right_guesses() -> None:
    bounds = [lower_bound(right, 100) for right in (0, 50, 60, 80, 100)]
    assert bounds[:2] == [0, 0]
    assert bounds[2] < bounds[3] < bounds[4] < MOST
