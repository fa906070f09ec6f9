"""Is a determined value looked up exactly, from a table that holds nobody's own level?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import LearntRules, Rules
from tabveil.data.rules.relations import FixedCombination
from tabveil.data.schema import infer_schema
from tabveil.errors import DataError


def learnt(rule: Rule, table: pd.DataFrame) -> LearntRules:
    kinds = {rule.columns[0]: "categorical"}
    return Rules((rule,)).learn(table, infer_schema(table, kinds=kinds), seed=0)


def villages() -> pd.DataFrame:
    places = ["Ulm"] * 40 + ["Bonn"] * 30 + ["Kleinau"] * 4 + ["Weit"] * 2 + ["Fern"] * 3
    county = ["south"] * 40 + ["west"] * 30 + ["west"] * 4 + ["south"] * 2 + ["north"] * 3
    return pd.DataFrame({"place": places, "county": county, "age": np.arange(79) % 9})


def test_levels_of_few_rows_are_not_stored_and_become_others_of_their_value() -> None:
    table = villages()
    rules = learnt(FixedCombination("place", "county"), table)
    text = json.dumps(rules.to_dict())
    assert all(name in text for name in ("Ulm", "Bonn", "south", "west"))
    assert not any(name in text for name in ("Kleinau", "Weit", "Fern", "north"))
    applied = rules.apply(table)
    assert applied["place"].head(76).tolist() == ["Ulm"] * 40 + ["Bonn"] * 34 + ["Ulm"] * 2
    assert set(applied["place"].tail(3)) <= {"Ulm", "Bonn"}


def test_a_level_without_an_entry_gets_the_commonest_value_and_does_not_obey() -> None:
    rules = learnt(FixedCombination("place", "county"), villages())
    undone = rules.undo(pd.DataFrame({"place": ["Bonn", "Fern"], "age": [1, 2]}))
    assert undone["county"].tolist() == ["west", "south"]
    assert rules.obeyed(undone)["place -> county"].tolist() == [True, False]


def test_a_table_of_single_rows_has_no_levels_to_store() -> None:
    table = pd.DataFrame({"place": [f"p{i}" for i in range(12)], "county": ["a", "b"] * 6})
    with pytest.raises(DataError, match="no level of 'place' is held by 5"):
        learnt(FixedCombination("place", "county"), table)


def test_one_to_one_gives_each_value_one_level() -> None:
    table = pd.DataFrame({"a": ["x"] * 50 + ["y"] * 50 + ["z"] * 6, "b": [1] * 50 + [2] * 56})
    rule = FixedCombination("a", "b", one_to_one=True, tolerance=0.1)
    rules = learnt(rule, table)
    applied = rules.apply(table)
    assert set(applied["a"].tail(6)) == {"y"}  # the level that stays for the value
    assert rule.holds(rules.undo(applied)).all()


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2] * 10, dtype="int8"),
        pd.Series([1.5, None] * 10),
        pd.Series([1, None] * 10, dtype="Int64"),
        pd.Series(["p", np.nan] * 10),
        pd.Series(["p", "q"] * 10, dtype="category"),
        pd.Series([True, False] * 10),
        pd.Series([True, np.nan] * 10, dtype=object),
        pd.Series([True, None] * 10, dtype="boolean"),
        pd.Series(pd.to_datetime(["2020-01-01", None] * 10)),
        pd.Series(
            pd.to_datetime(["2020-01-01", "2020-07-01T12:00"] * 10, format="ISO8601")
        ).dt.tz_localize("Europe/Berlin"),
    ],
    ids=lambda values: str(values.dtype),
)
def test_values_of_every_dtype_are_looked_up_exactly(values: pd.Series[Any]) -> None:
    table = pd.DataFrame({"a": ["x", "y"] * 10, "b": values})
    rules = learnt(FixedCombination("a", "b"), table)
    read = LearntRules.from_dict(json.loads(json.dumps(rules.to_dict())))
    pd.testing.assert_frame_equal(read.undo(read.apply(table)), table)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("codes", [0, 1]),
        ("codes", [0, 0, 0, 9]),
        ("codes", [0, 0, 0, -1]),
        ("codes", [0.0] * 4),
        ("common", 3),
        ("values", ["a", "b", "c"]),
        ("values", [1.0, 1.0, 2.0]),
        ("levels", []),
        ("levels", [[]]),
    ],
)
def test_an_altered_table_of_levels_is_refused(key: str, value: Any) -> None:
    data = learnt(FixedCombination("ward", "floor"), wards()).to_dict()
    data["learnt"][0][key] = value
    with pytest.raises(DataError):
        LearntRules.from_dict(data)


def wards() -> pd.DataFrame:
    return pd.DataFrame({"ward": ["a", "b", "c", "d"] * 9, "floor": [1, 1, 2, 3] * 9})
