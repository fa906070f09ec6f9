"""Which condition does a training row answer, and which row answers a condition?

Training by sampling (Xu et al. 2019, arXiv:1907.00503, section 4.3): a conditional span is drawn
uniformly, then one of its codes, by the logarithm of its frequency so that rare ones are seen, then
a training row that holds it. All rows of a batch are drawn at once: one search in the joined
cumulative shares, and one look-up in the rows sorted by code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tabveil.synthesizers.engine.encoder import Encoded
from tabveil.synthesizers.engine.layout import Layout, offsets


@dataclass(frozen=True)
class RowSampler:
    """The rows of a training table by the codes they hold.

    Attributes:
        n: rows.
        edges: shape (n_conditions,), ascending: span j's cumulative shares plus j.
        rows: shape (n_conditional * n,), for each conditional span the rows sorted by code.
        starts, counts: shape (n_conditions,), where in `rows` those of each place lie.
    """

    n: int
    n_spans: int
    edges: Tensor
    rows: Tensor
    starts: Tensor
    counts: Tensor

    @classmethod
    def of(
        cls, encoded: Encoded, layout: Layout, *, log_frequency: bool, device: torch.device
    ) -> RowSampler:
        """Sort the rows of `encoded`."""
        n, spans = len(encoded.codes), layout.conditional
        order = np.empty(len(spans) * n, dtype=np.int32 if n < 2**31 else np.int64)
        edges, starts, counts = [], [], []
        for j, span in enumerate(spans):
            codes = encoded.codes[:, span]
            count = np.bincount(codes, minlength=layout.widths[span])
            order[j * n : (j + 1) * n] = np.argsort(codes, kind="stable")
            weight = np.log1p(count) if log_frequency else count.astype(np.float64)
            edges.append(j + np.minimum(weight.cumsum() / weight.sum(), 1 - 1e-12))
            starts.append(j * n + offsets(count)[:-1])
            counts.append(count)

        def joined(parts: list[np.ndarray], dtype: type) -> Tensor:
            return torch.from_numpy(np.concatenate([np.empty(0, dtype), *parts])).to(device)

        return cls(
            n,
            len(spans),
            joined(edges, np.float64),
            torch.from_numpy(order).to(device),
            joined(starts, np.int64),
            joined(counts, np.int64),
        )

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor | None, Tensor]:
        """Conditions (places in the condition vector; None without any) and rows, shape (n,)."""
        device = self.edges.device
        uniform = torch.rand((3, n), generator=generator, device=device, dtype=torch.float64)
        if not self.n_spans:
            return None, (uniform[0] * self.n).long()
        points = (uniform[0] * self.n_spans).floor() + uniform[1] * (1 - 1e-12)
        places = torch.searchsorted(self.edges, points, right=True)
        row = self.starts[places] + (uniform[2] * self.counts[places]).long()
        return places, self.rows[row].long()
