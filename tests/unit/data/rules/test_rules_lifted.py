"""Is an order that a model broke put right by the training table's own gaps?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import LearntRules, Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.relations import Derived, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema
from tabveil.errors import DataError

N = 2000
RULE = Inequality("low", "high")


def table(gaps: Any = None, decimals: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    low = rng.normal(50, 10, N).round(decimals)
    gaps = rng.exponential(5, N) if gaps is None else gaps
    return pd.DataFrame({"low": low, "high": (low + gaps).round(decimals)})


def learnt(given: pd.DataFrame, *rules: Rule) -> LearntRules:
    return Rules(rules or (RULE,)).learn(given, infer_schema(given), seed=0)


def broken(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    low = rng.normal(50, 10, n).round(2)
    return pd.DataFrame({"low": low, "high": (low - rng.random(n) - 0.01).round(2)})


def test_rows_that_obey_are_left_alone_and_the_lower_column_always() -> None:
    rules, drawn = learnt(table()), broken()
    drawn.loc[::2, "high"] = (drawn["low"] + 3).round(2)
    undone = rules.undo(drawn)
    assert RULE.holds(undone).all()
    assert undone["low"].equals(drawn["low"])
    assert undone["high"][::2].equals(drawn["high"][::2])
    pd.testing.assert_frame_equal(rules.undo(undone), undone)


def test_the_gaps_are_those_of_the_training_table_ties_included() -> None:
    rng = np.random.default_rng(2)
    gaps = np.where(rng.random(N) < 0.3, 0, rng.exponential(5, N))
    undone = learnt(table(gaps)).undo(broken())
    drawn = undone["high"] - undone["low"]
    assert (drawn.abs() < 0.005).mean() == pytest.approx(0.3, abs=0.05)
    assert drawn.mean() == pytest.approx(gaps.mean(), rel=0.15)


def test_a_row_is_put_right_the_same_wherever_it_stands() -> None:
    rules, drawn = learnt(table()), broken()
    whole = rules.undo(drawn)
    part = rules.undo(drawn.iloc[700:900])
    pd.testing.assert_frame_equal(part, whole.iloc[700:900])


def test_the_higher_column_stays_in_its_range() -> None:
    given = table()
    drawn = broken()
    drawn["low"] = given["high"].max() - 1
    drawn["high"] = np.arange(N) / 100.0 % 40
    undone = learnt(given).undo(drawn)
    assert undone["high"].max() <= given["high"].max() + 10
    assert RULE.holds(undone).all()


@pytest.mark.parametrize("unit", ["D", "h", "ms"])
@pytest.mark.parametrize("zones", [None, ("Europe/Berlin", "Asia/Tokyo")])
def test_dates_are_put_right_on_their_own_grid(unit: str, zones: Any) -> None:
    rng = np.random.default_rng(0)
    start = pd.Series(pd.to_datetime("2020-06-01") + pd.to_timedelta(rng.integers(0, 60, N), unit))
    given = pd.DataFrame(
        {"low": start, "high": start + pd.to_timedelta(rng.integers(0, 9, N), unit)}
    )
    if zones:
        for name, zone in zip(given, zones, strict=True):
            given[name] = given[name].dt.tz_localize("UTC").dt.tz_convert(zone)
    shuffled = given["high"].sample(frac=1, random_state=0).reset_index(drop=True)
    drawn = given.assign(high=shuffled)
    drawn.loc[5, "low"] = pd.NaT
    undone = learnt(given).undo(drawn)
    assert RULE.holds(undone).all()
    assert undone["high"].dtype == given["high"].dtype
    # A day of Berlin is no day of Tokyo, and milliseconds are too many for a float to count.
    step = {"D": "h" if zones else "D", "h": "h", "ms": "ns"}[unit]
    gaps = (undone["high"] - undone["low"]).dropna() / pd.Timedelta(1, step)
    assert (gaps % 1 == 0).all()


@pytest.mark.parametrize("dtype", ["int64", "int8", "Int64", "float32"])
def test_numbers_of_every_dtype_are_put_right(dtype: str) -> None:
    given = pd.DataFrame({"low": np.arange(60) % 7, "high": np.arange(60) % 7 + 1}).astype(dtype)
    drawn = pd.DataFrame({"low": [5, 6, 3] * 9, "high": [1, 6, 2] * 9}).astype(dtype)
    for rule in (RULE, Inequality("low", "high", strict=True)):
        undone = learnt(given, rule).undo(drawn)
        assert rule.holds(undone).all()
        assert undone.dtypes.equals(given.dtypes)


def test_an_order_between_grids_of_different_steps_holds() -> None:
    given = pd.DataFrame({"low": np.arange(80) / 8, "high": np.arange(80) // 8 + 2})
    drawn = pd.DataFrame({"low": np.arange(40) / 7, "high": 0})
    for rule in (RULE, Inequality("low", "high", strict=True)):
        assert rule.holds(learnt(given, rule).undo(drawn)).all()


def test_a_chain_is_put_right_from_low_to_high_in_any_order_of_rules() -> None:
    given = table().assign(mid=lambda t: t.high, top=lambda t: t.high + 2)
    rules = [Inequality("mid", "top"), Inequality("high", "mid"), RULE]
    drawn = broken().assign(mid=10.0, top=5.0)
    undone = learnt(given, *rules).undo(drawn)
    assert all(rule.holds(undone).all() for rule in rules)


def test_orders_that_go_in_a_circle_and_computed_columns_are_left_to_be_rejected() -> None:
    given = table(gaps=0.0)
    found = learnt(given, RULE, Inequality("high", "low"))
    assert len(found.steps) == 1
    assert len(found.obeyed(given)) == 2
    given = given.assign(sum=given["low"] + given["high"])
    found = learnt(given, Derived("sum", "sum", ("low", "high")), Inequality("low", "sum"))
    assert len(found.steps) == 1


def test_a_level_that_depends_on_the_higher_column_is_not_disturbed() -> None:
    rng = np.random.default_rng(0)
    visits = rng.integers(0, 9, N)
    rate = np.where(visits > 0, (visits * rng.random(N)).round(2), np.nan)
    given = pd.DataFrame({"visits": visits, "rate": rate})
    rules: list[Rule] = [
        LevelWhen("rate", None, When("visits", (0,))),
        Inequality("rate", "visits"),
    ]
    found = learnt(given, *rules)
    drawn = pd.DataFrame({"visits": [0, 0, 5, 1], "rate": [3.0, 0.5, 4.0, 2.0]})
    undone = found.undo(drawn)
    assert undone["visits"].tolist() == [0, 0, 5, 1]
    assert undone["rate"].isna().tolist() == [True, True, False, False]
    assert found.obeyed(undone)["rate <= visits"].tolist() == [True, True, True, False]


def test_a_few_rows_have_no_gaps_to_store() -> None:
    given = pd.DataFrame({"low": [1.5, 2.25, 3, None] * 2, "high": [2, None, None, 4.0] * 2})
    found = learnt(given)
    assert json.dumps(found.to_dict()["learnt"]).count("0.0") == 3
    assert RULE.holds(found.undo(pd.DataFrame({"low": [3.0], "high": [1.0]}))).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("knots", [1.0]),
        ("knots", [2.0, 1.0]),
        ("knots", [0.0, 1e200]),
        ("knots", ["a", "b"]),
        ("knots", None),
        ("top", float("inf")),
        ("clock", {"unit": "ns", "ticks": 1, "zone": None}),
        ("clock", {"unit": "ns"}),
    ],
)
def test_altered_gaps_are_refused(key: str, value: Any) -> None:
    data = learnt(table()).to_dict()
    data["learnt"][0][key] = value
    with pytest.raises(DataError):
        LearntRules.from_dict(data)


@given(st.lists(st.tuples(st.integers(-99, 99), st.integers(-99, 99)), min_size=1, max_size=30))
def test_any_drawn_rows_obey(pairs: list[tuple[int, int]]) -> None:
    drawn = pd.DataFrame(pairs, columns=["low", "high"]) / 4
    assert RULE.holds(learnt(table()).undo(drawn)).all()
