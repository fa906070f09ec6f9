"""Does the singling-out attack find lone people, and only where the table betrays them?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.attacks.singling_out import SinglingOut
from tabveil.contracts import EvalInput, Limits
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import CannotTell
from tabveil.measure.encode import DistanceEncoder
from tabveil.measure.predicates import (
    ANY,
    FIRST,
    MISSING,
    CodedTables,
    Predicates,
    SortedTable,
    code,
)
from tabveil.measure.residual import residual_risk

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"


def patients(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 95, n),
            "cost": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(6, 1, n).round(2)),
            "ward": rng.choice(["a", 'b "east"', "it's c", "d"], n),
            "admitted": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "smoker": rng.random(n) < 0.3,
        }
    )


SCHEMA = infer_schema(patients(500, 0))


def given(synthetic: pd.DataFrame, n_control: int = 500, seed: int = 0) -> EvalInput:
    train, control, reference = patients(500, 1), patients(n_control, 2), patients(500, 3)
    return EvalInput(train, control, reference, synthetic, SCHEMA, seed)


def coded(table: pd.DataFrame, schema: Schema = SCHEMA) -> CodedTables:
    return code(DistanceEncoder.fit(table, schema).transform(table))


@pytest.mark.parametrize("seed", range(3))
def test_counts_agree_with_looking_at_every_row(seed: int) -> None:
    rng, made = np.random.default_rng(seed), coded(patients(1500, seed))
    table = made.tables[0]
    rows = table[:, rng.integers(1500, size=200)].T
    low = np.where(rng.random(rows.shape) < 0.5, 0, rows).astype(np.int32)
    high = np.where(rng.random(rows.shape) < 0.5, ANY, rows).astype(np.int32)
    asked = Predicates(low, high)
    within = (low[:, None] <= table.T) & (high[:, None] >= table.T)
    expected = within.all(axis=2).sum(axis=1)
    index = SortedTable.of(table)
    assert (index.count(asked) == expected).all()
    assert (index.isolates(asked) == (expected == 1)).all()


def test_numbers_and_dates_keep_their_order_and_missing_lies_beyond_none_of_them() -> None:
    table = pd.DataFrame(
        {
            "n": [3.0, np.nan, -7.0, 3.0] * 5,
            "d": pd.to_datetime(["2020-03-01", "1969-01-01", None, "2020-03-02"] * 5),
        }
    )
    made = coded(table, infer_schema(table))
    dates, values = made.tables[0][:, :4]
    assert made.n_numeric == 2
    assert values.tolist() == [2, 0, 1, 2]
    assert dates.tolist() == [2, 1, 0, 3]
    at_most_3 = Predicates(np.array([[0, FIRST]], np.int32), np.array([[ANY, 2]], np.int32))
    assert SortedTable.of(made.tables[0]).count(at_most_3) == 15


def test_every_multivariate_guess_singles_out_one_synthetic_row_and_none_is_made_twice() -> None:
    made = coded(patients(500, 4))
    table = SortedTable.of(made.tables[0])
    attack = SinglingOut(n_attacks=300, n_cols=3)
    guesses = attack._multivariate(table, made, np.random.default_rng(0))
    assert len(guesses) == len(guesses.distinct()) == 300
    assert (table.count(guesses) == 1).all()
    assert (guesses.asked.sum(axis=1) <= 3).all()


def test_univariate_guesses_are_values_that_occur_once_and_extremes() -> None:
    table = pd.DataFrame(
        {"n": [1.0, 5, 5, 7, 9, np.nan], "c": ["x", "x", "x", "x", "y", "x"], "d": [4.0] * 6}
    )
    made = coded(table, infer_schema(table))
    guesses = SinglingOut()._univariate(
        SortedTable.of(made.tables[0]), made, np.random.default_rng(0)
    )
    assert (SortedTable.of(made.tables[0]).count(guesses) == 1).all()
    n = made.n_numeric - 1  # columns are sorted by name: d, n; then c
    found = {
        (low[n], high[n])
        for low, high in zip(guesses.low, guesses.high, strict=True)
        if low[n] > 0 or high[n] < ANY
    }
    assert found == {(FIRST, 1), (3, 3), (4, ANY), (0, 0)}  # ≤ 1, = 7, ≥ 9, missing
    assert len(guesses) == 5  # and "y"


def test_no_column_crowds_the_others_out_of_the_univariate_guesses() -> None:
    table = patients(500, 5).assign(unique=np.random.default_rng(0).normal(size=500))
    table.loc[3, "ward"] = "only here"
    made = coded(table, infer_schema(table))
    guesses = SinglingOut(n_attacks=20)._univariate(
        SortedTable.of(made.tables[0]), made, np.random.default_rng(0)
    )
    assert len(guesses) == 20
    assert guesses.asked.sum(axis=0).max() < 15
    assert guesses.asked[:, made.n_numeric :].any()


@pytest.mark.parametrize("n_control", [500, 150])
def test_members_and_others_are_asked_in_equal_numbers(n_control: int) -> None:
    scores = SinglingOut(n_attacks=200).evaluate(given(patients(500, 4), n_control))
    for score in scores:
        assert score.detail["n_people"] == n_control
        assert score.detail["n_attacks"] <= 200


def test_everybody_is_asked_about_although_other_attacks_look_at_fewer_targets() -> None:
    data = replace(given(patients(500, 4)), limits=Limits(max_targets=50, max_searched=300))
    scores = SinglingOut(n_attacks=100).evaluate(data)
    assert [score.detail["n_people"] for score in scores] == [300, 300]


def test_values_with_quotes_can_be_guessed() -> None:
    """In the authors' package such a predicate matches nothing."""
    train = patients(500, 1)
    train.loc[0, "ward"] = 'the "only" one\'s'
    data = replace(given(train), train=train)
    univariate = SinglingOut(n_attacks=2000).evaluate(data)[1]
    assert univariate.detail["members_rate"] == 1.0


