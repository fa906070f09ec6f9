"""Which rules hold for a table: those that a person declares, and those kept unasked?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tabveil.data.rules.calendar import Calendar
from tabveil.data.rules.checks import blanks, check_rules, left_out
from tabveil.data.rules.kinds import Rule, rule_from_dict
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.suggest_calendar import calendars
from tabveil.data.rules.suggest_missing import missing_patterns
from tabveil.data.rules.suggest_numbers import date_orders
from tabveil.data.schema import Schema
from tabveil.errors import ConfigError


def rules_of(
    table: pd.DataFrame, schema: Schema, declared: Sequence[Mapping[str, Any]]
) -> tuple[Rule, ...]:
    """Declared rules, and those kept unasked where these do not contradict them.

    Unasked: orders between dates that always hold, and which values are missing together, of
    columns that no declared rule speaks of in that way.

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
    given = [name for rule in rules if (name := blanks(rule)) is not None]
    given += [name for rule in rules if isinstance(rule, MissingPattern) for name in rule.of]
    patterns = missing_patterns(table, schema, given)
    known = {left_out(rule) for rule in rules}
    known |= {rule.column for rule in rules if isinstance(rule, Calendar)}
    dated = (rule for rule in calendars(table, schema) if rule.column not in known)
    return (*rules, *patterns, *dated)
