"""Which rules hold for a table: those that a person declares, and the order of its dates?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tabveil.data.rules.checks import check_rules
from tabveil.data.rules.kinds import Rule, rule_from_dict
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.suggest_numbers import date_orders
from tabveil.data.schema import Schema
from tabveil.errors import ConfigError


def rules_of(
    table: pd.DataFrame, schema: Schema, declared: Sequence[Mapping[str, Any]]
) -> tuple[Rule, ...]:
    """Declared rules, and the orders between dates that always hold and do not contradict them.

    Args:
        table: shape (n, n_columns), the modelled columns.
        schema: of these columns.
        declared: as `rule_from_dict` reads them.

    Raises:
        ConfigError: a rule is none, names other columns, or contradicts another.
        DataError: the table does not obey a declared rule.
    """
    rules = tuple(rule_from_dict(told) for told in declared)
    check_rules(rules, schema)
    if rules:
        Rules(rules).learn(table, schema, seed=0)  # says now which of them does not hold
    for order in date_orders(table, schema):
        if order in rules:
            continue
        try:
            check_rules((*rules, order), schema)
        except ConfigError:
            continue
        rules = (*rules, order)
    return rules
