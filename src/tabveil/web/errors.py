"""Which answers of the web service are a person's to act on, and with which status?"""

from __future__ import annotations

from tabveil.errors import TabveilError


class WebError(TabveilError):
    """Base: a message that may be shown, without row contents."""

    status = 400
    title = "That cannot be done"


class NotAllowed(WebError):
    """Signed in, but not for this."""

    status = 403
    title = "Not allowed"


class NotFound(WebError):
    """Nothing of this name, or it is somebody else's: nobody can tell which."""

    status = 404
    title = "Not found"

    def __init__(self, what: str = "There is nothing here that is yours") -> None:
        super().__init__(what)


class Conflict(WebError):
    """Not in the state that it is in."""

    status = 409
    title = "Not now"


class TooLarge(WebError):
    """More bytes, rows or characters than are taken."""

    status = 413
    title = "Too large"


class Invalid(WebError):
    """What was sent does not fit what is asked for."""

    status = 422
    title = "Not understood"


class TooMany(WebError):
    """More requests than are answered."""

    status = 429
    title = "Too many requests"


class NoRoom(WebError):
    """The disk is full."""

    status = 507
    title = "No room left"
