"""The first page: bring a table, and see what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from tabveil.web.errors import Invalid, TooLarge
from tabveil.web.pages import words
from tabveil.web.pages.frame import Page, User, Web, go, page, size

router = APIRouter(route_class=Page)

_PIECE = 1 << 20
AROUND_A_FILE = 100_000
"""Bytes that a form adds to the file in it, at most."""
_MANY = 20


@router.get("/")
def start(request: Request, user: User, web: Web) -> Response:
    """Show the upload form and the lists."""
    return page(request, "start.html", settings=web.settings, **_lists(web, user))


@router.get("/lists")
def lists(request: Request, user: User, web: Web) -> Response:
    """Show the lists alone, for a page that is open already."""
    return page(request, "lists.html", **_lists(web, user))


@router.post("/uploads")
async def upload(request: Request, user: User, web: Web) -> Response:
    """Take a file from the form, where no script sends it to the API."""
    most = web.settings.max_upload_bytes
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal():
        raise Invalid("The browser did not say how large the file is; try again.")
    if int(declared) > most + AROUND_A_FILE:
        raise TooLarge(f"The file is larger than {size(most)}, which is the limit here.")
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid("No file was chosen. Go back, choose a table, and send it.")
        taken = await web.uploads.receive(user, file.filename, _pieces(file), file.size)
    return go(f"/uploads/{taken.id}")


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


def _lists(web: Web, user: str) -> dict[str, Any]:
    uploads = [one for one in web.uploads.all(user) if one.state == "here"]
    jobs = [job for job in web.jobs.all(user, n=100) if job.kind != "inspect"]
    going = [job for job in jobs if job.state in words.GOING]
    return {
        "uploads": uploads,
        "names": {one.id: one.name for one in web.uploads.all(user)},
        "going": going,
        "stopped": [job for job in jobs if job.state in words.STOPPED][:_MANY],
        "done": [job for job in jobs if job.state == "done"][:_MANY],
        "releases": web.shelf.all(user),
        "words": words,
    }
