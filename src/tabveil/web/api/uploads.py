"""Tables come in, are described, and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException

from tabveil.web.access import service_of
from tabveil.web.api.asked import PREFIX, Id, Shop, User
from tabveil.web.api.described import problems
from tabveil.web.api.views import UploadView
from tabveil.web.errors import Conflict, Invalid
from tabveil.web.limits import OpenStreams

router = APIRouter(prefix=f"{PREFIX}/uploads", tags=["uploads"])
_SILENCE_SECONDS = 30
"""An upload of which nothing comes for so long has lost its sender."""
_ANY_BYTES = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.put(
    "",
    status_code=201,
    responses=problems(408, 415, 507),
    openapi_extra=_ANY_BYTES,
)
async def put_upload(
    request: Request,
    user: User,
    name: Annotated[
        str,
        Query(min_length=1, max_length=255, description="a file name; its ending says the format"),
    ],
) -> UploadView:
    """Bring a table: the raw file is the body (CSV, JSONL or Parquet; text may be packed)."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "send the file as it is, without Content-Encoding")
    declared = request.headers.get("content-length")
    length = int(declared) if declared is not None and declared.isdecimal() else None
    streams: OpenStreams = request.app.state.streams
    streams.check(user)
    with streams.held(user):
        received = service_of(request).uploads.receive(user, name, _chunks(request), length)
        return UploadView.model_validate(await received)


@router.get("")
def list_uploads(user: User, shop: Shop) -> list[UploadView]:
    """The user's tables, newest first."""
    return [UploadView.model_validate(upload) for upload in shop.uploads.all(user)]


@router.get("/{id}", responses=problems(404))
def get_upload(user: User, shop: Shop, number: Id) -> UploadView:
    """One table."""
    return UploadView.model_validate(shop.uploads.get(user, number))


@router.delete("/{id}", responses=problems(404, 409))
def delete_upload(user: User, shop: Shop, number: Id) -> UploadView:
    """Delete the table's rows; that it was there stays known."""
    return UploadView.model_validate(shop.uploads.delete(user, number))


@router.get("/{id}/schema", responses=problems(404, 409))
def get_schema(user: User, shop: Shop, number: Id) -> dict[str, Any]:
    """What was found in the table: columns, kinds, suggested roles and rules, its first rows.

    409 while it is being read, or once it is deleted; 422 with the reason where it cannot be read.
    """
    found = shop.uploads.inspection(user, number)
    if found is not None:
        return found
    upload = shop.uploads.get(user, number)
    if upload.state == "deleted":
        raise Conflict("the table was deleted")
    job = shop.jobs.get(user, upload.inspection)
    if job.state in ("queued", "running"):
        raise Conflict("the table is being read")
    raise Invalid(job.message or f"the table was not read: {job.state}")


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises a 408 where it stops coming."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise HTTPException(408, f"nothing came for {_SILENCE_SECONDS} s") from None
        if chunk is None:
            return
        yield chunk
