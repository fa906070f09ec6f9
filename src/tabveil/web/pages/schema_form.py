"""What the form about a table says: corrected columns, what matters, how hard to search.

Fields are numbered by column (`kind-17`), never named after one: a column may be called anything.
Without a script all fields come; what equals the inference is left out of the order all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from tabveil.web.errors import Invalid


def sweep_order(form: FormData, *, upload: str, inspection: Mapping[str, Any]) -> dict[str, Any]:
    """The order of a sweep, as `orders.SweepOrder` reads it.

    Args:
        form: as it was sent.
        upload: id of the table.
        inspection: what was inferred of it.

    Raises:
        Invalid: a field names a column that is not there, or is no number.
    """
    columns = inspection["columns"]
    names = [column["name"] for column in columns]
    return {
        "kind": "sweep",
        "upload": upload,
        "columns": _changed(form, columns),
        "target": _named(form, "target", names),
        "sensitive": _ticked(form, "sensitive", names),
        "quasi_identifiers": _ticked(form, "quasi", names),
        "group": _named(form, "group", names),
        "rules": [_whole(text, "rule") for text in _texts(form, "rule")],
        "effort": _text(form, "effort") or "quick",
        "trials": _whole_or_none(form, "trials"),
        "seed": _whole_or_none(form, "seed") or 0,
    }


def _changed(form: FormData, columns: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What differs from the inference, by column."""
    found = {}
    for place, column in enumerate(columns):
        kind = _text(form, f"kind-{place}") or column["kind"]
        mask = _text(form, f"mask-{place}") or None
        reading = _text(form, f"format-{place}") or None
        masked = kind == "identifier" and mask not in (None, column["mask"])
        if kind != column["kind"] or masked or reading:
            found[column["name"]] = {
                "kind": kind if kind != column["kind"] else None,
                "format": reading if kind in ("datetime", "numeric") else None,
                "mask": mask if masked else None,
            }
    return found


def _texts(form: FormData, field: str) -> list[str]:
    return [value for value in form.getlist(field) if isinstance(value, str)]


def _text(form: FormData, field: str) -> str:
    return next(iter(_texts(form, field)), "").strip()


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Invalid(f"The {what} must be a whole number.") from error


def _whole_or_none(form: FormData, field: str) -> int | None:
    text = _text(form, field)
    return _whole(text, field) if text else None


def _column(text: str, names: Sequence[str]) -> str:
    place = _whole(text, "column")
    if not 0 <= place < len(names):
        raise Invalid("The form names a column that this table has not; load the page again.")
    return names[place]


def _named(form: FormData, field: str, names: Sequence[str]) -> str | None:
    text = _text(form, field)
    return _column(text, names) if text else None


def _ticked(form: FormData, field: str, names: Sequence[str]) -> list[str]:
    return [_column(text, names) for text in _texts(form, field)]
