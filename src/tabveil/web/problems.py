"""How is an error told? As problem details (RFC 9457), whoever raised it, and without row contents.

What a person can act on is a `WebError`: its message is shown. Of anything else only the status is
told; the log gets `safe_summary`, since messages of libraries may quote a cell of a table.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tabveil.errors import TabveilError, safe_summary
from tabveil.web.errors import Invalid, WebError

LOG = logging.getLogger("tabveil.web")
MEDIA_TYPE = "application/problem+json"

_WRONG_INPUT = 2
"""Exit code of our errors that say that the input is wrong."""
_A_JOB_SECONDS = 60
"""When to come again where it depends on jobs: none that is worth waiting for is shorter."""
_MOST_MISTAKES = 20
_MOST_CHARACTERS = 300
_OWN_WORDS = {
    # pydantic quotes what was sent in these
    "union_tag_invalid": "this is none of the kinds there are",
    "json_invalid": "this is no JSON",
}


class Mistake(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="query, path or body, then the way to the value")
    what: str


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = Field(description="the path that was asked for")
    mistakes: list[Mistake] | None = Field(None, description="of a request that does not fit")


def problem_response(
    request: Request, error: WebError, mistakes: Sequence[Mistake] = ()
) -> Response:
    """A `WebError` as an answer; "too many" says when to come again."""
    headers = {}
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = str(getattr(error, "retry_after", _A_JOB_SECONDS))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="tabveil"'
    return _answer(request, error.status, error.title, str(error), headers, mistakes)


def add_handlers(app: FastAPI) -> None:
    """Have every error that a route can raise answered as a problem."""
    app.add_exception_handler(TabveilError, _on_our_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_mistakes)


class LastResort:
    """ASGI middleware: what nobody expected is a 500 that tells nothing, and a line in the log.

    Starlette's own would pass the error on to the server, which logs its message.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; where half an answer is out, it ends there, visibly cut."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def watched(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:
            LOG.error("%s %s: %s", scope["method"], _place(scope), safe_summary(error))
            if not has_started:
                await _unexpected(Request(scope))(scope, receive, send)


def _on_our_error(request: Request, error: Exception) -> Response:
    """A WebError as it stands; of our other errors those that mean "the input is wrong"."""
    if isinstance(error, WebError):
        return problem_response(request, error)
    if isinstance(error, TabveilError) and error.exit_code == _WRONG_INPUT:
        return problem_response(request, Invalid(str(error)))
    LOG.error("%s %s: %s", request.method, _place(request.scope), safe_summary(error))
    return _unexpected(request)


def _on_http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses: no such route, method, or body."""
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    return _answer(request, error.status_code, title, str(error.detail), error.headers or {})


def _on_mistakes(request: Request, error: Exception) -> Response:
    """Where a request does not fit; never what was sent there."""
    assert isinstance(error, RequestValidationError)
    mistakes = [mistake(told) for told in error.errors()[:_MOST_MISTAKES]]
    first = f"{mistakes[0].where}: {mistakes[0].what}" if mistakes else "it does not fit"
    more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    return problem_response(request, Invalid(first + more), mistakes)


def mistake(told: Mapping[str, Any]) -> Mistake:
    """One of pydantic's error lines, without the input that it quotes."""
    where = ".".join(str(part) for part in told["loc"])
    what = _OWN_WORDS.get(told["type"], told["msg"])
    return Mistake(where=where[:_MOST_CHARACTERS], what=what[:_MOST_CHARACTERS])


def _unexpected(request: Request) -> Response:
    title = HTTPStatus.INTERNAL_SERVER_ERROR.phrase
    return _answer(request, 500, title, "this is a fault of the server; its log says more", {})


def _answer(
    request: Request,
    status: int,
    title: str,
    detail: str,
    headers: Mapping[str, str],
    mistakes: Sequence[Mistake] = (),
) -> Response:
    problem = Problem(
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path[:_MOST_CHARACTERS],
        mistakes=list(mistakes) or None,
    )
    render = getattr(getattr(request.scope.get("app"), "state", None), "problem_page", None)
    if render is not None and _wants_page(request):
        page: Response = render(request, problem)
        page.headers.update(headers)
        return page
    # ASCII: where a path or a key holds half a surrogate pair, UTF-8 would refuse it.
    body = json.dumps(problem.model_dump(exclude_none=True)).encode("ascii")
    return Response(body, status, headers=dict(headers), media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    is_api = request.url.path.startswith("/api/")
    return not is_api and "text/html" in request.headers.get("accept", "")


def _place(scope: Scope) -> str:
    """The route's path, not the request's: that one may hold what a person typed."""
    return str(getattr(scope.get("route"), "path", "no route"))
