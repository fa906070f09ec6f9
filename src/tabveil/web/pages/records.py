"""What has been done: the ledger of confirmations and draws, and everybody's own events."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tabveil.tracking.ledger import Ledger
from tabveil.web.pages import words
from tabveil.web.pages.frame import Page, User, Web, page

router = APIRouter(route_class=Page)

_MANY = 200


@router.get("/ledger")
def ledger(request: Request, user: User, web: Web) -> Response:
    """Show who opened a release split, and who drew rows from what."""
    root = web.settings.root_of(user)
    known = (root / "ledger.db").exists()  # reading must not make one
    lines = Ledger.at(None, root=root).lines()[::-1][:_MANY] if known else []
    return page(request, "ledger.html", lines=lines)


@router.get("/events")
def events(request: Request, user: User, web: Web) -> Response:
    """Show what this user did here."""
    return page(request, "events.html", events=web.events.all(user), words=words)
