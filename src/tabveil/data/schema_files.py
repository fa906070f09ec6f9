"""Files that say what a table's columns are: our own YAML, SDV metadata, Frictionless schemas.

`tabveil inspect` writes the first, a person edits it, and `dataset.schema=schema.yaml` is what the
person knows of the table. The others come from elsewhere: SDV's metadata (JSON, version V1, one
table) and the Frictionless Table Schema (specs.frictionlessdata.io/table-schema). Each is read into
the same `Told`; what they say beyond it is left aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tabveil.data.schema import KINDS, Column, Schema
from tabveil.errors import ConfigError

_OURS = {"columns", "target", "sensitive", "quasi_identifiers", "group", "rules"}
_OF_A_COLUMN = {"kind", "format", "missing", "mask", "why"}
_SDV = {
    "numerical": "numeric",
    "categorical": "categorical",
    "boolean": "boolean",
    "datetime": "datetime",
    "id": "identifier",
}
"""SDV's types of its own; all others, such as `email`, are personal data."""
_TO_SDV = {kind: sdtype for sdtype, kind in _SDV.items()}
_FRICTIONLESS = {
    "integer": "numeric",
    "number": "numeric",
    "year": "numeric",
    "boolean": "boolean",
    "date": "datetime",
    "datetime": "datetime",
    "string": "categorical",
}
_PERSONAL_FORMATS = {"email", "uri", "uuid"}


class _Texts(yaml.SafeLoader):
    """Reads YAML of which every word is a text, but for null."""


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag == "tag:yaml.org,2002:null"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Told:
    """What somebody says of a table.

    Attributes:
        kinds: column → kind, for the columns that are named.
        patterns: column → pattern of its dates, or an example of its numbers.
        missing: column → words that mean missing there.
        masks: identifier column → what stands in its place in drawn rows.
        target, sensitive, quasi_identifiers, group: roles, as in `Schema`.
        rules: as `data.rules` reads them.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    sensitive: Sequence[str] = ()
    quasi_identifiers: Sequence[str] = ()
    group: str | None = None
    rules: Sequence[Mapping[str, Any]] = ()


def read_schema_file(path: Path) -> Told:
    """Read a schema file; which of the three it is shows in its keys.

    Raises:
        ConfigError: there is no such file, it is no YAML or JSON, or not one of the three.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = yaml.safe_load(text)  # JSON is YAML
        names = yaml.load(text, _Texts)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"dataset.schema={path} cannot be read: {_reason(error)}") from error
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = "" if line is None else f", line {line + 1}"
        raise ConfigError(f"dataset.schema={path}{at} is neither YAML nor JSON") from error
    if not isinstance(data, dict) or not isinstance(names, dict):
        raise ConfigError(f"dataset.schema={path} holds no mapping of columns")
    try:
        if "METADATA_SPEC_VERSION" in data:
            return _from_sdv(data)
        if "fields" in data:
            return _from_frictionless(data)
        # Names and words count as they are written: NO and 1.10 are no truth value, no number.
        return _from_ours({**names, "rules": data.get("rules")})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(f"dataset.schema={path}: {_reason(error)}") from error


