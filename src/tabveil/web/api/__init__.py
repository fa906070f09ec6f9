"""The REST API under /api/v1: one router a noun, all of them behind `access.Gate`."""

from __future__ import annotations

from fastapi import APIRouter

from tabveil.web.api import events, health, job_files, job_stream, jobs, releases, uploads
from tabveil.web.api.asked import PREFIX
from tabveil.web.api.described import EVERYWHERE

__all__ = ["PREFIX", "router"]

router = APIRouter()
for part in (uploads, jobs, job_files, job_stream, releases, events):
    router.include_router(part.router, responses=EVERYWHERE)
router.include_router(health.router)
