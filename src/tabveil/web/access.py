"""Who is asking, and may they ask at all?

Everything is denied but the doors (`is_door`): whoever gets past `Gate` has a name, and whatever
they ask for is looked up under that name. A program shows its token as `Authorization: Bearer`; a
browser shows it once (`enter.py`) and gets a signed cookie. Where no tokens are configured, the
server answers to its own machine only, and everybody there is "local".

What a page of another origin could make a browser send is refused: a foreign `Host` (DNS
rebinding), and every unsafe method that the cookie alone would carry.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tabveil.web.errors import NotAllowed, WebError
from tabveil.web.limits import RateLimit
from tabveil.web.problems import problem_response
from tabveil.web.service import Service
from tabveil.web.settings import LOCAL, Settings, digest_of

COOKIE = "tabveil_session"
COOKIE_SECONDS = 12 * 3600
"""A working day, and then the token again."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DOORS = frozenset({"/api/v1/health", "/enter", "/favicon.ico"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})


class NotSignedIn(WebError):
    """No token, or none that this server knows."""

    status = 401
    title = "Not signed in"


class WrongHost(WebError):
    """The request is meant for a machine of another name."""

    status = 400
    title = "Unknown host"


@dataclass(frozen=True)
class Caller:
    """Who asks, and what says so; `user` is None exactly where nothing does."""

    user: str | None
    by: Literal["token", "cookie", "machine", "nothing"]


NOBODY = Caller(None, "nothing")


def current_user(request: Request) -> str:
    """The signed-in user's name, as a FastAPI dependency. Raises NotSignedIn."""
    user: str | None = request.scope.get("state", {}).get("user")
    if user is None:
        raise NotSignedIn("this needs a token: Authorization: Bearer TOKEN, or sign in at /enter")
    return user


def service_of(request: Request) -> Service:
    """What stands behind the routes, as a FastAPI dependency."""
    service: Service = request.app.state.service
    return service


def user_of_token(settings: Settings, token: str) -> str | None:
    """Whose token this is. Only digests are compared, so that timing tells nothing of a token."""
    return settings.tokens.get(digest_of(token)) if token else None


def signed(settings: Settings, token: str) -> str:
    """The cookie of a known token. It names the digest: a withdrawn token ends its cookies too."""
    return _signer(settings).dumps(digest_of(token))


def is_door(path: str) -> bool:
    """Whether a path is open to everybody."""
    return path in _DOORS or path.startswith("/static/")


def identify(settings: Settings, scope: Scope) -> Caller:
    """Who sends this request; a wrong token is nobody, whatever else the request carries."""
    request = Request(scope)
    shown = request.headers.get("authorization")
    if shown is not None:
        kind, _, token = shown.partition(" ")
        user = user_of_token(settings, token.strip()) if kind.lower() == "bearer" else None
        return Caller(user, "token") if user else NOBODY
    if settings.open_to_all:
        return Caller(LOCAL, "machine") if _is_this_machine(scope) else NOBODY
    user = _user_of_cookie(settings, request.cookies.get(COOKIE))
    return Caller(user, "cookie") if user else NOBODY


def comes_from_here(headers: Headers) -> bool | None:
    """Whether a page of ours sent this; None where nothing tells (no browser, or an old one)."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    return None


class Gate:
    """ASGI middleware: host, name, origin and rate are checked before any route is looked for."""

    def __init__(self, app: ASGIApp, *, settings: Settings, rate: RateLimit) -> None:
        self._app = app
        self._settings = settings
        self._rate = rate
        self._hosts = _hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer with a problem."""
        if scope["type"] == "websocket":  # there are none
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except WebError as error:
            await self._refusal(scope, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """Write the user's name into the request's state. Raises WebError."""
        headers = Headers(scope=scope)
        if _host_name(headers.get("host", "")) not in self._hosts:
            raise WrongHost("this server does not answer to that name; use the one it was given")
        caller = identify(self._settings, scope)
        state = scope.setdefault("state", {})
        state["user"] = caller.user
        path = scope["path"]
        if not path.startswith("/static/"):
            self._rate.spend(f"user {caller.user}" if caller.user else f"from {_address(scope)}")
        if caller.user is None and not is_door(path):
            current_user(Request(scope))
        if scope["method"] not in _SAFE and caller.by != "token":
            _check_origin(headers, needs_proof=caller.by == "cookie" or path == "/enter")

    def _refusal(self, scope: Scope, error: WebError) -> Response:
        """A problem; but a browser that only lacks its cookie is shown the way in."""
        request = Request(scope)
        wants_page = "text/html" in request.headers.get("accept", "")
        is_page = scope["method"] == "GET" and not scope["path"].startswith("/api/")
        if isinstance(error, NotSignedIn) and wants_page and is_page:
            return RedirectResponse(f"/enter?next={quote(scope['path'])}", status_code=303)
        return problem_response(request, error)


def _check_origin(headers: Headers, *, needs_proof: bool) -> None:
    """Refuse what a foreign page could have sent. Raises NotAllowed.

    Args:
        headers: of the request.
        needs_proof: silence is refused too: only a browser's cookie speaks for the user.
    """
    here = comes_from_here(headers)
    if here is False or (here is None and needs_proof):
        raise NotAllowed("this was sent by a page of another origin; nothing was done")


def _user_of_cookie(settings: Settings, cookie: str | None) -> str | None:
    if cookie is None:
        return None
    try:
        digest = _signer(settings).loads(cookie, max_age=COOKIE_SECONDS)
    except BadSignature:  # also where it is too old
        return None
    return settings.tokens.get(digest)


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret, salt="tabveil-session")


def _hosts(settings: Settings) -> frozenset[str]:
    """The names by which this server may be called."""
    own = {name.lower() for name in (settings.host, *settings.names)} - _ANY_ADDRESS
    return _LOOPBACK | {f"[{name}]" if ":" in name else name for name in own}


def _host_name(host: str) -> str:
    """`[::1]:80` -> `[::1]`; `Localhost:8000` -> `localhost`."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _is_this_machine(scope: Scope) -> bool:
    try:
        return ipaddress.ip_address(_address(scope)).is_loopback
    except ValueError:
        return False
