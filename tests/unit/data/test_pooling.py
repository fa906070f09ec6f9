"""Are rare levels and extreme values pooled by the reference's rule, and put back?"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tabveil.data.pooling import Pooling, PoolingRule
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


def rule_of(pooling: Pooling, reference: pd.DataFrame, target: str | None = None) -> PoolingRule:
    return pooling.learn(reference, infer_schema(reference).with_roles(target=target))


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


def test_zeros_change_nothing() -> None:
    table = people()
    rule = rule_of(Pooling(min_rate=0.0, clip=0.0), people(100))
    pd.testing.assert_frame_equal(rule.apply(table), table)
    pd.testing.assert_frame_equal(rule.undo(table, seed=0), table)
    assert rule.apply_schema() == rule.schema


def test_pooled_cells_come_back_by_the_references_rates_of_shared_levels() -> None:
    rule = rule_of(Pooling(min_rate=0.05), people())
    table = pd.DataFrame({"job": ["(rare)"] * 4800, "age": 1, "since": pd.Timestamp("2016-01-01")})
    shares = rule.undo(table, seed=1)["job"].value_counts(normalize=True)
    assert set(shares.index) == {"smith", "pilot"}  # two spies are too few to be named
    assert shares["smith"] == pytest.approx(42 / 48, abs=0.02)


def test_without_a_shared_rare_level_the_most_common_one_comes_back() -> None:
    rule = rule_of(Pooling(min_rate=0.05, min_count=100), people())
    pooled = rule.apply(people())
    assert set(rule.undo(pooled, seed=1)["job"]) == {"clerk"}


def test_undoing_is_seeded_and_the_first_rows_do_not_depend_on_the_others() -> None:
    rule = rule_of(Pooling(min_rate=0.05), people())
    pooled = rule.apply(people().iloc[::-1])
    once = rule.undo(pooled, seed=1)
    pd.testing.assert_frame_equal(once, rule.undo(pooled, seed=1))
    pd.testing.assert_frame_equal(once.head(20), rule.undo(pooled.head(20), seed=1))
    assert not once.equals(rule.undo(pooled, seed=2))


def test_missing_values_are_neither_pooled_nor_clipped() -> None:
    table = people()
    table.loc[[3, 999], ["job", "since"]] = None
    rule = rule_of(Pooling(min_rate=0.05), people())
    restored = rule.undo(rule.apply(table), seed=1)
    assert restored["job"].isna().equals(table["job"].isna())
    assert restored["since"].isna().equals(table["since"].isna())


def test_a_target_keeps_its_two_most_common_levels() -> None:
    reference = people()
    pooled = rule_of(Pooling(min_rate=0.2), reference, target="job").apply(reference)
    assert set(pooled["job"]) == {"clerk", "smith", "(rare)"}


def test_a_column_of_rare_levels_keeps_its_most_common_one() -> None:
    reference = pd.DataFrame({"zip": [f"z{i % 300}" for i in range(901)]})
    pooled = rule_of(Pooling(), reference).apply(reference)
    assert set(pooled["zip"]) == {"z0", "(rare)"}


def test_the_pooled_label_never_meets_a_level_of_that_name() -> None:
    reference = pd.DataFrame({"a": ["(rare)"] * 90 + ["b"] * 2 + ["c"] * 8})
    pooled = rule_of(Pooling(min_rate=0.05), reference).apply(reference)
    assert set(pooled["a"]) == {"(rare)", "((rare))", "c"}


def test_codes_that_are_numbers_and_categoricals_get_their_dtype_back() -> None:
    reference = pd.DataFrame(
        {"n": [1] * 90 + [2] * 10, "c": pd.Categorical(["x"] * 90 + ["y"] * 10)}
    )
    schema = infer_schema(reference, kinds={"n": "categorical"})
    rule = Pooling(min_rate=0.2).learn(reference, schema)
    assert rule.apply_schema()["n"].dtype == "object"
    pd.testing.assert_frame_equal(rule.undo(rule.apply(reference), seed=0), reference)


def test_small_whole_numbers_are_clipped_inside_their_dtype() -> None:
    reference = pd.DataFrame({"a": np.arange(256, dtype="uint8").repeat(3)})
    rule = Pooling(clip=0.001).learn(reference, infer_schema(reference))
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
    ],
)
def test_a_parameter_out_of_range_is_named(pooling: Pooling, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        rule_of(pooling, people())


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(DataError, match="reference"):
        Pooling().learn(people().iloc[:0], infer_schema(people()))
