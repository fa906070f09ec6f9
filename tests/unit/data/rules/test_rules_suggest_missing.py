"""Are gaps that go together found, and gaps that meet by chance left alone?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.data.rules.declared import rules_of
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.suggest import suggest
from tabveil.data.rules.suggest_missing import missing_patterns
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema
from tabveil.data.tables import read_table

N = 1000
REAL = Path(__file__).parents[5] / "shared" / "data"


def gappy(**masks: np.ndarray) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    columns = {name: pd.Series(rng.normal(size=N)).where(~mask) for name, mask in masks.items()}
    return pd.DataFrame(columns).assign(whole=1.5)


def found(table: pd.DataFrame, given: tuple[str, ...] = ()) -> list[set[str]]:
    return [set(one.of) for one in missing_patterns(table, infer_schema(table), given)]


def test_gaps_that_go_together_or_exclude_each_other_are_found_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random(N) < 0.4, rng.random(N) < 0.5
    table = gappy(
        a=one,
        b=one ^ (rng.random(N) < 0.1),
        c=other,
        d=~other,
        alone=rng.random(N) < 0.3,
        rare=np.arange(N) < 12,
    )
    assert found(table) == [{"a", "b"}, {"c", "d"}]
    assert found(table, given=("a", "c")) == []
    assert found(table[["a", "whole"]]) == []


def test_gaps_by_chance_are_found_in_next_to_no_table() -> None:
    rng = np.random.default_rng(1)
    tables = [gappy(**{n: rng.random(N) < 0.3 for n in "abcdef"}) for _ in range(40)]
    assert sum(bool(found(table)) for table in tables) <= 1


def test_columns_are_not_joined_where_many_rows_would_be_changed() -> None:
    rng = np.random.default_rng(2)
    ill = rng.random(N) < 0.4
    masks = {f"q{i}": rng.random(N) < np.where(ill, 0.6, 0.2) for i in range(12)}
    table = gappy(**masks)
    groups = found(table)
    assert groups
    assert all(len(group) < 8 for group in groups)
    for group in groups:
        counts = table[[*group]].isna().value_counts()
        assert counts[counts >= 10].sum() >= 0.98 * N


def test_they_are_kept_unasked_where_no_declared_rule_says_it() -> None:
    rng = np.random.default_rng(3)
    there = rng.random(N) < 0.5
    table = gappy(a=~there, b=~there, c=~there).assign(n=np.where(there, 3, 0))
    schema = infer_schema(table, kinds={"n": "numeric"})
    assert rules_of(table, schema, []) == (MissingPattern(("a", "b", "c")),)
    told = {"kind": "level_when", "column": "a", "level": None, "when": {"n": 0}}
    placed = LevelWhen("a", None, When("n", (0,)))
    assert rules_of(table, schema, [told]) == (placed, MissingPattern(("b", "c")))
    told = {"kind": "missing_pattern", "of": ["a", "c"]}
    assert rules_of(table, schema, [told]) == (MissingPattern(("a", "c")),)


def test_they_are_suggested_for_columns_that_no_better_rule_speaks_of() -> None:
    rng = np.random.default_rng(4)
    there, asked = rng.random(N) < 0.5, rng.random(N) < 0.9
    table = gappy(a=~there, b=~(there & asked), c=~(there & asked) ^ (rng.random(N) < 0.05))
    table = table.assign(n=np.where(there, 3, 0))
    schema = infer_schema(table, kinds={"n": "numeric"})
    rules = tuple(one.rule for one in suggest(table, schema))
    assert LevelWhen("a", None, When("n", (0,))) in rules
    assert MissingPattern(("b", "c")) in rules
    Rules(rules).learn(table, schema, seed=0)  # they can be declared together


@pytest.mark.skipif(not REAL.is_dir(), reason="the real tables are not here")
@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("airbnb_nyc", {"last_review", "reviews_per_month"}),
        ("adult", {"workclass", "occupation"}),
        ("telco_pii", None),
    ],
)
def test_gaps_of_real_tables(name: str, together: set[str] | None) -> None:
    table = read_table(REAL / f"{name}.csv.gz")
    assert found(table) == ([] if together is None else [together])
