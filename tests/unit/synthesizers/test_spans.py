"""Are conditions drawn by true rates and outputs decoded as the paper says?"""

from __future__ import annotations

import json

import numpy as np
import pytest

from tabveil.synthesizers.spans import Mixture, Spans, draw_softmax

SPANS = Spans((Mixture((0.0, 100.0), (1.0, 2.0)),), ((0.99, 0.01), (0.2, 0.3, 0.5)))


def test_the_layout_counts_floats_modes_and_levels() -> None:
    assert SPANS.n_conditions == 5
    assert SPANS.n_outputs == 3 + 5


def test_conditions_follow_the_true_rates_column_by_column() -> None:
    vectors = SPANS.draw_conditions(200_000, np.random.default_rng(0))
    assert (vectors.sum(axis=1) == 1).all()
    shares = vectors.mean(axis=0)
    assert shares == pytest.approx(np.array([0.99, 0.01, 0.2, 0.3, 0.5]) / 2, abs=0.003)


def test_a_wanted_condition_is_drawn_in_its_own_column() -> None:
    vectors = SPANS.draw_conditions(50_000, np.random.default_rng(0), wanted=(1, (0, 2)))
    assert vectors.mean(axis=0) == pytest.approx([0, 0, 2 / 7, 0, 5 / 7], abs=0.01)


def test_the_rarest_of_the_wanted_columns_is_chosen() -> None:
    assert SPANS.rarest({0: (0,), 1: (0, 1)}) == (1, (0, 1))
    assert SPANS.rarest({}) is None


def test_a_float_is_the_modes_mean_plus_four_deviations_of_the_scalar() -> None:
    logits = np.array([[0.5, -50, 50, 0, 0, 0, 0, 0], [9.0, 50, -50, 0, 0, 0, 0, 0]], np.float32)
    floats, _ = SPANS.decode(logits, np.random.default_rng(0))
    assert floats[:, 0] == pytest.approx([100 + 8 * np.tanh(0.5), 4.0], rel=1e-5)


def test_levels_are_drawn_from_the_softmax() -> None:
    probabilities = np.array([0.1, 0.2, 0.7])
    logits = np.log(np.tile(probabilities, (200_000, 1))).astype(np.float32) + 3
    drawn = draw_softmax(logits, np.random.default_rng(0))
    assert np.bincount(drawn) / len(drawn) == pytest.approx(probabilities, abs=0.005)


def test_extreme_logits_are_safe() -> None:
    logits = np.array([[3e38, -3e38], [-3e38, 3e38], [0, 0]], np.float32)
    with np.errstate(over="ignore"):
        assert draw_softmax(logits, np.random.default_rng(0))[:2].tolist() == [0, 1]


def test_mixtures_are_rounded_by_their_width() -> None:
    mixture = Mixture.rounded(np.array([1234.5678, 0.1234567]), np.array([50.123, 0.01]))
    assert mixture == Mixture((1235.0, 0.1235), (50.1, 0.01))


def test_spans_come_back_from_json_and_altered_ones_are_refused() -> None:
    data = json.loads(json.dumps(SPANS.to_dict()))
    assert Spans.from_dict(data) == SPANS
    for change in (
        {"rates": [[0.5, -0.5]]},
        {"rates": [[]]},
        {"mixtures": [{"means": [1], "stds": []}]},
        {"mixtures": [{"means": [], "stds": []}]},
        {"mixtures": [{"means": ["x"], "stds": [1]}]},
    ):
        with pytest.raises(ValueError, match=r"mixture|rates|convert"):
            Spans.from_dict(data | change)
