"""Which parameters of a synthesizer cannot work?

A parameter is checked by its name, so that all synthesizers refuse the same values in the same
words. What is refused here would fail later with a worse message, or train wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tabveil.data.rounding import SHARED_ROWS
from tabveil.errors import ConfigError

_WHOLE = {
    "embedding_dim": 1,
    "batch_size": 1,
    "discriminator_steps": 1,
    "epochs": 1,
    "pac": 1,
    "max_atoms": 0,
    "n_bins": 1,
    "min_count": 1,
    "bin_rows": 1,
    "hidden_dim": 1,
    "patience": 1,
}
"""The least that each can be."""

_MOST_LEAST, _ONE_IN = 20, 250
_MAY_BE_NONE = ("min_count", "full_rate_steps")
_ABOVE_0 = (lambda x: 0 < x < np.inf, "above 0")
_AT_LEAST_0 = (lambda x: 0 <= x < np.inf, "at least 0")
_RATE = (lambda x: 0 <= x <= 1, "in [0, 1]")
_SHARE = (lambda x: 0 < x <= 1, "in (0, 1]")
_BELOW_1 = (lambda x: 0 <= x < 1, "in [0, 1)")
_NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    "generator_lr": _ABOVE_0,
    "discriminator_lr": _ABOVE_0,
    "learning_rate": _ABOVE_0,
    "loss_factor": _ABOVE_0,
    "generator_decay": _AT_LEAST_0,
    "discriminator_decay": _AT_LEAST_0,
    "l2scale": _AT_LEAST_0,
    "min_spike": _RATE,
    "averaging": _BELOW_1,
    "penalty_share": _SHARE,
    "dropout": _BELOW_1,
    "weight_decay": _AT_LEAST_0,
    "embedding_decay": _AT_LEAST_0,
    "least_gain": _AT_LEAST_0,
    "temperature": _ABOVE_0,
}
_WIDTHS = ("generator_dim", "discriminator_dim", "compress_dims", "decompress_dims")
_FLAGS = ("log_frequency", "condition_on_numbers", "calibrated", "enable_gpu")


def check_params(params: Mapping[str, Any]) -> None:
    """Raise ConfigError for a parameter that cannot work, named."""
    for name, value in params.items():
        if value is None and name in _MAY_BE_NONE:
            continue
        if name in _WHOLE:
            _require_whole(name, value, _WHOLE[name])
        elif name in _NUMBERS:
            works, words = _NUMBERS[name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not works(value):
                raise ConfigError(f"synthesizer.{name}={value!r}: must be a number, {words}")
        elif name == "full_rate_steps":
            _require_whole(name, value, 0)
        elif name in _WIDTHS:
            _require_widths(name, value)
        elif name in _FLAGS and not isinstance(value, bool):
            raise ConfigError(f"synthesizer.{name}={value!r}: must be true or false")
    if params.get("rest", "mixture") not in ("mixture", "bins"):
        raise ConfigError(f"synthesizer.rest={params['rest']!r}: must be mixture or bins")
    if "pac" in params:
        _require_packs(params["batch_size"], params["pac"])


def least_rows(min_count: int | None, n_rows: int) -> int:
    """Training rows that must hold a level for a model to know it; by default the more, the longer
    the table: where levels of fewer rows are drawn the risk's bound rises (decision 030).

    >>> least_rows(None, 100_000), least_rows(None, 2_000), least_rows(None, 100), least_rows(7, 9)
    (20, 8, 5, 7)
    """
    return min_count or min(_MOST_LEAST, max(SHARED_ROWS, n_rows // _ONE_IN))


def _require_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"synthesizer.{name}={value!r}: must be a whole number, at least {least}")


def _require_widths(name: str, value: Any) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ConfigError(f"synthesizer.{name}={value!r}: must be a list, like [256, 256]")
    for width in value:
        _require_whole(name, width, 1)
    if name == "discriminator_dim" and not value:
        raise ConfigError(f"synthesizer.{name}=[]: the critic needs a layer at least")


def _require_packs(batch_size: int, pac: int) -> None:
    """The package's rules: `batch_size` is even, and whole packs."""
    if batch_size % 2:
        raise ConfigError(f"synthesizer.batch_size={batch_size}: must be even")
    if batch_size % pac:
        raise ConfigError(
            f"synthesizer.batch_size={batch_size}: must be a multiple of synthesizer.pac={pac}"
        )
