"""Does each column see the columns before it and no other, and do sizes stay in bounds?"""

from __future__ import annotations

import torch

from tabveil.synthesizers.any_order.network import MAX_WEIGHTS, AnyOrderNetwork, seen_in, sizes


def network(widths: list[int]) -> AnyOrderNetwork:
    torch.manual_seed(0)
    made = AnyOrderNetwork(widths, 8, 16)
    made.start_at([torch.full((width,), 1.0 / width).log() for width in widths])
    return made


def test_a_columns_loss_changes_with_those_before_it_only() -> None:
    made = network([3, 7, 2, 40])
    order = torch.tensor([2, 0, 3, 1])
    seen = seen_in(order)
    codes = torch.tensor([[0, 1, 2, 3]])
    before = made.losses(codes, seen).detach()
    for changed in range(4):
        other = codes.clone()
        other[0, changed] = (codes[0, changed] + 1) % 2
        after = made.losses(other, seen).detach()
        place = order.tolist().index(changed)
        for column in order.tolist()[:place]:
            assert after[0, column] == before[0, column]
        for column in order.tolist()[place + 1 :]:
            assert after[0, column] != before[0, column]


def test_every_columns_probabilities_add_up_to_one() -> None:
    widths = [3, 7, 2, 40]
    made = network(widths)
    seen = seen_in(torch.arange(4))
    for j, original in enumerate(made.order):
        n = widths[original]
        codes = torch.zeros(n, 4, dtype=torch.long)
        codes[:, j] = torch.arange(n)
        total = torch.exp(-made.losses(codes, seen).detach()[:, j]).sum()
        assert abs(float(total) - 1) < 1e-5


def test_rows_may_each_have_an_order_of_their_own() -> None:
    made = network([3, 7, 2, 40])
    orders = [torch.tensor([2, 0, 3, 1]), torch.tensor([1, 3, 2, 0])]
    codes = torch.tensor([[0, 1, 2, 3], [1, 2, 4, 30]])
    each = made.losses(codes, torch.stack([seen_in(order) for order in orders]))
    for i, order in enumerate(orders):
        alone = made.losses(codes[i : i + 1], seen_in(order))
        torch.testing.assert_close(each[i : i + 1], alone)


def test_a_wide_table_gets_narrow_columns_and_no_more_weights_than_allowed() -> None:
    assert sizes(15, 16, 64) == (16, 64)
    for n in (130, 1_000):
        embedding, hidden = sizes(n, 16, 64)
        assert embedding >= 2
        assert hidden >= 4
        assert n * embedding * n * hidden <= 2 * MAX_WEIGHTS
