"""Does a number survive as mode and scalar, and is nothing kept that is one row's?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tabveil.data.rounding import SHARED_ROWS
from tabveil.synthesizers.engine.modes import WIDEST, Modes, Numbers

Floats = NDArray[np.float64]
PAPER = Numbers()
ATOMS = Numbers(max_atoms=50)
BINS = Numbers(max_atoms=20, rest="bins")
EVERY = pytest.mark.parametrize("numbers", [PAPER, ATOMS, BINS], ids=["paper", "atoms", "bins"])


def back(modes: Modes, values: Floats, seed: int = 0) -> Floats:
    """Values encoded and decoded."""
    return modes.decode(*modes.encode(values, np.random.default_rng(seed)))


def spiked(n: int = 2000) -> Floats:
    """Zeros for most, and a long tail: a capital gain."""
    rng = np.random.default_rng(0)
    return np.where(rng.random(n) < 0.7, 0.0, rng.lognormal(8, 1, n))


def edges_of(modes: Modes) -> Floats:
    """The ends of every bin."""
    means, halves = np.array(modes.means), 4 * np.array(modes.stds)
    return np.unique(np.concatenate([means - halves, means + halves])[np.tile(halves > 0, 2)])


def test_a_column_of_few_values_is_atoms_and_comes_back_exactly() -> None:
    values = np.random.default_rng(0).integers(17, 60, 3000) + 0.1
    modes = Modes.fit(values, ATOMS)
    assert modes.n_wide == 0
    assert set(modes.means) == set(values)
    codes, scalars = modes.encode(values, np.random.default_rng(0))
    assert not scalars.any()
    np.testing.assert_array_equal(modes.decode(codes, scalars), values)
    # Whatever a network says inside an atom, the value stands.
    np.testing.assert_array_equal(modes.decode(codes, np.full(len(codes), 0.7)), values)


@pytest.mark.parametrize("numbers", [ATOMS, BINS], ids=["mixture", "bins"])
def test_a_spike_is_an_atom_beside_modes_of_some_width(numbers: Numbers) -> None:
    values = spiked()
    modes = Modes.fit(values, numbers)
    assert modes.means[-1] == 0.0
    assert modes.stds[-1] == 0.0
    assert modes.n_wide == len(modes.means) - 1 > 1
    assert modes.shares[-1] == pytest.approx((values == 0).mean(), abs=1e-3)
    codes, _ = modes.encode(values, np.random.default_rng(0))
    np.testing.assert_array_equal(codes == len(modes.means) - 1, values == 0)
    assert (back(modes, values)[values == 0] == 0).all()


def test_without_atoms_there_are_gaussian_modes_only_as_in_the_paper() -> None:
    modes = Modes.fit(spiked(), PAPER)
    assert modes.n_wide == len(modes.means) <= 10
    assert sum(modes.shares) == pytest.approx(1, abs=0.005)


@EVERY
def test_what_is_decoded_is_what_was_encoded(numbers: Numbers) -> None:
    values = spiked()
    modes = Modes.fit(values, numbers)
    codes, scalars = modes.encode(values, np.random.default_rng(0))
    assert codes.min() >= 0
    assert codes.max() < len(modes.means)
    assert scalars.dtype == np.float32
    assert np.abs(scalars).max() <= np.float32(WIDEST)
    # Half a bin's width times what clipping and the rounding of its ends may cost; float32 else.
    widths = 4 * np.array(modes.stds)[codes]
    error = np.abs(modes.decode(codes, scalars) - values)
    inside = np.abs(scalars) < 0.98
    assert (error[inside] <= 1e-6 * np.maximum(widths, 1)[inside]).all()
    assert inside.mean() > 0.9
    if numbers.rest == "bins":
        assert (error <= 0.2 * widths).all()


@given(
    st.lists(st.integers(-30, 30), min_size=2, max_size=200).filter(lambda v: len(set(v)) > 1),
    st.sampled_from([1e-20, 0.1, 1.0, 1e20]),
    st.sampled_from([PAPER, ATOMS, BINS]),
)
@settings(max_examples=60)
def test_any_column_comes_back_finite_and_inside_its_own_range(
    whole: list[int], scale: float, numbers: Numbers
) -> None:
    values = np.array(whole) * scale
    modes = Modes.fit(values, numbers)
    assert sum(modes.shares) == pytest.approx(1, abs=0.01)
    decoded = back(modes, values)
    spread = values.max() - values.min()
    assert (np.abs(decoded - values) <= spread).all()


def test_every_value_lies_in_the_bin_it_is_given_and_bins_are_equally_full() -> None:
    values = np.random.default_rng(0).lognormal(3, 1, 4000)
    modes = Modes.fit(values, BINS)
    assert len(modes.means) == BINS.n_bins
    codes, _ = modes.encode(values, np.random.default_rng(0))
    low, high = (np.array(modes.means) + sign * 4 * np.array(modes.stds) for sign in (-1, 1))
    np.testing.assert_allclose(high[:-1], low[1:])
    inner = (values > low[0]) & (values < high[-1])
    slack = 1e-9 * values
    assert (values >= low[codes] - slack)[inner].all()
    assert (values <= high[codes] + slack)[inner].all()
    np.testing.assert_allclose(modes.shares, 1 / BINS.n_bins, rtol=0.35)


def test_no_row_decides_the_mode_of_a_value_in_a_bin() -> None:
    values = np.random.default_rng(0).normal(0, 1, 500)
    modes = Modes.fit(values, BINS)
    one, other = (modes.encode(values, np.random.default_rng(seed))[0] for seed in (0, 1))
    np.testing.assert_array_equal(one, other)


def test_a_mode_is_drawn_by_how_likely_it_made_the_value() -> None:
    modes = Modes((0.0, 2.0), (1.0, 1.0), (0.5, 0.5))
    codes, _ = modes.encode(np.full(20_000, 1.5), np.random.default_rng(0))
    expected = 1 / (1 + np.exp(-(1.5 - 1.0) * 2))  # log odds of two equal Gaussians: distance * gap
    assert codes.mean() == pytest.approx(expected, abs=0.01)
    codes, _ = Modes((0.0, 2.0), (1.0, 1.0), (0.9, 0.1)).encode(
        np.full(20_000, 1.0), np.random.default_rng(0)
    )
    assert codes.mean() == pytest.approx(0.1, abs=0.01)


def test_without_random_numbers_it_is_the_likeliest_mode_that_made_the_value() -> None:
    modes = Modes((0.0, 2.0, 9.0), (1.0, 1.0, 0.0), (0.5, 0.4, 0.1))
    codes, scalars = modes.encode(np.array([-1.0, 0.9, 1.3, 9.0]), None)
    assert codes.tolist() == [0, 0, 1, 2]
    np.testing.assert_allclose(scalars, [-0.25, 0.225, -0.175, 0], rtol=1e-6)


def test_rows_drawn_at_the_shares_have_the_mixtures_spread() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 1, 9500), rng.normal(2, 3, 500)])
    modes = Modes.fit(values, PAPER)
    codes = rng.choice(len(modes.means), 50_000, p=np.array(modes.shares) / sum(modes.shares))
    mixed = rng.normal(np.array(modes.means)[codes], np.array(modes.stds)[codes])
    assert mixed.mean() == pytest.approx(values.mean(), abs=0.1)
    assert mixed.std() == pytest.approx(values.std(), rel=0.15)


def test_shares_are_those_of_the_modes_that_rows_are_given() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 1, 19_000), rng.normal(2, 3, 1000)])
    modes = Modes.fit(values, PAPER)
    codes, _ = modes.encode(values, np.random.default_rng(1))
    given_to = np.bincount(codes, minlength=len(modes.means)) / len(values)
    np.testing.assert_allclose(modes.shares, given_to, atol=4 * np.sqrt(0.1 / len(values)))


@pytest.mark.parametrize("n_rows", range(1, SHARED_ROWS))
def test_a_value_of_too_few_rows_is_never_an_atom(n_rows: int) -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.integers(0, 5, 500).astype(float), np.full(n_rows, 77.7)])
    modes = Modes.fit(values, ATOMS)
    assert 77.7 not in modes.means
    assert modes.n_wide == 0
    # Too few to say anything about: they are told as the nearest atom.
    assert (back(modes, values)[-n_rows:] == 4).all()


def test_a_value_of_enough_rows_is_an_atom() -> None:
    values = np.concatenate([np.repeat(np.arange(5.0), 100), np.full(SHARED_ROWS, 77.7)])
    assert 77.7 in Modes.fit(values, ATOMS).means


def test_among_many_values_only_a_spike_is_an_atom() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 1, 2000), np.full(19, 3.0), np.full(40, 4.0)])
    modes = Modes.fit(values, Numbers(max_atoms=50, min_spike=0.01))
    assert modes.means[modes.n_wide :] == (4.0,)


def test_no_column_has_more_atoms_than_asked_for_though_values_tie() -> None:
    values = np.repeat(np.arange(10.0), 100)
    modes = Modes.fit(values, Numbers(max_atoms=5))
    assert len(modes.means) - modes.n_wide <= 5


@EVERY
@given(st.integers(0, 2**31), st.integers(10, 300))
@settings(max_examples=25)
def test_nothing_kept_is_the_value_of_a_row_on_its_own(numbers: Numbers, seed: int, n: int) -> None:
    """Continuous values: each is one row's, and none may be found in what is kept."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(2, 1, n)
    modes = Modes.fit(values, numbers)
    kept = {*modes.means, *modes.stds, *edges_of(modes).tolist()}
    assert not kept & set(values.tolist())


