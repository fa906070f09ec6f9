"""A confirmed candidate: its verdict in words, its report, rows drawn from it, its end."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from tabveil.web import charts
from tabveil.web.orders import SampleOrder, WithdrawOrder, shown
from tabveil.web.pages import words
from tabveil.web.pages.frame import Fields, Page, User, Web, go, page
from tabveil.web.pages.ordered import ordered
from tabveil.web.pages.sample_form import COMPARISONS, sample_order
from tabveil.web.pages.tables import label
from tabveil.web.shelf import Release

router = APIRouter(route_class=Page)


@router.get("/releases/{number}")
def release(request: Request, number: str, user: User, web: Web) -> Response:
    """Show a release, or a candidate that did not become one."""
    found = web.shelf.get(user, number)
    drawn = web.jobs.all(user, kind="sample", parent=found.job)
    root = web.settings.root_of(user)
    line = ["sample", f"model=models:/{found.model}/{found.version}", "n=1000", f"root={root}"]
    return page(
        request,
        "release.html",
        release=found,
        title=words.release_title(found, web.uploads.get(user, found.upload).name),
        verdict=web.shelf.verdict(found),
        risk_chart=charts.interval(
            found.risk_low, found.risk, found.risk_high, label="Confirmed risk with its interval"
        ),
        columns=drawn_columns(web, user, found),
        comparisons=COMPARISONS,
        samples=[job for job in drawn if job.release == number],
        command=shown([*line, "out=rows.parquet"]),
        max_rows=web.settings.max_rows,
        words=words,
    )


@router.post("/releases/{number}/samples")
def sample(number: str, user: User, web: Web, form: Fields) -> Response:
    """Draw rows."""
    found = web.shelf.get(user, number)
    told = sample_order(form, release=number, columns=drawn_columns(web, user, found))
    return go(f"/jobs/{web.jobs.create(user, ordered(SampleOrder, told)).id}")


@router.post("/releases/{number}/withdraw")
def withdraw(number: str, user: User, web: Web, form: Fields) -> Response:
    """Take a release back."""
    why = form.get("why")
    told = {"kind": "withdraw", "release": web.shelf.get(user, number).id, "why": why or ""}
    return go(f"/jobs/{web.jobs.create(user, ordered(WithdrawOrder, told)).id}")


def drawn_columns(web: Web, user: str, found: Release) -> list[dict[str, Any]]:
    """The columns that a condition may name: those that the model learnt, as they were ordered."""
    inspection = web.uploads.inspection(user, found.upload)
    if inspection is None:
        return []
    job = web.jobs.get(user, found.job)
    order = web.jobs.get(user, job.parent).order if job.parent else job.order
    corrected = order.get("columns", {})
    columns = [
        {
            **column,
            "label": label(column["name"], place),
            "kind": corrected.get(column["name"], {}).get("kind") or column["kind"],
        }
        for place, column in enumerate(inspection["columns"])
        if column["name"] != order.get("group")
    ]
    return [column for column in columns if column["kind"] != "identifier"]
