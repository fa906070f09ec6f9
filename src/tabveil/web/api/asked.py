"""What do all routes ask of a request: who sends it, what it means, a body that can be kept?"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from tabveil.web.access import current_user, service_of
from tabveil.web.errors import Invalid, NotFound
from tabveil.web.service import Service

PREFIX = "/api/v1"
"""Each router carries it itself: what is counted and logged is the path of the route alone."""
_ID = re.compile(r"[0-9a-f]{32}")
_DEEPEST = 12
"""Levels of a JSON body: an order has four."""
_LARGEST_INT = 2**63 - 1

User = Annotated[str, Depends(current_user)]
Shop = Annotated[Service, Depends(service_of)]


def known_form(
    id: Annotated[str, Path(description="as it was answered: 32 hex digits")],  # noqa: A002
) -> str:
    """An id that could be one of ours. Anything else is not found, like one that is not there."""
    if not _ID.fullmatch(id):
        raise NotFound
    return id


Id = Annotated[str, Depends(known_form)]


async def plain_json(request: Request) -> None:
    """Refuse JSON that Python reads and nothing else keeps. Raises Invalid.

    That is NaN and infinities, numbers that no database holds, NUL and halves of surrogate pairs
    in texts, and nesting that only serves to exhaust somebody's stack.
    """
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return  # FastAPI says so itself
    _check(body, _DEEPEST)


PlainJson = Depends(plain_json)


def _check(value: Any, depth: int) -> None:
    if depth < 0:
        raise Invalid(f"body: nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth)
            _check(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth - 1)
    elif isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise Invalid("body: a text holds a NUL character, or half of a surrogate pair")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Invalid("body: a number is not finite")
    elif isinstance(value, int) and abs(value) > _LARGEST_INT:
        raise Invalid("body: a number has more than 64 bits")