def to_yaml(
    schema: Schema,
    *,
    masks: Mapping[str, str] | None = None,
    rules: Sequence[Mapping[str, Any]] = (),
    suggested: Mapping[str, Sequence[str]] | None = None,
    ambiguous: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A schema as a file to edit: every column with its kind and why, roles, rules.

    Args:
        schema: of the table.
        masks: what stands in the place of identifiers.
        rules: that drawn rows are to obey.
        suggested: role → columns that may have it; told in comments, since roles are a decision.
        ambiguous: column → the ways in which it may be read, told in comments, too.
    """
    columns: dict[str, dict[str, Any]] = {}
    for column in schema.columns:
        columns[column.name] = {"kind": column.kind}
        format = column.format  # noqa: A001
        is_told = column.kind == "datetime" and column.name not in (ambiguous or {})
        if is_told and format is not None and format.pattern is not None:
            columns[column.name]["format"] = format.pattern
        elif column.name in (ambiguous or {}):
            columns[column.name]["format"] = None
        if column.name in (masks or {}):
            columns[column.name]["mask"] = (masks or {})[column.name]
        columns[column.name]["why"] = column.reason
    roles = {
        "target": schema.target,
        "sensitive": list(schema.sensitive),
        "quasi_identifiers": list(schema.quasi_identifiers),
        "group": schema.group,
    }
    lines = [
        "# What tabveil takes the table for. Correct it, and name it by dataset.schema=FILE.",
        "# kind: " + " | ".join(KINDS),
        "# format: how cells are written; of dates %d-%m-%Y, of numbers an example: 1.234,56",
        "# missing: words that mean missing in a column, such as [unknown]",
        *(f"# {n}: which format, {' or '.join(r)}?" for n, r in (ambiguous or {}).items()),
        "# mask: fake | token | drop (identifiers only: what stands in their place)",
        _dumped({"columns": columns}),
        "# The target and the roles are yours to name.",
        *(f"# {role} perhaps: {', '.join(names)}" for role, names in (suggested or {}).items()),
        _dumped(roles),
        "# Rules that every drawn row obeys. Delete those that hold by chance only.",
        _dumped({"rules": [dict(rule) for rule in rules]}),
    ]
    return "\n".join(lines)


def to_sdv(schema: Schema) -> dict[str, Any]:
    """The schema as SDV's metadata of one table, JSON-able."""
    columns = {column.name: _sdv_column(column) for column in schema.columns}
    return {
        "METADATA_SPEC_VERSION": "V1",
        "tables": {"table": {"columns": columns}},
        "relationships": [],
    }


def to_frictionless(schema: Schema) -> dict[str, Any]:
    """The schema as a Frictionless Table Schema, JSON-able."""
    return {"fields": [{"name": c.name, "type": _frictionless_type(c)} for c in schema.columns]}


def _from_ours(data: Mapping[str, Any]) -> Told:
    unknown = set(data) - _OURS
    if unknown or not isinstance(data.get("columns", {}), dict):
        raise ValueError(f"it may hold {', '.join(sorted(_OURS))}, not {sorted(unknown)}")
    kinds, masks, patterns, missing = {}, {}, {}, {}
    for name, told in (data.get("columns") or {}).items():
        column = {"kind": told} if isinstance(told, str) else dict(told or {})
        if set(column) - _OF_A_COLUMN:
            odd = sorted(set(column) - _OF_A_COLUMN)
            allowed = ", ".join(sorted(_OF_A_COLUMN))
            raise ValueError(f"column {name!r} may have {allowed}, not {odd}")
        if "kind" in column:
            kinds[str(name)] = _known(str(column["kind"]), str(name))
        if column.get("mask") is not None:
            masks[str(name)] = str(column["mask"])
        if column.get("format") is not None:
            patterns[str(name)] = str(column["format"])
        if column.get("missing") is not None:
            missing[str(name)] = _names(column, "missing")
    return Told(
        kinds,
        patterns,
        missing,
        masks,
        _name(data.get("target"), "target"),
        _names(data, "sensitive"),
        _names(data, "quasi_identifiers"),
        _name(data.get("group"), "group"),
        tuple(dict(rule) for rule in data.get("rules") or ()),
    )


def _from_sdv(data: Mapping[str, Any]) -> Told:
    tables = data.get("tables", {"": data})
    if len(tables) != 1:
        raise ValueError(f"SDV metadata of {len(tables)} tables; bring one of one table")
    (table,) = tables.values()
    kinds = {
        str(name): _SDV.get(str(told["sdtype"]), "identifier")
        for name, told in table["columns"].items()
        if told["sdtype"] != "unknown"
    }
    key = table.get("primary_key")
    if key is not None:
        kinds |= dict.fromkeys([key] if isinstance(key, str) else key, "identifier")
    return Told(kinds)


def _from_frictionless(data: Mapping[str, Any]) -> Told:
    kinds = {}
    for field_ in data["fields"]:
        kind = _FRICTIONLESS.get(str(field_.get("type", "any")))
        if kind is None:
            continue
        personal = kind == "categorical" and field_.get("format") in _PERSONAL_FORMATS
        kinds[str(field_["name"])] = "identifier" if personal else kind
    key = data.get("primaryKey", [])
    kinds |= dict.fromkeys([key] if isinstance(key, str) else key, "identifier")
    return Told(kinds)


def _sdv_column(column: Column) -> dict[str, Any]:
    told: dict[str, Any] = {"sdtype": _TO_SDV[column.kind]}
    if column.kind == "numeric":
        told["computer_representation"] = "Int64" if column.decimals == 0 else "Float"
    return told


def _frictionless_type(column: Column) -> str:
    if column.kind == "numeric":
        return "integer" if column.decimals == 0 else "number"
    return {"boolean": "boolean", "datetime": "datetime"}.get(column.kind, "string")


def _known(kind: str, name: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"column {name!r}: a kind is one of {', '.join(KINDS)}, not {kind!r}")
    return kind


def _name(value: Any, role: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{role} names one column, or null")
    return value


def _names(data: Mapping[str, Any], role: str) -> tuple[str, ...]:
    names = data.get(role) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{role} is a list of column names")
    return tuple(names)


def _dumped(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=100).rstrip("\n")


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    return getattr(error, "strerror", None) or str(error)
