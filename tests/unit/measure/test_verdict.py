"""Does a signal get the scores it deserves, with intervals that cover?"""

from __future__ import annotations

import json

import numpy as np
import pytest

from tabveil.contracts import Score
from tabveil.measure.verdict import CROSS_FITTED, judge_among, roc

TRUTH = {
    "auc": 0.5,
    "tpr_at_1pct_fpr": 0.01,
    "tpr_at_01pct_fpr": 0.001,
    "partial_auc": 0.5,
    "epsilon": 0.0,
}


def judged(shift: float, n: int = 1000, seed: int = 0, *, cross_fitted: bool = False):
    rng = np.random.default_rng(seed)
    is_member = np.arange(2 * n) < n
    signal = rng.normal(size=2 * n) + shift * is_member
    scores = judge_among(
        signal,
        is_member=is_member,
        is_outlier=rng.random(2 * n) < 0.1,
        rng=rng,
        cross_fitted=cross_fitted,
    )
    return {score.name: score for score in scores}


def test_every_measure_is_given_for_all_targets_and_for_the_outliers() -> None:
    assert list(judged(0)) == [*TRUTH, *(f"{name}_outliers" for name in TRUTH)]


def test_a_signal_that_separates_is_seen_by_every_measure() -> None:
    for name, score in judged(4, n=3000).items():
        assert score.value > TRUTH[name.removesuffix("_outliers")], name
        if name != "tpr_at_01pct_fpr_outliers":  # 300 others cannot tell a rate of 0.1 %
            assert score.low > TRUTH[name.removesuffix("_outliers")] or score.low == 0, name


def test_of_chance_the_intervals_cover_the_truth_as_often_as_they_say() -> None:
    hits: dict[str, list[bool]] = {}
    for seed in range(150):
        for name, score in judged(0, n=400, seed=seed).items():
            truth = TRUTH[name.removesuffix("_outliers")]
            hits.setdefault(name, []).append(score.low <= truth <= score.high)
    assert min(np.mean(one) for one in hits.values()) > 0.89  # 0.95 less three standard errors


@pytest.mark.parametrize(("n", "far"), [(4999, set()), (5000, {"tpr_at_01pct_fpr"})])
def test_the_components_of_the_risk_are_tails_bulk_and_outliers(n: int, far: set[str]) -> None:
    with_advantage = {name for name, score in judged(1, n=n).items() if score.advantage}
    assert with_advantage == {"auc", "tpr_at_1pct_fpr", "auc_outliers"} | far


def test_cross_fitted_signals_get_wider_intervals() -> None:
    plain, fitted = judged(0.2, n=2000)["auc"], judged(0.2, n=2000, cross_fitted=True)["auc"]
    assert fitted.value == plain.value
    assert fitted.advantage.se == pytest.approx(CROSS_FITTED * plain.advantage.se, rel=0.01)


def test_of_a_handful_of_outliers_nothing_is_said_and_nothing_excluded() -> None:
    is_member = np.arange(100) < 50
    scores = judge_among(
        is_member.astype(float),
        is_member=is_member,
        is_outlier=np.arange(100) < 3,
        rng=np.random.default_rng(0),
    )
    found: dict[str, Score] = {score.name: score for score in scores}
    assert found["auc"].value == 1
    assert (found["auc_outliers"].low, found["auc_outliers"].high) == (0, 1)
    assert found["auc_outliers"].advantage.se == 1


def test_ties_are_no_leak() -> None:
    is_member = np.arange(400) < 200
    scores = judge_among(
        np.zeros(400), is_member=is_member, is_outlier=is_member, rng=np.random.default_rng(1)
    )
    for score in scores:
        assert score.low <= TRUTH[score.name.removesuffix("_outliers")] <= score.high
        assert score.low < score.high
        if score.advantage:
            assert score.advantage.value - 2 * score.advantage.se < 0


def test_the_curve_has_its_low_end_and_can_be_written_as_json() -> None:
    rng = np.random.default_rng(0)
    curve = roc(rng.normal(1, 1, 5000), rng.normal(size=5000))
    assert curve["fpr"][1] <= 1 / 5000
    assert (np.diff(curve["tpr"]) >= 0).all()
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(0.76, abs=0.02)
    json.dumps(curve)


@pytest.mark.parametrize("n", [50, 99, 100, 101, 400, 1_183])
def test_a_tail_as_good_as_chance_is_as_unsure_as_its_count_and_no_more(n: int) -> None:
    rng = np.random.default_rng(0)
    is_member = np.arange(2 * n) < n
    nobody = np.zeros(2 * n, dtype=bool)
    for seed in range(60):
        signal = np.random.default_rng(seed).normal(size=2 * n)
        scores = judge_among(signal, is_member=is_member, is_outlier=nobody, rng=rng)
        tail = next(score.advantage for score in scores if score.name == "tpr_at_1pct_fpr")
        assert tail is not None
        assert tail.se < 0.1


def test_the_tail_component_is_shown_as_often_as_chance_allows() -> None:
    shown = []
    for seed in range(200):
        tail = judged(0, n=1000, seed=seed)["tpr_at_1pct_fpr"].advantage
        shown.append(tail.value > 1.645 * tail.se)
    assert np.mean(shown) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean(shown) >= 0.01  # not so wide that small leaks are lost
