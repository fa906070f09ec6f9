"""Which plain values do the commands read that only look: `status` and `verify`?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Status:
    """What `tabveil status` is asked for."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    storage: str | None
    database: str | None
    study: str | None
    form: Literal["table", "json"]


@dataclass(frozen=True)
class Verify:
    """What `tabveil verify` is asked for."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    rows: Path
