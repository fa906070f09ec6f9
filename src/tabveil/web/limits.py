"""How much may one caller send, how often, and how many streams may they hold open?

In memory and per process: a restart forgets them, which is harmless at these rates.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tabveil.web.errors import TooLarge, TooMany
from tabveil.web.problems import problem_response

SMALL_BODY = 1_000_000
"""Bytes of any body but an upload: an order for 2,000 columns takes a tenth of it."""
OPEN_STREAMS = 16
"""Event streams and uploads of one user at a time: a browser itself opens six."""

_MOST_CALLERS = 10_000
"""Callers remembered; who comes from yet another address pushes out the one longest silent."""


class TooFast(TooMany):
    """Refused for a while: `retry_after` seconds."""

    def __init__(self, what: str, retry_after: int) -> None:
        super().__init__(f"{what}; try again in {retry_after} s")
        self.retry_after = retry_after


@dataclass
class _Bucket:
    left: float
    at: float


class RateLimit:
    """A bucket a caller: it holds a minute's requests and refills evenly."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, caller: str) -> None:
        """Count a request. Raises TooFast."""
        with self._lock:
            now = self._clock()
            bucket = self._buckets.pop(caller, None) or _Bucket(self._size, now)
            gained = (now - bucket.at) * self._size / 60
            bucket.left, bucket.at = min(self._size, bucket.left + gained), now
            self._buckets[caller] = bucket
            if len(self._buckets) > _MOST_CALLERS:
                self._buckets.popitem(last=False)
            if bucket.left < 1:
                wait = math.ceil((1 - bucket.left) * 60 / self._size)
                raise TooFast(f"more than {self._size:.0f} requests a minute", wait)
            bucket.left -= 1


class OpenStreams:
    """Counts what each user holds open."""

    def __init__(self, most: int = OPEN_STREAMS) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def check(self, user: str) -> None:
        """Raise TooFast where the user holds too many open; on the event loop only."""
        if self._open[user] >= self._most:
            raise TooFast(f"more than {self._most} streams open at a time; close one", 5)

    @contextlib.contextmanager
    def held(self, user: str) -> Iterator[None]:
        """Count one while it is open; on the event loop only."""
        self._open[user] += 1
        try:
            yield
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]


class BodyLimit:
    """ASGI middleware: a body longer than its route takes is refused, declared or not."""

    def __init__(self, app: ASGIApp, *, limit_of: Callable[[Scope], int]) -> None:
        """Args: app; limit_of: a request's limit in bytes."""
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse by Content-Length at once, else while the body comes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit, request = self._limit_of(scope), Request(scope)
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > limit:
            await problem_response(request, TooLarge(_too_large(limit)))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                # Starlette's own: FastAPI turns any other error into "could not be parsed".
                raise HTTPException(413, _too_large(limit))
            return message

        await self._app(scope, counted, send)


def _too_large(limit: int) -> str:
    return f"the body is larger than the {limit:,} bytes that are taken here"
