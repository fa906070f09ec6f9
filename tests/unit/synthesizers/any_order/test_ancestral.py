"""Are rows drawn from the network's own distribution, with and without conditions?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from tabveil.synthesizers.any_order.ancestral import Ancestral
from tabveil.synthesizers.any_order.network import AnyOrderNetwork, seen_in

WIDTHS = [3, 2, 5, 4]
ORDER = [0, 1, 2, 3]
N = 40_000


def made(spread: float) -> AnyOrderNetwork:
    torch.manual_seed(3)
    network = AnyOrderNetwork(WIDTHS, 4, 16)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(spread * torch.randn_like(parameter))
    network.start_at([torch.randn(width) for width in WIDTHS])
    return network


@pytest.fixture(scope="module")
def network() -> AnyOrderNetwork:
    """Columns that have a great deal to do with each other."""
    return made(0.7)


@pytest.fixture(scope="module")
def mild() -> AnyOrderNetwork:
    return made(0.3)


def exact(network: AnyOrderNetwork, order: list[int]) -> np.ndarray:
    """The probability of every row where columns are drawn in `order`, shape WIDTHS."""
    rows = np.array(list(itertools.product(*map(range, WIDTHS))))
    inner = torch.from_numpy(rows[:, network.order])
    places = torch.tensor([network.order.index(j) for j in order])
    with torch.no_grad():
        losses = network.losses(inner, seen_in(places)).sum(1)
    return torch.exp(-losses).numpy().reshape(WIDTHS)


def shares(codes: np.ndarray) -> np.ndarray:
    flat = np.ravel_multi_index(tuple(codes.T), WIDTHS)
    return np.bincount(flat, minlength=int(np.prod(WIDTHS))).reshape(WIDTHS) / len(codes)


def furthest(drawn: np.ndarray, wanted: np.ndarray) -> float:
    """In standard errors of a share of N rows, over all rows."""
    error = np.sqrt(np.maximum(wanted, 1 / N) / N)
    return float((np.abs(drawn - wanted) / error).max())


def test_rows_come_as_often_as_the_network_says(network: AnyOrderNetwork) -> None:
    codes = Ancestral(network).draw(N, np.random.default_rng(0))
    assert furthest(shares(codes), exact(network, ORDER)) < 5


def test_a_conditioned_column_comes_first_and_the_others_follow_from_it(
    network: AnyOrderNetwork,
) -> None:
    allowed = {2: np.array([0.0, 0, 1, 0, 0])}
    codes = Ancestral(network).draw(N, np.random.default_rng(0), allowed)
    wanted = exact(network, [2, 0, 1, 3]) * allowed[2].reshape(1, 1, 5, 1)
    assert furthest(shares(codes), wanted / wanted.sum()) < 5


def test_conditions_on_several_columns_give_the_distribution_that_rejection_would(
    network: AnyOrderNetwork,
) -> None:
    allowed = {1: np.array([1.0, 0]), 0: np.array([1.0, 1, 0]), 2: np.array([0.0, 1, 0.5, 0, 1])}
    codes = Ancestral(network).draw(N, np.random.default_rng(0), allowed)
    # Columns of fewest allowed codes come first.
    wanted = exact(network, [1, 0, 2, 3])
    for column, weights in allowed.items():
        shape = [1] * len(WIDTHS)
        shape[column] = -1
        wanted = wanted * weights.reshape(shape)
    assert furthest(shares(codes), wanted / wanted.sum()) < 8  # resampled rows come in copies
    assert set(codes[:, 1]) == {0}
    assert set(codes[:, 2]) <= {1, 2, 4}


def test_the_likelihood_is_the_networks(network: AnyOrderNetwork) -> None:
    rows = np.array(list(itertools.product(*map(range, WIDTHS))))
    found = Ancestral(network).log_likelihood(rows)
    np.testing.assert_allclose(np.exp(found).reshape(WIDTHS), exact(network, ORDER), rtol=1e-3)


def test_an_unknown_level_is_unlikely_and_no_error(network: AnyOrderNetwork) -> None:
    model = Ancestral(network)
    known, unknown = np.array([[0, 0, 0, 0]]), np.array([[-1, 0, 0, 0]])
    assert np.isfinite(model.log_likelihood(unknown)).all()
    assert model.log_likelihood(unknown) < model.log_likelihood(known)


def test_codes_come_at_the_rates_that_are_asked_for(mild: AnyOrderNetwork) -> None:
    rates = [np.arange(1, width + 1) / np.arange(1, width + 1).sum() for width in WIDTHS]
    codes = Ancestral(mild, rates=rates).draw(N, np.random.default_rng(1))
    for j, wanted in enumerate(rates):
        drawn = np.bincount(codes[:, j], minlength=WIDTHS[j]) / N
        np.testing.assert_allclose(drawn, wanted, atol=0.015)


def test_a_low_temperature_draws_what_is_likely_more_often(network: AnyOrderNetwork) -> None:
    rng = np.random.default_rng(0)
    cold, warm = (shares(Ancestral(network, t).draw(N, rng)) for t in (0.3, 1.0))
    assert cold.max() > warm.max()