def test_the_ends_of_the_bins_are_not_the_oldest_and_the_youngest() -> None:
    ages = np.random.default_rng(0).permutation(np.arange(17.0, 118.0))  # each held by one row
    edges = edges_of(Modes.fit(ages, Numbers(max_atoms=10, rest="bins")))
    assert edges[0] != 17
    assert edges[-1] != 117


@EVERY
def test_modes_read_from_json_are_equal(numbers: Numbers) -> None:
    modes = Modes.fit(spiked(), numbers)
    assert Modes.from_dict(json.loads(json.dumps(modes.to_dict()))) == modes


GOOD: dict[str, Any] = {"means": [1, 5], "stds": [0.5, 0], "shares": [0.6, 0.4], "even": False}


@pytest.mark.parametrize(
    "change",
    [
        {"means": [], "stds": [], "shares": []},
        {"means": [1]},
        {"means": None},
        {"means": ["x", 5]},
        {"means": [float("nan"), 5]},
        {"means": [[1], 5]},
        {"stds": [-0.5, 0]},
        {"stds": [float("inf"), 0]},
        {"stds": [0, 0.5]},  # an atom before a mode of some width
        {"shares": [1, 0]},
        {"shares": [1, -1]},
        {"shares": [None, 1]},
        pytest.param({"means": [10**400, 5]}, id="whole number beyond floats"),
        pytest.param({"stds": [1e308, 0]}, id="four deviations beyond floats"),
    ],
)
def test_altered_modes_are_refused(change: dict[str, Any]) -> None:
    Modes.from_dict(GOOD)
    with pytest.raises((ValueError, TypeError, KeyError, OverflowError)):
        Modes.from_dict(GOOD | change)


@pytest.mark.parametrize("key", sorted(GOOD))
def test_modes_with_a_part_missing_are_refused(key: str) -> None:
    with pytest.raises(KeyError):
        Modes.from_dict({name: value for name, value in GOOD.items() if name != key})


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([(-np.inf, np.inf)], [True, True, True]),
        ([(5, 5)], [False, False, True]),
        ([(4, 4.9)], [False, False, False]),
        ([(1.9, 2.5)], [True, False, False]),
        ([(2.9, 3.2)], [True, True, False]),  # the first reaches from -1 to 3
        ([(-9, -1.5), (5, 6)], [False, False, True]),
        ([(3.6, 4)], [False, False, False]),  # the second would reach 3.8, but for the bounds
    ],
    ids=str,
)
def test_a_mode_may_hold_what_lies_within_its_reach_and_the_bounds(
    ranges: list[tuple[float, float]], expected: list[bool]
) -> None:
    modes = Modes((1.0, 3.4, 5.0), (0.5, 0.1, 0.0), (0.5, 0.2, 0.3))
    bounds = (-1.2, 3.5) if ranges[0][0] == 3.6 else (-1.2, 5.0)
    assert modes.may_hold(ranges, bounds).tolist() == expected
