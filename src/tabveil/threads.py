"""How many threads may a trial use?

Parallel trials beat parallel matrix products on small tables: two threads made CTGAN several
times slower on a loaded two-core machine. So every trial runs on a set number of threads, one
by default, and parallelism comes from the executor.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_ENVIRONMENT = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def environment(n_threads: int) -> dict[str, str]:
    """The variables that BLAS and OpenMP read when they load."""
    return {name: str(n_threads) for name in _ENVIRONMENT}


def limit_environment(n_threads: int) -> None:
    """Set those variables here and in children."""
    os.environ.update(environment(n_threads))


@contextlib.contextmanager
def limited(n_threads: int) -> Iterator[None]:
    """Hold torch, BLAS and OpenMP to `n_threads` inside the block; restore afterwards."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        with threadpool_limits(n_threads):
            yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def without_denormals() -> Iterator[None]:
    """Let this thread take numbers below 1e-38 for 0 inside the block.

    A trained softmax is full of them, and a processor that computes with them exactly slows down
    several times as training goes on. Off again afterwards, as torch starts.
    """
    import torch

    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
