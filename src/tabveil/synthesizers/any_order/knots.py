"""Neighbouring bins of a number share what is learnt of them.

A number's bins are in order, and what follows from a value changes little from one bin to the next.
So in training their embeddings and their part of the head lie on straight lines between a few
knots: hat functions of the bin's place. A bin of its own for every few rows would be a key by which
the network could recognise rows; knots leave it the number's course. Levels, atoms and "missing"
keep weights of their own. After training the weights are written out, and knots are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tabveil.synthesizers.any_order.network import AnyOrderNetwork


class Knots(nn.Module):
    """Weights, shape (…, n_codes), that are read off fewer, shape (…, n_knots)."""

    basis: Tensor

    def __init__(self, basis: Tensor) -> None:
        super().__init__()
        self.register_buffer("basis", basis)  # (…, n_knots, n_codes)

    def forward(self, knots: Tensor) -> Tensor:
        """The weights of all codes."""
        return knots @ self.basis

    def right_inverse(self, weights: Tensor) -> Tensor:
        """Random weights of the codes give the first of them to the knots."""
        return weights[..., : self.basis.shape[-2]].clone()


class RowKnots(Knots):
    """The same for embeddings, shape (n_codes, dim), a row a code."""

    def forward(self, knots: Tensor) -> Tensor:
        """The embeddings of all codes."""
        return self.basis.T @ knots

    def right_inverse(self, weights: Tensor) -> Tensor:
        """Random embeddings of the codes give the first of them to the knots."""
        return weights[: len(self.basis)].clone()


def tie(network: AnyOrderNetwork, n_bins: Sequence[int], n_knots: int) -> None:
    """Tie the weights of neighbouring bins together, until `untie`.

    Args:
        network: untrained.
        n_bins: of each column in table order, how many of its first codes are bins.
        n_knots: of a column, at least 2; one with no more bins than that stays as it is.
    """
    bases = [
        hats(width, n_bins[j], n_knots)
        for j, width in zip(network.order, network.widths, strict=True)
    ]
    for i, (a, b) in enumerate(network.buckets):
        if any(len(basis) < basis.shape[1] for basis in bases[a:b]):
            padded = torch.zeros(b - a, max(map(len, bases[a:b])), max(network.widths[a:b]))
            for part, basis in zip(padded, bases[a:b], strict=True):
                part[: len(basis), : basis.shape[1]] = basis
            parametrize.register_parametrization(network.heads, str(i), Knots(padded))
    for i, (a, b) in enumerate(network.groups):
        if any(len(basis) < basis.shape[1] for basis in bases[a:b]):
            together = RowKnots(_block_diag(bases[a:b]))
            parametrize.register_parametrization(network.embeddings, str(i), together)


def untie(network: AnyOrderNetwork) -> None:
    """Write the weights of all codes out."""
    for weights in (network.heads, network.embeddings):
        if parametrize.is_parametrized(weights):
            for name in list(cast(nn.ModuleDict, weights.parametrizations)):
                parametrize.remove_parametrizations(weights, name)


def hats(width: int, n_bins: int, n_knots: int) -> Tensor:
    """What each knot gives to each code, shape (n_knots + others, width), each code's adding to 1.

    >>> hats(4, 3, 2)
    tensor([[1.0000, 0.5000, 0.0000, 0.0000],
            [0.0000, 0.5000, 1.0000, 0.0000],
            [0.0000, 0.0000, 0.0000, 1.0000]])
    """
    if n_bins <= n_knots:
        return torch.eye(width)
    places = torch.linspace(0, n_knots - 1, n_bins)
    of_bins = (1 - (places - torch.arange(n_knots)[:, None]).abs()).clamp(min=0)
    return _block_diag([of_bins, torch.eye(width - n_bins)])


def _block_diag(parts: Sequence[Tensor]) -> Tensor:
    whole: Tensor = torch.block_diag(*parts)  # type: ignore[no-untyped-call]
    return whole
