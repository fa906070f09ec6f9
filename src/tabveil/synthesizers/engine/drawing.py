"""How do a fitted network's raw outputs become rows, and conditions its inputs?

Conditions are drawn at the codes' true rates, so that rows come as often as they should, whatever
was drawn more often in training. A code is drawn from its span's softmax, which is what a Gumbel
softmax followed by argmax draws. Everything is on the CPU, a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tabveil.errors import ConditionError
from tabveil.synthesizers.conditions import Conditions, wanted_codes, wanted_ranges
from tabveil.synthesizers.engine.encoder import Codes, Encoder, Scalars
from tabveil.synthesizers.engine.layout import Layout
from tabveil.synthesizers.spans import draw_softmax

_BLOCK = 250

Wanted = Mapping[int, NDArray[np.bool_]]
"""Span -> which of its codes may stand in a row that meets the conditions."""


@dataclass(frozen=True)
class Drawing:
    """What is needed to draw from a network, beside the network."""

    encoder: Encoder
    layout: Layout

    @classmethod
    def of(cls, encoder: Encoder, *, condition_on_numbers: bool = False) -> Drawing:
        """Lay out an encoder's spans; conditions name code columns, or all."""
        first = 0 if condition_on_numbers else len(encoder.modes)
        layout = Layout(
            encoder.widths,
            encoder.scalar_spans,
            tuple(encoder.modes[j].n_wide for j in encoder.scalar_spans),
            tuple(range(first, len(encoder.widths))),
        )
        return cls(encoder, layout)

    def wanted(self, conditions: Conditions) -> Wanted:
        """The spans that conditions restrict.

        Raises ConditionError where no code of a span could meet its condition.
        """
        encoder, codec = self.encoder, self.encoder.codec
        first = len(encoder.modes)
        wanted = {
            j: encoder.modes[j].may_hold(ranges, encoder.bounds[j])
            for j, ranges in wanted_ranges(conditions, codec).items()
        }
        for j, codes in wanted.items():
            if not codes.any():
                raise ConditionError(
                    f"no row can meet the condition on {codec.float_names[j]!r}: the generator "
                    f"makes no such values"
                )
        return wanted | {
            first + j: np.isin(np.arange(codec.n_levels[j]), codes)
            for j, codes in wanted_codes(conditions, codec).items()
        }

    def draw_conditions(
        self, n: int, rng: np.random.Generator, wanted: Wanted | None = None
    ) -> NDArray[np.int64] | None:
        """Places in the condition vector, shape (n,); None where nothing can be named.

        A span is drawn uniformly, then its code by rate; of the wanted spans the one that the
        fewest rows meet, and only its wanted codes.
        """
        layout, shares = self.layout, self.encoder.shares
        if not layout.conditional:
            return None
        weights = {span: np.array(shares[span]) for span in layout.conditional}
        masses = {
            span: float(weights[span] @ codes)
            for span, codes in (wanted or {}).items()
            if span in weights
        }
        spans = np.array(layout.conditional)[rng.integers(len(layout.conditional), size=n)]
        uniform = rng.random(n)
        if masses:
            rarest = min(masses, key=lambda span: masses[span])
            spans[:] = rarest
            weights = {rarest: weights[rarest] * (wanted or {})[rarest]}
        places = np.empty(n, dtype=np.int64)
        for start, span in zip(layout.condition_starts, layout.conditional, strict=True):
            rows = np.flatnonzero(spans == span)
            if len(rows):
                edges = weights[span].cumsum()
                points = uniform[rows] * edges[-1]
                places[rows] = start + np.searchsorted(edges[:-1], points, side="right")
        return places

    def draw_inputs(
        self, n: int, n_noise: int, rng: np.random.Generator, wanted: Wanted | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
        """Noise, shape (n, n_noise), and conditions, shape (n,), for a generator."""
        places = self.draw_conditions(n, rng, wanted)
        # torch draws normal numbers several times faster than numpy.
        random = torch.Generator().manual_seed(int(rng.integers(2**63)))
        return torch.empty(n, n_noise).normal_(generator=random).numpy(), places

    def draw_codes(
        self, raw: NDArray[np.float32], rng: np.random.Generator
    ) -> tuple[Codes, Scalars]:
        """Draw rows from raw outputs, shape (n, n_outputs): codes and scalars."""
        layout = self.layout
        lines = _lines(raw)
        codes = np.empty((len(raw), len(layout.widths)), dtype=np.int64, order="F")
        for span, (start, width) in enumerate(zip(layout.starts, layout.widths, strict=True)):
            codes[:, span] = draw_softmax(lines[start : start + width].T, rng)
        return codes, np.tanh(lines[: layout.n_scalars]).T


def _lines(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """The columns of `raw` as lines, copied in blocks that stay in the processor's cache."""
    lines = np.empty(raw.shape[::-1], raw.dtype)
    for start in range(0, len(raw), _BLOCK):
        rows = slice(start, start + _BLOCK)
        lines[:, rows] = raw[rows].T
    return lines
