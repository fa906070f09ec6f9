"""Does a drawn row hold the drawn condition, and come as often as it should?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tabveil.synthesizers.engine.encoder import Encoded
from tabveil.synthesizers.engine.layout import Layout
from tabveil.synthesizers.engine.rows import RowSampler

N_DRAWN = 40_000
LAYOUT = Layout((3, 2, 4), (), (), (0, 2))


def encoded(n: int = 500, absent: int | None = None) -> Encoded:
    """Codes of three spans; the last one's are skewed."""
    rng = np.random.default_rng(0)
    codes = np.column_stack(
        [
            rng.integers(3, size=n),
            rng.integers(2, size=n),
            rng.choice(4, n, p=[0.9, 0.06, 0.03, 0.01]),
        ]
    )
    if absent is not None:
        codes[codes[:, 2] == absent, 2] = (absent + 1) % 4
    return Encoded(codes.astype(np.uint8), np.zeros((n, 0), np.float32))


def draw(
    rows: Encoded, layout: Layout = LAYOUT, *, log_frequency: bool, n: int = N_DRAWN
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    sampler = RowSampler.of(rows, layout, log_frequency=log_frequency, device=torch.device("cpu"))
    places, drawn = sampler.draw(n, torch.Generator().manual_seed(0))
    return None if places is None else places.numpy(), drawn.numpy()


def named(layout: Layout, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """The span and the code at each place."""
    at = np.searchsorted(layout.condition_starts, places, side="right") - 1
    return np.array(layout.conditional)[at], places - layout.condition_starts[at]


@pytest.mark.parametrize("log_frequency", [True, False])
def test_a_drawn_row_holds_the_drawn_condition(log_frequency: bool) -> None:
    rows = encoded()
    places, drawn = draw(rows, log_frequency=log_frequency)
    assert places is not None
    spans, codes = named(LAYOUT, places)
    np.testing.assert_array_equal(rows.codes[drawn, spans], codes)


@pytest.mark.parametrize("log_frequency", [True, False])
def test_spans_come_equally_often_and_codes_by_their_weight(log_frequency: bool) -> None:
    rows = encoded()
    places, _ = draw(rows, log_frequency=log_frequency)
    assert places is not None
    spans, codes = named(LAYOUT, places)
    assert (spans == 0).mean() == pytest.approx(0.5, abs=0.01)
    for span in LAYOUT.conditional:
        counts = np.bincount(rows.codes[:, span], minlength=LAYOUT.widths[span])
        weights = np.log1p(counts) if log_frequency else counts
        frequencies = np.bincount(codes[spans == span], minlength=LAYOUT.widths[span])
        np.testing.assert_allclose(
            frequencies / frequencies.sum(), weights / weights.sum(), atol=0.015
        )


def test_rows_of_one_code_come_equally_often() -> None:
    rows = encoded(60)
    places, drawn = draw(rows, log_frequency=True)
    assert places is not None
    spans, codes = named(LAYOUT, places)
    picked = drawn[(spans == 0) & (codes == 1)]
    holders = np.flatnonzero(rows.codes[:, 0] == 1)
    frequencies = np.bincount(picked, minlength=60)[holders]
    assert set(picked) == set(holders)
    np.testing.assert_allclose(frequencies * len(holders) / len(picked), 1, atol=0.25)


@pytest.mark.parametrize("log_frequency", [True, False])
@pytest.mark.parametrize("absent", range(4))
def test_a_code_that_no_row_holds_is_never_drawn(absent: int, log_frequency: bool) -> None:
    rows = encoded(absent=absent)
    places, drawn = draw(rows, log_frequency=log_frequency)
    assert places is not None
    spans, codes = named(LAYOUT, places)
    assert absent not in codes[spans == 2]
    np.testing.assert_array_equal(rows.codes[drawn, spans], codes)


def test_without_conditional_spans_rows_are_drawn_equally_often() -> None:
    places, drawn = draw(encoded(20), Layout((3, 2, 4), (), (), ()), log_frequency=True)
    assert places is None
    np.testing.assert_allclose(np.bincount(drawn, minlength=20) / N_DRAWN, 0.05, atol=0.005)


def test_the_same_generator_draws_the_same_rows() -> None:
    one, other = (draw(encoded(), log_frequency=True, n=100) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
