"""Neighbouring bins of a number share what is learnt of them.

A number's bins are in order, and what follows from a value changes little from one bin to the next.
So in training their embeddings and their part of the head lie on straight lines between a few
knots: hat functions of the bin's place. A bin of its own for every few rows would be a key by which
the network could recognise rows; knots leave it the number's course. Levels, atoms and "missing"
keep weights of their own. After training the weights are written out, and knots are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import pad_sequence

from tabveil.synthesizers.any_order.network import AnyOrderNetwork


@dataclass(frozen=True)
class Course:
    """Which two knots each code of a column lies between, and how near to the first.

    Attributes:
        below, above: shape (n_codes,), places of knots; codes that are no bins are their own.
        share: shape (n_codes,), of the knot below, in [0, 1].
        n_knots: of the column, codes that are no bins among them.
    """

    below: Tensor
    above: Tensor
    share: Tensor
    n_knots: int

    @classmethod
    def of(cls, width: int, n_bins: int, n_knots: int) -> Course:
        """Of a column of `width` codes whose first `n_bins` are a number's bins, in order.

        >>> course = Course.of(5, 3, 2)
        >>> course.below.tolist(), course.above.tolist(), course.share.tolist(), course.n_knots
        ([0, 0, 1, 2, 3], [0, 1, 1, 2, 3], [1.0, 0.5, 1.0, 1.0, 1.0], 4)
        """
        if n_bins <= n_knots:
            own = torch.arange(width)
            return cls(own, own, torch.ones(width), width)
        places = torch.linspace(0, n_knots - 1, n_bins)
        others = torch.arange(n_knots, n_knots + width - n_bins)
        below = places.floor().long()
        share = torch.cat([1 - (places - below), torch.ones(len(others))])
        return cls(
            torch.cat([below, others]),
            torch.cat([places.ceil().long(), others]),
            share,
            n_knots + len(others),
        )

    @property
    def is_tied(self) -> bool:
        """Whether there are fewer knots than codes."""
        return self.n_knots < len(self.below)


class HeadKnots(nn.Module):
    """Heads, shape (n_columns, hidden, n_codes), each code's between those of two knots."""

    below: Tensor
    above: Tensor
    share: Tensor

    def __init__(self, courses: Sequence[Course]) -> None:
        super().__init__()
        self.n_knots = max(course.n_knots for course in courses)
        for name in ("below", "above", "share"):
            parts = [getattr(course, name) for course in courses]
            # Codes beyond a narrower column's own are never drawn, whatever their weights.
            self.register_buffer(name, pad_sequence(parts, batch_first=True)[:, None])

    def forward(self, knots: Tensor) -> Tensor:
        """The heads of all codes."""
        sizes = (*knots.shape[:2], self.below.shape[-1])
        below, above = (knots.gather(2, at.expand(sizes)) for at in (self.below, self.above))
        return torch.lerp(above, below, self.share)

    def right_inverse(self, heads: Tensor) -> Tensor:
        """Random heads of the codes give the first of them to the knots."""
        return heads[..., : self.n_knots].clone()


class EmbeddingKnots(nn.Module):
    """Embeddings of several columns' codes, shape (n_codes, dim), between those of two knots."""

    below: Tensor
    above: Tensor
    share: Tensor

    def __init__(self, courses: Sequence[Course]) -> None:
        super().__init__()
        starts = [0, *accumulate(course.n_knots for course in courses)]
        self.n_knots = starts.pop()
        for name in ("below", "above"):
            parts = [getattr(c, name) + start for c, start in zip(courses, starts, strict=True)]
            self.register_buffer(name, torch.cat(parts))
        self.register_buffer("share", torch.cat([course.share for course in courses])[:, None])

    def forward(self, knots: Tensor) -> Tensor:
        """The embeddings of all codes."""
        below, above = (functional.embedding(at, knots) for at in (self.below, self.above))
        return torch.lerp(above, below, self.share)

    def right_inverse(self, embeddings: Tensor) -> Tensor:
        """Random embeddings of the codes give the first of them to the knots."""
        return embeddings[: self.n_knots].clone()


def tie(network: AnyOrderNetwork, n_bins: Sequence[int], n_knots: int) -> None:
    """Tie the weights of neighbouring bins together, until `untie`.

    Args:
        network: untrained.
        n_bins: of each column in table order, how many of its first codes are bins.
        n_knots: of a column, at least 2; one with no more bins than that stays as it is.
    """
    courses = [
        Course.of(width, n_bins[j], n_knots)
        for j, width in zip(network.order, network.widths, strict=True)
    ]
    for i, (a, b) in enumerate(network.buckets):
        if any(course.is_tied for course in courses[a:b]):
            tied = HeadKnots(courses[a:b])
            parametrize.register_parametrization(network.heads, str(i), tied)
    for i, (a, b) in enumerate(network.groups):
        if any(course.is_tied for course in courses[a:b]):
            of_group = EmbeddingKnots(courses[a:b])
            parametrize.register_parametrization(network.embeddings, str(i), of_group)


def untie(network: AnyOrderNetwork) -> None:
    """Write the weights of all codes out."""
    for weights in (network.heads, network.embeddings):
        if parametrize.is_parametrized(weights):
            for name in list(cast(nn.ModuleDict, weights.parametrizations)):
                parametrize.remove_parametrizations(weights, name)
