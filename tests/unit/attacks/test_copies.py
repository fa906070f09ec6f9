"""Are rows that were released word for word counted, and nobody else's?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tabveil.attacks.copies import Copies, excess
from tabveil.contracts import EvalInput, Limits, Score
from tabveil.data.schema import infer_schema
from tabveil.measure.lineup import lineup_of

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden"


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"income": rng.normal(size=n), "job": rng.choice(list("abcdefg"), n)})


def given(synthetic: pd.DataFrame, n: int = 500, **tables) -> EvalInput:
    splits = {"train": people(n, 1), "control": people(n, 2), "reference": people(n, 3)}
    schema = infer_schema(people(n, 1), kinds={"income": "numeric"})
    return EvalInput(**{**splits, **tables}, synthetic=synthetic, schema=schema, seed=0)


def score(data: EvalInput) -> Score:
    (found,) = Copies().evaluate(data)
    assert found.name == "excess"
    return found


def shown(found: Score) -> float:
    return found.advantage.value - 1.645 * found.advantage.se


def test_a_replay_is_an_excess_of_one() -> None:
    found = score(given(people(500, 1)))
    assert found.value == found.high == 1
    assert found.low > 0.98
    assert shown(found) > 0.98


def test_fresh_rows_show_nothing_and_the_interval_says_how_little_that_is() -> None:
    found = score(given(people(500, 4)))
    assert found.value == 0
    assert shown(found) < 0
    assert 0.005 < found.high < 0.01


def test_one_copied_row_in_a_hundred_is_seen() -> None:
    copied = pd.concat([people(2000, 1).iloc[:20], people(1980, 4)])
    found = score(given(copied, n=2000))
    assert found.value == pytest.approx(0.01)
    assert shown(found) > 0.005


def test_a_cap_on_the_targets_and_on_the_rows_searched_hides_no_copy() -> None:
    copied = pd.concat([people(2000, 1).iloc[:20], people(1980, 4)])
    data = given(copied, n=2000)
    few = EvalInput(
        data.train,
        data.control,
        data.reference,
        data.synthetic,
        data.schema,
        seed=0,
        limits=Limits(max_targets=50, max_searched=50),
    )
    assert score(few) == score(data)


def test_rates_and_counts_are_told() -> None:
    copied = pd.concat([people(500, 1).iloc[:50], people(500, 2).iloc[:10], people(440, 4)])
    assert score(given(copied)).detail == {
        "members_rate": 0.1,
        "others_rate": 0.02,
        "members_copied": 50,
        "others_copied": 10,
        "n_members": 500,
        "n_others": 500,
        "n_synthetic": 500,
    }


def test_the_signal_is_the_smoothed_log_ratio_of_the_copies() -> None:
    synthetic = pd.concat([people(500, 1).iloc[:1]] * 3 + [people(397, 4)])
    data = given(synthetic)
    signal, lineup = Copies().signals(data)["exact"], lineup_of(data)
    first = data.train["income"].iloc[0]
    mine = (lineup.targets.frame["income"] == first).to_numpy()
    assert signal[mine] == pytest.approx(np.log(3.5 / 401) - np.log(0.5 / 501))
    np.testing.assert_allclose(signal[~mine], np.log(0.5 / 401) - np.log(0.5 / 501))


def test_a_row_that_is_common_in_the_reference_too_is_no_sign() -> None:
    crowd = people(1, 9)
    data = given(
        pd.concat([people(390, 4), *[crowd] * 10]),
        train=pd.concat([people(499, 1), crowd]),
        reference=pd.concat([people(390, 3), *[crowd] * 10]),
    )
    assert np.ptp(Copies().signals(data)["exact"]) == 0


@pytest.mark.parametrize(("n_members", "n_others"), [(600, 600), (600, 6000), (2000, 600)])
@pytest.mark.parametrize("expected", [0.2, 1.0, 5.0])
def test_chance_copies_are_taken_for_a_leak_as_rarely_as_promised(
    n_members: int, n_others: int, expected: float
) -> None:
    """Over all outcomes of a safe table in which so many rows occur again by chance."""
    rate = expected / (n_members + n_others)
    counts = np.arange(20)
    chances = [stats.binom.pmf(counts, n, rate) for n in (n_members, n_others)]
    wrong = sum(
        chances[0][i] * chances[1][j]
        for i in counts
        for j in counts[: int(i * n_others / n_members) + 1]
        if chances[0][i] * chances[1][j] > 1e-5 and falsely_shown(i, n_members, j, n_others)
    )
    assert wrong < 0.055


def falsely_shown(members: int, n_members: int, others: int, n_others: int) -> bool:
    found = excess(members=int(members), n_members=n_members, others=int(others), n_others=n_others)
    assert found.low <= found.value <= found.high
    return found.value - 1.645 * found.se > 0


@cache
def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / f"{name}.csv.gz")


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the shared golden tables are not here")
@pytest.mark.parametrize(
    ("name", "copies"), [("safe_fresh", 0.0), ("leak_copy10", 0.1), ("leak_noise100", 0.0)]
)
def test_known_answers(name: str, copies: float) -> None:
    tables = {split: golden(split) for split in ("train", "control", "reference")}
    data = EvalInput(
        **tables, synthetic=golden(name), schema=infer_schema(golden("reference")), seed=0
    )
    found = score(data)
    assert found.value == pytest.approx(copies, abs=0.0005)
    assert (shown(found) > 0.09) if copies else (found.high < 0.0005)


@pytest.mark.parametrize(("n_members", "n_others"), [(600, 6000), (2000, 600), (1000, 1000)])
@pytest.mark.parametrize("share", [0.001, 0.005])
def test_the_upper_bound_covers_the_true_excess(
    n_members: int, n_others: int, share: float
) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(600):
        found = excess(
            members=int(rng.binomial(n_members, share)),
            n_members=n_members,
            others=int(rng.binomial(n_others, 0.001)),
            n_others=n_others,
        ).advantage
        covered += found.value + 1.645 * found.above >= share - 0.001
    assert covered / 600 >= 0.95 - 0.025


def test_members_that_are_missing_beyond_chance_are_a_leak_as_well() -> None:
    rng = np.random.default_rng(0)
    simple = pd.DataFrame({"a": rng.integers(0, 30, 3_000), "b": rng.integers(0, 30, 3_000)})
    train, control, reference = simple[:400], simple[400:800], simple[800:1_800]
    drawn = simple[1_800:].merge(train, how="left", indicator=True)
    filtered = drawn[drawn["_merge"] == "left_only"].drop(columns="_merge")
    tables = [t.reset_index(drop=True) for t in (train, control, reference, filtered)]
    (score,) = Copies().evaluate(EvalInput(*tables, infer_schema(simple), seed=0))
    assert score.value < 0
    assert score.advantage is not None
    assert score.advantage.value == -score.value
    assert score.advantage.value - 2 * score.advantage.se > 0
