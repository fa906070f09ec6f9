"""What stands between a synthesizer and a table: pooling, rules, persons, from within outwards.

Rare levels that pooling puts back come before rules are kept, and rows obey rules before they are
put together to persons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.contracts import Synthesizer
from tabveil.data.persons import PersonRule
from tabveil.data.pooling import Pooling
from tabveil.data.prepared import Prepared
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import Rules
from tabveil.data.schema import Schema
from tabveil.seeding import child_seed
from tabveil.synthesizers.grouped import Grouped
from tabveil.synthesizers.pooled import Pooled
from tabveil.synthesizers.ruled import Ruled

Rows = Pooled | Ruled
Wrapped = Rows | Grouped
Members = NDArray[np.bool_] | None


def wrapped(
    synthesizer: Synthesizer,
    pooling: Pooling,
    prepared: Prepared,
    train: pd.DataFrame,
    seed: int,
    is_member: Members = None,
) -> Wrapped:
    """An untrained synthesizer, behind the pooling of rare levels, rules and persons.

    Args:
        synthesizer: that learns.
        pooling: learnt from `prepared.train`, all of it, and the reference split.
        prepared: the splits, with the table's rules.
        train: shape (n_train, n_columns), the rows to learn from.
        seed: of the trial.
        is_member: which rows of `prepared.train` those are; None: all.

    Raises:
        DataError: `train` does not obey a rule, or has no groups where they are to be drawn.
    """
    rules, reference = prepared.rules, prepared.reference
    tables = Tables(train, prepared.train, reference)
    if not prepared.sample_groups:
        return _of_rows(synthesizer, pooling, rules, tables, prepared.schema, seed)
    everybody = prepared.groups["train"]
    persons = everybody if is_member is None else everybody[is_member]
    rule = PersonRule.learn(train, persons, prepared.schema)
    counted = Tables(
        rule.apply(train, persons),
        rule.apply(prepared.train, everybody),
        rule.apply(reference, prepared.groups["reference"]),
    )
    return Grouped(
        _of_rows(synthesizer, pooling, rules, counted, rule.apply_schema(), seed), rule, persons
    )


class Tables(NamedTuple):
    """What a synthesizer learns from, all that it might learn from, and the reference."""

    train: pd.DataFrame
    pool: pd.DataFrame
    reference: pd.DataFrame


def _of_rows(
    synthesizer: Synthesizer,
    pooling: Pooling,
    rules: tuple[Rule, ...],
    tables: Tables,
    schema: Schema,
    seed: int,
) -> Rows:
    if not rules:
        return Pooled(synthesizer, pooling.learn(tables.pool, tables.reference, schema))
    learnt = Rules(rules).learn(tables.train, schema, seed=child_seed(seed, "rules"))
    pool, reference = learnt.apply(tables.pool), learnt.apply(tables.reference)
    return Ruled(Pooled(synthesizer, pooling.learn(pool, reference, learnt.apply_schema())), learnt)
