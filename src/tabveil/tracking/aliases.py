"""Which version does each alias of a registered model point at?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tabveil.tracking.store import connect, once_more, refusals


def aliases_of(uri: str, name: str) -> dict[str, int]:
    """Alias → number of its version."""
    with refusals(f"look up the aliases of {name!r}"):
        found = connect(uri).get_registered_model(name).aliases
    return {alias: int(number) for alias, number in found.items()}


def set_aliases(uri: str, name: str, aliases: Mapping[str, int]) -> None:
    """Let each alias point at its version, wherever it pointed before."""
    with refusals(f"set the aliases of {name!r}"):
        client = connect(uri)
        for alias, number in aliases.items():
            once_more(partial(client.set_registered_model_alias, name, alias, str(number)))


def drop_alias(uri: str, name: str, alias: str) -> None:
    """Let an alias point nowhere."""
    with refusals(f"delete the alias {alias} of {name!r}"):
        connect(uri).delete_registered_model_alias(name, alias)
