"""`tabveil inspect path=table.csv [out=schema.yaml]`: what is each column taken for, and why?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tabveil.config.compose import Composition
from tabveil.config.settings import Dataset, Inspect, read
from tabveil.data.identifiers import suggest_roles
from tabveil.data.masking import policies_of
from tabveil.data.rules.kinds import rule_to_dict
from tabveil.data.rules.suggest import Suggested, suggest
from tabveil.data.schema import Schema, infer_schema
from tabveil.data.schema_files import to_frictionless, to_sdv, to_yaml
from tabveil.data.tables import Place
from tabveil.errors import ConfigError
from tabveil.report.terminal import say, show_table


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
    modelled = schema.modelled()
    suggested = suggest(table[modelled.names], modelled)
    _show_rules(suggested)
    roles = suggest_roles(table)
    for role, names in roles.items():
        say(f"{role} perhaps: {', '.join(names) or 'none'}")
    if settings.out is not None:
        if settings.form == "full":
            text = _dumped(everything(table, schema, roles, suggested, n_head=settings.rows))
        else:
            text = _as_text(schema, settings.form, roles, suggested)
        _write(settings.out.expanduser(), text)
        say(f"Written to {settings.out}; name it by dataset.schema={settings.out}")


def _show_rules(suggested: Sequence[Suggested]) -> None:
    rows = [(one.rule.name, f"{one.share:.1%}", one.n_rows, one.why) for one in suggested]
    if rows:
        show_table("rules that hold, perhaps by chance", ("rule", "share", "rows", "why"), rows)


def _as_text(
    schema: Schema,
    form: str,
    roles: Mapping[str, Sequence[str]],
    suggested: Sequence[Suggested],
) -> str:
    if form == "tabveil":
        rules = [rule_to_dict(one.rule) for one in suggested]
        masks = policies_of(schema, {})
        return to_yaml(schema, masks=masks, rules=rules, suggested=roles)
    return _dumped(to_sdv(schema) if form == "sdv" else to_frictionless(schema))


def everything(
    table: pd.DataFrame,
    schema: Schema,
    roles: Mapping[str, Sequence[str]],
    suggested: Sequence[Suggested],
    *,
    n_head: int,
) -> dict[str, Any]:
    """What was found, JSON-able: columns with reasons, suggestions, the first rows as texts."""
    masks = policies_of(schema, {})
    head = table.head(n_head).astype(object)
    return {
        "n_rows": len(table),
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "dtype": column.dtype,
                "missing": int(table[column.name].isna().sum()),
                "reason": column.reason,
                "mask": masks.get(column.name),
            }
            for column in schema.columns
        ],
        "roles": {role: list(names) for role, names in roles.items()},
        "rules": [
            {
                "text": one.rule.name,
                "share": one.share,
                "n_rows": one.n_rows,
                "why": one.why,
                "rule": rule_to_dict(one.rule),
            }
            for one in suggested
        ],
        "head": [["" if pd.isna(value) else str(value) for value in row] for row in head.values],
    }


def _dumped(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"out={path} cannot be written: {error.strerror or error}") from error


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
