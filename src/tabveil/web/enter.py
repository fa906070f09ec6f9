"""The door for browsers: a token is shown once, and a signed cookie remembers it.

The link that `tabveil serve` prints carries the token; the answer sends the browser on at once, so
that the token stays neither in the address bar nor in a Referer.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from tabveil.web.access import (
    COOKIE,
    COOKIE_SECONDS,
    current_user,
    service_of,
    signed,
    user_of_token,
)
from tabveil.web.errors import NotAllowed
from tabveil.web.pages import enter_page
from tabveil.web.service import Service

router = APIRouter(include_in_schema=False)
Shop = Annotated[Service, Depends(service_of)]
Token = Annotated[str, Form(max_length=1_000)]
Next = Annotated[str, Query(max_length=300)]


@router.get("/enter")
def show(
    request: Request,
    shop: Shop,
    token: Annotated[str, Query(max_length=1_000)] = "",
    next: Next = "/",  # noqa: A002  (the name in the address)
) -> Response:
    """Ask for the token, or take the one in the link."""
    if not token:
        return enter_page(request)
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        # another page would choose whose account the next table goes to
        raise NotAllowed("this link was opened by a page of another origin")
    return _enter(request, shop, token, next)


@router.post("/enter")
def take(request: Request, shop: Shop, token: Token = "", next: Next = "/") -> Response:  # noqa: A002
    """Take the token from the form."""
    return _enter(request, shop, token.strip(), next)


@router.post("/leave")
def leave(request: Request, shop: Shop, user: Annotated[str, Depends(current_user)]) -> Response:  # noqa: ARG001
    """Forget the cookie."""
    shop.events.note(user, "leave", "page")
    response = RedirectResponse("/enter", status_code=303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _enter(request: Request, shop: Service, token: str, where: str) -> Response:
    user = user_of_token(shop.settings, token)
    if user is None:
        return enter_page(request, "That is no token of this server.", status=401)
    shop.events.note(user, "enter", "page")
    response = RedirectResponse(_inside(where), status_code=303)
    response.set_cookie(
        COOKIE,
        signed(shop.settings, token),
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _inside(where: str) -> str:
    """A path of ours, or the start page: a link must not lead elsewhere."""
    return where if re.fullmatch(r"/(?![/\\])[\w/.-]*", where, re.ASCII) else "/"
