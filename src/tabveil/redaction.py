"""What must not be written down: passwords in URIs that people configure.

Credentials belong in the environment, but a URI may carry one all the same; everything that is
printed or logged goes through here first.
"""

from __future__ import annotations

import re
from typing import Any

_CREDENTIALS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.\-]*://)(?P<user>[^\s/:@'\"]*):[^\s/@'\"]+@")


def hide_passwords(text: str) -> str:
    """Put `***` in place of the password of every URI in a text.

    >>> hide_passwords("storage: postgresql+psycopg2://me:secret@host/db")
    'storage: postgresql+psycopg2://me:***@host/db'
    """
    return _CREDENTIALS.sub(r"\g<scheme>\g<user>:***@", text)


def hide_in(values: dict[str, Any]) -> dict[str, Any]:
    """The mapping with `hide_passwords` applied to each text value."""
    return {k: hide_passwords(v) if isinstance(v, str) else v for k, v in values.items()}
