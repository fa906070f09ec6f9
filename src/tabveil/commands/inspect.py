"""`tabveil inspect path=table.csv [out=schema.yaml]`: what each column is taken for, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabveil.config.compose import Composition
from tabveil.config.settings import Dataset, Inspect, read
from tabveil.data.formats.conversion import to_texts
from tabveil.data.identifiers import suggest_roles
from tabveil.data.masking import in_words, policies_of, replaced
from tabveil.data.opening import Opened, Wishes, asking
from tabveil.data.rules.kinds import rule_to_dict
from tabveil.data.rules.suggest import Suggested, suggest
from tabveil.data.schema import Column, Schema, infer_schema
from tabveil.data.schema_files import to_frictionless, to_sdv, to_yaml
from tabveil.data.tables import Place
from tabveil.errors import ConfigError
from tabveil.report.terminal import say, show_table


def run(composition: Composition) -> None:
    """Show the inferred schema of a table."""
    settings = read(composition, Inspect)
    place = place_of(settings)
    wishes = wishes_of(settings)
    opened = place.open(wishes)
    table = opened.table
    schema = infer_schema(table, kinds=wishes.kinds, opened=opened)
    rows = [
        (c.name, c.kind, _format_words(c), int(table[c.name].isna().sum()), c.reason)
        for c in schema.columns
    ]
    title = f"{place.title}: {len(table)} rows, {len(rows)} columns"
    show_table(title, ("column", "kind", "format", "missing", "why"), rows)
    for text in opened.passed_over:
        say(f"Note: {text}")
    for told in replaced(table, schema, policies_of(schema, {})):
        say(f"Note: {replaced_line(told)}")
    for name, readings in opened.ambiguous.items():
        say(f"{name}: {' or '.join(readings)}? Say which: {asking(name, readings[0])}")
    modelled = schema.modelled()
    suggested = suggest(table[modelled.names], modelled)
    _show_rules(suggested)
    roles = suggest_roles(table, identifiers=schema.of_kind("identifier"))
    for role, names in roles.items():
        say(f"{role} perhaps: {', '.join(names) or 'none'}")
    if settings.out is not None:
        if settings.form == "full":
            text = _dumped(everything(opened, schema, roles, suggested, n_head=settings.rows))
        else:
            text = _as_text(opened, schema, settings.form, roles, suggested)
        _write(settings.out.expanduser(), text)
        say(f"Written to {settings.out}; name it by dataset.schema={settings.out}")


def _format_words(column: Column) -> str:
    return "" if column.format is None else column.format.words


def replaced_line(told: Mapping[str, Any]) -> str:
    """What becomes of a column that is not learnt, why, and how to have it otherwise."""
    name, policy, kind = told["column"], told["policy"], told["kind"]
    other = f"dataset.kinds={{{name}: {kind}}} learns it"
    if policy == "drop":
        other = f"dataset.masks={{{name}: token}} keeps it, made up"
    return f"{in_words(told)}; {other}"


def _show_rules(suggested: Sequence[Suggested]) -> None:
    rows = [(one.rule.name, f"{one.share:.1%}", one.n_rows, one.why) for one in suggested]
    if rows:
        show_table("rules that hold, perhaps by chance", ("rule", "share", "rows", "why"), rows)


def _as_text(
    opened: Opened,
    schema: Schema,
    form: str,
    roles: Mapping[str, Sequence[str]],
    suggested: Sequence[Suggested],
) -> str:
    if form == "tabveil":
        rules = [rule_to_dict(one.rule) for one in suggested]
        masks = policies_of(schema, {})
        return to_yaml(
            schema, masks=masks, rules=rules, suggested=roles, ambiguous=opened.ambiguous
        )
    return _dumped(to_sdv(schema) if form == "sdv" else to_frictionless(schema))


def everything(
    opened: Opened,
    schema: Schema,
    roles: Mapping[str, Sequence[str]],
    suggested: Sequence[Suggested],
    *,
    n_head: int,
) -> dict[str, Any]:
    """What was found, JSON-able: columns with reasons, suggestions, the first rows as texts."""
    masks, table = policies_of(schema, {}), opened.table
    head = pd.DataFrame(
        {c.name: _as_written(table[c.name].head(n_head), c) for c in schema.columns}
    )
    return {
        "n_rows": len(table),
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "dtype": column.dtype,
                "missing": int(table[column.name].isna().sum()),
                "reason": column.reason,
                "format": _format_words(column),
                "readings": list(opened.ambiguous.get(column.name, ())),
                "distinct": int(table[column.name].nunique()),
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
        "head": head.fillna("").values.tolist(),
        "notes": list(opened.passed_over),
    }


def _as_written(values: pd.Series[Any], column: Column) -> list[str | None]:
    """The cells of a column as its source has them."""
    assert column.format is not None, "a table that was opened has formats"
    texts: list[str | None] = to_texts(values, column.format, np.arange(len(values))).to_pylist()
    return texts


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
        sheet=given.sheet,
        url=given.url,
        query=given.query,
    )


def wishes_of(given: Dataset | Inspect) -> Wishes:
    """What the configuration says of the table's columns."""
    return Wishes.from_settings(given.kinds, given.missing, given.decimal)
