"""Is the server there, and what has it done?"""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from tabveil.web.api.asked import PREFIX, Shop, User
from tabveil.web.api.described import EVERYWHERE, problems

router = APIRouter(prefix=PREFIX, tags=["server"])


class Health(BaseModel):
    """It answers, and its database does."""

    status: str = "ok"


@router.get("/health", responses=problems(400, 429, 500), openapi_extra={"security": []})
def health(shop: Shop) -> Health:
    """Whether the server and its database answer; needs no token."""
    shop.events.all("", n=1)
    return Health()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **EVERYWHERE},
)
def metrics(request: Request, shop: Shop, user: User) -> Response:  # noqa: ARG001
    """Counters for Prometheus: requests by route, bytes, memory, jobs by kind and state."""
    try:
        jobs = shop.jobs.counted()
    except sa.exc.SQLAlchemyError:  # what else is counted is wanted just then
        jobs = {}
    text: bytes = request.app.state.metrics.text(jobs)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
