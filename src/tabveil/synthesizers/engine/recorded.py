"""How is a step of training run on a GPU without launching its kernels one at a time?

A step launches some hundred kernels of a few microseconds each, which takes longer than running
them. A CUDA graph records them once, and launches them together from then on: the same kernels over
the same memory, so what changes from step to step is written there first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

_FIRST_STEPS = 3
"""Run one kernel at a time: libraries set themselves up in their first calls, and an optimiser
makes its state, which must not happen while a graph is recorded."""


class Batch(NamedTuple):
    """Real rows under their conditions: codes and scalars as the encoder's; None: no conditions."""

    conditions: Tensor | None
    codes: Tensor
    scalars: Tensor


@dataclass
class Recorded:
    """A step whose work depends on nothing but the contents of tensors.

    Args:
        step: takes the step's batches, whose shapes never change, to its losses.
        random: draws the step's random numbers, on the GPU.
    """

    step: Callable[[Sequence[Batch]], Tensor]
    random: torch.Generator
    _n_steps: int = 0
    _graph: torch.cuda.CUDAGraph | None = None
    _batches: list[Batch] = field(default_factory=list)
    _losses: Tensor = field(default_factory=lambda: torch.empty(0))

    def __call__(self, batches: Sequence[Batch]) -> Tensor:
        """Run the step on `batches`. What is returned is overwritten by the next step."""
        if self._n_steps < _FIRST_STEPS:
            self._n_steps += 1
            return self._aside(batches)
        if self._graph is None:
            self._graph = self._record(batches)
        for mine, given in zip(self._batches, batches, strict=True):
            for target, part in zip(mine, given, strict=True):
                if target is not None and part is not None:
                    target.copy_(part)
        self._graph.replay()
        return self._losses

    def _record(self, batches: Sequence[Batch]) -> torch.cuda.CUDAGraph:
        """Record the step over memory of its own. Nothing is run."""
        self._batches = [Batch._make(p if p is None else p.clone() for p in b) for b in batches]
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.random)
        with torch.cuda.graph(graph):
            self._losses = self.step(self._batches)
        return graph

    def _aside(self, batches: Sequence[Batch]) -> Tensor:
        """Run it at once, on a stream of its own, as a recording will be."""
        stream, main = torch.cuda.Stream(), torch.cuda.current_stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(main)
        with torch.cuda.stream(stream):
            losses = self.step(batches)
        main.wait_stream(stream)
        return losses
