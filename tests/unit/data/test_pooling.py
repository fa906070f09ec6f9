"""Rare levels and extreme values are pooled, and levels come back at their shares."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tabveil.data.pooling import Pooling, PoolingRule
from tabveil.data.rare_columns import mostly_rare
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError, DataError


def people(n: int = 1000) -> pd.DataFrame:
    """950 common, 42 + 6 + 2 rare of 1000; ages 0..99 evenly; dates over 1000 days."""
    job = np.repeat(["clerk", "smith", "pilot", "spy"], [n - 50, 42, 6, 2])
    return pd.DataFrame(
        {
            "job": job,
            "age": np.arange(n) % 100,
            "since": pd.Timestamp("2015-01-01") + pd.to_timedelta(np.arange(n), "D"),
        }
    )


def rule_of(
    pooling: Pooling,
    table: pd.DataFrame,
    *,
    target: str | None = None,
    kinds: dict[str, str] | None = None,
) -> PoolingRule:
    """What every other row of a table as the pool and the others as the reference say."""
    schema = infer_schema(table, kinds=kinds).with_roles(target=target)
    return pooling.learn(table.iloc[::2], table.iloc[1::2], schema)


def texts(**counts: int) -> pd.DataFrame:
    """One column, `a`, of so many rows a level."""
    return pd.DataFrame({"a": np.repeat(list(counts), list(counts.values()))})


def shares_of(rule: PoolingRule, name: str = "a") -> dict[object, float]:
    (column,) = [column for column in rule.pooled if column.name == name]
    return {level: round(column.share_of(level), 3) for level in column.levels}


def test_rare_and_unseen_levels_become_one_level() -> None:
    rule = rule_of(Pooling(), people())
    train = people().iloc[[0, 960, 995, 999]].assign(job=["clerk", "pilot", "spy", "astronaut"])
    assert rule.apply(train)["job"].tolist() == ["clerk", "(rare)", "(rare)", "(rare)"]


def test_numbers_and_dates_are_clipped_to_the_references_quantiles() -> None:
    reference = people()
    pooled = rule_of(Pooling(clip=0.05), reference).apply(reference)
    assert (pooled["age"].min(), pooled["age"].max()) == (5, 94)
    assert pooled["age"].dtype == reference["age"].dtype
    assert abs((pooled["since"].min() - reference["since"].quantile(0.05)).days) <= 1
    assert abs((pooled["since"].max() - reference["since"].quantile(0.95)).days) <= 1


def test_zeros_and_a_count_of_one_change_nothing() -> None:
    table = people()
    rule = rule_of(Pooling(min_rate=0.0, clip=0.0, min_count=1), people(100))
    pd.testing.assert_frame_equal(rule.apply(table), table)
    pd.testing.assert_frame_equal(rule.undo(table, seed=0), table)
    assert rule.apply_schema() == rule.schema


def test_pooled_cells_come_back_as_levels_that_enough_rows_hold() -> None:
    rule = rule_of(Pooling(min_rate=0.05), people())
    table = pd.DataFrame({"job": ["(rare)"] * 4800, "age": 1, "since": pd.Timestamp("2016-01-01")})
    counts = rule.undo(table, seed=1)["job"].value_counts()
    assert counts["smith"] / counts["pilot"] == pytest.approx(42 / 6, rel=0.1)
    assert "spy" not in counts  # two are too few to be named, or to be a level of their own


def test_levels_of_too_few_rows_keep_their_share_together_as_one_label() -> None:
    pool = texts(a=900, b=40, **{f"c{i}": 4 for i in range(15)})
    rule = rule_of(Pooling(), pool)
    assert shares_of(rule) == {"a": 0.9, "b": 0.04, "other": 0.06}
    drawn = rule.undo(rule.apply(pool), seed=1)["a"].value_counts()
    assert drawn.to_dict() == {"a": 900, "b": 40, "other": 60}


def test_a_person_may_ask_for_the_commonest_level_instead_of_a_label() -> None:
    pool = texts(a=900, b=40, **{f"c{i}": 4 for i in range(15)})
    assert shares_of(rule_of(Pooling(other="commonest"), pool)) == {"a": 0.96, "b": 0.04}


def test_the_label_never_meets_a_level_of_that_name() -> None:
    pool = texts(Other=900, **{f"c{i}": 4 for i in range(25)})
    assert shares_of(rule_of(Pooling(), pool)) == {"Other": 0.9, "(other)": 0.1}


def test_a_label_of_too_few_rows_is_not_drawn() -> None:
    assert shares_of(rule_of(Pooling(), texts(a=90, b=6, c=2, d=2))) == {"a": 0.938, "b": 0.062}


@pytest.mark.parametrize("as_text", [False, True])
def test_numbers_and_truth_values_share_out_what_no_label_can_hold(as_text: bool) -> None:
    numbers = np.repeat([1, 2, *range(10, 20)], [60, 30, *[1] * 10])
    pool = pd.DataFrame({"a": numbers.astype(str) if as_text else numbers})
    rule = rule_of(Pooling(), pool, kinds={"a": "categorical"})
    assert list(shares_of(rule).values()) == [0.667, 0.333]
    restored = rule.undo(rule.apply(pool), seed=0)
    assert restored["a"].dtype == pool["a"].dtype
    assert set(restored["a"]) == set(pool["a"].unique()[:2])


def test_a_truth_value_of_too_few_rows_is_not_drawn() -> None:
    pool = pd.DataFrame({"a": [True] * 97 + [False] * 3})
    rule = rule_of(Pooling(), pool).for_training(pool)
    assert rule.apply_schema()["a"].kind == "categorical"
    restored = rule.undo(rule.apply(pool), seed=0)
    assert restored["a"].dtype == bool
    assert restored["a"].all()


def test_names_and_shares_are_of_pool_and_reference_together() -> None:
    pool, reference = texts(a=90, b=6, c=4, d=2), texts(a=82, b=9, c=4, d=1, e=2)
    rule = Pooling().learn(pool, reference, infer_schema(pool))
    assert shares_of(rule) == {"a": 0.86, "b": 0.075, "c": 0.04, "other": 0.025}


def test_levels_that_too_few_training_rows_hold_are_pooled_and_come_back() -> None:
    pool = texts(a=80, b=12, c=8)
    rule = rule_of(Pooling(min_rate=0), pool)
    train = pool.iloc[[*range(70), *range(80, 88), *range(92, 95)]]
    fitted = rule.for_training(train, min_count=8)
    assert set(fitted.apply(train)["a"]) == {"a", "b", "(rare)"}
    assert shares_of(fitted) == shares_of(rule) == {"a": 0.8, "b": 0.12, "c": 0.08}


def test_a_column_without_a_rare_training_row_stays_as_it_is() -> None:
    pool = pd.DataFrame({"a": pd.Categorical(["x"] * 90 + ["y"] * 10)})
    rule = rule_of(Pooling(), pool).for_training(pool)
    assert rule.apply_schema() == rule.schema
    pd.testing.assert_frame_equal(rule.apply(pool), pool)


def test_what_a_model_draws_too_often_becomes_what_it_draws_too_rarely() -> None:
    rule = rule_of(Pooling(min_rate=0), texts(a=500, b=300, c=200))
    drawn = texts(a=6_000, b=4_000)
    restored = rule.measured(drawn).undo(drawn, seed=0)
    shares = restored["a"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2}, abs=0.015)
    assert (restored["a"] != drawn["a"]).mean() == pytest.approx(0.2, abs=0.015)  # and no more


def test_shares_that_are_right_but_for_chance_are_left_alone() -> None:
    rule = rule_of(Pooling(min_rate=0), texts(a=500, b=500))
    drawn = texts(a=5_050, b=4_950)
    pd.testing.assert_frame_equal(rule.measured(drawn).undo(drawn, seed=0), drawn)


def test_a_column_of_rare_levels_only_is_told_of() -> None:
    table = pd.DataFrame({"town": [f"t{i % 286}" for i in range(1000)], "sex": ["m", "f"] * 500})
    pool, reference, schema = table.iloc[::2], table.iloc[1::2], infer_schema(table)
    (note,) = mostly_rare(pool, reference, schema)
    assert note.startswith("town: 286 of 286 levels, 100% of the cells")
    assert mostly_rare(pool, reference, schema, min_count=2) == []


def test_undoing_is_seeded_and_the_first_rows_do_not_depend_on_the_others() -> None:
    rule = rule_of(Pooling(min_rate=0.05), people())
    pooled = rule.apply(people().iloc[::-1])
    once = rule.undo(pooled, seed=1)
    pd.testing.assert_frame_equal(once, rule.undo(pooled, seed=1))
    pd.testing.assert_frame_equal(once.head(20), rule.undo(pooled.head(20), seed=1))
    assert not once.equals(rule.undo(pooled, seed=2))


def test_missing_values_are_neither_pooled_nor_clipped() -> None:
    table = people()
    table.loc[[3, *range(994, 1000)], ["job", "since"]] = None
    rule = rule_of(Pooling(min_rate=0.05), people())
    restored = rule.undo(rule.apply(table), seed=1)
    assert restored["job"].isna().equals(table["job"].isna())
    assert restored["since"].isna().equals(table["since"].isna())


def test_a_target_keeps_its_two_most_common_levels() -> None:
    reference = people()
    pooled = rule_of(Pooling(min_rate=0.2), reference, target="job").apply(reference)
    assert set(pooled["job"]) == {"clerk", "smith", "(rare)"}


def test_a_column_of_rare_levels_becomes_one_label() -> None:
    pool = pd.DataFrame({"zip": [f"z{i % 300}" for i in range(901)]})
    rule = rule_of(Pooling(), pool)
    assert set(rule.apply(pool)["zip"]) == {"(rare)"}
    assert set(rule.undo(rule.apply(pool), seed=0)["zip"]) == {"other"}


def test_the_pooled_label_never_meets_a_level_of_that_name() -> None:
    reference = pd.DataFrame({"a": ["(rare)"] * 90 + ["b"] * 2 + ["c"] * 8})
    pooled = rule_of(Pooling(min_rate=0.05), reference).apply(reference)
    assert set(pooled["a"]) == {"(rare)", "((rare))", "c"}


def test_codes_that_are_numbers_and_categoricals_get_their_dtype_back() -> None:
    reference = pd.DataFrame(
        {"n": [1] * 90 + [2] * 10, "c": pd.Categorical(["x"] * 90 + ["y"] * 10)}
    )
    schema = infer_schema(reference, kinds={"n": "categorical"})
    rule = Pooling(min_rate=0.2).learn(reference, reference, schema)
    assert rule.apply_schema()["n"].dtype == "object"
    pd.testing.assert_frame_equal(rule.undo(rule.apply(reference), seed=0), reference)


def test_small_whole_numbers_are_clipped_inside_their_dtype() -> None:
    reference = pd.DataFrame({"a": np.arange(256, dtype="uint8").repeat(3)})
    rule = Pooling(clip=0.001).learn(reference, reference, infer_schema(reference))
    assert rule.apply(reference)["a"].dtype == "uint8"


def test_a_rule_read_from_json_is_equal_and_an_altered_one_is_refused() -> None:
    rule = rule_of(Pooling(min_rate=0.05), people())
    data = json.loads(json.dumps(rule.to_dict()))
    assert PoolingRule.from_dict(data) == rule
    for change in ({"pooled": [{}]}, {"clipped": [{"name": "no"}]}, {"schema": 3}):
        with pytest.raises(DataError):
            PoolingRule.from_dict(data | change)
    data["pooled"][0]["name"] = "elsewhere"
    with pytest.raises(DataError, match="elsewhere"):
        PoolingRule.from_dict(data)


@pytest.mark.parametrize(
    ("pooling", "key"),
    [
        (Pooling(min_rate=-0.1), "min_rate"),
        (Pooling(clip=0.5), "clip"),
        (Pooling(min_count=0), "min_count"),
        (Pooling(other="nobody"), "other"),  # type: ignore[arg-type]
    ],
)
def test_a_parameter_out_of_range_is_named(pooling: Pooling, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        rule_of(pooling, people())


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(DataError, match="reference"):
        Pooling().learn(people(), people().iloc[:0], infer_schema(people()))


def test_a_target_keeps_two_levels_whoever_holds_them() -> None:
    pool = texts(no=97, yes=3)
    rule = rule_of(Pooling(), pool, target="a").for_training(pool, min_count=5)
    assert rule.apply(pool).equals(pool)
    assert shares_of(rule) == {"no": 0.97, "yes": 0.03}
