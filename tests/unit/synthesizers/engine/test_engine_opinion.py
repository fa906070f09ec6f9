"""Does the critic's score of a row depend on nothing but the row?"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from tabveil.contracts import Critic
from tabveil.data.schema import infer_schema
from tabveil.errors import DataError
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.engine.drawing import Drawing
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.modes import Numbers
from tabveil.synthesizers.engine.networks import Critic as PlainCritic
from tabveil.synthesizers.engine.opinion import Opinion

HOW = {
    "levels alone": {"max_atoms": 1000},
    "bins": {"rest": "bins", "max_atoms": 10},
    "mixture": {"rest": "mixture", "max_atoms": 10},
}
EVERY = pytest.mark.parametrize("how", HOW)


def table(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": rng.normal(0, 1, n).round(1),
            "heavy": rng.standard_t(2, n),
            "level": rng.choice(["a", "b", "c"], n),
            "flag": rng.random(n) < 0.3,
        }
    )


def rows(how: str) -> pd.DataFrame:
    return table().drop(columns="heavy") if how == "levels alone" else table()


@cache
def critic(how: str) -> Critic:
    synthesizer = Ctgan(
        embedding_dim=8,
        generator_dim=[16],
        discriminator_dim=[32, 16],
        batch_size=60,
        pac=3,
        epochs=4,
        discriminator_lr=2e-3,
        enable_gpu=False,
        **HOW[how],  # type: ignore[arg-type]
    )
    synthesizer.fit(rows(how), infer_schema(rows(how)), seed=0)
    assert synthesizer.critic is not None
    return synthesizer.critic


@EVERY
def test_scores_are_finite_repeatable_and_differ_between_rows(how: str) -> None:
    scores = critic(how)(rows(how))
    assert scores.shape == (300,)
    assert np.isfinite(scores).all()
    assert len(np.unique(scores.round(5))) > 10
    np.testing.assert_array_equal(critic(how)(rows(how)), scores)


@EVERY
def test_a_row_alone_scores_as_it_does_among_others(how: str) -> None:
    scores = critic(how)(rows(how))
    alone = [critic(how)(rows(how).iloc[i : i + 1])[0] for i in (0, 7, 150, 299)]
    np.testing.assert_allclose(alone, scores[[0, 7, 150, 299]], atol=1e-5)


@EVERY
def test_the_order_of_rows_does_not_show_in_their_scores(how: str) -> None:
    order = np.random.default_rng(1).permutation(300)
    scores = critic(how)(rows(how))
    np.testing.assert_allclose(critic(how)(rows(how).iloc[order]), scores[order], atol=1e-5)


@EVERY
def test_equal_rows_score_equally_however_many_there_are(how: str) -> None:
    """More than one chunk of them."""
    many = rows(how).iloc[[5] * 2500]
    assert np.ptp(critic(how)(many)) < 1e-5


@EVERY
def test_unknown_levels_and_numbers_beyond_the_bounds_are_scored(how: str) -> None:
    odd = rows(how).iloc[:4].copy()
    odd["level"] = ["new", None, "a", "newer"]
    odd["number"] = [1e9, -1e9, np.nan, 0]
    scores = critic(how)(odd)
    assert scores.shape == (4,)
    assert np.isfinite(scores).all()


def test_a_row_of_unknown_levels_alone_is_scored() -> None:
    levels = pd.DataFrame({"a": list("xy") * 50, "b": list("pqpq") * 25})
    synthesizer = Ctgan(
        embedding_dim=4,
        generator_dim=[8],
        discriminator_dim=[8],
        batch_size=20,
        pac=2,
        epochs=1,
        enable_gpu=False,
    )
    synthesizer.fit(levels, infer_schema(levels), seed=0)
    assert synthesizer.critic is not None
    scores = synthesizer.critic(pd.DataFrame({"a": ["u", "x"], "b": ["v", "p"]}))
    assert np.isfinite(scores).all()


def test_no_rows_have_no_scores_and_senseless_rows_are_refused() -> None:
    assert critic("bins")(table().iloc[:0]).shape == (0,)
    with pytest.raises(DataError):
        critic("bins")(table().assign(number="text"))


def test_asking_changes_neither_the_critic_nor_global_random_state() -> None:
    before = torch.get_rng_state()
    first = critic("bins")(table())
    critic("bins")(table().iloc[:3])
    np.testing.assert_array_equal(critic("bins")(table()), first)
    assert torch.equal(before, torch.get_rng_state())


def test_a_critic_scores_rows_like_its_own_above_nonsense() -> None:
    """Two columns that always agree; rows in which they do not are unlike any training row."""
    rng = np.random.default_rng(0)
    level = rng.choice(list("abc"), 400)
    real = pd.DataFrame({"one": level, "two": level})
    synthesizer = Ctgan(
        embedding_dim=8,
        generator_dim=[16],
        discriminator_dim=[64, 64],
        batch_size=100,
        pac=1,
        epochs=100,
        generator_lr=1e-12,
        discriminator_lr=2e-3,
        enable_gpu=False,
    )
    synthesizer.fit(real, infer_schema(real), seed=0)
    assert synthesizer.critic is not None
    nonsense = real.assign(two=real["two"].map({"a": "b", "b": "c", "c": "a"}))
    assert synthesizer.critic(real).mean() > synthesizer.critic(nonsense).mean() + 0.3


def test_a_score_is_the_mean_over_the_conditions_that_the_row_answers() -> None:
    """Known answer: the row beside copies of itself, under each of its own conditions in turn."""
    rows_read = rows("levels alone")
    encoder, encoded = Encoder.learn(
        rows_read, infer_schema(rows_read), Numbers(max_atoms=1000), min_count=1, seed=0
    )
    layout = Drawing.of(encoder).layout
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        judge = PlainCritic(layout, (16, 8), 3, dropout=0.5)
    opinion = Opinion.of(encoder, layout, judge, np.random.default_rng(0))
    for i in (0, 11):
        codes = torch.from_numpy(encoded.codes[[i] * 3]).long()
        scalars = torch.from_numpy(encoded.scalars[[i] * 3])
        expected = []
        for start, span in zip(layout.condition_starts.tolist(), layout.conditional, strict=True):
            named = judge.of_condition(codes[:, span] + start)
            expected.append(float(judge.judge(judge.of_real(codes, scalars) + named, None)[0]))
        assert opinion(rows_read.iloc[i : i + 1])[0] == pytest.approx(np.mean(expected), abs=1e-5)
