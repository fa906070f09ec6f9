"""What is asked of a model, where what is wanted of a row is in part given by rules?

A condition on a column that a rule gives is asked of the columns it is given by, where the rule
can be turned round; whatever cannot be asked is left to the rejection of finished rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabveil.contracts import Where
from tabveil.data.levels import Level
from tabveil.data.rules.dated import Dated
from tabveil.data.rules.learnt import LearntRules
from tabveil.data.rules.lifted import Lifted
from tabveil.data.rules.lookup import Lookup
from tabveil.data.rules.patterned import Patterned
from tabveil.data.rules.steps import Clipped, Computed, Placed
from tabveil.data.schema import Schema
from tabveil.errors import ConditionError
from tabveil.synthesizers.conditions import Condition, Range, met, parse


def split_where(
    where: Where | None, rules: LearntRules
) -> tuple[dict[str, Condition], Where | None]:
    """The conditions to be checked on finished rows, and what to ask of the inner synthesizer.

    Raises ConditionError for a column that is not there, a level that no row can hold.
    """
    if not isinstance(where, Mapping):
        return {}, where
    for name in where:
        if name not in rules.schema.names:
            parse({name: where[name]}, rules.schema, {})  # says which columns are near
    levels = _levels(rules)
    set_later = {s.rule.column for s in rules.steps if isinstance(s, Placed | Clipped)}
    set_later |= {s.rule.high for s in rules.steps if isinstance(s, Lifted)}
    set_later |= {n for s in rules.steps if isinstance(s, Patterned) for n in s.rule.of}
    set_later |= {s.rule.column for s in rules.steps if isinstance(s, Dated)}
    changed = {*rules.left_out, *set_later}
    wanted = {name: value for name, value in where.items() if name in changed}
    conditions = parse(wanted, rules.schema, levels)
    asked = dict(where)
    for step in reversed(rules.steps):
        if isinstance(step, Lookup):
            _ask_lookup(asked, step, rules.schema, levels)
        elif isinstance(step, Computed):
            asked.pop(step.rule.column, None)
        elif isinstance(step, Placed):
            _ask_placed(asked, step, rules.schema, levels)
        elif isinstance(step, Patterned):
            _ask_patterned(asked, step, rules.schema, levels)
        elif isinstance(step, Dated):
            _ask_dated(asked, step, rules.schema)
    return conditions, asked


def _levels(rules: LearntRules) -> dict[str, tuple[Level, ...]]:
    """The levels of the columns of levels that a step writes."""
    levels: dict[str, tuple[Level, ...]] = {}
    for step in rules.steps:
        if isinstance(step, Lookup) and step.column.kind in ("categorical", "boolean"):
            levels[step.column.name] = step.values
        elif isinstance(step, Placed) and step.levels:
            levels[step.rule.column] = _joined(levels.get(step.rule.column, ()), step.levels)
        elif isinstance(step, Patterned):
            for name, known in step.levels.items():
                levels[name] = _joined(levels.get(name, ()), known)
    return levels


def _joined(some: tuple[Level, ...], others: tuple[Level, ...]) -> tuple[Level, ...]:
    both = {*some, *others}
    named = sorted((x for x in both if x is not None), key=lambda x: (str(type(x)), x))
    return (*named, None) if None in both else tuple(named)


def _ask_lookup(
    asked: dict[str, Any], step: Lookup, schema: Schema, levels: Mapping[str, tuple[Level, ...]]
) -> None:
    """Ask for the levels that go with the values wanted."""
    name, given = step.rule.determined, step.rule.determining
    if name not in asked:
        return
    fits = met(step.entries(), parse({name: asked.pop(name)}, schema, levels))
    allowed = [level for level, fit in zip(step.levels, fits, strict=True) if fit]
    if given in asked:
        wanted = parse({given: asked[given]}, schema, {given: step.levels})[given]
        allowed = [level for level in allowed if isinstance(wanted, tuple) and level in wanted]
    if not allowed:
        raise ConditionError(
            f"where.{name}: no row can meet it, for by the rule {step.rule.name!r} no level of "
            f"{given!r} that is asked for goes with such a value"
        )
    asked[given] = allowed


def _ask_placed(
    asked: dict[str, Any], step: Placed, schema: Schema, levels: Mapping[str, tuple[Level, ...]]
) -> None:
    """Ask for rows where the level will be set, where no other is wanted; else leave it open."""
    name, rule = step.rule.column, step.rule
    if name not in asked:
        return
    wanted = parse({name: asked[name]}, schema, levels)[name]
    if not _allows(wanted, rule.level):
        return  # the level is not wanted: what the model draws for itself
    del asked[name]
    if wanted == (rule.level,) and rule.exactly:
        asked.setdefault(rule.when.column, rule.when.to_dict()[rule.when.column])


def _ask_patterned(
    asked: dict[str, Any],
    step: Patterned,
    schema: Schema,
    levels: Mapping[str, tuple[Level, ...]],
) -> None:
    """Ask for the patterns in which each column is missing, or is there, as it is wanted."""
    allowed = set(step.patterns)
    wanted = {name: asked[name] for name in step.rule.of if name in asked}
    for name, condition in parse(wanted, schema, levels).items():
        gaps = isinstance(condition, tuple) and None in condition
        values = not gaps or condition != (None,)
        allowed &= set(step.allowing(name, missing=gaps, present=values))
        if gaps:  # the model holds no gap; a value or a gap is more than can be asked of it
            del asked[name]
    if not allowed:
        raise ConditionError(
            f"where: no row can meet it, for {' and '.join(wanted)} are not missing in that way "
            f"together in any row that the model learnt from"
        )
    if len(allowed) < len(step.patterns):
        asked[step.column.name] = [p for p in step.patterns if p in allowed]


def _ask_dated(asked: dict[str, Any], step: Dated, schema: Schema) -> None:
    """Ask for the weekdays and months that the dates wanted can have, and for dates near them."""
    name = step.rule.column
    if name not in asked:
        return
    condition = parse({name: asked[name]}, schema, {})[name]
    if isinstance(condition, Range):
        low, high = condition.low, condition.high
    elif None not in condition:
        low, high = min(condition), max(condition)
    else:
        return
    if low is not None and high is not None:
        levels = step.asking(low, high)
        if not all(levels.values()):
            raise ConditionError(
                f"where.{name}: no row can meet it, for next to no date that the model learnt from "
                f"falls on such a weekday, or in such a month"
            )
        asked |= levels
    ends = {"min": low and low - step.way, "max": high and high + step.way}
    asked[name] = {key: end for key, end in ends.items() if end is not None}


def _allows(condition: Condition, level: Level) -> bool:
    if isinstance(condition, tuple):
        return level in condition
    if not isinstance(level, int | float):
        return False  # a missing value lies in no range
    low, high = condition.low, condition.high
    return (low is None or low <= level) and (high is None or level <= high)
