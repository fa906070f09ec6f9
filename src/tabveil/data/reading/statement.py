"""Is what a person wrote in `dataset.query` a table's name, or one statement that only reads?

This is a rail against slips, not a wall against the person at the keyboard: the wall is the
read-only transaction in `database`, and the rights of the account.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tabveil.errors import DataError

_TABLE = re.compile(r"[^\W\d][\w$]*(\.[^\W\d][\w$]*){0,2}")
_QUOTED = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`"  # texts and names may hold any word
    r"|--[^\n]*|/\*(?!!).*?\*/",  # MySQL runs what stands in /*! … */
    re.DOTALL,
)
_HIDING = re.compile(r"\\['\"]|\$\w*\$")
"""Quotes that only some databases know: what stands behind them could not be told."""

_WRITES = re.compile(r"\b(insert|update|delete|merge|into)\b", re.IGNORECASE)
"""The words by which a SELECT or a WITH writes or locks; all are reserved, so none is a column."""


def as_select(query: str, quote: Callable[[str], str]) -> str:
    """The SELECT statement that a query stands for.

    Args:
        query: a table's name, perhaps with its schema, or a SELECT or WITH statement.
        quote: how the database quotes a name.

    Raises:
        DataError: it is neither, or more than one statement.
    """
    text = query.strip()
    if _TABLE.fullmatch(text):
        return f"SELECT * FROM {'.'.join(quote(part) for part in text.split('.'))}"
    if _HIDING.search(text):
        raise DataError(
            "dataset.query: backslashes before quotes and $$ are not allowed; write a quote twice"
        )
    bare = _QUOTED.sub(" ", text).strip()
    if not re.match(r"(select|with)\b", bare, re.IGNORECASE):
        raise DataError("dataset.query is neither a table's name nor a SELECT or WITH statement")
    if ";" in bare.rstrip("; \n\r\t"):
        raise DataError("dataset.query holds several statements; give one SELECT")
    if found := _WRITES.search(bare):
        raise DataError(
            f"dataset.query may only read, and holds {found[0].upper()}; quote it if it is a name"
        )
    return text.rstrip("; \n\r\t")


def table_named(query: str) -> tuple[str | None, str] | None:
    """Schema and table, where the query is a table's name."""
    if not _TABLE.fullmatch(query.strip()):
        return None
    *schema, table = query.strip().split(".")
    return ".".join(schema) or None, table
