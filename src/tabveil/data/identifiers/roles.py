"""Columns that would help to recognise somebody, and those that would hurt if known.

Quasi-identifiers are what a neighbour knows: age, sex, postcode, job. Sensitive columns are what
the law calls special (GDPR, articles 9 and 10) and money. Both are suggested by name, in English,
German, French, Spanish and Italian, and only where values repeat; a person decides. A target is
never suggested, and direct identifiers (`find.py`) play neither part.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from tabveil.data.identifiers.find import find_identifier
from tabveil.data.identifiers.role_words import QUASI, SENSITIVE, meanings

Role = Literal["quasi_identifiers", "sensitive"]
_RULES: tuple[tuple[Role, dict[str, str]], ...] = (
    ("quasi_identifiers", QUASI),
    ("sensitive", SENSITIVE),
)
# Dates of birth, places on a map, pay and ages in cents or days differ from row to row.
_MAY_DIFFER = {"a birth date", "a place", "income or pay", "credit", "an age"}
_MOSTLY_DIFFERENT = 0.5


@dataclass(frozen=True)
class Suggestion:
    """A role that a column may play, and why."""

    column: str
    role: Role
    reason: str


def find_roles(
    table: pd.DataFrame, *, identifiers: Collection[str] | None = None
) -> list[Suggestion]:
    """Suggest roles, with reasons, in table order.

    Args:
        table: shape (n, n_columns).
        identifiers: the columns that identify people; None: found here.
    """

    def identifies(name: str) -> bool:
        if identifiers is not None:
            return name in identifiers
        return find_identifier(table[name], name=name) is not None

    return [
        Suggestion(str(column), role, f"named as {meaning}")
        for column in table.columns
        for role, known in _RULES
        for meaning in meanings(str(column), known)[:1]
        if _repeats(table[column], meaning) and not identifies(str(column))
    ]


def suggest_roles(
    table: pd.DataFrame, *, identifiers: Collection[str] | None = None
) -> dict[str, list[str]]:
    """Suggest columns for the roles `quasi_identifiers` and `sensitive`, in table order.

    `identifiers` as in `find_roles`.

    >>> suggest_roles(pd.DataFrame({"Alter": [30, 41, 30], "Gehalt": [1, 2, 1], "x": [0, 1, 2]}))
    {'quasi_identifiers': ['Alter'], 'sensitive': ['Gehalt']}
    """
    found = find_roles(table, identifiers=identifiers)
    return {role: [s.column for s in found if s.role == role] for role, _ in _RULES}


def _repeats(values: pd.Series[Any], meaning: str) -> bool:
    """Whether values repeat, or need not for this meaning."""
    n = int(values.notna().sum())
    few = values.nunique() <= max(_MOSTLY_DIFFERENT * n, 1)
    return n > 0 and (few or meaning in _MAY_DIFFER)
