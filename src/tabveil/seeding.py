"""Where does every random number come from?

From `(seed, names…)`: two parts of the program that use different names never share a
stream, and adding a third part changes neither. This module is the only one that touches
the global random state of numpy, torch and `random`, and it gives that state back.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator

import numpy as np


def child_seed(seed: int, *names: str | int) -> int:
    """Derive a seed in [0, 2**32) from a seed and the names of what it is for.

    >>> child_seed(0, "split") == child_seed(0, "split")
    True
    >>> child_seed(0, "split") == child_seed(1, "split")
    False
    """
    return int.from_bytes(_digest(seed, names)[:4], "big")


def wide_seed(seed: int, *names: str | int) -> int:
    """Derive a seed in [2**32, 2**128) for what has very many streams of its own.

    Of a hundred thousand seeds of 32 bits two are likely to be alike; of these, none are.
    """
    return int.from_bytes(_digest(seed, names)[:16], "big") | 1 << 32


def stream_seed(seed: int, *names: str | int) -> int:
    """Derive a seed that is as wide as the one that it is derived from."""
    return child_seed(seed, *names) if seed < 2**32 else wide_seed(seed, *names)


def child_rng(seed: int, *names: str | int) -> np.random.Generator:
    """Give an independent numpy generator for `(seed, names…)`."""
    return np.random.default_rng(stream_seed(seed, *names))


def _digest(seed: int, names: tuple[str | int, ...]) -> bytes:
    text = "\x1f".join([str(int(seed)), *(str(name) for name in names)])
    return hashlib.sha256(text.encode()).digest()


@contextlib.contextmanager
def global_state(seed: int) -> Iterator[None]:
    """Seed numpy's, torch's and Python's global generators; restore them afterwards.

    For third-party code that draws from global state and takes no generator.
    """
    import torch

    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(child_seed(seed, "numpy"))
    torch.manual_seed(child_seed(seed, "torch"))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
