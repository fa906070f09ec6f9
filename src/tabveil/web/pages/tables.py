"""An uploaded table: what was inferred of it, what matters, and the start of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from tabveil.web.errors import Conflict
from tabveil.web.orders import SweepOrder
from tabveil.web.pages import words
from tabveil.web.pages.frame import Fields, Page, User, Web, go, page, shortened
from tabveil.web.pages.ordered import ordered
from tabveil.web.pages.schema_form import sweep_order

router = APIRouter(route_class=Page)

_SEEN = 3
"""Values of a column that stand beside its name."""


@router.get("/uploads/{number}")
def table(request: Request, number: str, user: User, web: Web) -> Response:
    """Show a table: being read, not to be read, or with its schema's form."""
    upload = web.uploads.get(user, number)
    is_here = upload.state == "here"
    # The job first: one that ends between the two looks has then left its inspection.
    job = web.jobs.get(user, upload.inspection) if is_here else None
    inspection = web.uploads.inspection(user, number) if is_here else None
    return page(
        request,
        "table.html",
        upload=upload,
        reading=job if inspection is None else None,
        found=None if inspection is None else _prepared(inspection),
        jobs=[job for job in web.jobs.all(user, upload=number) if job.kind != "inspect"],
        words=words,
    )


@router.get("/uploads/{number}/reading")
def reading(request: Request, number: str, user: User, web: Web) -> Response:
    """Say whether the table is still being read; the page is loaded again once it is not."""
    upload = web.uploads.get(user, number)
    job = web.jobs.get(user, upload.inspection)
    over = job.state not in words.GOING
    headers = {"HX-Refresh": "true"} if over else {}
    return page(request, "reading.html", headers=headers, upload=upload, reading=job, words=words)


@router.post("/uploads/{number}/sweep")
def sweep(number: str, user: User, web: Web, form: Fields) -> Response:
    """Start a search on the table."""
    inspection = web.uploads.inspection(user, number)
    if inspection is None:
        raise Conflict("The table has not been read yet. Wait until its columns are shown.")
    order = sweep_order(form, upload=number, inspection=inspection)
    return go(f"/jobs/{web.jobs.create(user, ordered(SweepOrder, order)).id}")


@router.post("/uploads/{number}/delete")
def delete(number: str, user: User, web: Web) -> Response:
    """Delete the uploaded file."""
    web.uploads.delete(user, number)
    return go("/")


def label(name: str, place: int) -> str:
    """What a column is called on a page, whatever its name holds.

    >>> label("age", 0), label(" ", 2)
    ('age', 'column 3 (no name)')
    """
    return shortened(name, 60) or f"column {place + 1} (no name)"


def _prepared(inspection: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows: each column with its first values and the suggestions about it."""
    roles, head = inspection["roles"], inspection["head"]
    columns = [
        {
            **column,
            "place": place,
            "label": label(column["name"], place),
            "seen": [row[place] for row in head[:_SEEN]],
            "sensitive": column["name"] in roles.get("sensitive", ()),
            "quasi": column["name"] in roles.get("quasi_identifiers", ()),
        }
        for place, column in enumerate(inspection["columns"])
    ]
    return {
        "columns": columns,
        "head": head,
        "n_rows": inspection["n_rows"],
        "masked": [column for column in columns if column["kind"] == "identifier"],
        "open": [column for column in columns if column.get("readings")],
        "notes": inspection.get("notes", []),
        "rules": inspection["rules"],
        "target": next(iter(roles.get("target", ())), None),
        "group": next(iter(roles.get("group", ())), None),
    }
