"""Does each rule tell which rows obey it?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality, commonest
from tabveil.data.rules.when import When

NAN = float("nan")


@pytest.mark.parametrize(
    ("rule", "columns", "expected"),
    [
        (Inequality("a", "b"), {"a": [1, 2, 3, NAN], "b": [2, 2, 2, 0]}, [1, 1, 0, 1]),
        (Inequality("a", "b", strict=True), {"a": [1, 2, 3], "b": [2, 2, NAN]}, [1, 0, 1]),
        (
            Inequality("a", "b"),
            {"a": pd.to_datetime(["2020-01-02", None]), "b": pd.to_datetime(["2020-01-01"] * 2)},
            [0, 1],
        ),
        (Inequality("a", "b"), {"a": pd.array([3, None], "Int64"), "b": [2, 2]}, [0, 1]),
        (
            FixedCombination("a", "b"),
            {"a": ["x", "x", "x", None, None], "b": [1, 1, 2, 7, NAN]},
            [1, 1, 0, 1, 0],
        ),
        (FixedCombination("a", "b"), {"a": ["x", "y"], "b": [1, 1]}, [1, 1]),
        (
            FixedCombination("a", "b", one_to_one=True),
            {"a": ["x", "x", "y"], "b": [1, 1, 1]},
            [1, 1, 0],
        ),
        (Derived("s", "sum", ("a", "b", "c")), {"s": [6, 7], "a": [1] * 2, "b": 2, "c": 3}, [1, 0]),
        (Derived("s", "sum", ("a",)), {"s": [1.0, NAN], "a": [1, 1]}, [1, 0]),
        (Derived("d", "difference", ("a", "b")), {"d": [-1, 1], "a": [1, 1], "b": 2}, [1, 0]),
        (Derived("p", "product", ("a", "b")), {"p": [6.0, NAN], "a": [2, NAN], "b": 3}, [1, 1]),
        (
            Derived("r", "ratio", ("a", "b"), decimals=2),
            {"r": [0.33, 0.34, NAN, 1], "a": [1, 1, 1, 1], "b": [3, 3, 0, 0]},
            [1, 0, 1, 0],
        ),
        (Range("a", 0, 5), {"a": [-1, 0, 5, 6, NAN]}, [0, 1, 1, 0, 1]),
        (
            Range("a", "2020-01-02"),
            {"a": pd.to_datetime(["2020-01-01", "2020-01-02", None])},
            [0, 1, 1],
        ),
        (
            Range("a", None, "2020-01-02T00:00+01:00"),
            {"a": pd.to_datetime(["2020-01-01T23:00", "2020-01-01T23:01"], utc=True)},
            [1, 0],
        ),
        (Regex("a", r"\d{2}"), {"a": ["12", "123", "x", None]}, [1, 0, 0, 1]),
        (Unique(("a", "b")), {"a": [1, 1, 1, NAN, NAN], "b": [1, 2, 1, 3, 3]}, [1, 1, 0, 1, 1]),
        (LevelWhen("a", None, When("b", (0,))), {"a": [NAN, 1, NAN], "b": [0, 0, 1]}, [1, 0, 0]),
        (
            LevelWhen("a", "no", When("b", ("x", None)), exactly=False),
            {"a": ["no", "yes", "no", "yes"], "b": ["x", None, "z", "z"]},
            [1, 0, 1, 1],
        ),
        (
            LevelWhen("a", "no", When("b", low=3.0)),
            {"a": ["no", "yes", "no"], "b": [3, 2, NAN]},
            [1, 1, 0],
        ),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_known_answers(rule: Rule, columns: dict[str, Any], expected: list[int]) -> None:
    table = pd.DataFrame(columns)
    obeys = rule.holds(table)
    assert obeys.dtype == bool
    assert obeys.tolist() == [bool(value) for value in expected]
    assert set(rule.columns) == set(table.columns)
    assert rule.holds(table.head(0)).shape == (0,)


def test_rules_name_themselves() -> None:
    assert Inequality("a", "b", strict=True).name == "a < b"
    assert FixedCombination("a", "b", one_to_one=True).name == "a <-> b"
    assert Derived("r", "ratio", ("a", "b")).name == "r = a / b"
    assert Range("a", 0, 5).name == "a from 0 to 5"
    assert Unique(("a", "b")).name == "a and b unique"
    rule = LevelWhen("a", None, When("b", (0, None)), exactly=False)
    assert rule.name == "a is missing when b is 0 or missing"


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_the_commonest_partner_is_the_mode_of_each_group(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs, dtype=np.int64).T
    found = commonest(a, b)
    for code in set(a.tolist()):
        assert found[code] == pd.Series(b[a == code]).mode().min()


@given(st.integers(0, 3), st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=9))
def test_what_is_computed_and_rounded_obeys(decimals: int, values: list[float]) -> None:
    terms = pd.DataFrame({"a": values, "b": values[::-1]}).round(decimals)
    for operation in ("sum", "difference", "product", "ratio"):
        rule = Derived("c", operation, ("a", "b"), decimals)  # type: ignore[arg-type]
        assert rule.holds(terms.assign(c=rule.compute(terms))).all()
