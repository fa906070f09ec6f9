"""Does the combination learn what is there and nothing else?"""

from __future__ import annotations

import numpy as np
import pytest

from tabveil.measure.combine import cross_fit
from tabveil.measure.intervals import auc


def area(features: np.ndarray, is_member: np.ndarray, seed: int = 0) -> float:
    scores = cross_fit(features, is_member, seed=seed)
    return auc(members=scores[is_member], others=scores[~is_member]).value


def noise(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.permutation(np.arange(n) < n // 2)


def test_many_weak_signals_add_up() -> None:
    features, is_member = noise(4000, 12, 0)
    features += 0.2 * is_member[:, None]
    single = auc(members=features[is_member, 0], others=features[~is_member, 0]).value
    assert single < 0.58
    assert area(features, is_member) > single + 0.05


def test_what_gives_members_away_by_their_absence_is_learnt() -> None:
    """A filter keeps synthetic rows away from members: they are nowhere, not somewhere."""
    features, is_member = noise(4000, 3, 1)
    features[is_member, 1] = np.sign(features[is_member, 1]) * (
        0.4 + np.abs(features[is_member, 1])
    )
    assert area(features, is_member) > 0.6


def test_noise_is_not_learnt() -> None:
    areas = [area(*noise(600, 20, seed), seed) for seed in range(30)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.015)
    assert np.std(areas) < 0.04


def test_a_thousandth_at_the_very_top_is_found() -> None:
    features, is_member = noise(8000, 5, 2)
    found = np.flatnonzero(is_member)[:80]
    features[found, 3] = 10 + np.random.default_rng(0).random(80)
    scores = cross_fit(features, is_member, seed=0)
    others_above = np.sort(scores[~is_member])[-8]
    assert (scores[found] > others_above).mean() > 0.9


def test_monotone_changes_of_a_signal_change_nothing() -> None:
    features, is_member = noise(500, 4, 3)
    features[:, 0] += is_member
    scores = cross_fit(features, is_member, seed=7)
    again = cross_fit(np.exp(features), is_member, seed=7)
    np.testing.assert_array_equal(scores, again)


@pytest.mark.parametrize("n", [8, 40, 41])
def test_few_targets_and_constant_signals_are_scored(n: int) -> None:
    is_member = np.arange(n) % 2 == 0
    scores = cross_fit(np.zeros((n, 3)), is_member, seed=0)
    assert scores.shape == (n,)
    assert np.isfinite(scores).all()


def test_unequal_numbers_of_members_and_others_do_not_matter() -> None:
    features, _ = noise(3000, 6, 4)
    is_member = np.arange(3000) < 2500
    assert area(features, is_member) == pytest.approx(0.5, abs=0.05)
    assert area(features + is_member[:, None], is_member) > 0.9
