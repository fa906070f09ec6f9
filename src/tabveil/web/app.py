"""Which routes are there, and what stands before them? `create_app` is the whole answer.

A request passes, in this order: counters, security headers, the last resort for faults, the gate
(host, name, origin, rate), the body's limit; then its route.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tabveil import __version__
from tabveil.web import docs, enter
from tabveil.web.access import Gate
from tabveil.web.api import PREFIX
from tabveil.web.api import router as api_router
from tabveil.web.headers import SecurityHeaders
from tabveil.web.limits import SMALL_BODY, BodyLimit, OpenStreams, RateLimit
from tabveil.web.metrics import Meter, Metrics
from tabveil.web.pages import error_page
from tabveil.web.pages import router as pages_router
from tabveil.web.pages.start import AROUND_A_FILE
from tabveil.web.problems import LastResort, Problem, add_handlers
from tabveil.web.service import Service

_STATIC = Path(__file__).parent / "static"
_ABOUT = (
    "Upload a table, sweep generators of synthetic rows, confirm the best against attacks, and "
    "draw rows from those that pass. Errors are problem details (RFC 9457)."
)


def create_app(service: Service) -> FastAPI:
    """Put pages and API in front of a service.

    The settings of the service say who may enter, how often, and how much may be sent. The
    application starts nothing: a worker runs the jobs.
    """
    settings, metrics = service.settings, Metrics()

    def limit_of(scope: Scope) -> int:
        asked = (scope["method"], scope["path"])
        if asked == ("POST", "/uploads"):  # the page's form, where no script sends the file
            return settings.max_upload_bytes + AROUND_A_FILE
        is_upload = asked == ("PUT", f"{PREFIX}/uploads")
        return settings.max_upload_bytes if is_upload else SMALL_BODY

    app = FastAPI(
        title="tabveil",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(Meter, metrics=metrics),
            Middleware(SecurityHeaders),
            Middleware(LastResort),
            Middleware(Gate, settings=settings, rate=RateLimit(settings.per_minute)),
            Middleware(BodyLimit, limit_of=limit_of),
        ],
    )
    app.state.service = service
    app.state.metrics = metrics
    app.state.streams = OpenStreams()
    app.state.problem_page = _problem_page
    add_handlers(app)
    app.include_router(api_router)
    for router in (docs.router, enter.router, pages_router):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return app


def _problem_page(request: Request, problem: Problem) -> Response:
    """A problem, where a person looks at it."""
    return error_page(request, problem.status, problem.title, problem.detail)
