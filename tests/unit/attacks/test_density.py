"""Do the classifiers find copies, near-copies and kinds of people drawn too often?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.density import Density
from tabveil.contracts import EvalInput, Limits
from tabveil.data.schema import infer_schema
from tabveil.measure.intervals import auc
from tabveil.measure.lineup import lineup_of

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    wealth = rng.normal(size=n)
    return pd.DataFrame(
        {
            "income": np.where(rng.random(n) < 0.1, np.nan, np.exp(wealth)),
            "children": rng.poisson(1, n),
            "town": np.where(wealth > rng.normal(size=n), "north", "south"),
            "job": rng.choice(list("abcdefg"), n),
        }
    )


def given(synthetic: pd.DataFrame, n: int = 500, **tables: pd.DataFrame) -> EvalInput:
    splits = {"train": people(n, 1), "control": people(n, 2), "reference": people(n, 3)} | tables
    schema = infer_schema(splits["reference"])
    return EvalInput(**splits, synthetic=synthetic, schema=schema, seed=0)


def areas(data: EvalInput, attack: Density = Density()) -> dict[str, float]:  # noqa: B008
    is_member = lineup_of(data).is_member
    return {
        name: auc(members=signal[is_member], others=signal[~is_member]).value
        for name, signal in attack.signals(data).items()
    }


def test_replayed_rows_are_found_by_both_classifiers_and_best_by_the_forest() -> None:
    found = areas(given(people(500, 1)))
    assert found["forest"] > 0.85
    assert 0.55 < found["logit"] < found["forest"]


def test_fresh_rows_show_nothing() -> None:
    for area in areas(given(people(500, 4))).values():
        assert abs(area - 0.5) < 0.06


def test_kinds_of_people_drawn_too_often_are_found_without_any_copy() -> None:
    """Half of the members are of a job that the population hardly has."""
    train = people(500, 1).assign(job=lambda t: np.where(np.arange(500) < 250, "rare", t["job"]))
    drawn = people(500, 4).assign(job=lambda t: np.where(np.arange(500) < 250, "rare", t["job"]))
    assert min(areas(given(drawn, train=train)).values()) > 0.65


def test_copies_among_many_more_synthetic_rows_are_found() -> None:
    assert areas(given(pd.concat([people(500, 1), people(1000, 4)])))["forest"] > 0.7


def test_a_cap_on_rows_draws_by_seed_and_weakens_the_attack() -> None:
    data = given(people(500, 1))
    capped, again = Density(max_rows=100), Density(max_rows=100)
    assert areas(data, capped) == areas(data, again)
    assert areas(data, capped)["forest"] < areas(data)["forest"] - 0.1


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the shared golden tables are not here")
@pytest.mark.parametrize(
    ("name", "low", "high", "tail"),
    [
        ("safe_fresh", 0.47, 0.53, 0.0),
        ("leak_copy10", 0.52, 0.58, 0.08),
        ("leak_noise100", 0.65, 0.73, 0.15),
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
    scores = {score.name: score.value for score in Density().evaluate(data)}
    assert low < scores["auc"] < high
    assert scores["tpr_at_1pct_fpr"] >= tail
