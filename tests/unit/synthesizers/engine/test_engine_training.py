"""Is training a function of its seed, heard of, stoppable, and without a trace elsewhere?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tabveil.data.schema import infer_schema
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.engine.drawing import Drawing
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.modes import Numbers
from tabveil.synthesizers.engine.training import Duel, Trained, train

SMALL: dict[str, Any] = {
    "embedding_dim": 8,
    "generator_dim": [16],
    "discriminator_dim": [16],
    "batch_size": 40,
    "pac": 2,
    "epochs": 3,
    "enable_gpu": False,
}


def table(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.5, 0, rng.normal(5, 1, n)),
            "level": rng.choice(["a", "b", "c"], n, p=[0.8, 0.15, 0.05]),
            "flag": rng.random(n) < 0.3,
        }
    )


def run(
    seed: int = 0, rows: pd.DataFrame | None = None, on_epoch: Any = None, **params: Any
) -> Trained:
    rows = table() if rows is None else rows
    settings = Ctgan(**(SMALL | params))._training()
    encoder, encoded = Encoder.learn(
        rows, infer_schema(rows), Numbers(max_atoms=20), min_count=1, seed=0
    )
    layout = Drawing.of(encoder).layout
    return train(
        encoded, layout, settings, seed=seed, device=torch.device("cpu"), on_epoch=on_epoch
    )


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    parts = {"generator": trained.generator, "critic": trained.critic}
    return {f"{k}.{n}": p for k, part in parts.items() for n, p in part.state_dict().items()}


def same(one: Trained, other: Trained) -> bool:
    return all(torch.equal(a, weights(other)[name]) for name, a in weights(one).items())


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(averaging: float) -> None:
    first = run(averaging=averaging)
    assert same(first, run(averaging=averaging))
    other = weights(run(seed=1, averaging=averaging))
    for name in ("generator.from_noise", "critic.from_row", "critic.bias"):
        assert not torch.equal(weights(first)[name], other[name])


def test_losses_are_heard_of_after_each_epoch() -> None:
    heard: list[tuple[int, Mapping[str, float]]] = []
    run(on_epoch=lambda epoch, losses: heard.append((epoch, losses)))
    assert [epoch for epoch, _ in heard] == [1, 2, 3]
    for _, losses in heard:
        assert set(losses) == {"generator", "discriminator"}
        assert all(isinstance(loss, float) and math.isfinite(loss) for loss in losses.values())


def test_listening_changes_nothing() -> None:
    assert same(run(), run(on_epoch=lambda epoch, losses: None))


def test_an_exception_from_on_epoch_ends_the_training_and_is_passed_on() -> None:
    heard = []

    def stop(epoch: int, losses: Mapping[str, float]) -> None:
        heard.append(epoch)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(on_epoch=stop, epochs=50)
    assert heard == [1]


STILL: dict[str, Any] = {"epochs": 1, "generator_lr": 1e-12, "generator_decay": 0.0}
"""A training that leaves the first weights as they were drawn."""


def test_the_averaged_generator_lags_behind_the_last_and_the_critic_does_not() -> None:
    """The average takes no part in the training: critics are equal, generators are not."""
    last, averaged = run(epochs=30), run(epochs=30, averaging=0.99)
    torch.testing.assert_close(last.critic.state_dict(), averaged.critic.state_dict())
    first = run(**STILL)
    moved, lagged = (
        float((t.generator.from_noise - first.generator.from_noise).detach().norm())
        for t in (last, averaged)
    )
    assert 0 < lagged < 0.95 * moved


def test_an_average_over_few_steps_spans_a_tenth_of_them() -> None:
    rows = table(40)  # a step an epoch
    start = run(rows=rows, **STILL).generator.from_noise
    end = run(rows=rows, epochs=1).generator.from_noise
    for averaging in (0.75, 0.9999):
        mean = run(rows=rows, epochs=1, averaging=averaging).generator.from_noise
        torch.testing.assert_close(mean.detach(), (1 * start + 10 * end).detach() / 11)


def test_an_average_of_a_short_span_is_the_one_that_was_asked_for() -> None:
    """Known answer: share 1/11 of the first step is left, then half at each step."""
    rows = table(40)
    steps = [run(rows=rows, **STILL).generator.from_noise.detach()]
    steps += [
        run(rows=rows, epochs=n, full_rate_steps=None).generator.from_noise.detach()
        for n in range(1, 13)
    ]
    expected = steps[0]
    for n, now in enumerate(steps[1:], start=1):
        expected = torch.lerp(expected, now, max(0.5, 10 / (10 + n)))
    found = run(rows=rows, epochs=12, averaging=0.5).generator.from_noise
    torch.testing.assert_close(found.detach(), expected)


def test_learning_rates_fall_from_when_they_are_told_to() -> None:
    """The last steps then move next to nothing; before, they are those of constant rates."""
    rows = table(40)

    def steps(full: int | None) -> tuple[float, float]:
        """How far the last step and one in the middle move, against the first."""
        heard: list[torch.Tensor] = []
        run(rows=rows, epochs=50, full_rate_steps=full, on_epoch=lambda *_: heard.append(now()))
        moved = [float((b - a).norm()) for a, b in itertools.pairwise(heard)]
        return moved[-1] / moved[0], moved[22] / moved[0]

    duels: list[Duel] = []
    start = Duel.start

    def remembered(*args: Any, **named: Any) -> Duel:
        duels.append(start(*args, **named))
        return duels[-1]

    def now() -> torch.Tensor:
        return duels[-1].generator.from_noise.detach().clone()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Duel, "start", remembered)
        (from_start, middle), (from_half, half_way), (never, constant) = map(steps, (0, 500, None))
    assert from_start < 0.1 < 0.3 < never
    assert from_half < 0.1
    assert half_way == constant > middle


def test_global_random_state_is_left_alone_and_not_read() -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    before, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = run()
    assert torch.equal(before, torch.get_rng_state())
    assert (numbers == np.random.get_state()[1]).all()
    torch.manual_seed(99)
    assert same(first, run())


@pytest.mark.parametrize(
    "params",
    [
        {"pac": 1},
        {"pac": 40},
        {"discriminator_steps": 3},
        {"log_frequency": False},
        {"generator_dim": [8, 8, 8], "discriminator_dim": [8, 8, 8]},
        {"generator_dim": []},
        {"generator_decay": 0, "discriminator_decay": 0.1},
    ],
    ids=str,
)
def test_every_setting_trains_to_finite_weights(params: dict[str, Any]) -> None:
    trained = run(epochs=1, **params)
    assert all(torch.isfinite(tensor).all() for tensor in weights(trained).values())
    start = run(epochs=1, generator_lr=1e-12, discriminator_lr=1e-12, **params)
    assert not same(trained, start)


@pytest.mark.parametrize(
    "rows",
    [
        table(3),
        pd.DataFrame({"number": np.random.default_rng(0).normal(0, 1, 60)}),
        pd.DataFrame({"level": ["a", "b"] * 30}),
    ],
    ids=["three rows", "no condition", "no number"],
)
def test_small_and_narrow_tables_train(rows: pd.DataFrame) -> None:
    trained = run(rows=rows, epochs=1)
    assert all(torch.isfinite(tensor).all() for tensor in weights(trained).values())


def test_the_critic_learns_to_tell_real_rows_from_noise() -> None:
    """Against a generator that stands still, the critic's loss falls."""
    heard: list[float] = []
    run(
        rows=table(400),
        epochs=15,
        generator_lr=1e-12,
        discriminator_lr=2e-3,
        on_epoch=lambda epoch, losses: heard.append(losses["discriminator"]),
    )
    assert np.mean(heard[-3:]) < heard[0] - 0.3


