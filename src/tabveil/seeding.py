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
    text = "\x1f".join([str(int(seed)), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def child_rng(seed: int, *names: str | int) -> np.random.Generator:
    """Give an independent numpy generator for `(seed, names…)`."""
    return np.random.default_rng(child_seed(seed, *names))


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
