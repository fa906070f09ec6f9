"""Is what a rule gives taken out of training, put back, and nobody's secret on the way?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import LearntRules, Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import ConfigError, DataError

N = 300


def stays() -> pd.DataFrame:
    """Hospital stays that obey every rule below."""
    rng = np.random.default_rng(0)
    ward = rng.choice(["eye", "ear", "heart", "skin"], N)
    beds = rng.integers(1, 4, N)
    admitted = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D")
    visits = rng.integers(0, 3, N)
    insured = rng.random(N) < 0.7
    return pd.DataFrame(
        {
            "ward": ward,
            "floor": pd.Series(ward).map({"eye": 1, "ear": 1, "heart": 2, "skin": 3}),
            "beds": beds,
            "rate": rng.integers(10, 20, N) / 2,
            "visits": visits,
            "last_visit": admitted.where(visits > 0),
            "rating": np.where(visits > 0, rng.integers(1, 6, N), np.nan),
            "admitted": admitted,
            "discharged": admitted + pd.to_timedelta(rng.integers(0, 30, N), "D"),
            "insured": insured,
            "plan": np.where(insured, rng.choice(["basic", "full"], N), "none"),
            "code": rng.choice(["A1", "B2", "C3"], N),
        }
    ).assign(cost=lambda t: t.beds * t.rate)


RULES: tuple[Rule, ...] = (
    FixedCombination("ward", "floor"),
    Derived("cost", "product", ("beds", "rate")),
    LevelWhen("last_visit", None, When("visits", (0,))),
    LevelWhen("rating", None, When("visits", (0,))),
    LevelWhen("plan", "none", When("insured", (False,))),
    Inequality("admitted", "discharged"),
    Range("rate", 5, 10),
    Regex("code", r"[A-Z]\d"),
)
TABLE = stays()
SCHEMA = infer_schema(TABLE, kinds={"visits": "numeric"})


def learnt(*rules: Rule, table: pd.DataFrame = TABLE, min_count: int = 5) -> LearntRules:
    schema = infer_schema(table, kinds={"visits": "numeric"} if "visits" in table else None)
    return Rules(tuple(rules), min_count=min_count).learn(table, schema, seed=0)


def test_a_table_that_obeys_comes_back_as_it_was() -> None:
    rules, before = learnt(*RULES), TABLE.copy(deep=True)
    pd.testing.assert_frame_equal(rules.undo(rules.apply(TABLE)), TABLE)
    pd.testing.assert_frame_equal(TABLE, before)
    assert all(mask.all() for mask in rules.obeyed(TABLE).values())
    assert set(rules.obeyed(TABLE)) == {rule.name for rule in RULES}


def test_the_model_sees_neither_given_columns_nor_the_levels_that_will_be_set() -> None:
    rules = learnt(*RULES)
    applied = rules.apply(TABLE)
    assert list(applied.columns) == rules.apply_schema().names
    assert set(TABLE.columns) - set(applied.columns) == {"floor", "cost"} == set(rules.left_out)
    assert applied[["last_visit", "rating"]].notna().all().all()
    assert set(applied["plan"]) == {"basic", "full"}
    pd.testing.assert_frame_equal(applied, rules.apply(TABLE))


def test_filled_cells_come_from_the_same_row_where_columns_share_a_condition() -> None:
    rng = np.random.default_rng(1)
    size = rng.integers(1, 1000, N).astype(float)
    seen = np.arange(N) % 3 > 0
    table = pd.DataFrame({"seen": seen, "a": size, "b": -size}).astype({"seen": object})
    table.loc[~seen, ["a", "b"]] = np.nan
    rules = learnt(*(LevelWhen(name, None, When("seen", (False,))) for name in "ab"), table=table)
    applied = rules.apply(table)
    assert (applied["a"] == -applied["b"]).all()


def test_rules_come_back_from_json_and_change_rows_the_same() -> None:
    rules = learnt(*RULES)
    read = LearntRules.from_dict(json.loads(json.dumps(rules.to_dict())))
    assert read == rules
    pd.testing.assert_frame_equal(read.apply(TABLE), rules.apply(TABLE))


@pytest.mark.parametrize(
    "change",
    [
        {"rules": []},
        {"rules": [{"kind": "unique", "of": ["nothing"]}]},
        {"learnt": []},
        {"learnt": [{"rule": "x"}]},
        {"seed": None},
        {"schema": "{}"},
    ],
)
def test_altered_json_is_refused(change: dict[str, Any]) -> None:
    data = learnt(*RULES).to_dict() | change
    if not change.get("rules", True):  # without rules, what was learnt speaks of none
        assert LearntRules.from_dict(data).steps == ()
        return
    with pytest.raises((DataError, ConfigError)):
        LearntRules.from_dict(data)


def test_a_rule_that_the_table_breaks_is_named_with_the_share_that_obeys() -> None:
    table = TABLE.copy()
    table.loc[:2, "discharged"] = table["admitted"] - pd.Timedelta(1, "D")
    rule = Inequality("admitted", "discharged")
    with pytest.raises(DataError, match=r"'admitted <= discharged' holds in 99 % .* 3 break it"):
        learnt(rule, table=table)
    learnt(Inequality("admitted", "discharged", tolerance=0.01), table=table)
    with pytest.raises(DataError, match=r"tolerance=0\.01$"):
        learnt(Inequality("admitted", "discharged", tolerance=0.009), table=table)


def test_a_condition_that_no_row_meets_is_named() -> None:
    with pytest.raises(DataError, match=r"plan is 'none' when ward is 'nose'.*no training row"):
        learnt(LevelWhen("plan", "none", When("ward", ("nose",)), exactly=False))


def test_rules_need_rows_and_a_count() -> None:
    with pytest.raises(DataError, match="none"):
        Rules().learn(TABLE.head(0), SCHEMA, seed=0)
    with pytest.raises(ConfigError, match="min_count=0"):
        Rules(min_count=0).learn(TABLE, SCHEMA, seed=0)


def test_rows_that_a_tolerance_allows_are_made_to_obey_before_training() -> None:
    table = TABLE.copy()
    table.loc[0, "rate"], table.loc[1, "code"], table.loc[2, "plan"] = 99, "?", "odd"
    table["cost"] = table["beds"] * table["rate"]
    table.loc[3, "cost"] += 1
    table.loc[table.index[table["insured"]][:1], "plan"] = "none"
    rules = learnt(
        Derived("cost", "product", ("beds", "rate"), tolerance=0.1),
        LevelWhen("plan", "none", When("insured", (False,)), tolerance=0.1),
        Range("rate", 5, 10, tolerance=0.1),
        Regex("code", r"[A-Z]\d", tolerance=0.1),
        table=table,
    )
    applied = rules.apply(table)
    assert applied["rate"].max() == 10
    assert set(applied["code"]) == {"A1", "B2", "C3"}
    assert "none" not in set(applied["plan"])
    assert all(mask.all() for mask in rules.obeyed(rules.undo(applied)).values())


@pytest.mark.parametrize("level", ["no", None])
@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_a_level_is_set_in_text_of_every_dtype(level: str | None, dtype: str) -> None:
    values = pd.Series([level, "yes", "perhaps"] * 10, dtype=dtype)
    table = pd.DataFrame({"a": values, "b": [0, 1, 2] * 10})
    rules = learnt(LevelWhen("a", level, When("b", (0,))), table=table)
    applied = rules.apply(table)
    assert set(applied["a"].dropna()) == {"yes", "perhaps"}
    assert not applied["a"].isna().any()
    undone = rules.undo(applied)
    assert undone["a"].isna().equals(table["a"].isna())
    assert undone["a"].astype(object).dropna().equals(table["a"].astype(object).dropna())


def test_a_range_is_kept_on_the_grid_of_the_column() -> None:
    table = pd.DataFrame({"a": [1, 2, 3] * 10, "b": [0.1, 0.2, 0.3] * 10})
    rules = learnt(Range("a", 0.5, 3.5), Range("b", 0.1, 0.3), table=table)
    drawn = pd.DataFrame({"a": [-4, 2, 9], "b": [0.0, 0.2, 0.4]})
    undone = rules.undo(drawn)
    assert undone["a"].tolist() == [1, 2, 3]
    assert undone["b"].tolist() == [0.1, 0.2, 0.3]
    days = pd.DataFrame({"d": pd.to_datetime(["2020-01-01", "2020-02-01"] * 10)})
    dated = learnt(Range("d", "2020-01-01", "2020-02-01"), table=days)
    late = dated.undo(pd.DataFrame({"d": pd.to_datetime(["2019-05-05", "2020-03-01", None])}))
    assert late["d"].tolist()[:2] == [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-02-01")]


def test_a_ratio_that_is_missing_where_the_column_never_is_does_not_obey() -> None:
    table = pd.DataFrame({"a": [4, 6, 6] * 10, "b": [1, 2, 3] * 10, "r": [4, 3, 2] * 10})
    rules = learnt(Derived("r", "ratio", ("a", "b")), table=table)
    undone = rules.undo(pd.DataFrame({"a": [4, 4], "b": [2, 0]}))
    assert rules.obeyed(undone)["r = a / b"].tolist() == [True, False]


def test_roles_of_columns_that_are_left_out_are_lost() -> None:
    schema = SCHEMA.with_roles(
        target="cost", sensitive=["floor", "plan"], quasi_identifiers=["ward"]
    )
    applied: Schema = Rules(RULES).learn(TABLE, schema, seed=0).apply_schema()
    assert (applied.target, applied.sensitive, applied.quasi_identifiers) == (
        None,
        ("plan",),
        ("ward",),
    )


def test_uniqueness_is_no_fact_about_a_row() -> None:
    table = pd.DataFrame({"a": np.arange(30.0) ** 1.5})
    assert learnt(Unique(("a",)), table=table).obeyed(table) == {}


LEVELS = st.sampled_from(["p", "q", "r", None])


@settings(max_examples=60)
@given(st.lists(st.tuples(LEVELS, LEVELS, st.integers(0, 3)), min_size=8, max_size=40))
def test_any_table_obeys_once_it_is_applied_and_undone(rows: list[tuple[Any, Any, int]]) -> None:
    table = pd.DataFrame(rows, columns=["a", "b", "n"]).astype({"a": object, "b": object})
    schema = infer_schema(table, kinds={"a": "categorical", "b": "categorical", "n": "numeric"})
    rules = (
        FixedCombination("a", "b", tolerance=0.99),
        LevelWhen("a", "q", When("n", (0,)), tolerance=0.99),
    )
    try:
        found = Rules(rules, min_count=1).learn(table, schema, seed=0)
    except DataError:
        return
    undone = found.undo(found.apply(table))
    assert found.obeyed(undone)[rules[1].name].all() or (table["a"] == "q").all()
    assert FixedCombination("a", "b").holds(undone).all()
    again = found.undo(undone.drop(columns="b"))
    pd.testing.assert_frame_equal(again, undone)


def test_rules_are_checked_on_numbers_that_were_read_as_texts() -> None:
    table = pd.DataFrame({"n": [str(i % 40) for i in range(200)], "x": np.arange(200) * 1.5})
    schema = infer_schema(table, kinds={"n": "numeric"})
    rules = Rules((Range("n", low=0, high=39),)).learn(table, schema, seed=0)
    assert rules.undo(rules.apply(table))["n"].tolist() == table["n"].astype(float).tolist()
    with pytest.raises(DataError, match=r"holds in 97\.5 %"):
        Rules((Range("n", low=0, high=38),)).learn(table, schema, seed=0)
