"""Do a number's neighbouring bins share their weights in training, and nothing else?"""

from __future__ import annotations

import torch

from tabveil.synthesizers.any_order.knots import hats, tie, untie
from tabveil.synthesizers.any_order.network import AnyOrderNetwork, seen_in

WIDTHS, BINS = [3, 40, 33, 2], [0, 39, 0, 0]
CODES = torch.tensor([[0, 1, 2, 3], [1, 0, 30, 17]])  # inner order: widths 2, 3, 33, 40


def network() -> AnyOrderNetwork:
    torch.manual_seed(0)
    return AnyOrderNetwork(WIDTHS, 8, 16)


def test_every_code_gets_one_in_all() -> None:
    for n_bins in (0, 2, 5, 39):
        assert torch.allclose(hats(40, n_bins, 5).sum(0), torch.ones(40))


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
