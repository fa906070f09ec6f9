"""What has the server done, for Prometheus and for the log?

Counted by route, never by path: a path holds ids, and what people type.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("tabveil.web.access")
_SECONDS = (0.005, 0.02, 0.1, 0.5, 2, 10, 60)
_OF_JOBS, _NUMBER = ("/jobs/", "/api/v1/jobs/"), re.compile("[0-9a-f]{32}")
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Metrics:
    """The counters of one application; its own registry, so that two do not share them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        route = ("method", "route")
        self.requests = Counter(
            "tabveil_requests", "Requests answered", (*route, "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "tabveil_request_seconds",
            "Time to the end of an answer",
            route,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.running = Gauge("tabveil_requests_open", "Being answered", registry=self.registry)
        self.received = Counter("tabveil_received_bytes", "Of bodies", registry=self.registry)
        self.sent = Counter("tabveil_sent_bytes", "Of bodies", registry=self.registry)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def text(self, jobs: Mapping[tuple[str, str], int]) -> bytes:
        """Everything, in Prometheus' text format; `jobs` counts them by kind and state."""
        own = CollectorRegistry()  # two may ask at once
        gauge = Gauge("tabveil_jobs", "Asked for", ("kind", "state"), registry=own)
        for labels, n in jobs.items():
            gauge.labels(*labels).set(n)
        return generate_latest(self.registry) + generate_latest(own)


class Meter:
    """ASGI middleware: counts each request and logs one line."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, and count what it did."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = 0, time.monotonic()

        async def counted_receive() -> Message:
            message = await receive()
            self._metrics.received.inc(len(message.get("body", b"")))
            return message

        async def counted_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            self._metrics.sent.inc(len(message.get("body", b"")))
            await send(message)

        with self._metrics.running.track_inprogress():
            try:
                await self._app(scope, counted_receive, counted_send)
            finally:
                self._note(scope, status, time.monotonic() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
        route = str(getattr(scope.get("route"), "path", "none"))
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        user = scope.get("state", {}).get("user") or "-"
        told = {"user": user, "method": method, "route": route, "status": status, **_job(scope)}
        LOG.info(
            *("%s %s %s %d %.0f ms", user, method, route, status, 1000 * seconds),
            extra={"told": {**told, "ms": round(1000 * seconds, 1)}},
        )


def _job(scope: Scope) -> dict[str, str]:
    """Which job a request is about; never what else stands in the path."""
    params = scope.get("path_params", {})
    number = str(params.get("number", params.get("id", "")))  # as pages and the API call it
    is_one = scope["path"].startswith(_OF_JOBS) and _NUMBER.fullmatch(number)
    return {"job": number} if is_one else {}
