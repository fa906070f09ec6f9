"""Which network gives every column's distribution, given any subset of the others?

Each column's code is embedded; one product takes all embeddings to a block of hidden units for each
column, through a mask that lets a block see only the columns before its own in some order; a head
of its own takes each block to the column's log-odds. So one pass gives the likelihood of rows in
any one order, and training on random orders gives all conditional distributions at once.

Source: MADE (Germain et al. 2015, arXiv:1502.03509) and the order-agnostic training of NADE (Uria
et al. 2014, arXiv:1310.1757), with blocks of hidden units a column as in TabularARGN (Tiwald et al.
2025, arXiv:2501.12012).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

MAX_WEIGHTS = 4_000_000
"""Of the masked product: in a wide table blocks and embeddings shrink, or it would not fit."""
_PADDING = 2.0
"""A head's block is padded to at most so many times its narrowest column's width."""
_NEVER = -1e4


def sizes(n_columns: int, embedding_dim: int, hidden_dim: int) -> tuple[int, int]:
    """Embedding and block widths, as wished or shrunk to keep the masked product in bounds."""
    wished = n_columns**2 * embedding_dim * hidden_dim
    shrink = min(1.0, (MAX_WEIGHTS / max(1, wished)) ** 0.5)
    return max(2, int(embedding_dim * shrink)), max(4, int(hidden_dim * shrink))


class AnyOrderNetwork(nn.Module):
    """Log-odds of every column's codes; columns are kept sorted by width inside.

    Args:
        widths: how many codes each column has, in table order; each at least 2.
        embedding_dim: of a column's code; no more than its codes.
        hidden_dim: hidden units of each column.
        dropout: share of them that is left out in training.
    """

    def __init__(
        self, widths: Sequence[int], embedding_dim: int, hidden_dim: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        embedding_dim, hidden_dim = sizes(len(widths), embedding_dim, hidden_dim)
        order = sorted(range(len(widths)), key=lambda j: (widths[j], j))
        self.order, self.hidden_dim, self.dropout = order, hidden_dim, dropout
        self.widths = [widths[j] for j in order]
        self.dims = [min(embedding_dim, width) for width in self.widths]
        n, n_inputs = len(order), sum(self.dims)
        self.groups = _runs(self.dims, 1.0)
        self.buckets = _runs(self.widths, _PADDING)
        self.embeddings = nn.ParameterList(
            torch.randn(sum(self.widths[a:b]), self.dims[a]) / self.dims[a] ** 0.5
            for a, b in self.groups
        )
        # Half of the inputs are seen on average: twice the variance that all of them would need.
        self.weight = nn.Parameter(torch.randn(n_inputs, n * hidden_dim) * (4 / n_inputs) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(n * hidden_dim))
        self.second = nn.Parameter(
            torch.randn(n, hidden_dim, hidden_dim) * 0.5 * (2 / hidden_dim) ** 0.5
        )
        self.second_bias = nn.Parameter(torch.zeros(n, 1, hidden_dim))
        self.heads = nn.ParameterList(
            torch.randn(b - a, hidden_dim, max(self.widths[a:b])) * 0.5 / hidden_dim**0.5
            for a, b in self.buckets
        )
        self.head_biases = nn.ParameterList(
            torch.zeros(b - a, 1, max(self.widths[a:b])) for a, b in self.buckets
        )

    def start_at(self, log_rates: Sequence[Tensor]) -> None:
        """Set the heads' biases to each column's log frequencies, in table order."""
        with torch.no_grad():
            for (a, b), bias in zip(self.buckets, self.head_biases, strict=True):
                bias.fill_(_NEVER)
                for j in range(a, b):
                    bias[j - a, 0, : self.widths[j]] = log_rates[self.order[j]]

    def inputs(self, codes: Tensor) -> Tensor:
        """Embeddings side by side, shape (n, n_inputs), of codes in inner order."""
        parts = []
        for (a, b), table in zip(self.groups, self.embeddings, strict=True):
            starts = torch.tensor(_starts(self.widths[a:b]), device=codes.device)
            parts.append(functional.embedding(codes[:, a:b] + starts, table).flatten(1))
        return torch.cat(parts, 1)

    def _column_of_input(self, device: torch.device) -> Tensor:
        """The column that each input belongs to, shape (n_inputs,)."""
        columns = torch.arange(len(self.order), device=device)
        return torch.repeat_interleave(columns, torch.tensor(self.dims, device=device))

    def masked(self, seen: Tensor) -> Tensor:
        """The weights of the product; `seen[c, d]` is 1 where column d sees column c."""
        n = len(self.order)
        of_input = self._column_of_input(seen.device)
        blocks = self.weight.view(-1, n, self.hidden_dim) * seen[of_input].unsqueeze(-1)
        return blocks.view(len(self.weight), -1)

    def _hidden_by_row(self, inputs: Tensor, seen: Tensor) -> Tensor:
        """Hidden blocks, shape (n_columns, n, hidden_dim), each row in an order of its own."""
        n = len(self.order)
        of_input = self._column_of_input(seen.device)
        masked = inputs * seen.permute(2, 0, 1)[:, :, of_input]
        weight = self.weight.view(-1, n, self.hidden_dim).transpose(0, 1)
        bias = self.bias.view(n, 1, self.hidden_dim)
        return functional.relu(torch.baddbmm(bias, masked, weight))

    def losses(self, codes: Tensor, seen: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Minus the log-likelihood of each row's columns, shape (n, n_columns), both inner order.

        Args:
            codes: shape (n, n_columns), whole numbers.
            seen: shape (n_columns, n_columns), floats 0 or 1.
            random: draws the dropout; None: nothing is left out.
        """
        n = len(self.order)
        if seen.dim() == 3:
            blocks = self._hidden_by_row(self.inputs(codes), seen)
        else:
            product = torch.addmm(self.bias, self.inputs(codes), self.masked(seen))
            blocks = functional.relu(product).view(len(codes), n, -1).transpose(0, 1)
        blocks = blocks + functional.relu(torch.baddbmm(self.second_bias, blocks, self.second))
        if random is not None and self.dropout:
            uniform = torch.empty_like(blocks).uniform_(generator=random)
            blocks = blocks * (uniform >= self.dropout) / (1 - self.dropout)
        parts = []
        for (a, b), head, bias in zip(self.buckets, self.heads, self.head_biases, strict=True):
            logits = torch.baddbmm(bias, blocks[a:b], head)
            wanted = codes[:, a:b].T.flatten()
            parts.append(functional.cross_entropy(logits.flatten(0, 1), wanted, reduction="none"))
        return torch.cat(parts).view(len(self.order), len(codes)).T


def seen_in(order: Tensor) -> Tensor:
    """Who sees whom where columns are drawn in `order`, shape (n,): shape (n, n), 0 or 1."""
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=order.device)
    return (place[:, None] < place[None, :]).float()


def _runs(ascending: Sequence[int], factor: float) -> list[tuple[int, int]]:
    """Runs [start, end) of numbers that are at most `factor` times their first."""
    first = 0.0
    starts: list[int] = []
    for j, number in enumerate(ascending):
        if not starts or number > factor * first:
            starts.append(j)
            first = number
    return list(pairwise([*starts, len(ascending)]))


def _starts(widths: Sequence[int]) -> list[int]:
    return [0, *accumulate(widths)][:-1]
