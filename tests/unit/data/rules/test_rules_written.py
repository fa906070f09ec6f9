"""Are rules read back as they were written, and is nonsense refused by name?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabveil.data.rules.calendar import Calendar
from tabveil.data.rules.kinds import RULES, Rule, rule_from_dict, rule_to_dict
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.errors import ConfigError

EXAMPLES: list[Rule] = [
    Inequality("a", "b", strict=True, tolerance=0.01),
    FixedCombination("a", "b", one_to_one=True),
    Derived("a", "ratio", ("b", "c"), decimals=2),
    LevelWhen("a", None, When("b", (0, "x", True, None))),
    LevelWhen("a", "no", When("b", low=1.0), exactly=False),
    LevelWhen("a", "no", When("b", low=1.0, high=2.5)),
    Range("a", 0, None),
    Range("a", "2020-01-01", "2021-01-01"),
    Regex("a", r"\d+"),
    Unique(("a", "b")),
    MissingPattern(("a", "b")),
    Calendar("a", ("month",)),
]


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: rule.name)
def test_a_rule_comes_back_from_json(rule: Rule) -> None:
    assert rule_from_dict(json.loads(json.dumps(rule_to_dict(rule)))) == rule


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(rule) for rule in EXAMPLES} == set(RULES.values())


def test_what_is_left_out_has_its_default() -> None:
    data = {"kind": "level_when", "column": "a", "level": None, "when": {"b": 0}}
    assert rule_from_dict(data) == LevelWhen("a", None, When("b", (0,)))
    assert rule_from_dict({"kind": "range", "column": "a", "low": 0}) == Range("a", 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a <= b", "'kind' must be one of inequality"),
        ({"kind": "equality"}, "'kind' must be one of"),
        ({"kind": ["range"]}, "'kind' must be one of"),
        ({"kind": "inequality", "low": "a", "high": "b", "stict": True}, "no key stict"),
        ({"kind": "inequality", "low": "a"}, "lacks high"),
        ({"kind": "inequality", "low": 1, "high": "b"}, "low=1: must be a text"),
        ({"kind": "inequality", "low": "a", "high": "b", "strict": 1}, "true or false"),
        ({"kind": "unique", "of": "a"}, "list of column names"),
        ({"kind": "unique", "of": []}, "list of column names"),
        ({"kind": "derived", "column": "a", "operation": "power", "of": ["b"]}, "must be one of"),
        ({"kind": "derived", "column": "a", "operation": "sum", "of": ["b"], "decimals": 99}, "15"),
        ({"kind": "range", "column": "a", "low": float("nan")}, "not finite"),
        ({"kind": "range", "column": "a", "low": 10**400}, "low="),
        ({"kind": "range", "column": "a", "low": True}, "no number"),
        ({"kind": "level_when", "column": "a", "level": [], "when": {"b": 0}}, "no level"),
        ({"kind": "level_when", "column": "a", "level": 1, "when": {"b": []}}, "empty list"),
        ({"kind": "level_when", "column": "a", "level": 1, "when": {}}, "one column"),
        ({"kind": "level_when", "column": "a", "level": 1, "when": {"b": {"low": 1}}}, "'min'"),
        ({"kind": "level_when", "column": "a", "level": 1, "when": {3: 1}}, "name is a text"),
    ],
)
def test_nonsense_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rule_from_dict(data)
