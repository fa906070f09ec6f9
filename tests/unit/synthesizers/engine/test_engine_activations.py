"""Do raw outputs become shares and scalars as a real row has them?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.nn import functional

from tabveil.synthesizers.engine.activations import Activation, ConditionLoss
from tabveil.synthesizers.engine.layout import Layout

LAYOUT = Layout((4, 2, 2, 5), (0, 3), (4, 3), (1, 3, 2))
"""Scalars of span 0, in every mode, and of span 3, whose codes 3 and 4 are atoms."""


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def span(rows: torch.Tensor, j: int, layout: Layout = LAYOUT) -> torch.Tensor:
    start = int(layout.starts[j])
    return rows[:, start : start + layout.widths[j]]


def test_the_shares_of_each_span_sum_to_one_and_scalars_lie_within_one() -> None:
    raw = 5 * torch.randn(300, LAYOUT.n_outputs, generator=random())
    rows = Activation(LAYOUT)(raw, random())
    assert rows.shape == raw.shape
    assert (rows[:, :2].abs() <= 1).all()
    for j in range(4):
        assert (span(rows, j) >= 0).all()
        torch.testing.assert_close(span(rows, j).sum(dim=1), torch.ones(300))


def test_codes_are_drawn_by_the_softmax_of_the_raw_outputs() -> None:
    n = 20_000
    raw = torch.randn(1, LAYOUT.n_outputs, generator=random()).expand(n, -1)
    rows = Activation(LAYOUT)(raw, random(1))
    for j in range(4):
        counts = np.bincount(span(rows, j).argmax(dim=1), minlength=LAYOUT.widths[j])
        expected = span(raw, j)[0].double().softmax(dim=0).numpy() * n
        assert chisquare(counts, expected * n / expected.sum()).pvalue > 0.001


def test_two_spans_are_drawn_independently_of_each_other() -> None:
    rows = Activation(LAYOUT)(torch.zeros(20_000, LAYOUT.n_outputs), random())
    one, other = (span(rows, j).argmax(dim=1) for j in (1, 2))
    assert float((one == other).float().mean()) == pytest.approx(0.5, abs=0.015)


def test_a_scalar_is_tanh_where_it_has_a_meaning_and_zero_in_an_atom() -> None:
    raw = torch.zeros(200, LAYOUT.n_outputs)
    raw[:, :2] = torch.tensor([0.4, 0.8])
    start = int(LAYOUT.starts[3])
    raw[:100, start + 1] = 100.0  # a mode of some width
    raw[100:, start + 4] = 100.0  # an atom
    rows = Activation(LAYOUT)(raw, random())
    torch.testing.assert_close(rows[:, 0], torch.full((200,), 0.4).tanh())
    torch.testing.assert_close(rows[:100, 1], torch.full((100,), 0.8).tanh())
    torch.testing.assert_close(rows[100:, 1], torch.zeros(100), atol=1e-12, rtol=0)


def test_gradients_reach_every_raw_output() -> None:
    raw = torch.randn(50, LAYOUT.n_outputs, generator=random()).requires_grad_()
    rows = Activation(LAYOUT)(raw, random())
    (rows * torch.randn(rows.shape, generator=random(2))).sum().backward()
    assert raw.grad is not None
    assert torch.isfinite(raw.grad).all()
    assert (raw.grad.abs().sum(dim=0) > 0).all()


def test_the_same_generator_gives_the_same_rows_and_only_it_is_used() -> None:
    raw = torch.randn(9, LAYOUT.n_outputs, generator=random())
    before = torch.get_rng_state()
    one, other = (Activation(LAYOUT)(raw, random(4)) for _ in range(2))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("layout", [Layout((3,), (), (), ()), Layout((3, 1), (1,), (1,), ())])
def test_layouts_without_scalars_or_of_one_mode_have_shares(layout: Layout) -> None:
    rows = Activation(layout)(torch.zeros(10, layout.n_outputs), random())
    torch.testing.assert_close(
        rows[:, layout.n_scalars :].sum(1), torch.ones(10) * len(layout.widths)
    )


def test_a_span_of_one_code_survives_a_zero_among_the_uniform_numbers() -> None:
    """Seed 11993 draws an exact 0 as its 828th number: one NaN here ends a training."""
    zeros = torch.empty(1000).uniform_(generator=random(11993)) == 0
    assert zeros.any(), "torch draws otherwise now: find another seed"
    layout = Layout((1,), (0,), (1,), ())
    rows = Activation(layout)(torch.zeros(1000, 2), random(11993))
    assert torch.isfinite(rows).all()


@pytest.mark.parametrize("conditional", [(1, 3, 2), (0,), (3, 0, 1, 2)])
def test_the_condition_loss_is_the_cross_entropy_of_the_named_span(
    conditional: tuple[int, ...],
) -> None:
    layout = Layout((4, 2, 2, 5), (0, 3), (4, 3), conditional)
    raw = 3 * torch.randn(64, layout.n_outputs, generator=random(), dtype=torch.float64)
    raw.requires_grad_()
    places = torch.randint(layout.n_conditions, (64,), generator=random(1))
    expected = []
    for row, place in enumerate(places.tolist()):
        at = int(np.searchsorted(layout.condition_starts, place, side="right")) - 1
        code = torch.tensor(place - int(layout.condition_starts[at]))
        expected.append(functional.cross_entropy(span(raw, conditional[at], layout)[row], code))
    wanted = torch.stack(expected).mean()
    loss = ConditionLoss(layout)(raw, places)
    torch.testing.assert_close(loss, wanted)
    (got,) = torch.autograd.grad(loss, raw)
    torch.testing.assert_close(got, torch.autograd.grad(wanted, raw)[0])


def test_the_condition_loss_is_the_same_wherever_large_outputs_lie() -> None:
    raw = torch.randn(8, LAYOUT.n_outputs, generator=random())
    places = torch.arange(8)
    loss = ConditionLoss(LAYOUT)(raw, places)
    torch.testing.assert_close(ConditionLoss(LAYOUT)(raw + 1e3, places), loss, rtol=1e-3, atol=1e-3)


def test_a_table_that_nothing_can_be_asked_of_has_no_condition_to_lose() -> None:
    """All columns are numbers, and conditions do not name them."""
    loss = ConditionLoss(Layout((3, 1), (0, 1), (3, 1), ()))
    assert len(loss.span_at) == len(loss.places) == 0
