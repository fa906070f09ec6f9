"""Where does each span stand among a network's outputs and inputs?

The scalars stand first, then the spans, sorted by width: spans of one width lie side by side, so
that a softmax over all of them is one call on a view, however many columns the table has
(`blocks`). Spans keep their number (the encoder's order) everywhere else.

A *condition* names a code of one span (Xu et al. 2019, arXiv:1907.00503, section 4.3); only
conditional spans can be named, and each of their codes has a place in the condition vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Spans of one width: outputs [start, start + width * len(spans))."""

    start: int
    width: int
    spans: tuple[int, ...]

    @property
    def end(self) -> int:
        """The output after the last."""
        return self.start + self.width * len(self.spans)


@dataclass(frozen=True)
class Layout:
    """The places of scalars, spans and conditions.

    Attributes:
        widths: of each span, in the encoder's order; each at least 1.
        scalar_spans: the span that each scalar belongs to.
        n_wide: for each scalar, how many of its span's codes give it a meaning; they come first.
        conditional: the spans that a condition can name, in order.
    """

    widths: tuple[int, ...]
    scalar_spans: tuple[int, ...]
    n_wide: tuple[int, ...]
    conditional: tuple[int, ...]

    @property
    def n_scalars(self) -> int:
        """How many scalars there are."""
        return len(self.scalar_spans)

    @property
    def n_outputs(self) -> int:
        """Width of the generator's output, and of a row as the critic reads it."""
        return self.n_scalars + sum(self.widths)

    @property
    def n_conditions(self) -> int:
        """Width of the condition vector."""
        return sum(self.widths[span] for span in self.conditional)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The spans by width, narrow first."""
        blocks, start = [], self.n_scalars
        for width in sorted(set(self.widths)):
            spans = tuple(j for j, other in enumerate(self.widths) if other == width)
            blocks.append(Block(start, width, spans))
            start = blocks[-1].end
        return tuple(blocks)

    @cached_property
    def starts(self) -> Ints:
        """The first output of each span, shape (n_spans,)."""
        starts = np.zeros(len(self.widths), dtype=np.int64)
        for block in self.blocks:
            starts[list(block.spans)] = block.start + block.width * np.arange(len(block.spans))
        return starts

    @cached_property
    def condition_starts(self) -> Ints:
        """The first place of each conditional span in the condition vector."""
        return offsets([self.widths[span] for span in self.conditional])[:-1]

    @cached_property
    def output_of_condition(self) -> Ints:
        """The output that each place of the condition vector names, shape (n_conditions,)."""
        named = [self.starts[span] + np.arange(self.widths[span]) for span in self.conditional]
        return np.concatenate([np.empty(0, np.int64), *named])


def offsets(widths: Sequence[int] | NDArray[Any]) -> Ints:
    """Where each of consecutive parts starts, and after them the end: shape (n + 1,)."""
    return np.cumsum([0, *widths])
