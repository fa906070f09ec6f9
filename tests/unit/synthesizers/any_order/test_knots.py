"""Do a number's neighbouring bins share their weights in training, and nothing else?"""

from __future__ import annotations

import torch

from tabveil.synthesizers.any_order.knots import (
    Course,
    EmbeddingKnots,
    HeadKnots,
    tie,
    untie,
)
from tabveil.synthesizers.any_order.network import AnyOrderNetwork, seen_in

WIDTHS, BINS = [3, 40, 33, 2], [0, 39, 0, 0]
CODES = torch.tensor([[0, 1, 2, 3], [1, 0, 30, 17]])  # inner order: widths 2, 3, 33, 40


def network() -> AnyOrderNetwork:
    torch.manual_seed(0)
    return AnyOrderNetwork(WIDTHS, 8, 16)


def hats(width: int, n_bins: int, n_knots: int) -> torch.Tensor:
    """What each knot gives to each code, written out."""
    places = torch.linspace(0, n_knots - 1, n_bins)
    of_bins = (1 - (places - torch.arange(n_knots)[:, None]).abs()).clamp(min=0)
    return torch.block_diag(of_bins, torch.eye(width - n_bins))


def test_bins_lie_on_straight_lines_between_knots_and_others_are_free() -> None:
    tied = network()
    tie(tied, BINS, 4)
    untie(tied)
    place = tied.order.index(1)
    (bucket,) = (i for i, (a, b) in enumerate(tied.buckets) if a <= place < b)
    head = tied.heads[bucket][place - tied.buckets[bucket][0]].detach()
    bends = head[:, 2:39] - 2 * head[:, 1:38] + head[:, :37]
    assert (bends.abs().max(0).values > 1e-6).sum() <= 2 * 2  # at the two inner knots
    levels = tied.heads[bucket][tied.order.index(2) - tied.buckets[bucket][0]].detach()
    bends = levels[:, 2:33] - 2 * levels[:, 1:32] + levels[:, :31]
    assert (bends.abs().max(0).values > 1e-6).all()


def test_embeddings_and_heads_of_bins_lie_between_those_of_two_knots() -> None:
    courses = [Course.of(3, 0, 4), Course.of(9, 8, 4)]
    bases = [torch.eye(3), hats(9, 8, 4)]
    knots = torch.randn(3 + 5, 6)  # 3 levels; 4 knots and a code of its own
    torch.testing.assert_close(EmbeddingKnots(courses)(knots), torch.block_diag(*bases).T @ knots)
    heads = torch.randn(2, 6, 5)
    found = HeadKnots(courses)(heads)
    torch.testing.assert_close(found[0, :, :3], heads[0, :, :3])
    torch.testing.assert_close(found[1], heads[1] @ bases[1])


def test_a_column_of_many_levels_takes_no_square_of_them() -> None:
    course = Course.of(100_000, 0, 8)
    assert not course.is_tied
    assert course.n_knots == 100_000


def test_writing_the_weights_out_changes_no_likelihood_and_leaves_plain_names() -> None:
    plain, tied = network(), network()
    tie(tied, BINS, 4)
    assert sum(p.numel() for p in tied.parameters()) < sum(p.numel() for p in plain.parameters())
    seen = seen_in(torch.arange(4))
    before = tied.losses(CODES, seen).detach()
    untie(tied)
    torch.testing.assert_close(tied.losses(CODES, seen).detach(), before)
    shapes = {name: t.shape for name, t in plain.state_dict().items()}
    assert {name: t.shape for name, t in tied.state_dict().items()} == shapes
