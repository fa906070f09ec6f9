"""Does the distance attack find the leaks it should, and nothing where nothing is?"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.distance import Distance
from tabveil.contracts import Advantage, EvalInput, Score
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError, EvaluationError

DEFAULT = Distance()
GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    wealth = rng.normal(size=n)
    return pd.DataFrame(
        {
            "income": np.exp(wealth + rng.normal(size=n)),
            "children": rng.poisson(1, n),
            "town": np.where(wealth > rng.normal(size=n), "north", "south"),
            "job": rng.choice(list("abcdefg"), n),
        }
    )


def attack(
    synthetic: pd.DataFrame,
    *,
    n: int = 500,
    attacker: Distance = DEFAULT,
    **tables: pd.DataFrame,
) -> dict[str, Score]:
    given = {"train": people(n, 1), "control": people(n, 2), "reference": people(n, 3)} | tables
    schema = infer_schema(given["train"], kinds={"income": "numeric"})
    data = EvalInput(**given, synthetic=synthetic, schema=schema, seed=0)
    return {score.name: score for score in attacker.evaluate(data)}


def shown(score: Score, z: float = 1.645) -> float:
    assert isinstance(score.advantage, Advantage)
    return score.advantage.value - z * score.advantage.se


def with_copies(share: float, n: int) -> pd.DataFrame:
    n_copied = int(share * n)
    return pd.concat([people(n, 1).iloc[:n_copied], people(n - n_copied, 4)])


def test_replayed_training_rows_are_seen_by_every_measure() -> None:
    scores = attack(people(500, 1))
    assert scores["copies_excess"].value == pytest.approx(1)
    assert scores["auc"].value > 0.95
    assert scores["tpr_at_1pct_fpr"].value > 0.9
    assert scores["auc_outliers"].value > 0.95
    assert min(shown(s) for s in scores.values() if s.advantage) > 0.5


def test_fresh_rows_show_nothing() -> None:
    scores = attack(people(500, 4))
    assert max(shown(s) for s in scores.values() if s.advantage) <= 0
    assert scores["auc"].low < 0.5 < scores["auc"].high


def test_one_copied_row_in_a_hundred_is_seen() -> None:
    score = attack(with_copies(0.01, 2000), n=2000)["copies_excess"]
    assert score.value == pytest.approx(0.01)
    assert shown(score) > 0.005


def test_one_copied_row_in_ten_is_seen_in_the_tail_too() -> None:
    score = attack(with_copies(0.1, 2000), n=2000)["tpr_at_1pct_fpr"]
    assert score.value == pytest.approx(0.1, abs=0.02)
    assert shown(score) > 0.05


def test_a_cap_on_the_attacked_rows_hides_no_copy_and_widens_the_interval() -> None:
    few = attack(with_copies(0.1, 2000), n=2000, attacker=Distance(max_rows=200))
    all_rows = attack(with_copies(0.1, 2000), n=2000)
    assert few["copies_excess"] == all_rows["copies_excess"]
    assert few["auc"].detail["n_members"] == 200
    width = {name: s["auc"].high - s["auc"].low for name, s in (("few", few), ("all", all_rows))}
    assert width["few"] > 2 * width["all"]


def test_fewer_searched_rows_are_another_draw_of_the_same_table() -> None:
    capped = attack(people(500, 1), attacker=Distance(max_searched=100))
    assert capped["auc"].detail["n_synthetic"] == capped["auc"].detail["n_reference"] == 100
    assert 0.1 < capped["auc"].value - 0.45 < 0.35


def test_a_reference_that_holds_the_training_rows_is_refused() -> None:
    with pytest.raises(EvaluationError, match="overlap"):
        attack(people(500, 4), reference=people(500, 1))
    with pytest.raises(EvaluationError, match="overlap"):
        attack(people(500, 4), reference=people(500, 2))


@pytest.mark.parametrize("split", ["train", "control", "reference"])
def test_too_few_rows_to_tell_are_refused(split: str) -> None:
    with pytest.raises(EvaluationError, match=f"cannot tell: {split}"):
        attack(people(500, 4), **{split: people(19, 5)})
    with pytest.raises(EvaluationError, match="cannot tell: synthetic"):
        attack(people(1, 4))


def test_twenty_rows_a_side_give_wide_intervals_even_when_replayed() -> None:
    tables = {name: people(20, i) for i, name in enumerate(("train", "control", "reference"), 1)}
    scores = attack(people(20, 1), **tables)
    assert scores["auc"].value > 0.9
    assert scores["auc"].low < 0.97
    assert (scores["auc_outliers"].low, scores["auc_outliers"].high) == (0, 1)
    assert scores["auc_outliers"].advantage == Advantage(0.0, 1.0)  # nothing can be excluded
    assert scores["tpr_at_1pct_fpr"].low == 0


def test_twins_are_one_target() -> None:
    crowd = people(1, 9)
    train = pd.concat([people(400, 1), *[crowd] * 100])
    synthetic = pd.concat([people(400, 4), *[crowd] * 100])
    scores = attack(synthetic, train=train)
    assert scores["auc"].detail["n_members"] == 401
    assert scores["copies_excess"].value == pytest.approx(1 / 401)
    assert max(shown(s) for s in scores.values() if s.advantage) <= 0


def test_the_reference_takes_away_what_only_lies_in_a_crowd() -> None:
    """Control people from a sparser region look farther off; the reference explains it."""
    sparse = people(500, 2).assign(income=lambda t: t["income"] * 50, job="z")
    more = people(500, 3).assign(income=lambda t: t["income"] * 50, job="z")
    fresh = people(500, 6).assign(income=lambda t: t["income"] * 50, job="z")
    scores = attack(
        pd.concat([people(500, 4), fresh]),
        control=sparse,
        reference=pd.concat([people(500, 5), more]),
    )
    assert abs(scores["auc"].value - 0.5) < 0.06


def test_the_roc_curve_is_small_rises_and_matches_the_area() -> None:
    score = attack(with_copies(0.3, 500))["auc"]
    fpr, tpr = (np.array(score.detail["roc"][name]) for name in ("fpr", "tpr"))
    assert len(fpr) == len(tpr) <= 200
    assert (np.diff(fpr) > 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert (fpr[0], fpr[-1], tpr[-1]) == (0, 1, 1)
    assert np.trapezoid(tpr, fpr) == pytest.approx(score.value, abs=0.01)
    json.dumps(score.detail)


def test_more_neighbours_still_see_a_replay() -> None:
    assert shown(attack(people(500, 1), attacker=Distance(k=3))["auc"]) > 0.1


def test_a_smoothing_of_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="smoothing"):
        attack(people(500, 4), attacker=Distance(smoothing=0))


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the shared golden tables are not here")
@pytest.mark.parametrize(
    ("name", "raw", "copies", "leaks"),
    [
        ("safe_fresh", 0.505, 0.0, False),
        ("leak_copy10", 0.555, 0.1, True),
        ("leak_noise100", 0.737, 0.0, True),
    ],
)
def test_known_answers(name: str, raw: float, copies: float, leaks: bool) -> None:
    tables = {split: golden(split) for split in ("train", "control", "reference")}
    data = EvalInput(
        **tables, synthetic=golden(name), schema=infer_schema(golden("reference")), seed=0
    )
    scores = {score.name: score for score in Distance().evaluate(data)}
    assert scores["auc_raw"].value == pytest.approx(raw, abs=0.01)
    assert scores["copies_excess"].value == pytest.approx(copies, abs=0.002)
    risk = max(shown(s) for s in scores.values() if s.advantage)
    assert (risk > 0.09) if leaks else (risk <= 0)
    swapped = replace(data, train=data.control, control=data.train)
    if leaks:
        by_name = {score.name: score for score in Distance(max_rows=2000).evaluate(swapped)}
        assert by_name["auc"].value < 0.5
