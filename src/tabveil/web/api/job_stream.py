"""A job as it goes: server-sent events until it ends, or until nobody listens any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from tabveil.web.access import service_of
from tabveil.web.api.asked import PREFIX, Id, User
from tabveil.web.api.described import Responses, problems
from tabveil.web.api.views import JobView, ProgressView
from tabveil.web.errors import NotFound
from tabveil.web.jobs import ENDED
from tabveil.web.limits import OpenStreams
from tabveil.web.service import Service

router = APIRouter(prefix=f"{PREFIX}/jobs/{{id}}", tags=["jobs"])
POLL_SECONDS = 0.7
"""A look costs one query and a few small files; people see nothing faster."""
HEARTBEAT_SECONDS = 10
"""Proxies close what is silent for longer."""
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["job", "progress", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
_STREAM: Responses = {
    200: {
        "description": "`job` (a Job) and `progress` (its newest losses only), whenever they "
        "change; `end` (a Job) as the last",
        "content": {"text/event-stream": {"schema": _EVENT}},
    }
}


class _Stream(StreamingResponse):
    media_type = "text/event-stream"


@router.get("/events", response_class=_Stream, responses={**_STREAM, **problems(404)})
async def get_job_events(request: Request, user: User, number: Id) -> _Stream:
    """Follow a job. Lines that start with a colon only say that the stream is alive."""
    shop = service_of(request)
    await run_in_threadpool(shop.jobs.get, user, number)
    streams: OpenStreams = request.app.state.streams
    streams.check(user)

    async def held() -> AsyncIterator[str]:
        with streams.held(user):
            async for line in _lines(shop, user, number):
                yield line

    return _Stream(held(), headers={"X-Accel-Buffering": "no"})


async def _lines(shop: Service, user: str, number: str) -> AsyncIterator[str]:
    """Look, tell what has changed, wait. Nothing is held between two looks."""
    told: dict[str, str] = {}
    last = time.monotonic()
    while True:
        try:
            state, seen = await run_in_threadpool(_look, shop, user, number)
        except NotFound:  # deleted meanwhile
            yield _event("end", told.get("job", "null"))
            return
        for name, text in seen.items():
            if told.get(name) != text:
                yield _event(name, text)
                told[name], last = text, time.monotonic()
        if state in ENDED:
            yield _event("end", seen["job"])
            return
        if time.monotonic() - last > HEARTBEAT_SECONDS:
            yield ": still here\n\n"
            last = time.monotonic()
        await asyncio.sleep(POLL_SECONDS)


def _look(shop: Service, user: str, number: str) -> tuple[str, dict[str, str]]:
    """The job's state; the job and its progress as JSON."""
    job = shop.jobs.get(user, number)
    progress = ProgressView.model_validate(shop.jobs.progress(job))
    progress.losses = {trial: points[-1:] for trial, points in progress.losses.items()}
    seen = {
        "job": JobView.model_validate(job).model_dump_json(),
        "progress": progress.model_dump_json(exclude={"seconds_left"}),
    }
    return job.state, seen


def _event(name: str, text: str) -> str:
    return f"event: {name}\ndata: {text}\n\n"
