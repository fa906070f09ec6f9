"""Jobs are ordered, watched, stopped, and go on."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query

from tabveil.web.api.asked import PREFIX, Id, PlainJson, Shop, User
from tabveil.web.api.described import problems
from tabveil.web.api.views import JobView, ProgressView
from tabveil.web.orders import ConfirmOrder, SampleOrder, SweepOrder, WithdrawOrder

router = APIRouter(prefix=f"{PREFIX}/jobs", tags=["jobs"])

Wanted = Annotated[
    SweepOrder | ConfirmOrder | SampleOrder | WithdrawOrder, Body(discriminator="kind")
]
"""What can be asked for; an upload asks for its own reading."""
Kind = Literal["inspect", "sweep", "confirm", "sample", "withdraw"]
IdQuery = Annotated[str | None, Query(pattern=r"^[0-9a-f]{32}$")]


@router.post("", status_code=201, responses=problems(404, 409), dependencies=[PlainJson])
def post_job(user: User, shop: Shop, order: Wanted) -> JobView:
    """Ask for a sweep, a confirmation, rows, or a withdrawal."""
    return JobView.model_validate(shop.jobs.create(user, order))


@router.get("")
def list_jobs(
    user: User,
    shop: Shop,
    kind: Annotated[Kind | None, Query()] = None,
    upload: IdQuery = None,
    parent: IdQuery = None,
    n: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[JobView]:
    """The user's jobs, newest first."""
    found = shop.jobs.all(user, kind=kind, upload=upload, parent=parent, n=n)
    return [JobView.model_validate(job) for job in found]


@router.get("/{id}", responses=problems(404))
def get_job(user: User, shop: Shop, number: Id) -> JobView:
    """One job."""
    return JobView.model_validate(shop.jobs.get(user, number))


@router.get("/{id}/progress", responses=problems(404))
def get_progress(user: User, shop: Shop, number: Id) -> ProgressView:
    """How far it is: trials, losses, landmarks."""
    return ProgressView.model_validate(shop.jobs.progress(shop.jobs.get(user, number)))


@router.post("/{id}/cancel", responses=problems(404, 409))
def cancel_job(user: User, shop: Shop, number: Id) -> JobView:
    """Ask it to stop; what is done stays done."""
    return JobView.model_validate(shop.jobs.cancel(user, number))


@router.post("/{id}/resume", responses=problems(404, 409))
def resume_job(user: User, shop: Shop, number: Id) -> JobView:
    """Let a lost, failed or cancelled job go on."""
    return JobView.model_validate(shop.jobs.resume(user, number))


@router.delete("/{id}", status_code=204, responses=problems(404, 409))
def delete_job(user: User, shop: Shop, number: Id) -> None:
    """Delete a job that has ended, and its files."""
    shop.jobs.delete(user, number)
