"""`tabveil inspect path=table.csv`: what would tabveil take each column for, and why?"""

from __future__ import annotations

from tabveil.config.compose import Composition
from tabveil.config.settings import Inspect, read
from tabveil.data.schema import infer_schema
from tabveil.data.tables import read_table
from tabveil.report.terminal import show_table


def run(composition: Composition) -> None:
    """Show the inferred schema of a table."""
    settings = read(composition, Inspect)
    table = read_table(settings.path.expanduser(), format=settings.format)
    schema = infer_schema(table, kinds=settings.kinds or {})
    rows = [
        (c.name, c.kind, c.dtype, int(table[c.name].isna().sum()), c.reason) for c in schema.columns
    ]
    title = f"{settings.path.name}: {len(table)} rows, {len(rows)} columns"
    show_table(title, ("column", "kind", "dtype", "missing", "why"), rows)
