"""How is something dear computed once, though several parts ask for it?

A `Memo` belongs to whoever made it and lives as long as they keep it; keys must name everything
that the value depends on. Nothing is kept between processes or runs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memo:
    """Remembers values by key; makes each at most once."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value under `key`, made by `make` if it is not there. Failures are not kept."""
        if key not in self._values:
            self._values[key] = make()
        value: T = self._values[key]
        return value

    def __reduce__(self) -> Any:
        """Travel to another process empty: what it holds can be made again there."""
        return Memo, ()
