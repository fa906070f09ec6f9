"""`tabveil inspect path=table.csv`: what would tabveil take each column for, and why?"""

from __future__ import annotations

from tabveil.config.compose import Composition
from tabveil.config.settings import Dataset, Inspect, read
from tabveil.data.schema import infer_schema
from tabveil.data.tables import Place
from tabveil.report.terminal import show_table


def run(composition: Composition) -> None:
    """Show the inferred schema of a table."""
    settings = read(composition, Inspect)
    place = place_of(settings)
    table = place.read()
    schema = infer_schema(table, kinds=settings.kinds or {})
    rows = [
        (c.name, c.kind, c.dtype, int(table[c.name].isna().sum()), c.reason) for c in schema.columns
    ]
    title = f"{place.title}: {len(table)} rows, {len(rows)} columns"
    show_table(title, ("column", "kind", "dtype", "missing", "why"), rows)


def place_of(given: Dataset | Inspect) -> Place:
    """Where the configuration says that the table lies."""
    return Place(
        path=None if given.path is None else given.path.expanduser(),
        format=given.format,
        encoding=given.encoding,
        decimal=given.decimal,
        url=given.url,
        query=given.query,
    )
