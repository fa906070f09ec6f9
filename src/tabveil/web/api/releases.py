"""What was confirmed, what was found of it, and rows from it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tabveil.web.api.asked import PREFIX, Id, PlainJson, Shop, User
from tabveil.web.api.described import problems
from tabveil.web.api.jobs import IdQuery
from tabveil.web.api.views import JobView, ReleaseView
from tabveil.web.errors import NotFound
from tabveil.web.headers import REPORT_POLICY
from tabveil.web.orders import SampleOrder

router = APIRouter(prefix=f"{PREFIX}/releases", tags=["releases"])


class SampleAsk(BaseModel):
    """A SampleOrder without the release, which the path names."""

    model_config = ConfigDict(extra="forbid")

    n: int = Field(ge=1, description="rows")
    seed: int = Field(0, ge=0, le=2**31 - 1)
    format: Annotated[str, Field(pattern="^(parquet|csv|jsonl|xlsx)$")] = "parquet"
    where: dict[str, Any] | None = Field(None, description="column → the value that rows must have")
    shares: dict[str, dict[str, float]] | None = Field(
        None, description="column → value → the share of rows that has it"
    )
    escape_formulas: bool = Field(
        False, description="whether cells that a spreadsheet would run are written as text"
    )
    unconfirmed: bool = Field(
        False, description="whether a candidate that did not pass is meant; the ledger keeps it"
    )


@router.get("")
def list_releases(user: User, shop: Shop, job: IdQuery = None) -> list[ReleaseView]:
    """The user's candidates, newest first; those that passed are released."""
    return [ReleaseView.model_validate(release) for release in shop.shelf.all(user, job=job)]


@router.get("/{id}", responses=problems(404))
def get_release(user: User, shop: Shop, number: Id) -> ReleaseView:
    """One candidate."""
    return ReleaseView.model_validate(shop.shelf.get(user, number))


@router.get("/{id}/verdict", responses=problems(404))
def get_verdict(user: User, shop: Shop, number: Id) -> dict[str, Any]:
    """Everything that the confirmation found: each attack, with its interval."""
    return dict(shop.shelf.verdict(shop.shelf.get(user, number)))


@router.get("/{id}/report", response_class=HTMLResponse, responses=problems(404))
def get_report(user: User, shop: Shop, number: Id) -> HTMLResponse:
    """The release's report, one self-contained page."""
    path = shop.shelf.report(shop.shelf.get(user, number))
    try:
        page = path.read_bytes()
    except FileNotFoundError:
        raise NotFound("this candidate has no report") from None
    return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})


@router.post(
    "/{id}/samples", status_code=201, responses=problems(404, 409), dependencies=[PlainJson]
)
def post_sample(user: User, shop: Shop, number: Id, ask: SampleAsk) -> JobView:
    """Ask for rows; short for a job of the kind `sample`."""
    told = ask.model_dump() | {"kind": "sample", "release": number}
    try:
        order = SampleOrder.model_validate(told)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None
    return JobView.model_validate(shop.jobs.create(user, order))
