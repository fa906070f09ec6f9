"""Rules that a table seems to obey.

Somebody who knows the table decides; what is found here is only a proposal, with the share of
rows that obey and the reason. A rule is looked for in at most 20,000 rows and confirmed in all of
them. The rules that are proposed can be declared together: one that goes in a circle with a
better one, or gives the same column, is left out. What would hold by chance is left out, too:
see `suggest_levels` and `suggest_numbers` for what that means there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tabveil.data.rules.checks import blanks, check_together, left_out
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.suggest_calendar import calendars
from tabveil.data.rules.suggest_levels import combinations, lasts, placements
from tabveil.data.rules.suggest_missing import missing_patterns
from tabveil.data.rules.suggest_numbers import computations, orders
from tabveil.data.rules.suggest_values import patterns, ranges, uniques
from tabveil.data.rules.thresholds import FEW_ROWS, LEAST_SHARE
from tabveil.data.schema import Schema
from tabveil.errors import ConfigError
from tabveil.seeding import child_rng

LOOKED_AT = 20_000
"""Rows in which rules are looked for: one that a row in a hundred breaks shows 200 times."""
_ERRORS = 4
"""Standard errors of the table's share that obeys, by which that of a third of it may differ."""


@dataclass(frozen=True)
class Suggested:
    """A rule that a table seems to obey.

    Attributes:
        share: of the rows that obey, at least .99; below 1 the rule has a tolerance.
        n_rows: rows that were looked at.
        why: what makes it more than chance.
    """

    rule: Rule
    share: float
    n_rows: int
    why: str


def suggest(table: pd.DataFrame, schema: Schema) -> list[Suggested]:
    """Propose rules, those that more rows obey first, and ranges, which say least, last.

    Args:
        table: shape (n, n_columns).
        schema: of `table`; identifiers and the group column are passed over.
    """
    modelled = schema.modelled()
    if not modelled.columns:
        return []
    whole = modelled.restore(table)
    rows = whole
    if len(whole) > LOOKED_AT:
        drawn = child_rng(0, "suggest").choice(len(whole), LOOKED_AT, replace=False)
        rows = whole.iloc[np.sort(drawn)].reset_index(drop=True)
    if len(rows.drop_duplicates()) < FEW_ROWS and len(whole.drop_duplicates()) < FEW_ROWS:
        return []
    found: list[Suggested] = []
    for rule, why in _candidates(rows, modelled):
        if isinstance(rule, FixedCombination) and not lasts(rule, whole.drop_duplicates()):
            continue
        if _follows(rule, [s.rule for s in found]) or not _fit_together(
            [*(s.rule for s in found), rule], modelled
        ):
            continue
        share = float(rule.holds(whole).mean())
        if share >= LEAST_SHARE:
            declared = replace(rule, tolerance=_tolerance(share, len(whole)))
            found.append(Suggested(declared, share, len(whole), why))
    given = [name for one in found if (name := blanks(one.rule)) is not None]
    why = "what is missing in one of the columns says something of the others"
    for pattern in missing_patterns(rows, modelled, given):
        found.append(Suggested(pattern, 1.0, len(whole), why))
    known = {left_out(one.rule) for one in found}
    why = "its dates prefer some of them, more than chance would have it"
    for dated in calendars(rows, modelled):
        if dated.column not in known:
            found.append(Suggested(dated, 1.0, len(whole), why))
    return sorted(found, key=lambda s: (isinstance(s.rule, Range), -s.share))


def _candidates(rows: pd.DataFrame, schema: Schema) -> Iterator[tuple[Rule, str]]:
    """Rules that the rows looked at obey, those that say most first."""
    # Of a few rows and their copies, every column would determine every other.
    yield from combinations(rows.drop_duplicates(), schema)
    for family in (computations, placements, orders, uniques, patterns, ranges):
        yield from family(rows, schema)


def _tolerance(share: float, n: int) -> float:
    """What the part of the table that is learnt, half of it or less, will hardly exceed."""
    error = np.sqrt(share * (1 - share) / n)
    return float(np.ceil((1 - share + _ERRORS * error) * 1e4) / 1e4)


def _follows(rule: Rule, found: list[Rule]) -> bool:
    """Whether the rule says nothing new of a column that another rule gives."""
    given = {left_out(other) for other in found} - {None}
    if isinstance(rule, Inequality):
        made = [set(other.columns) for other in found if isinstance(other, Derived)]
        return any(set(rule.columns) <= columns for columns in made)
    if isinstance(rule, Range | Regex | Unique):
        return bool(given & set(rule.columns))
    return left_out(rule) in given


def _fit_together(rules: list[Rule], schema: Schema) -> bool:
    try:
        check_together(rules, schema)
    except ConfigError:
        return False
    return True
