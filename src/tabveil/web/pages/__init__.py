"""The pages that people see: routes that answer with HTML.

Forms post and redirect, so that every page works without JavaScript; scripts only make them
livelier. All of it goes through the same services and orders as the API.
"""

from fastapi import APIRouter

from tabveil.web.pages import jobs, records, releases, start, tables, trials
from tabveil.web.pages.frame import enter_page, error_page

__all__ = ["enter_page", "error_page", "router"]

router = APIRouter(include_in_schema=False)
for part in (start, tables, jobs, trials, releases, records):
    router.include_router(part.router)
