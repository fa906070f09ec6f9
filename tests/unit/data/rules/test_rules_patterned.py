"""Do values go missing together in drawn rows as in the table, and is no one's gap stored?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.data.pooling import Pooling
from tabveil.data.rules.checks import check_rules
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import LearntRules, Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.patterned import Patterned
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema
from tabveil.errors import ConfigError, DataError

N = 600
RULE = MissingPattern(("dose", "drug", "given"))


def visits() -> pd.DataFrame:
    """Dose, drug and date are there or not together; in 3 rows only the drug is missing."""
    rng = np.random.default_rng(0)
    treated, dosed = rng.random(N) < 0.6, rng.random(N) < 0.8
    dose = rng.integers(1, 90, N).astype(float)
    given = pd.Timestamp("2020-01-01") + pd.to_timedelta(dose, "D")
    table = pd.DataFrame(
        {
            "ward": rng.choice(["eye", "ear"], N),
            "dose": np.where(treated & dosed, dose, np.nan),
            "drug": pd.Series(rng.choice(["a", "b"], N)).where(treated),
            "given": pd.Series(given).where(treated),
            "age": rng.integers(20, 90, N),
        }
    )
    whole = table.index[table.notna().all(axis=1)][:3]
    table.loc[whole, "drug"] = np.nan
    return table


TABLE = visits()
SCHEMA = infer_schema(TABLE)


def learnt(*rules: Rule, table: pd.DataFrame = TABLE) -> LearntRules:
    return Rules(rules).learn(table, infer_schema(table), seed=0)


def made(rules: LearntRules) -> Patterned:
    (step,) = (step for step in rules.steps if isinstance(step, Patterned))
    return step


def test_gaps_come_back_and_the_model_sees_none() -> None:
    rules, before = learnt(RULE), TABLE.copy(deep=True)
    applied = rules.apply(TABLE)
    name = made(rules).column.name
    assert list(applied) == [name, *TABLE] == rules.apply_schema().names
    assert applied.notna().all().all()
    assert set(applied[name]) == {"000", "111", "100"}
    pd.testing.assert_frame_equal(TABLE, before)
    undone = rules.undo(applied)
    same = ~(TABLE["drug"].isna() & TABLE["given"].notna()).to_numpy()
    pd.testing.assert_frame_equal(undone[same], TABLE[same])
    pd.testing.assert_frame_equal(applied, rules.apply(TABLE))


def test_a_pattern_of_few_rows_becomes_the_nearest_and_is_not_stored() -> None:
    rules = learnt(RULE)
    assert set(made(rules).patterns) == {"000", "111", "100"}
    few = TABLE["drug"].isna() & TABLE["given"].notna()
    undone = rules.undo(rules.apply(TABLE))[few]
    assert few.sum() == 3
    assert undone["drug"].notna().all()
    assert undone["dose"].equals(TABLE["dose"][few])


def test_filled_cells_of_a_row_come_from_one_row() -> None:
    rng = np.random.default_rng(1)
    size, there = rng.integers(1, 1000, N).astype(float), rng.random(N) < 0.5
    table = pd.DataFrame({"a": np.where(there, size, np.nan), "b": np.where(there, -size, np.nan)})
    applied = learnt(MissingPattern(("a", "b")), table=table).apply(table)
    assert (applied["a"] == -applied["b"]).all()
    assert not applied["a"].equals(table["a"])


def test_rows_too_few_to_hide_in_bring_no_gap_back() -> None:
    table = pd.DataFrame({"a": [1.0, None] * 2 + [3.0], "b": ["x", None, None, "y", None]})
    rules = Rules((MissingPattern(("a", "b")),)).learn(table, infer_schema(table), seed=0)
    assert made(rules).patterns == ("00",)
    assert rules.undo(rules.apply(table)).notna().all().all()


def test_it_fits_with_rules_that_set_look_up_and_compute() -> None:
    rng = np.random.default_rng(2)
    table = TABLE.assign(
        code=TABLE["drug"].map({"a": 1.0, "b": 2.0}).fillna(0.0),
        double=TABLE["dose"] * 2,
        left=TABLE["given"] + pd.to_timedelta(rng.integers(0, 9, N), "D"),
        why=pd.Series(rng.choice(["x", "y"], N)).where(rng.random(N) < 0.7),
        note=pd.Series("early", index=TABLE.index).where(TABLE["given"].notna()),
    )
    table["why"] = table["why"].where(table["ward"] == "ear", "unasked")
    table = table.assign(why=table["why"].where(TABLE["drug"].notna() | (table["ward"] == "eye")))
    rules: tuple[Rule, ...] = (
        FixedCombination("drug", "code"),
        Derived("double", "sum", ("dose", "dose")),
        LevelWhen("note", None, When("given", (None,))),
        LevelWhen("why", "unasked", When("ward", ("eye",))),
        Inequality("given", "left"),
        MissingPattern(("dose", "drug", "given", "left", "why")),
    )
    found = learnt(*rules, table=table)
    assert isinstance(found.steps[0], Patterned)
    applied = found.apply(table)
    assert applied[[*rules[-1].columns]].notna().all().all()
    undone = found.undo(applied.sample(frac=1, random_state=0))
    assert all(mask.all() for mask in found.obeyed(undone).values())
    assert undone["note"].isna().equals(undone["given"].isna())
    kept = found.undo(applied)
    rows = (kept.isna() == table.isna()).all(axis=1)
    assert rows.mean() > 0.95


def test_pooling_leaves_the_patterns_alone() -> None:
    rules = learnt(RULE)
    table = rules.apply(TABLE.head(60))
    pooling = Pooling(min_rate=0.4).learn(table, table, rules.apply_schema())
    assert made(rules).column.name not in [column.name for column in pooling.pooled]


def test_it_comes_back_from_json() -> None:
    rules = learnt(RULE)
    read = LearntRules.from_dict(json.loads(json.dumps(rules.to_dict())))
    assert read == rules
    pd.testing.assert_frame_equal(read.apply(TABLE), rules.apply(TABLE))
    backwards = Rules((RULE,)).learn(TABLE.iloc[::-1], SCHEMA, seed=0)
    assert backwards.to_dict() == rules.to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"patterns": []},
        {"patterns": ["00"]},
        {"patterns": ["002"]},
        {"patterns": ["000", "000"]},
        {"patterns": [0]},
        {"levels": {}},
        {"levels": {"drug": ["a", "b"]}},
        {"levels": {"drug": ["a", None], "dose": ["a", None]}},
        {"levels": {"drug": [["a"], None]}},
    ],
    ids=str,
)
def test_altered_json_is_refused(change: dict[str, Any]) -> None:
    data = learnt(RULE).to_dict()
    data["learnt"][0] |= change
    with pytest.raises(DataError):
        LearntRules.from_dict(data)


def test_a_pattern_that_was_not_learnt_is_refused() -> None:
    rules = learnt(RULE)
    drawn = rules.apply(TABLE).assign(**{made(rules).column.name: "110"})
    with pytest.raises(DataError, match="a pattern that is not known"):
        rules.undo(drawn)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([MissingPattern(("dose",))], "needs two columns"),
        ([MissingPattern(("dose", "dose"))], "names a column twice"),
        ([MissingPattern(("dose", "dosage"))], "no modelled column"),
        ([MissingPattern(("dose", "age"))], "'age', a column of int64, is never missing"),
        ([RULE, MissingPattern(("drug", "given"))], "both say where 'drug' is missing"),
        (
            [RULE, LevelWhen("given", None, When("ward", ("eye",)))],
            "both say where 'given' is missing",
        ),
        ([RULE, FixedCombination("ward", "drug")], "both say where 'drug' is missing"),
    ],
)
def test_what_does_not_fit_is_named(rules: list[Rule], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_rules(rules, SCHEMA)
