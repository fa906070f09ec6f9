"""Does the fast mixture find what a column is made of, and what scikit-learn's finds?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.mixture import BayesianGaussianMixture

from tabveil.synthesizers.engine.mixture import (
    MAX_POINTS,
    N_COMPONENTS,
    fit_mixture,
    weighted_points,
)

Floats = NDArray[np.float64]
N = 1200


def real_looking(name: str, n: int = N) -> Floats:
    """Columns as tables have them."""
    rng = np.random.default_rng(0)
    spike = rng.random(n) < 0.5
    return {
        "normal": rng.normal(0, 1, n),
        "income": rng.lognormal(10, 1, n),
        "two heaps": np.where(rng.random(n) < 0.3, rng.normal(-4, 1, n), rng.normal(5, 2, n)),
        "ages": rng.gamma(9, 4.3, n).round() + 17,
        "hours": np.where(spike, 40, rng.normal(38, 12, n).round()),
        "gains": np.where(rng.random(n) < 0.8, 0, rng.exponential(5000, n)),
        "heavy tails": rng.standard_t(3, n),
        "far from zero": 1e9 + rng.normal(0, 1, n),
    }[name]


def log_likelihood(x: Floats, means: Floats, stds: Floats, shares: Floats) -> float:
    """Mean over `x`, in units of its deviation so that columns compare."""
    weights = np.log(np.maximum(shares, 1e-300))
    each = logsumexp(norm.logpdf(x[:, None], means, stds) + weights, axis=1)
    return float(each.mean() + np.log(x.std()))


def test_well_separated_heaps_are_found_with_their_means_deviations_and_shares() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.normal(0, 1, 2000), rng.normal(30, 0.5, 1000), rng.normal(100, 4, 1000)]
    means, stds, shares = fit_mixture(*weighted_points(np.concatenate(parts)))
    kept = shares > 0.005
    np.testing.assert_allclose(means[kept], [0, 30, 100], atol=0.3)
    # The prior, as scikit-learn's: one row with the whole column's mean and variance.
    whole = np.concatenate(parts)
    expected = [
        np.sqrt((whole.var() + (p.mean() - whole.mean()) ** 2 + len(p) * p.var()) / (1 + len(p)))
        for p in parts
    ]
    np.testing.assert_allclose(stds[kept], expected, rtol=0.02)
    np.testing.assert_allclose(shares[kept], [0.5, 0.25, 0.25], atol=0.005)


@pytest.mark.parametrize(
    "name",
    ["income", "two heaps", "ages", "hours", "gains", "heavy tails", "far from zero"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_data_are_as_likely_as_under_scikit_learns_mixture(name: str) -> None:
    x = real_looking(name)
    theirs = BayesianGaussianMixture(
        n_components=N_COMPONENTS,
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.001,
        random_state=0,
    ).fit(x[:, None])
    expected = log_likelihood(
        x, theirs.means_[:, 0], np.sqrt(theirs.covariances_[:, 0, 0]), theirs.weights_
    )
    assert log_likelihood(x, *fit_mixture(*weighted_points(x))) > expected - 0.01


def test_a_weight_counts_as_so_many_rows() -> None:
    rng = np.random.default_rng(0)
    points = np.sort(rng.normal(0, 1, 40))
    counts = rng.integers(1, 9, 40)
    rows, weights = weighted_points(np.repeat(points, counts))
    np.testing.assert_array_equal(rows, points)
    np.testing.assert_array_equal(weights, counts)
    repeated = np.repeat(points, counts)
    weighted = fit_mixture(points, counts.astype(float))
    assert log_likelihood(repeated, *weighted) == pytest.approx(
        log_likelihood(repeated, *fit_mixture(repeated, np.ones(len(repeated)))), abs=0.02
    )


def test_bins_of_a_large_sample_stand_for_all_of_it() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 6_000), rng.normal(20, 3, 4_000)])
    points, counts = weighted_points(x)
    assert len(points) == MAX_POINTS
    assert counts.sum() == len(x)
    assert points @ counts / len(x) == pytest.approx(x.mean())
    few = fit_mixture(points, counts)
    every = fit_mixture(*np.unique(x, return_counts=True))
    assert log_likelihood(x, *few) == pytest.approx(log_likelihood(x, *every), abs=0.002)
    for found in (few, every):
        means, _, shares = found
        assert shares[means < 10].sum() == pytest.approx(0.6, abs=0.002)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60))
def test_points_are_ascending_and_stand_for_every_row(values: list[int]) -> None:
    points, counts = weighted_points(np.array(values, dtype=float))
    assert (np.diff(points) > 0).all()
    assert counts.sum() == len(values)
    assert points @ counts == pytest.approx(sum(values))


@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=40, unique=True),
    st.sampled_from([1e-30, 1.0, 1e30, 1e140]),
)
@settings(max_examples=60)
def test_any_points_give_finite_modes_in_order_near_the_data(
    whole: list[int], scale: float
) -> None:
    points = np.sort(np.array(whole, dtype=float)) * scale
    means, stds, shares = fit_mixture(points, np.ones(len(points)))
    assert len(means) == len(stds) == len(shares) <= min(N_COMPONENTS, len(points))
    assert (np.diff(means) >= 0).all()
    assert (stds > 0).all()
    assert shares.sum() == pytest.approx(1)
    spread = points[-1] - points[0]
    assert points[0] - spread <= means[0] <= means[-1] <= points[-1] + spread


def test_scale_and_place_of_a_column_do_not_matter() -> None:
    x, counts = weighted_points(real_looking("two heaps"))
    means, stds, shares = fit_mixture(x, counts)
    far = fit_mixture(1e6 + 1e3 * x, counts)
    np.testing.assert_allclose(far[0], 1e6 + 1e3 * means, rtol=1e-6)
    np.testing.assert_allclose(far[1], 1e3 * stds, rtol=1e-4)
    np.testing.assert_allclose(far[2], shares, atol=1e-5)


def test_two_distinct_points_shared_by_many_become_two_narrow_modes() -> None:
    means, stds, shares = fit_mixture(np.array([3.0, 7.0]), np.array([400.0, 600.0]))
    np.testing.assert_allclose(means, [3, 7], atol=0.02)
    np.testing.assert_allclose(shares, [0.4, 0.6], atol=0.001)
    assert (stds < 0.3).all()


def test_a_column_of_numbers_too_small_to_square_has_modes() -> None:
    _, stds, _ = fit_mixture(np.array([1e-170, 2e-170, 3e-170]), np.ones(3))
    assert (stds > 0).all()
