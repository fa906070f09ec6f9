"""Do codes come at their true rates once a generator is calibrated, and nothing else move?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.engine.calibration import shift_to

SMALL = {
    "embedding_dim": 8,
    "generator_dim": [16],
    "discriminator_dim": [16],
    "batch_size": 100,
    "pac": 1,
    "epochs": 3,
    "enable_gpu": False,
    "max_atoms": 50,
}


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def test_the_mean_of_the_shifted_softmax_is_the_share_that_was_asked_for() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (20_000, 4)).astype(np.float32)
    shares = np.array([0.9, 0.07, 0.02, 0.01])
    shift = shift_to(logits, shares)
    np.testing.assert_allclose(softmax(logits + shift).mean(axis=0), shares, rtol=0.02)


def test_logits_with_the_right_means_and_shares_of_too_few_rows_are_left_alone() -> None:
    logits = np.random.default_rng(0).normal(0, 1, (5_000, 3)).astype(np.float32)
    assert np.abs(shift_to(logits, softmax(logits).mean(axis=0))).max() < 0.01
    shift = shift_to(logits, np.array([0.6, 0.4, 0.0001]))
    assert shift[2] == 0
    assert shift[0] != 0


def test_a_level_that_is_never_drawn_moves_the_others_no_farther_than_allowed() -> None:
    logits = np.zeros((1_000, 2), np.float32)
    logits[:, 1] = -200
    assert shift_to(logits, np.array([0.5, 0.5])).tolist() == [-8, 8]


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_hasty_generator_draws_true_rates_only_when_calibrated(calibrated: bool) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "level": rng.choice(["a", "b", "c"], 2000, p=[0.8, 0.17, 0.03]),
            "number": rng.choice([0.0, 1.0, 2.0, 30.0], 2000, p=[0.5, 0.3, 0.18, 0.02]),
        }
    )
    synthesizer = Ctgan(**SMALL, calibrated=calibrated)  # type: ignore[arg-type]
    synthesizer.fit(rows, infer_schema(rows), seed=0)
    drawn = synthesizer.sample(40_000, seed=0)
    apart = max(
        float((drawn[name].value_counts(normalize=True) - shares).abs().max())
        for name in rows
        for shares in [rows[name].value_counts(normalize=True)]
    )
    assert (apart < 0.01) == calibrated