def test_more_steps_of_the_critic_move_it_further() -> None:
    start, one, five = (
        weights(run(epochs=1, discriminator_steps=steps, discriminator_lr=rate))["critic.from_row"]
        for steps, rate in ((1, 1e-12), (1, 1e-3), (5, 1e-3))
    )
    assert float((five - start).norm()) > 2 * float((one - start).norm())


def test_the_penalty_keeps_the_critics_gradient_near_one() -> None:
    """A first critic's gradient is next to nothing, and without penalty it grows past one."""
    rows = table(400)
    encoder, encoded = Encoder.learn(
        rows, infer_schema(rows), Numbers(max_atoms=20), min_count=1, seed=0
    )
    layout = Drawing.of(encoder).layout
    codes, scalars = (torch.from_numpy(part) for part in (encoded.codes, encoded.scalars))
    places = codes[:, layout.conditional[0]].long() + int(layout.condition_starts[0])

    def distance(epochs: int) -> float:
        rates = {"generator_lr": 1e-12, "discriminator_lr": 2e-3 if epochs > 1 else 1e-12}
        critic = run(rows=rows, epochs=epochs, dropout=0.0, **rates).critic
        first = critic.of_real(codes.long(), scalars) + critic.of_condition(places)
        return float(critic.penalty(first.detach(), torch.Generator()).detach())

    assert distance(1) > 0.4
    assert distance(80) < 0.1