def test_the_seed_decides_every_draw() -> None:
    attack, fresh = SinglingOut(n_attacks=100), patients(500, 4)
    first, again, other = (attack.evaluate(given(fresh, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_table_without_a_lone_combination_leaves_nothing_to_guess() -> None:
    both = pd.DataFrame({"a": ["x", "y"] * 300, "n": [1.5, 2.5] * 300})
    varied = both.assign(a=[f"{i % 3}" for i in range(600)], n=np.arange(600.0))
    schema = infer_schema(varied)
    tables = [varied.assign(n=varied["n"] + 1000 * i) for i in range(3)]
    with pytest.raises(CannotTell, match="cannot tell"):
        SinglingOut().evaluate(EvalInput(*tables, both.iloc[[0, 0] * 300], schema, 0))


def test_residual_risk_is_what_is_left_of_the_others_failures_and_antisymmetric() -> None:
    one = residual_risk("r", members=60, others=20, n=100)
    other = residual_risk("r", members=20, others=60, n=100)
    assert one.value == pytest.approx(0.5)
    assert (other.value, other.low, other.high) == pytest.approx((-one.value, -one.high, -one.low))


@pytest.mark.parametrize(("members", "others", "n"), [(0, 0, 0), (5, 5, 5), (0, 5, 5), (5, 0, 5)])
def test_residual_risk_at_the_edges_has_an_interval_that_is_no_point(
    members: int, others: int, n: int
) -> None:
    score = residual_risk("r", members=members, others=others, n=n)
    assert -1 <= score.low <= score.value <= score.high <= 1  # type: ignore[operator]
    assert score.low < score.high  # type: ignore[operator]
    assert score.advantage is None or score.advantage.se > 0


def test_a_coverage_of_the_interval_under_no_leak_is_at_least_nominal() -> None:
    rng = np.random.default_rng(0)
    for rate in (0.001, 0.2, 0.9):
        held = 0
        for members, others in rng.binomial(500, rate, (400, 2)):
            score = residual_risk("r", members=int(members), others=int(others), n=500)
            held += score.low <= 0 <= score.high  # type: ignore[operator]
        assert held / 400 > 0.93


def test_guesses_about_the_same_person_count_as_one() -> None:
    once = residual_risk("r", members=12, others=3, n=100)
    often = residual_risk("r", members=120, others=30, n=1000, repeats=10)
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high))
    assert once.advantage is not None
    assert often.advantage is not None
    assert often.advantage.se == pytest.approx(once.advantage.se)


def test_who_is_singled_out_is_known() -> None:
    coded = np.array([[0, 1, 1, 5], [2, 2, 3, 2]], dtype=np.int32)
    table = SortedTable.of(coded)
    low = np.array([[5, MISSING], [1, 3], [1, MISSING], [MISSING, 9]], dtype=np.int32)
    high = np.array([[5, ANY], [1, 3], [1, ANY], [ANY, 9]], dtype=np.int32)
    assert table.isolated(Predicates(low, high)).tolist() == [3, 2, -1, -1]


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden tables are not here")
@pytest.mark.parametrize(
    ("table", "low", "high"), [("safe_fresh", -0.1, 0.08), ("leak_noise100", 0.30, 0.46)]
)
def test_golden_tables_give_the_risks_known_for_them(table: str, low: float, high: float) -> None:
    tables = [
        pd.read_csv(GOLDEN / f"{name}.csv.gz") for name in ("train", "control", "reference", table)
    ]
    data = EvalInput(*tables, infer_schema(tables[2]), 0)
    assert low < SinglingOut().evaluate(data)[0].value < high
