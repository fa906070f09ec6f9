"""What do all pages share: templates, words for numbers, and how an error looks?

Templates escape everything. A `WebError` or a refusal of the framework that a route raises becomes
a page that says what was wrong and what to do, with the status of the error.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from tabveil.web.access import COOKIE, current_user, service_of
from tabveil.web.errors import WebError
from tabveil.web.service import Service

_MOST_FIELDS = 20_000
"""Of a form: four for each column of the widest tables."""

User = Annotated[str, Depends(current_user)]
"""Who asks."""


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals, or a dash where there is none.

    >>> number(0.12349), number(None)
    ('0.123', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"


def size(n_bytes: int) -> str:
    """A size for people.

    >>> size(900), size(2_500_000)
    ('900 B', '2.5 MB')
    """
    if n_bytes < 1000:
        return f"{n_bytes} B"
    for power, unit in ((1, "kB"), (2, "MB"), (3, "GB")):
        if n_bytes < 1000 ** (power + 1) or unit == "GB":
            return f"{n_bytes / 1000**power:.1f} {unit}"
    raise AssertionError


def duration(seconds: float | None) -> str:
    """A length of time in words.

    >>> duration(42), duration(100), duration(7300)
    ('less than a minute', 'about 2 minutes', 'about 2 hours')
    """
    if seconds is None:
        return "not known yet"
    if seconds < 50:
        return "less than a minute"
    minutes = max(round(seconds / 60), 1)
    if minutes < 90:
        return f"about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"about {round(minutes / 60)} hours"


def moment(when: datetime | str | None) -> str:
    """A moment in UTC, to the minute."""
    if when is None:
        return "–"
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    if when.tzinfo is not None:
        when = when.astimezone(UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"


def shortened(text: object, most: int = 40) -> str:
    """A text that fits a cell.

    >>> shortened("abcdef", 4)
    'abc…'
    """
    plain = " ".join(str(text).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def sentence(text: str) -> str:
    """A message as a sentence; a name of a setting that it begins with stays as it is.

    >>> sentence("the job has ended"), sentence("sweep.trials=0: too few")
    ('The job has ended.', 'sweep.trials=0: too few.')
    """
    text = text.strip()
    if text.partition(" ")[0].isalpha():
        text = text[:1].upper() + text[1:]
    return text + ("" if text.endswith((".", "!", "?", "”")) else ".")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "size": size,
        "duration": duration,
        "moment": moment,
        "shortened": shortened,
        "sentence": sentence,
    }
    return environment


_TEMPLATES = _environment()


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **shown: Any,
) -> HTMLResponse:
    """Draw a template."""
    common = {"path": request.url.path, "signed_in": _has_cookie(request)}
    text = _TEMPLATES.get_template(template).render(**common, **shown)
    return HTMLResponse(text, status_code=status, headers=headers)


def _has_cookie(request: Request) -> bool:
    """Whether there is something to sign out of."""
    return COOKIE in request.cookies and request.scope.get("state", {}).get("user") is not None


def error_page(request: Request, status: int, title: str, detail: str) -> HTMLResponse:
    """A page that says what was wrong; it asks the service nothing."""
    return page(request, "error.html", status=status, title=title, detail=detail)


def enter_page(request: Request, message: str = "", status: int = 200) -> HTMLResponse:
    """The page that asks for the token."""
    return page(request, "enter.html", status=status, message=message)


def go(where: str) -> RedirectResponse:
    """Another page, after a form."""
    return RedirectResponse(where, status_code=303)


async def fields(request: Request) -> FormData:
    """The fields of a form."""
    return await request.form(max_fields=_MOST_FIELDS)


Web = Annotated[Service, Depends(service_of)]
"""What answers."""
Fields = Annotated[FormData, Depends(fields)]


class Page(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except WebError as error:
                return error_page(request, error.status, error.title, str(error))
            except HTTPException as error:
                if error.status_code in (401, 303, 307):
                    raise
                return error_page(request, error.status_code, "That cannot be done", error.detail)

        return handled
