"""Do rules fit a table's columns and each other, and in which order are they put back?

A rule that gives a column its values reads others first: `a -> b` reads `a` and writes `b`. A
column that two rules write, or that is read on the way to itself, cannot be put back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

import numpy as np
import pandas as pd

from tabveil.data.rules.calendar import PARTS, Calendar
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.relations import OPERATIONS, Derived, FixedCombination, Inequality
from tabveil.data.rules.when import date_end
from tabveil.data.schema import Kind, Schema
from tabveil.errors import ConfigError

_LEVELS: tuple[Kind, ...] = ("categorical", "boolean")


def left_out(rule: Rule) -> str | None:
    """The column that a rule gives whole, so that no model needs to learn it."""
    if isinstance(rule, FixedCombination):
        return rule.determined
    return rule.column if isinstance(rule, Derived) else None


def written(rule: Rule) -> str:
    """The column that a rule changes in sampled rows, where it changes one."""
    if isinstance(rule, FixedCombination | Inequality):
        return rule.columns[1]
    return rule.columns[0]


def blanks(rule: Rule) -> str | None:
    """The column of which a rule that speaks of single rows says where it is missing."""
    if isinstance(rule, LevelWhen):
        return rule.column if rule.level is None else None
    return left_out(rule)


def check_rules(rules: Sequence[Rule], schema: Schema) -> None:
    """Check each rule against the schema, and all of them against each other.

    Raises ConfigError, naming the rule: an unknown column, a column of a kind that the rule cannot
    speak of, parameters that make no sense, two rules that give one column, a cycle.
    """
    for rule in rules:
        _check_columns(rule, schema)
        _check_kind(rule, schema)
    if len(set(rules)) < len(rules):
        repeated = next(rule for rule in rules if list(rules).count(rule) > 1)
        raise ConfigError(f"rule {repeated.name!r} is declared twice")
    check_together(rules, schema)


def check_together(rules: Sequence[Rule], schema: Schema) -> None:
    """Raises ConfigError, naming the rules, where two give one column or some go in a circle."""
    _check_writers(rules)
    _check_blanks(rules)
    column_order(rules, schema)


def column_order(rules: Sequence[Rule], schema: Schema) -> list[str]:
    """Columns in an order in which each comes after those that its rules read.

    Raises ConfigError, naming the rules, where there is none.
    """
    readers: dict[str, set[str]] = {name: set() for name in schema.names}
    for rule in rules:
        for read, made in _edges(rule):
            readers[made].add(read)
    try:
        order = _sorted(readers)
    except CycleError as error:
        cycle = set(error.args[1])
        guilty = [r.name for r in rules if any({a, b} <= cycle for a, b in _edges(r))]
        raise ConfigError(
            f"rules {' and '.join(map(repr, guilty))} go in a circle: each column would be made "
            f"from the other; give up one of them"
        ) from error
    return _with_orders(order, readers, rules)


def _with_orders(
    order: list[str], readers: dict[str, set[str]], rules: Sequence[Rule]
) -> list[str]:
    """The order in which, where nothing else stands against it, low comes before high."""
    for rule in rules:
        if isinstance(rule, Inequality) and rule.low not in readers[rule.high]:
            readers[rule.high].add(rule.low)
            try:
                order = _sorted(readers)
            except CycleError:  # what is lifted in vain is rejected
                readers[rule.high].remove(rule.low)
    return order


def _sorted(readers: dict[str, set[str]]) -> list[str]:
    # In name order: sets come in another order in each process, and what is drawn must not.
    graph = {name: sorted(read) for name, read in readers.items()}
    return list(TopologicalSorter(graph).static_order())


def _edges(rule: Rule) -> list[tuple[str, str]]:
    """The columns that the rule reads, each with the one it writes."""
    if isinstance(rule, FixedCombination):
        return [(rule.determining, rule.determined)]
    if isinstance(rule, Derived):
        return [(term, rule.column) for term in rule.of]
    return [(rule.when.column, rule.column)] if isinstance(rule, LevelWhen) else []


def _check_columns(rule: Rule, schema: Schema) -> None:
    for name in rule.columns:
        if name not in schema.names:
            raise ConfigError(
                f"rule {rule.name!r} names {name!r}, which is no modelled column; there are: "
                f"{', '.join(schema.names)}"
            )
    if not 0 <= rule.tolerance < 1:
        raise ConfigError(f"rule {rule.name!r}: tolerance={rule.tolerance} must be in [0, 1)")
    if not isinstance(rule, Derived | LevelWhen) and len(set(rule.columns)) < len(rule.columns):
        raise ConfigError(f"rule {rule.name!r} names a column twice")


def _check_kind(rule: Rule, schema: Schema) -> None:
    if isinstance(rule, Inequality):
        _check_order(rule, schema)
    elif isinstance(rule, FixedCombination):
        _need(rule, schema, (rule.determining,), *_LEVELS)
    elif isinstance(rule, Derived):
        _check_derived(rule, schema)
    elif isinstance(rule, LevelWhen):
        _check_level_when(rule, schema)
    elif isinstance(rule, Range):
        _check_range(rule, schema)
    elif isinstance(rule, Regex):
        _need(rule, schema, rule.columns, "categorical")
        try:
            re.compile(rule.pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ConfigError(f"rule {rule.name!r}: not a regular expression: {error}") from error
    elif isinstance(rule, MissingPattern):
        _check_missing(rule, schema)
    elif isinstance(rule, Calendar):
        _need(rule, schema, rule.columns, "datetime")
        if not rule.parts or set(rule.parts) - set(PARTS) or len(set(rule.parts)) < len(rule.parts):
            raise ConfigError(f"rule {rule.name!r}: parts are {' or '.join(PARTS)}, or both")
    else:
        assert isinstance(rule, Unique)


def _need(rule: Rule, schema: Schema, names: Sequence[str], *kinds: Kind) -> None:
    for name in names:
        if schema[name].kind not in kinds:
            raise ConfigError(
                f"rule {rule.name!r} needs {' or '.join(kinds)} columns, but {name!r} is "
                f"{schema[name].kind}; name another, or set its kind under dataset.kinds"
            )


def _check_order(rule: Inequality, schema: Schema) -> None:
    _need(rule, schema, rule.columns, "numeric", "datetime")
    low, high = schema[rule.low], schema[rule.high]
    zoned = [
        isinstance(pd.api.types.pandas_dtype(c.dtype), pd.DatetimeTZDtype) for c in (low, high)
    ]
    if low.kind != high.kind or zoned[0] != zoned[1]:
        raise ConfigError(
            f"rule {rule.name!r} compares a {low.dtype} with a {high.dtype}; two numbers or two "
            f"dates, both with a time zone or both without, can be compared"
        )


def _check_derived(rule: Derived, schema: Schema) -> None:
    _need(rule, schema, (rule.column,), "numeric")
    _need(rule, schema, rule.of, "numeric", *_LEVELS)  # two codes, or 0 and 1, are numbers, too
    for name in rule.of:
        if not _is_number(schema[name].dtype):
            raise ConfigError(f"rule {rule.name!r}: {name!r} holds no numbers to compute with")
    if rule.operation not in OPERATIONS or not rule.of:
        raise ConfigError(f"rule {rule.name!r}: operation is one of {', '.join(OPERATIONS)}")
    if rule.operation in ("difference", "ratio") and len(rule.of) != 2:
        raise ConfigError(f"rule {rule.name!r}: a {rule.operation} is of two columns")


def _check_level_when(rule: LevelWhen, schema: Schema) -> None:
    kind = schema[rule.column].kind
    is_number = isinstance(rule.level, int | float) and not isinstance(rule.level, bool)
    fits = kind in _LEVELS or (kind == "numeric" and is_number)
    if rule.level is not None and not fits:
        raise ConfigError(f"rule {rule.name!r}: a {kind} column cannot hold that level")
    if rule.level is None and _holds_no_missing(schema[rule.column].dtype):
        raise ConfigError(
            f"rule {rule.name!r}: a column of {schema[rule.column].dtype} is never missing"
        )
    if rule.when.is_range:
        _need(rule, schema, (rule.when.column,), "numeric")
    elif rule.when.values != (None,):
        _need(rule, schema, (rule.when.column,), "numeric", *_LEVELS)


def _check_missing(rule: MissingPattern, schema: Schema) -> None:
    if len(rule.of) < 2:
        raise ConfigError(f"rule {rule.name!r} needs two columns; one alone is learnt as it is")
    for name in rule.of:
        if _holds_no_missing(schema[name].dtype):
            raise ConfigError(
                f"rule {rule.name!r}: {name!r}, a column of {schema[name].dtype}, is never missing"
            )


def _check_range(rule: Range, schema: Schema) -> None:
    _need(rule, schema, rule.columns, "numeric", "datetime")
    is_date, ends = schema[rule.column].kind == "datetime", [rule.low, rule.high]
    given = [end for end in ends if end is not None]
    if not given or any(isinstance(end, str) != is_date for end in given):
        wanted = "a date as ISO text" if is_date else "a number"
        raise ConfigError(f"rule {rule.name!r} needs low, high or both, each {wanted}")
    try:
        like = pd.Series([], dtype=schema[rule.column].dtype if is_date else "float64")
        known = [date_end(end, like) if isinstance(end, str) else end for end in given]
        turned_round = len(known) == 2 and known[0] > known[1]  # type: ignore[operator]
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"rule {rule.name!r}: its ends are no dates (like 2020-01-31)") from error
    if turned_round:
        raise ConfigError(f"rule {rule.name!r}: low lies above high, so no value can obey")


def _check_writers(rules: Sequence[Rule]) -> None:
    givers: dict[str, Rule] = {}
    for rule in rules:
        column = left_out(rule)
        if column is not None and givers.setdefault(column, rule) is not rule:
            raise ConfigError(
                f"rules {givers[column].name!r} and {rule.name!r} both give {column!r}; "
                f"give up one of them"
            )
    for rule in rules:
        if isinstance(rule, LevelWhen | Calendar) and rule.column in givers:
            raise ConfigError(
                f"rule {rule.name!r} sets {rule.column!r}, which rule "
                f"{givers[rule.column].name!r} gives already; give up one of them"
            )
    dated = [rule.column for rule in rules if isinstance(rule, Calendar)]
    for name in dated:
        if dated.count(name) > 1:
            raise ConfigError(f"two rules speak of the calendar of {name!r}; give up one of them")


def _check_blanks(rules: Sequence[Rule]) -> None:
    """Where a value is missing is said by one rule only."""
    blanked = {name: rule for rule in rules if (name := blanks(rule)) is not None}
    for rule in rules:
        for name in rule.of if isinstance(rule, MissingPattern) else ():
            if blanked.setdefault(name, rule) is not rule:
                raise ConfigError(
                    f"rules {blanked[name].name!r} and {rule.name!r} both say where {name!r} is "
                    f"missing; give up one of them, or leave the column out of the second"
                )


def _is_number(dtype: str) -> bool:
    known = pd.api.types.pandas_dtype(dtype)
    return pd.api.types.is_numeric_dtype(known) or pd.api.types.is_bool_dtype(known)


def _holds_no_missing(dtype: str) -> bool:
    known = pd.api.types.pandas_dtype(dtype)
    return isinstance(known, np.dtype) and known.kind in "iub"
