"""How much like a training row does a trained critic hold a row to be?

An auditor asks the critic, which met the training rows in every epoch (Hayes et al. 2019, LOGAN,
arXiv:1705.07663). It stays in memory for the audit and is never part of an artifact. A row is
packed with copies of itself, and its score is the mean over the conditions that it answers, so
that it depends on nothing but the row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.layout import Layout
from tabveil.synthesizers.engine.networks import Critic

MAX_CONDITIONS = 10
"""Spans whose conditions are averaged: each costs a pass through the network."""
_CHUNK_ROWS = 2_000


@dataclass(frozen=True)
class Opinion:
    """The critic of a trained generator; calling it scores rows, high for rows like training rows.

    Attributes:
        conditions: the conditional spans, by their number among them, that are averaged.
    """

    encoder: Encoder
    layout: Layout
    critic: Critic
    conditions: tuple[int, ...]

    @classmethod
    def of(
        cls, encoder: Encoder, layout: Layout, critic: Critic, rng: np.random.Generator
    ) -> Opinion:
        """Take a trained critic; `rng` draws the conditions."""
        drawn = rng.permutation(len(layout.conditional))[:MAX_CONDITIONS]
        critic = critic.cpu().eval().requires_grad_(False)
        return cls(encoder, layout, critic, tuple(sorted(drawn.tolist())))

    def __call__(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Score rows, shape (n,). A level that was not in the training table is left blank.

        Raises DataError for values that their column's kind cannot hold.
        """
        chunks = [rows[i : i + _CHUNK_ROWS] for i in range(0, len(rows), _CHUNK_ROWS)]
        return np.concatenate([np.empty(0), *(self._score(chunk) for chunk in chunks)])

    @torch.inference_mode()
    def _score(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        encoded = self.encoder.encode(rows)
        codes = torch.from_numpy(encoded.codes.astype(np.int64))
        first = self.critic.of_same(codes, torch.from_numpy(encoded.scalars))
        total, counts = np.zeros(len(rows)), np.zeros(len(rows))
        for j in self.conditions:
            named = codes[:, self.layout.conditional[j]]
            known = torch.nonzero(named >= 0)[:, 0]
            places = named[known] + int(self.layout.condition_starts[j])
            scores = self.critic.judge(first[known] + self.critic.of_same_condition(places), None)
            total[known.numpy()] += scores.numpy()
            counts[known.numpy()] += 1
        blank = np.flatnonzero(counts == 0)
        total[blank] = self.critic.judge(first[blank], None).numpy()
        return total / np.maximum(counts, 1)
