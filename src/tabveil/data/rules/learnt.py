"""How does a table obey its rules: before training, and in every sampled row?

`Rules.learn` checks rules against the training table and finds what must be known to put them
back. `LearntRules` changes the training table so that a model need not learn what a rule gives,
puts it back on sampled rows, and tells of each row which rules it obeys. What is left to be
rejected is values seen before, and rules that stand in each other's way.

What is stored holds the rules as declared, levels that at least `min_count` rows hold, and
rounded quantiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from tabveil.data.rules.calendar import Calendar
from tabveil.data.rules.checks import check_rules, column_order, left_out, written
from tabveil.data.rules.dated import Dated
from tabveil.data.rules.kinds import Rule, rule_from_dict, rule_to_dict
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.lifted import Lifted
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.lookup import Lookup
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.patterned import Patterned
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.steps import Clipped, Computed, Matching, Placed, Step
from tabveil.data.rules.when import Mask, missing_in
from tabveil.data.schema import Schema
from tabveil.errors import ConfigError, DataError, TabveilError


@dataclass(frozen=True)
class LearntRules:
    """Rules that a training table obeys, with what is needed to make sampled rows obey.

    Attributes:
        schema: the columns of the table that is sampled, all of them.
        rules: as declared.
        steps: in the order in which they are restored.
        seed: of the values that hidden cells are filled with in training.
    """

    schema: Schema
    rules: tuple[Rule, ...]
    steps: tuple[Step, ...]
    seed: int

    @property
    def left_out(self) -> tuple[str, ...]:
        """The columns that the model never sees."""
        return tuple(name for rule in self.rules if (name := left_out(rule)) is not None)

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table that a model learns from; `table` is not changed.

        Rows that break a rule, as a tolerance allows, are made to obey first.
        """
        whole = self.schema.restore(table)
        for step in self.steps:
            whole = step.redraw(whole, self.seed)
        for step in self.steps:
            whole = step.restore(whole)
        hidden = whole
        for step in reversed(self.steps):
            hidden = step.hide(hidden, whole, self.seed)
        return self.apply_schema().restore(hidden).set_axis(table.index)

    def apply_schema(self) -> Schema:
        """The schema of what `apply` returns: roles of columns that are left out are lost."""
        gone = set(self.left_out)
        schema = self.schema
        added = tuple(c for s in self.steps if isinstance(s, Patterned | Dated) for c in s.made)
        return replace(
            schema,
            columns=(*added, *(c for c in schema.columns if c.name not in gone)),
            target=None if schema.target in gone else schema.target,
            sensitive=tuple(name for name in schema.sensitive if name not in gone),
            quasi_identifiers=tuple(n for n in schema.quasi_identifiers if n not in gone),
        )

    def undo(self, sampled: pd.DataFrame) -> pd.DataFrame:
        """Give sampled rows what was hidden: each row on its own, nothing is drawn."""
        table = sampled
        for step in self.steps:
            table = step.restore(table)
        return self.schema.restore(table).set_axis(sampled.index)

    def obeyed(self, table: pd.DataFrame) -> dict[str, Mask]:
        """Rule name -> which rows of `undo`'s table obey it, shape (n,).

        Uniqueness is left out: it is no fact about a row.
        """
        masks = {r.name: r.holds(table) for r in self.rules if not _is_of_tables(r)}
        masks |= {s.rule.name: s.known(table) for s in self.steps if isinstance(s, Lookup)}
        for step in self.steps:
            if isinstance(step, Computed) and _is_never_missing(self.schema, step.rule.column):
                masks[step.rule.name] &= ~missing_in(table[step.rule.column])
        return masks

    def to_dict(self) -> dict[str, Any]:
        """The rules and what was learnt as JSON-able data; `from_dict` reads them back."""
        places = {rule: i for i, rule in enumerate(self.rules)}
        return {
            "schema": self.schema.to_json(),
            "seed": self.seed,
            "rules": [rule_to_dict(rule) for rule in self.rules],
            "learnt": [{"rule": places[s.rule], **s.to_dict()} for s in self.steps],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s data. Raises DataError or ConfigError when it is not that."""
        try:
            schema = Schema.from_json(data["schema"])
            rules = tuple(rule_from_dict(entry) for entry in data["rules"])
            check_rules(rules, schema)
            facts = {int(entry["rule"]): entry for entry in data["learnt"]}
            found = [_step_from_dict(r, facts[i], schema) for i, r in _with_step(rules, schema)]
            return cls(schema, rules, tuple(found), int(data["seed"]))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f"not a set of rules: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Rules:
    """Rules as declared.

    Args:
        rules: in any order.
        min_count: training rows that must hold a level for it to be written down, at least 1.
    """

    rules: tuple[Rule, ...] = ()
    min_count: int = 5

    def learn(self, train: pd.DataFrame, schema: Schema, *, seed: int) -> LearntRules:
        """Check the rules and learn what is needed to put them back.

        Args:
            train: shape (n_train, n_columns), the modelled columns.
            schema: of `train`.
            seed: of the values that hidden cells are filled with in training.

        Raises:
            ConfigError: a rule that does not fit the schema, or contradicts another.
            DataError: a rule that too many training rows break, or that none could show.
        """
        if self.min_count < 1:
            raise ConfigError(f"rules.min_count={self.min_count}: must be at least 1")
        if not len(train):
            raise DataError("the rules need training rows, and the table has none")
        check_rules(self.rules, schema)
        train = schema.restore(train)  # numbers and dates may have been read as texts
        rules = tuple(_with_decimals(rule, schema) for rule in self.rules)
        for rule in rules:
            _check_holds(rule, train)
        found = [_learn(r, train, schema, self.min_count) for _, r in _with_step(rules, schema)]
        return LearntRules(schema, rules, tuple(found), seed)


def _with_decimals(rule: Rule, schema: Schema) -> Rule:
    if isinstance(rule, Derived) and rule.decimals is None:
        return replace(rule, decimals=schema[rule.column].decimals)
    return rule


def _check_holds(rule: Rule, train: pd.DataFrame) -> None:
    """Raises DataError where the training table breaks the rule, or never meets its condition."""
    try:
        obeys = rule.holds(train)
    except (TypeError, ValueError) as error:
        if isinstance(error, TabveilError):
            raise
        raise DataError(f"rule {rule.name!r} cannot be checked: its columns hold text") from error
    n_broken = int(np.count_nonzero(~obeys))
    if n_broken > rule.tolerance * len(train):
        share = 100 * (1 - n_broken / len(train))
        raise DataError(
            f"rule {rule.name!r} holds in {share:.4g} % of the training rows, {n_broken} break it; "
            f"give it up, clean the table, or declare tolerance={_enough(n_broken / len(train))}"
        )
    if isinstance(rule, LevelWhen) and not rule.when.holds(train).any():
        raise DataError(f"rule {rule.name!r}: no training row meets its condition; is it misspelt?")


def _enough(share: float) -> float:
    """The next tolerance with two digits that allows `share`."""
    digits = 1 - int(np.floor(np.log10(share)))
    return round(float(np.ceil(share * 10.0**digits) / 10.0**digits), digits)


def _with_step(rules: Iterable[Rule], schema: Schema) -> list[tuple[int, Rule]]:
    """The rules that change a table, by position, in the order in which they are restored."""
    rules = tuple(rules)
    gone = {left_out(rule) for rule in rules}
    order = column_order(rules, schema)
    # A value is clipped and lifted before a level is set over it.
    # Dates and gaps come first: every other rule reads them.
    ranks = {
        Calendar: -2,
        MissingPattern: -1,
        FixedCombination: 0,
        Derived: 0,
        Regex: 1,
        Range: 2,
        Inequality: 3,
        LevelWhen: 4,
    }
    found = [
        (-1 if ranks[type(rule)] < 0 else order.index(written(rule)), ranks[type(rule)], i, rule)
        for i, rule in enumerate(rules)
        if type(rule) in ranks
        and (left_out(rule) is not None or written(rule) not in gone)
        # An order is put right once its lower column is; where that cannot be, rows are rejected.
        and not (isinstance(rule, Inequality) and order.index(rule.low) > order.index(rule.high))
    ]
    return [(i, rule) for _, _, i, rule in sorted(found, key=lambda entry: entry[:3])]


def _learn(rule: Rule, train: pd.DataFrame, schema: Schema, min_count: int) -> Step:
    if isinstance(rule, FixedCombination):
        return Lookup.learn(train, rule, schema, min_count)
    if isinstance(rule, LevelWhen):
        return Placed.learn(train, rule, schema, min_count)
    if isinstance(rule, Inequality):
        return Lifted.learn(train, rule, schema, min_count)
    if isinstance(rule, MissingPattern):
        return Patterned.learn(train, rule, schema, min_count)
    if isinstance(rule, Calendar):
        return Dated.learn(train, rule, schema, min_count)
    return _plain_step(rule, schema)


def _step_from_dict(rule: Rule, data: Mapping[str, Any], schema: Schema) -> Step:
    if isinstance(rule, FixedCombination):
        return Lookup.from_dict(rule, data, schema)
    if isinstance(rule, LevelWhen):
        return Placed.from_dict(rule, data)
    if isinstance(rule, Inequality):
        return Lifted.from_dict(rule, data, schema)
    if isinstance(rule, MissingPattern):
        return Patterned.from_dict(rule, data, schema)
    if isinstance(rule, Calendar):
        return Dated.from_dict(rule, data, schema)
    return _plain_step(rule, schema)


def _plain_step(rule: Rule, schema: Schema) -> Step:
    if isinstance(rule, Derived):
        return Computed(rule)
    if isinstance(rule, Range):
        return Clipped(rule, schema[rule.column])
    assert isinstance(rule, Regex)
    return Matching(rule)


def _is_of_tables(rule: Rule) -> bool:
    """Whether the rule is about rows beside each other, not about each."""
    return isinstance(rule, Unique | FixedCombination)


def _is_never_missing(schema: Schema, name: str) -> bool:
    dtype = pd.api.types.pandas_dtype(schema[name].dtype)
    return isinstance(dtype, np.dtype) and dtype.kind in "iub"
