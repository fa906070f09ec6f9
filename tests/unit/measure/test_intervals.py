"""Are the intervals right where the answer is known, and honest at the edges?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tabveil.errors import DataError
from tabveil.measure.intervals import auc, difference_of_proportions, proportion, tpr_at_fpr


def test_auc_counts_ties_one_half() -> None:
    found = auc(members=np.array([3.0, 2.0]), others=np.array([1.0, 2.0]))
    assert found.value == 3.5 / 4


def test_auc_variance_is_delongs_by_its_definition() -> None:
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 9, 40) + 1.0, rng.integers(0, 9, 30) * 1.0
    wins = (members[:, None] > others) + 0.5 * (members[:, None] == others)
    by_pairs = wins.mean(1).var(ddof=1) / 40 + wins.mean(0).var(ddof=1) / 30
    found = auc(members=members, others=others)
    assert found.value == pytest.approx(wins.mean())
    assert found.se == pytest.approx(np.sqrt(by_pairs), rel=0.05)
    assert found.se >= np.sqrt(by_pairs) - 1e-12


@pytest.mark.parametrize(("separation", "value"), [(9.0, 1.0), (-9.0, 0.0), (0.0, 0.5)])
def test_a_perfect_or_empty_separation_of_few_rows_is_not_certain(
    separation: float, value: float
) -> None:
    rows = np.zeros(20)
    found = auc(members=rows + separation, others=rows)
    assert found.value == value
    assert found.low <= value <= found.high
    assert found.high - found.low == pytest.approx(0.168 if value != 0.5 else 0.456, abs=1e-3)
    assert found.se > 0.03


def test_clopper_pearson_known_answers() -> None:
    assert proportion(0, 20) == pytest.approx((0, 0.16843), abs=1e-5)
    assert proportion(20, 20) == pytest.approx((0.83157, 1), abs=1e-5)
    assert proportion(81, 263) == pytest.approx((0.2527, 0.3676), abs=1e-4)  # Newcombe 1998


@given(n=st.integers(1, 200), share=st.floats(0, 1))
@settings(max_examples=50)
def test_the_fractional_interval_agrees_with_the_exact_one(n: int, share: float) -> None:
    successes = round(share * n)
    exact = proportion(successes, n)
    assert exact == pytest.approx(
        proportion(successes + 1e-9 * (1 - 2 * share), n + 1e-9), abs=1e-3
    )


def test_newcombe_known_answers() -> None:
    found = difference_of_proportions(members=56, n_members=70, others=48, n_others=80)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    none = difference_of_proportions(members=0, n_members=10, others=0, n_others=20)
    assert none.value == 0
    assert none.low < 0 < none.high
    assert none.se > 0


def test_the_rate_at_a_threshold_that_passes_one_in_a_hundred() -> None:
    others = np.arange(999.0)  # the 10th largest of 999 is 989: mean false-positive rate 10/1000
    members = np.array([989.0 + 0.5] * 30 + [988.5] * 70)
    found = tpr_at_fpr(members=members, others=others, fpr=0.01, rng=np.random.default_rng(0))
    assert found.fpr == 0.01
    assert found.tpr.value == 0.3
    assert found.tpr.low < 0.3 < found.tpr.high


def test_with_few_non_members_the_reached_rate_is_told() -> None:
    rows = np.arange(49.0)
    found = tpr_at_fpr(members=rows, others=rows, fpr=0.01, rng=np.random.default_rng(0))
    assert found.fpr == pytest.approx(1 / 50)


def test_ties_do_not_make_members_of_everybody() -> None:
    rng = np.random.default_rng(0)
    rates = [
        tpr_at_fpr(members=np.zeros(300), others=np.zeros(300), fpr=0.01, rng=rng).tpr.value
        for _ in range(200)
    ]
    assert np.mean(rates) == pytest.approx(3 / 301, abs=0.002)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_intervals_cover_the_truth(shift: float) -> None:
    rng = np.random.default_rng(1)
    n, n_repeats = 400, 400
    true_auc, threshold = stats.norm.cdf(shift / np.sqrt(2)), stats.norm.isf(4 / 401)
    true_tpr = stats.norm.sf(threshold - shift)
    covered = np.zeros(2)
    for _ in range(n_repeats):
        sides = {"members": rng.normal(shift, 1, n), "others": rng.normal(0, 1, n)}
        area, rate = auc(**sides), tpr_at_fpr(**sides, fpr=0.01, rng=rng).tpr
        covered += [area.low <= true_auc <= area.high, rate.low <= true_tpr <= rate.high]
    assert (covered / n_repeats > 0.925).all()


def test_the_risk_bound_of_a_null_is_above_zero_in_about_one_of_twenty() -> None:
    rng = np.random.default_rng(2)
    shown = np.zeros(2)
    for _ in range(400):
        sides = {"members": rng.normal(size=500), "others": rng.normal(size=300)}
        area, rate = auc(**sides), tpr_at_fpr(**sides, fpr=0.01, rng=rng)
        shown += [
            area.value - 0.5 > 1.645 * area.se,
            rate.tpr.value - rate.fpr > 1.645 * rate.tpr.se,
        ]
    assert (shown / 400 < 0.08).all()
    assert shown[0] / 400 > 0.02


@pytest.mark.parametrize("members", [np.array([1.0]), np.array([1.0, np.nan])])
def test_what_gives_no_interval_is_refused(members: np.ndarray) -> None:
    with pytest.raises(DataError):
        auc(members=members, others=np.array([1.0, 2.0]))
    with pytest.raises(DataError):
        proportion(3, 2)
