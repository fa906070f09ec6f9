"""Are rules that do not fit the table, or each other, named before anything is learnt?"""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

from tabveil.data.rules.checks import check_rules, column_order
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import Column, Schema
from tabveil.errors import ConfigError

SCHEMA = Schema(
    (
        Column("a", "numeric", "int64", 0),
        Column("b", "numeric", "float64", 2),
        Column("c", "numeric", "float64", None),
        Column("x", "categorical", "object"),
        Column("y", "categorical", "object"),
        Column("flag", "boolean", "bool"),
        Column("day", "datetime", "datetime64[ns]"),
        Column("hour", "datetime", "datetime64[ns, UTC]"),
    )
)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Inequality("a", "z"), "'a <= z' names 'z', which is no modelled column"),
        (Inequality("a", "day"), "compares a int64 with a datetime64"),
        (Inequality("day", "hour"), "both with a time zone or both without"),
        (Inequality("a", "x"), "'x' is categorical"),
        (Inequality("a", "a"), "a column twice"),
        (Inequality("a", "b", tolerance=1.0), "tolerance=1.0 must be"),
        (FixedCombination("a", "x"), "needs categorical or boolean columns, but 'a' is numeric"),
        (Derived("a", "sum", ("b", "x")), "'x' holds no numbers to compute with"),
        (Derived("a", "sum", ("b", "day")), "'day' is datetime"),
        (Derived("x", "sum", ("b", "a")), "'x' is categorical"),
        (Derived("a", "ratio", ("b",)), "a ratio is of two columns"),
        (Derived("a", "sum", ("a", "b")), "'a = a . b' go in a circle"),
        (LevelWhen("a", "no", When("x", ("y",))), "a numeric column cannot hold"),
        (LevelWhen("day", 0, When("x", ("y",))), "a datetime column cannot hold"),
        (LevelWhen("a", None, When("x", ("y",))), "int64 is never missing"),
        (LevelWhen("flag", None, When("x", ("y",))), "bool is never missing"),
        (LevelWhen("b", 0, When("x", low=1.0)), "'x' is categorical"),
        (LevelWhen("b", 0, When("day", (0,))), "'day' is datetime"),
        (LevelWhen("x", "no", When("x", ("y",))), "in a circle"),
        (Range("x", 0), "'x' is categorical"),
        (Range("a"), "low, high or both"),
        (Range("a", "2020-01-01"), "each a number"),
        (Range("day", 2020), "each a date as ISO text"),
        (Range("day", "soon"), "its ends are no dates"),
        (Range("a", 2, 1), "low lies above high"),
        (Range("day", "2021-01-01", "2020-01-01"), "low lies above high"),
        (Regex("a", r"\d"), "'a' is numeric"),
        (Regex("x", r"("), "not a regular expression"),
        (Unique(("a", "a")), "a column twice"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_rule_that_does_not_fit_is_named(rule: Rule, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_rules([rule], SCHEMA)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            [FixedCombination("x", "a"), Derived("a", "sum", ("b", "c"))],
            r"'x -> a' and 'a = b \+ c' both give 'a'",
        ),
        ([FixedCombination("x", "y"), FixedCombination("y", "x")], "'x -> y' and 'y -> x' go in"),
        (
            [Derived("a", "sum", ("b",)), Derived("b", "sum", ("c",)), Derived("c", "sum", ("a",))],
            "'a = b' and 'b = c' and 'c = a' go in a circle",
        ),
        (
            [FixedCombination("x", "y"), LevelWhen("y", "no", When("flag", (True,)))],
            "sets 'y', which rule 'x -> y' gives already",
        ),
        ([Unique(("a",)), Unique(("a",))], "declared twice"),
    ],
)
def test_rules_that_contradict_each_other_are_named(rules: list[Rule], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_rules(rules, SCHEMA)


def test_a_column_comes_after_those_it_is_made_from() -> None:
    rules: list[Rule] = [
        Derived("a", "sum", ("b", "c")),
        FixedCombination("y", "b"),
        LevelWhen("y", "no", When("x", ("no",))),
    ]
    check_rules(rules, SCHEMA)
    order = column_order(rules, SCHEMA)
    assert sorted(order) == sorted(SCHEMA.names)
    assert order.index("x") < order.index("y") < order.index("b") < order.index("a")


def test_the_order_is_the_same_in_every_process() -> None:
    """Sets of texts come in another order in each; what is drawn must not."""
    code = (
        "from tabveil.data.rules.checks import column_order\n"
        "from tabveil.data.rules.relations import Derived\n"
        "from tabveil.data.schema import Column, Schema\n"
        "names = list('abcdefgh')\n"
        "schema = Schema(tuple(Column(n, 'numeric', 'float64') for n in names))\n"
        "print(column_order([Derived('a', 'sum', tuple(names[1:]))], schema))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(3)
    }
    assert len(said) == 1


def test_other_rules_may_speak_of_a_column_that_is_left_out() -> None:
    check_rules([FixedCombination("x", "a"), Range("a", 0), Inequality("a", "b")], SCHEMA)
    zoned = pd.Timestamp("2020-01-01", tz="Europe/Berlin").isoformat()
    check_rules([Range("hour", zoned), Range("day", zoned)], SCHEMA)
