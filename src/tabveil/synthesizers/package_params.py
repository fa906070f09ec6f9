"""Which parameters would the ctgan package fail on, or train wrongly with?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabveil.errors import ConfigError


def check_params(params: Any) -> None:
    """Check an adapter's parameters, which are its attributes.

    Raises ConfigError for one that the package would fail on, or train wrongly with.
    """
    for name in ("embedding_dim", "batch_size", "discriminator_steps", "epochs", "pac"):
        _require_whole(name, getattr(params, name))
    for name in ("generator_dim", "discriminator_dim"):
        widths = getattr(params, name)
        if not isinstance(widths, Sequence) or isinstance(widths, str):
            raise ConfigError(f"synthesizer.{name}={widths!r}: must be a list, like [256, 256]")
        for width in widths:
            _require_whole(name, width)
    for name in ("generator_lr", "discriminator_lr", "generator_decay", "discriminator_decay"):
        value, least = getattr(params, name), 0 if name.endswith("_decay") else 1e-12
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
            raise ConfigError(f"synthesizer.{name}={value!r}: must be a number, at least {least}")
    if params.batch_size % 2:
        raise ConfigError(f"synthesizer.batch_size={params.batch_size}: must be even")
    if params.batch_size % params.pac:
        raise ConfigError(
            f"synthesizer.batch_size={params.batch_size}: must be a multiple of "
            f"synthesizer.pac={params.pac}"
        )


def _require_whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"synthesizer.{name}={value!r}: must be a whole number, at least 1")
