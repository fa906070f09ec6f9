"""Drawn numbers keep the grid and the decimals of a column."""

from __future__ import annotations

import numpy as np

from tabveil.data.grain import Grain


def test_prices_in_steps_of_five_cents_come_back_in_such_steps() -> None:
    rng = np.random.default_rng(0)
    prices = np.round(rng.integers(20, 2400, 3000) * 0.05, 2)
    grain = Grain.learn(prices, 2, 5)
    assert grain is not None
    settled = grain.settle(rng.uniform(1, 120, 500))
    assert np.allclose(np.round(settled / 0.05) * 0.05, settled)


def test_numbers_of_which_few_have_decimals_come_back_mostly_whole() -> None:
    rng = np.random.default_rng(0)
    ages = rng.normal(40, 10, 4000).round()
    ages[:200] += 0.5
    ages[200:240] += 0.25
    ages += rng.integers(0, 10**4, 4000)  # so that no value is popular
    grain = Grain.learn(ages, 2, 5)
    assert grain is not None
    settled = grain.settle(rng.uniform(0, 10**4, 5000))
    assert abs(np.mean(settled % 1 == 0) - 0.94) < 0.02


def test_continuous_numbers_are_left_alone() -> None:
    assert Grain.learn(np.random.default_rng(0).normal(size=1000).round(2), 2, 5) is None
    assert Grain.learn(np.random.default_rng(0).normal(size=1000), None, 5) is None


def test_values_that_many_share_are_left_alone_and_equal_ones_stay_equal() -> None:
    rng = np.random.default_rng(0)
    loans = np.concatenate([rng.integers(1, 900, 5000) * 100.0, np.full(30, 12_345.0)])
    grain = Grain.learn(loans, 0, 5)
    assert grain is not None
    assert grain.step == 100.0
    settled = grain.settle(np.array([12_345.0, 12_340.0, 12_340.0, np.nan]))
    assert settled[0] == 12_345.0
    assert settled[1] == settled[2] == 12_300.0
    assert np.isnan(settled[3])
