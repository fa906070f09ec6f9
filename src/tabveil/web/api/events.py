"""Who did what (the audit log), and who looked at or drew what (the ledger)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tabveil.tracking.ledger import Ledger
from tabveil.web.api.asked import PREFIX, Shop, User
from tabveil.web.api.views import EventView, LineView

router = APIRouter(prefix=PREFIX, tags=["records"])
Most = Annotated[int, Query(ge=1, le=1000, description="lines at most")]


@router.get("/events")
def list_events(user: User, shop: Shop, n: Most = 200) -> list[EventView]:
    """What the user did, newest first."""
    return [EventView.model_validate(event) for event in shop.events.all(user, n)]


@router.get("/ledger")
def list_ledger(user: User, shop: Shop, n: Most = 200) -> list[LineView]:
    """Openings of release splits, verdicts and samples of the user's studies, newest first."""
    root = shop.settings.root_of(user)
    if not (root / "ledger.db").exists():  # reading must not make one
        return []
    return [LineView.model_validate(line) for line in reversed(Ledger.at(None, root=root).lines())][
        :n
    ]
