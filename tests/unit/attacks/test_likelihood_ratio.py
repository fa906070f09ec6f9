"""Is the closed form the likelihood ratio that it stands for, and does it find near-copies?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from tabveil.attacks.likelihood_ratio import LikelihoodRatio
from tabveil.contracts import EvalInput, Limits
from tabveil.data.schema import infer_schema
from tabveil.measure.intervals import auc
from tabveil.measure.lineup import lineup_of
from tabveil.measure.whitening import Whitening

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    wealth = rng.normal(size=n)
    return pd.DataFrame(
        {
            "income": np.where(rng.random(n) < 0.1, np.nan, np.exp(wealth)),
            "weight": rng.normal(70, 10, n),
            "town": np.where(wealth > rng.normal(size=n), "north", "south"),
            "job": rng.choice(list("abcdefg"), n),
        }
    )


def given(synthetic: pd.DataFrame, n: int = 400, **tables: pd.DataFrame) -> EvalInput:
    splits = {"train": people(n, 1), "control": people(n, 2), "reference": people(n, 3)} | tables
    schema = infer_schema(splits["reference"])
    return EvalInput(
        **splits, synthetic=synthetic, schema=schema, seed=0, limits=Limits(device="cpu")
    )


def area(data: EvalInput, signal: str = "ratio") -> float:
    values, is_member = LikelihoodRatio().signals(data)[signal], lineup_of(data).is_member
    return auc(members=values[is_member], others=values[~is_member]).value


def test_the_closed_form_is_the_ratio_of_two_density_estimates() -> None:
    """Fit the reference with and without each target, as the paper does; no floor is reached."""
    data = given(people(300, 4))
    lineup = lineup_of(data)
    whitening = Whitening.fit(lineup.reference.encoded, 3)
    x, r, z = (
        whitening(rows.encoded) for rows in (lineup.targets, lineup.reference, lineup.synthetic)
    )
    h = len(r) ** (-1 / 7)

    def density(at: np.ndarray, of: np.ndarray) -> np.ndarray:
        return np.exp(-cdist(at, of, "sqeuclidean") / (2 * h * h)).mean(axis=1)

    expected = []
    for target in x[:20]:
        near = z[np.argsort(cdist(target[None], z)[0])[:10]]
        assert (len(r) * density(near, r)).min() > 0.1
        without, with_it = density(near, r), density(near, np.vstack([r, target]))
        expected.append(np.log(with_it / without).sum())
    found = LikelihoodRatio(n_components=3, n_nearest=10).signals(data)["wide"]
    assert found[:20] == pytest.approx(expected, abs=1e-4)


def test_replayed_and_slightly_moved_rows_are_found() -> None:
    moved = people(400, 1).assign(
        weight=lambda t: t["weight"] + np.random.default_rng(0).normal(0, 0.2, 400)
    )
    assert area(given(people(400, 1))) > 0.9
    assert area(given(moved)) > 0.8


def test_kinds_of_people_drawn_too_often_are_found_by_the_wide_kernel() -> None:
    light = people(400, 1).assign(weight=lambda t: t["weight"] - 25)
    drawn = people(400, 4).assign(weight=lambda t: t["weight"] - 25)
    assert area(given(drawn, train=light), "wide") > 0.75


def test_fresh_rows_show_nothing() -> None:
    for signal in ("ratio", "wide"):
        assert abs(area(given(people(400, 4)), signal) - 0.5) < 0.06


def test_fewer_synthetic_rows_than_neighbours_are_enough() -> None:
    assert np.isfinite(LikelihoodRatio().signals(given(people(25, 4)))["ratio"]).all()


def test_a_row_far_from_everybody_counts_for_no_more_than_the_floor_allows() -> None:
    far = people(400, 1).assign(weight=lambda t: t["weight"] * 1e9)
    values = LikelihoodRatio(n_nearest=50).signals(given(far, train=far))["ratio"]
    assert np.isfinite(values).all()
    assert values.max() <= 50 * np.log1p(10)


def test_a_reference_without_spread_says_nothing() -> None:
    alike = pd.concat([people(1, 3)] * 400, ignore_index=True)
    values = LikelihoodRatio().signals(given(people(400, 1), reference=alike))
    assert np.ptp(values["ratio"]) == np.ptp(values["wide"]) == 0


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the shared golden tables are not here")
@pytest.mark.parametrize(
    ("name", "low", "high", "tail"),
    [
        ("safe_fresh", 0.47, 0.53, 0.0),
        ("leak_copy10", 0.52, 0.58, 0.08),
        ("leak_noise100", 0.88, 0.95, 0.35),
    ],
)
def test_known_answers(name: str, low: float, high: float, tail: float) -> None:
    splits = (golden(split) for split in ("train", "control", "reference"))
    data = EvalInput(
        *splits,
        golden(name),
        infer_schema(golden("reference")),
        seed=0,
        limits=Limits(max_targets=2000),
    )
    scores = {score.name: score.value for score in LikelihoodRatio().evaluate(data)}
    assert low < scores["auc"] < high
    assert scores["tpr_at_1pct_fpr"] >= tail
