"""How many rows, which, in which format: what does the form about a sample say?

Conditions come as three fields each: the number of a column, a comparison and a value. What is
typed is read as the column's kind has it; an expert may write the conditions as JSON instead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from tabveil.web.errors import Invalid

COMPARISONS = {
    "is": "is",
    "any": "is one of (with commas)",
    "min": "is at least",
    "max": "is at most",
    "missing": "is missing",
}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def sample_order(
    form: FormData, *, release: str, columns: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The order of a sample, as `orders.SampleOrder` reads it.

    Args:
        form: as it was sent.
        release: id of the release.
        columns: of the table, with name, kind and dtype.

    Raises:
        Invalid: a number that is none, a column that is not there, conditions that are no JSON.
    """
    written = _json(form, "where_json")
    return {
        "kind": "sample",
        "release": release,
        "n": _whole(form, "n"),
        "seed": _whole(form, "seed"),
        "format": _text(form, "format") or "parquet",
        "where": written if written is not None else conditions(form, columns) or None,
        "shares": _json(form, "shares_json"),
        "escape_formulas": _text(form, "escape_formulas") == "yes",
        "unconfirmed": _text(form, "unconfirmed") == "yes",
    }


def conditions(form: FormData, columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The conditions that were put together in the form's rows."""
    found: dict[str, Any] = {}
    asked = (form.getlist(f"where-{part}") for part in ("column", "how", "value"))
    for place, how, value in zip(*asked, strict=True):
        if place == "":
            continue
        column = _column(str(place), columns)
        name = column["name"]
        if how in ("min", "max"):
            before = found.setdefault(name, {})
            if not isinstance(before, dict):
                raise Invalid(f"Two conditions on {name} cannot both hold.")
            before[how] = read_value(str(value), column)
        elif name in found:
            raise Invalid(f"Two conditions on {name} cannot both hold.")
        elif how == "missing":
            found[name] = None
        elif how == "any":
            found[name] = [read_value(one, column) for one in str(value).split(",")]
        else:
            found[name] = read_value(str(value), column)
    return found


def read_value(text: str, column: Mapping[str, Any]) -> Any:
    """A typed value, as its column has it.

    >>> read_value("30", {"name": "age", "kind": "numeric", "dtype": "int64"})
    30
    >>> read_value("poor", {"name": "health", "kind": "categorical", "dtype": "object"})
    'poor'
    """
    text = text.strip()
    kind, dtype = column["kind"], column["dtype"].lower()
    if kind == "boolean" and text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    if kind == "numeric" or dtype.startswith(("int", "uint", "float")):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise Invalid(f"The condition on {column['name']} needs a number.")
        return int(value) if value.is_integer() else value
    if not text:
        raise Invalid(f"The condition on {column['name']} has no value.")
    return text


def _text(form: FormData, field: str) -> str:
    value = form.get(field)
    return value.strip() if isinstance(value, str) else ""


def _whole(form: FormData, field: str) -> int:
    try:
        return int(_text(form, field))
    except ValueError as error:
        names = {"n": "number of rows", "seed": "seed"}
        raise Invalid(f"The {names[field]} must be a whole number.") from error


def _column(text: str, columns: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    if not text.isdecimal() or int(text) >= len(columns):
        raise Invalid("The form names a column that this table has not; load the page again.")
    return columns[int(text)]


def _json(form: FormData, field: str) -> dict[str, Any] | None:
    text = _text(form, field)
    if not text:
        return None
    try:
        read = json.loads(text)
    except ValueError as error:
        raise Invalid("The conditions for experts are no JSON.") from error
    if not isinstance(read, dict):
        raise Invalid('The conditions for experts must look like {"age": {"min": 60}}.')
    return read
