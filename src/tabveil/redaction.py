"""What must not be written down: passwords in URIs that people configure.

Credentials belong in the environment, but a URI may carry one all the same; everything that is
printed or logged goes through here first.
"""

from __future__ import annotations

import re
from typing import Any

_CREDENTIALS = re.compile(
    # In a web address the authority ends at the first slash; database drivers also take a
    # password that holds `/` or `@`, so of theirs everything up to the last `@` goes.
    r"(?P<start>\bhttps?://[^\s/:@'\"]*:)[^\s/'\"]+@"
    r"|(?P<database>\b(?!https?:)[a-z][a-z0-9+.\-]*://[^\s/:@'\"]*:)[^\s'\"]+@"
)
_IN_QUERY = re.compile(
    r"(?P<name>[?&][a-z_]*(?:password|passwd|pwd|secret|token)=)[^&\s'\"#]+", re.I
)


def hide_passwords(text: str) -> str:
    """Put `***` in place of the password of every URI in a text.

    >>> hide_passwords("storage: postgresql+psycopg2://me:secret@host/db")
    'storage: postgresql+psycopg2://me:***@host/db'
    """
    text = _CREDENTIALS.sub(lambda found: f"{found['start'] or found['database']}***@", text)
    return _IN_QUERY.sub(r"\g<name>***", text)


def hide_in(values: dict[str, Any]) -> dict[str, Any]:
    """The mapping with `hide_passwords` applied to each text value."""
    return {k: hide_passwords(v) if isinstance(v, str) else v for k, v in values.items()}
