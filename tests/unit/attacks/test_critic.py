"""Does the attack ask the critic, believe it no more than it deserves, and do without one?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tabveil.attacks.critic import CriticScore
from tabveil.contracts import Critic, EvalInput, Score
from tabveil.data.schema import infer_schema
from tabveil.errors import CannotTell, EvaluationError
from tabveil.evaluate import evaluate
from tabveil.measure.lineup import lineup_of
from tabveil.synthesizers.ctgan_package import CtganPackage


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    wealth = rng.normal(size=n)
    return pd.DataFrame(
        {
            "income": np.exp(wealth + rng.normal(size=n)),
            "debt": rng.normal(size=n) - wealth,
            "town": np.where(wealth > rng.normal(size=n), "north", "south"),
            "job": rng.choice(list("abcdefg"), n),
        }
    )


SCHEMA = infer_schema(people(500, 1))


def asked(critic: Critic | None, n: int = 500) -> EvalInput:
    """The critic's input; the synthetic table says nothing of anybody."""
    train, control, reference, synthetic = (people(n, seed) for seed in (1, 2, 3, 4))
    return EvalInput(train, control, reference, synthetic, SCHEMA, seed=0, critic=critic)


def scores(critic: Critic | None, n: int = 500) -> dict[str, Score]:
    return {score.name: score for score in CriticScore().evaluate(asked(critic, n))}


def knows(rows: pd.DataFrame) -> NDArray[np.float64]:
    """A critic that has learnt its training rows by heart."""
    return rows["income"].isin(people(500, 1)["income"]).to_numpy(dtype=float)


def shown(score: Score, z: float = 1.645) -> float:
    assert score.advantage is not None
    return score.advantage.value - z * score.advantage.se


def test_a_critic_that_knows_its_rows_by_heart_gives_all_of_them_away() -> None:
    found = scores(knows)
    assert found["auc"].value == 1
    assert found["tpr_at_1pct_fpr"].value == 1
    assert shown(found["auc"]) > 0.9


def test_a_high_opinion_is_what_speaks_for_membership() -> None:
    assert scores(lambda rows: -knows(rows))["auc"].value == 0


@pytest.mark.parametrize("critic", [lambda rows: np.zeros(len(rows)), lambda rows: rows["debt"]])
def test_a_critic_that_knows_nobody_shows_nothing(critic: Critic) -> None:
    for score in scores(critic).values():
        assert score.advantage is None or shown(score, z=3) <= 0


def test_it_is_asked_once_and_cannot_change_what_others_see() -> None:
    calls = []

    def meddling(rows: pd.DataFrame) -> NDArray[np.float64]:
        calls.append(len(rows))
        rows.loc[:, "debt"] = 0.0
        return np.arange(len(rows), dtype=float)

    data = asked(meddling)
    before = lineup_of(data).targets.frame.copy(deep=True)
    for _ in range(2):
        CriticScore().evaluate(data)
        CriticScore().signals(data)
    assert len(calls) == 1
    pd.testing.assert_frame_equal(lineup_of(data).targets.frame, before)


def test_without_a_critic_it_is_skipped_and_has_no_signal() -> None:
    data = asked(None)
    assert CriticScore().signals(data) == {}
    with pytest.raises(CannotTell, match="no critic"):
        CriticScore().evaluate(data)
    (result,) = evaluate(data, metrics={}, attacks={"critic": CriticScore()}).results
    assert result.skipped
    assert result.error is None
    (result,) = evaluate(asked(knows), metrics={}, attacks={"critic": CriticScore()}).results
    assert not result.skipped
    assert result.scores[0].name == "auc"


@pytest.mark.parametrize(
    "critic",
    [
        lambda rows: np.full(len(rows), np.nan),
        lambda rows: np.full(len(rows), np.inf),
        lambda rows: np.zeros(len(rows) + 1),
        lambda rows: np.zeros((len(rows), 1)),
    ],
)
def test_a_critic_that_gives_no_finite_number_a_row_is_refused(critic: Critic) -> None:
    with pytest.raises(EvaluationError, match="one finite number a row"):
        scores(critic)
    (result,) = evaluate(asked(critic), metrics={}, attacks={"critic": CriticScore()}).results
    assert result.error
    assert not result.skipped


def test_too_few_rows_cannot_tell_whatever_the_critic_says() -> None:
    with pytest.raises(CannotTell):
        scores(knows, n=10)


def unlike(n: int, seed: int) -> pd.DataFrame:
    """People of whom no two are alike: easily known again."""
    rng = np.random.default_rng(seed)
    numbers = {f"n{i}": rng.normal(size=n) for i in range(4)}
    return pd.DataFrame(numbers | {f"c{i}": rng.choice(list("abcdefgh"), n) for i in range(8)})


def test_an_overtrained_ctgan_knows_its_training_rows_and_nobody_elses() -> None:
    train, control, reference, synthetic, others = (unlike(100, seed) for seed in range(5))
    schema = infer_schema(train)
    synthesizer = CtganPackage(
        epochs=60,
        batch_size=100,
        pac=1,
        generator_dim=[32],
        discriminator_lr=2e-3,
        discriminator_steps=4,
    )
    synthesizer.fit(train, schema, seed=0)
    data = EvalInput(
        train, control, reference, synthetic, schema, seed=0, critic=synthesizer.critic
    )
    found, nothing = (CriticScore().evaluate(d)[0] for d in (data, replace(data, train=others)))
    assert found.value > 0.8
    assert shown(nothing, z=3) <= 0
    reordered = train.iloc[::-1][train.columns[::-1]]
    again = CriticScore().evaluate(replace(data, train=reordered))[0]
    assert again.value == pytest.approx(found.value)
