"""What a job made: its log, its front, its configuration, and the rows it drew."""

from __future__ import annotations

import json
import os
import stat
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from tabveil.web.api.asked import PREFIX, Id, Shop, User
from tabveil.web.api.described import file_of, problems
from tabveil.web.errors import Conflict, NotFound
from tabveil.web.jobs import Job
from tabveil.web.service import Service

router = APIRouter(prefix=f"{PREFIX}/jobs/{{id}}", tags=["jobs"])
MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "jsonl": "application/jsonl",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROWS = {**file_of(*MEDIA_TYPES.values()), **problems(404, 409)}
_ROWS[200]["headers"] = {
    "X-Tabveil-Rows": {"description": "rows in it", "schema": {"type": "integer"}},
    "Content-Length": {"description": "bytes in it", "schema": {"type": "integer"}},
}


@router.get(
    "/log", response_class=PlainTextResponse, responses={**file_of("text/plain"), **problems(404)}
)
def get_log(
    user: User, shop: Shop, number: Id, n_bytes: Annotated[int, Query(ge=1, le=1_000_000)] = 20_000
) -> PlainTextResponse:
    """The end of what it printed."""
    return PlainTextResponse(shop.jobs.log(shop.jobs.get(user, number), n_bytes))


@router.get("/front", responses=problems(404))
def get_front(user: User, shop: Shop, number: Id) -> Any:
    """The front of a sweep."""
    path = shop.jobs.result(shop.jobs.get(user, number), "front.json")
    try:
        text = path.read_text(encoding="utf-8") if path else None
    except FileNotFoundError:
        text = None
    if text is None:
        raise NotFound("this job has no front (yet)")
    return json.loads(text, parse_constant=lambda _: None)  # NaN is no JSON


@router.get("/trials.csv", response_class=FileResponse, responses=_ROWS)
def get_trials(request: Request, user: User, shop: Shop, number: Id) -> Response:
    """All trials of a sweep, as a table."""
    job = shop.jobs.get(user, number)
    return _file(request, shop, job, "trials.csv", f"trials-{job.id[:8]}.csv", "text/csv")


@router.get(
    "/config",
    response_class=FileResponse,
    responses={**file_of("application/yaml"), **problems(404)},
)
def get_config(request: Request, user: User, shop: Shop, number: Id) -> Response:
    """The composed configuration that the job ran with."""
    job = shop.jobs.get(user, number)
    name = f"config-{job.id[:8]}.yaml"
    return _file(request, shop, job, "config.yaml", name, "application/yaml")


@router.head("/rows", response_class=FileResponse, responses=_ROWS)
@router.get("/rows", response_class=FileResponse, responses=_ROWS)
def get_rows(request: Request, user: User, shop: Shop, number: Id) -> Response:
    """The rows that a sample job drew, as one file.

    A file that comes with fewer bytes than Content-Length says, or with fewer rows than
    X-Tabveil-Rows, was cut on its way.
    """
    job = shop.jobs.get(user, number)
    if job.kind != "sample":
        raise NotFound("this job draws no rows")
    if job.state != "done":
        raise Conflict(f"the rows are not there: the job is {job.state}")
    form = str(job.order["format"])
    name = f"tabveil-{(job.release or job.id)[:8]}-{job.id[:8]}.{form}"
    response = _file(request, shop, job, "rows", name, MEDIA_TYPES[form])
    drawn = shop.jobs.progress(job).rows
    response.headers["X-Tabveil-Rows"] = str(job.order["n"] if drawn is None else drawn)
    if request.method == "GET":
        shop.events.note(user, "download rows", job.id, {"release": job.release})
    return response


def _file(
    request: Request, shop: Service, job: Job, what: str, name: str, media_type: str
) -> FileResponse:
    """Stream one of a job's files. Raises NotFound."""
    path = shop.jobs.result(job, what)
    try:
        seen = os.stat(path) if path else None
    except FileNotFoundError:
        seen = None
    if path is None or seen is None or not stat.S_ISREG(seen.st_mode):
        raise NotFound(f"this job has no {what} (yet)")
    # Whole files only: a part of a table looks like a table.
    request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
    return FileResponse(
        path,
        filename=name,
        media_type=media_type,
        stat_result=seen,
        headers={"Accept-Ranges": "none"},
    )
