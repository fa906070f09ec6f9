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

AUTOMATIC = ("date_order", "missing_pattern", "calendar")
"""The sorts of rules that are kept unasked."""


def rules_of(
    table: pd.DataFrame,
    schema: Schema,
    declared: Sequence[Mapping[str, Any]],
    automatic: Sequence[str] = AUTOMATIC,
) -> tuple[Rule, ...]:
    """Declared rules, and those kept unasked where these do not contradict them.

    Unasked: orders between dates that always hold, which values are missing together, and the
    calendars of dates, of columns that no declared rule speaks of in that way.

    Args:
        table: shape (n, n_columns), the modelled columns.
        schema: of these columns.
        declared: as `rule_from_dict` reads them.
        automatic: those of `AUTOMATIC` that are looked for.

    Raises:
        ConfigError: a rule is none, names other columns, or contradicts another; an automatic
            one is not known.
        DataError: the table does not obey a declared rule.
    """
    unknown = [name for name in automatic if name not in AUTOMATIC]
    if unknown:
        raise ConfigError(
            f"dataset.automatic_rules names {unknown[0]!r}; known are {', '.join(AUTOMATIC)}, "
            f"and [] keeps none"
        )
    rules = tuple(rule_from_dict(told) for told in declared)
    check_rules(rules, schema)
    if rules:
        Rules(rules).learn(table, schema, seed=0)  # says now which of them does not hold
    if "date_order" in automatic:
        rules = _with_orders(rules, table, schema)
    patterns = _patterns(rules, table, schema) if "missing_pattern" in automatic else ()
    dated = _calendars(rules, table, schema) if "calendar" in automatic else ()
    return (*rules, *patterns, *dated)


def _with_orders(rules: tuple[Rule, ...], table: pd.DataFrame, schema: Schema) -> tuple[Rule, ...]:
    for order in date_orders(table, schema):
        if order in rules:
            continue
        try:
            check_rules((*rules, order), schema)
        except ConfigError:
            continue
        rules = (*rules, order)
    return rules


def _patterns(
    rules: tuple[Rule, ...], table: pd.DataFrame, schema: Schema
) -> tuple[MissingPattern, ...]:
    given = [name for rule in rules if (name := blanks(rule)) is not None]
    given += [name for rule in rules if isinstance(rule, MissingPattern) for name in rule.of]
    return missing_patterns(table, schema, given)


def _calendars(
    rules: tuple[Rule, ...], table: pd.DataFrame, schema: Schema
) -> tuple[Calendar, ...]:
    known = {left_out(rule) for rule in rules}
    known |= {rule.column for rule in rules if isinstance(rule, Calendar)}
    return tuple(rule for rule in calendars(table, schema) if rule.column not in known)
