"""Do bounds over several models hold what they promise, for the mean and for the first model?"""

from __future__ import annotations

import numpy as np
import pytest

from tabveil.contracts import Advantage
from tabveil.errors import DataError
from tabveil.measure.over_seeds import OverSeeds, jackknife

N = 4_000


def draw(
    rng: np.random.Generator, *, models: float, rows: float, shared: float, k: int = 3
) -> tuple[OverSeeds, float]:
    """A number whose mean is 0, and the truth of its first model.

    `shared` is the part of the rows' variance that all models feel together.
    """
    own = rng.normal(0, models, k)
    common = rng.normal(0, rows * np.sqrt(shared))
    noise = rng.normal(0, rows * np.sqrt(1 - shared), k)
    return OverSeeds(tuple(own + common + noise), (rows,) * k), float(own[0])


@pytest.mark.parametrize(
    ("models", "rows", "shared"),
    [(0, 0.02, 1), (0, 0.02, 0), (0.02, 0.02, 1), (0.05, 0.02, 0.5), (0.02, 0.005, 1)],
)
def test_an_upper_bound_covers_the_mean_and_the_first_model(
    models: float, rows: float, shared: float
) -> None:
    rng = np.random.default_rng(0)
    drawn = [draw(rng, models=models, rows=rows, shared=shared) for _ in range(N)]
    covered = np.mean([found.upper() >= max(0.0, first) for found, first in drawn])
    assert covered >= 0.945  # of 4,000, two standard errors below .95 are .943
    below = np.mean([found.lower() <= min(0.0, first) for found, first in drawn])
    assert below >= 0.945


def test_the_two_sided_interval_covers_the_mean() -> None:
    rng = np.random.default_rng(1)
    found = [draw(rng, models=0.03, rows=0.02, shared=1)[0].interval() for _ in range(N)]
    assert np.mean([low <= 0 <= high for low, high in found]) >= 0.945


def test_a_leak_is_seldom_shown_where_there_is_none() -> None:
    rng = np.random.default_rng(2)
    shown = [draw(rng, models=0, rows=0.02, shared=1)[0].shown() > 0 for _ in range(N)]
    assert np.mean(shown) <= 0.05
    many = [
        max(draw(rng, models=0, rows=0.02, shared=1)[0].shown(10) for _ in range(10)) > 0
        for _ in range(N // 4)
    ]
    assert np.mean(many) <= 0.06


def test_what_could_be_shown_is_shown_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    truth = OverSeeds((0.0,), (0.02,)).detectable(8, 0.95, 0.8)
    shown = [
        OverSeeds((truth + float(rng.normal(0, 0.02)),), (0.02,)).shown(8) > 0 for _ in range(N)
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.02)


def test_more_models_narrow_what_the_models_add_and_not_what_the_rows_add() -> None:
    few, many = (OverSeeds((0.1, 0.2, 0.3) * n, (0.05,) * 3 * n) for n in (1, 10))
    assert many.margin(0.95) < few.margin(0.95)
    assert many.margin(0.95) > 1.64 * 0.05
    one = OverSeeds((0.1,), (0.05,))
    assert one.upper() == pytest.approx(0.1 + 1.645 * 0.05, abs=1e-4)


def test_a_number_needs_a_model_and_an_error_of_each() -> None:
    for values, ses in (((), ()), ((0.1,), ())):
        with pytest.raises(DataError, match="each model"):
            OverSeeds(values, ses)


def test_the_grouped_jackknife_finds_the_error_of_a_mean() -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(2_000):
        rows = np.array_split(rng.normal(size=500), 5)
        without = [np.concatenate(rows[:j] + rows[j + 1 :]).mean() for j in range(5)]
        found.append(jackknife(without) ** 2)
    assert np.mean(found) == pytest.approx(1 / 500, rel=0.05)
    with pytest.raises(DataError, match="two parts"):
        jackknife([0.5])


def test_upper_bounds_have_an_error_of_their_own_where_intervals_are_lopsided() -> None:
    even, lopsided = (OverSeeds.of([Advantage(0.01, 0.002, above)] * 3) for above in (None, 0.02))
    assert lopsided.upper() - 0.01 == pytest.approx(10 * (even.upper() - 0.01))
    assert lopsided.lower() == even.lower()
    assert lopsided.shown() == even.shown()
    assert lopsided.interval()[0] == even.interval()[0]
    assert lopsided.interval()[1] > even.interval()[1]
