"""Does the adapter give the package what it needs, and undo what it gets wrong?"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import joblib._parallel_backends
import numpy as np
import pandas as pd
import pytest
import torch
from ctgan import CTGAN
from safetensors.torch import load_file, save_file

from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError, ConfigError, TabveilError
from tabveil.synthesizers.ctgan_package import CtganPackage
from tabveil.synthesizers.generator import draw_inputs, reorder_levels
from tabveil.synthesizers.loading import load_synthesizer, save_synthesizer

SMALL = {"batch_size": 50, "pac": 1, "generator_dim": [32], "discriminator_dim": [32]}


def table(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "first": rng.choice(["p", "q"], n),
            "second": rng.choice(["u", "v", "w"], n, p=[0.6, 0.3, 0.1]),
            "third": rng.choice(["x", "y"], n, p=[0.97, 0.03]),
            "number": rng.normal(0, 1, n).round(1),
        }
    )


@cache
def fitted(epochs: int = 40) -> CtganPackage:
    rates = {"generator_lr": 2e-3, "discriminator_lr": 2e-3}
    synthesizer = CtganPackage(epochs=epochs, **SMALL, **rates)  # type: ignore[arg-type]
    synthesizer.fit(table(), infer_schema(table()), seed=0)
    return synthesizer


def test_parameters_and_defaults_are_the_packages() -> None:
    theirs = {
        name: parameter.default
        for name, parameter in inspect.signature(CTGAN.__init__).parameters.items()
        if name not in ("self", "cuda")  # deprecated by the package itself
    }
    ours = CtganPackage().params()
    assert ours == {k: list(v) if isinstance(v, tuple) else v for k, v in theirs.items()}


def test_losses_are_heard_of_while_training_runs() -> None:
    heard: list[tuple[int, Mapping[str, float]]] = []
    synthesizer = CtganPackage(epochs=3, **SMALL)  # type: ignore[arg-type]
    synthesizer.fit(
        table(100),
        infer_schema(table(100)),
        seed=0,
        on_epoch=lambda epoch, losses: heard.append((epoch, losses)),
    )
    assert [epoch for epoch, _ in heard] == [1, 2, 3]
    assert all(set(losses) == {"generator", "discriminator"} for _, losses in heard)
    assert all(isinstance(value, float) for _, losses in heard for value in losses.values())


def test_an_exception_from_on_epoch_ends_the_training() -> None:
    heard = []

    def stop(epoch: int, losses: Mapping[str, float]) -> None:
        heard.append(epoch)
        raise KeyboardInterrupt

    synthesizer = CtganPackage(epochs=50, **SMALL)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        synthesizer.fit(table(100), infer_schema(table(100)), seed=0, on_epoch=stop)
    assert heard == [1]
    with pytest.raises(TabveilError, match="not fitted"):
        synthesizer.sample(1, seed=0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("embedding_dim", 0),
        ("batch_size", 51),
        ("batch_size", "500"),
        ("pac", 3),
        ("pac", True),
        ("epochs", 0),
        ("discriminator_steps", 0),
        ("generator_dim", [256, 0]),
        ("discriminator_dim", 256),
        ("generator_lr", 0.0),
        ("generator_lr", "1e-3"),
        ("discriminator_decay", -1.0),
        ("discriminator_lr", float("nan")),
    ],
)
def test_a_parameter_that_cannot_work_is_named(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"synthesizer.{key}="):
        CtganPackage(**{**SMALL, key: value}).fit(table(20), infer_schema(table(20)), seed=0)


def test_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("joblib started a process")

    monkeypatch.setattr(joblib._parallel_backends, "get_memmapping_executor", refuse)
    synthesizer = CtganPackage(epochs=1, **SMALL)  # type: ignore[arg-type]
    synthesizer.fit(table(), infer_schema(table()), seed=0)


def test_global_random_state_is_left_alone() -> None:
    np.random.seed(3)
    torch.manual_seed(3)
    expected = np.random.random(), float(torch.rand(1))
    np.random.seed(3)
    torch.manual_seed(3)
    fitted.__wrapped__(epochs=1).sample(5, seed=1)
    assert (np.random.random(), float(torch.rand(1))) == expected


@pytest.mark.parametrize("batch_size", [2, 20, 500])
@pytest.mark.parametrize("n", [2, 3, 30])
def test_tables_smaller_than_a_batch_can_be_learnt(n: int, batch_size: int) -> None:
    synthesizer = CtganPackage(epochs=1, **{**SMALL, "batch_size": batch_size, "pac": 2})  # type: ignore[arg-type]
    synthesizer.fit(table(n), infer_schema(table(n)), seed=0)
    assert len(synthesizer.sample(9, seed=1)) == 9


@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_generator_meets_a_condition_on_every_column(column: int) -> None:
    """The package sets the first column whichever is asked for, and normalises it away."""
    state = fitted()._fitted
    assert state is not None
    assert state.generator is not None
    rng = np.random.default_rng(0)
    for code in range(len(state.spans.rates[column])):
        inputs = draw_inputs(state.spans, 500, 128, rng, (column, (code,)))
        with torch.no_grad():
            _, codes = state.spans.decode(state.generator(inputs).numpy(), rng)
        assert (codes[:, column] == code).mean() > 0.9


def test_a_rare_level_keeps_its_true_rate() -> None:
    rate = (table()["third"] == "y").mean()
    sampled = (fitted().sample(20_000, seed=1)["third"] == "y").mean()
    assert 0.3 * rate < sampled < 3 * rate  # by log frequencies it is drawn 10 times as often


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    state = fitted()._fitted
    assert state is not None
    assert state.generator is not None
    inputs = draw_inputs(state.spans, 64, 128, np.random.default_rng(0))
    with torch.no_grad():
        together, alone = state.generator(inputs), state.generator(inputs[:1])
    torch.testing.assert_close(together[:1], alone)


def test_reordering_levels_changes_their_order_and_nothing_else() -> None:
    state = fitted.__wrapped__(epochs=1)._fitted
    assert state is not None
    generator = state.generator
    assert generator is not None
    spans, orders = state.spans, [[1, 0], [2, 0, 1], [0, 1]]
    inputs = draw_inputs(spans, 16, 128, np.random.default_rng(0))
    n = spans.n_conditions
    by_code = torch.tensor([1, 0, 2 + 1, 2 + 2, 2 + 0, 5, 6])
    with torch.no_grad():
        before = generator(inputs)
        reorder_levels(generator, spans, orders)
        after = generator(torch.cat([inputs[:, :-n], inputs[:, -n:][:, by_code]], dim=1))
    expected = torch.cat([before[:, :-n], before[:, -n:][:, by_code]], dim=1)
    torch.testing.assert_close(after, expected)


def test_columns_of_tiny_spread_and_far_from_zero_keep_their_shape() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "tiny": rng.normal(0, 1e-7, 300),
            "far": 1e9 + rng.normal(0, 1, 300),
            "wide": rng.normal(0, 1e12, 300),
        }
    )
    synthesizer = CtganPackage(epochs=40, **SMALL)  # type: ignore[arg-type]
    synthesizer.fit(rows, infer_schema(rows), seed=0)
    drawn = synthesizer.sample(2000, seed=1)
    for name in rows:
        assert 0.2 < drawn[name].std() / rows[name].std() < 5
        assert abs(drawn[name].mean() - rows[name].mean()) < 3 * rows[name].std()


def test_a_table_of_constants_needs_no_network(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": [1, 1], "b": ["x", "x"]})
    synthesizer = CtganPackage()
    synthesizer.fit(rows, infer_schema(rows), seed=0)
    save_synthesizer(synthesizer, tmp_path)
    pd.testing.assert_frame_equal(load_synthesizer(tmp_path).sample(2, seed=0), rows)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_synthesizer(fitted(epochs=1), tmp_path)
    return tmp_path


def test_nothing_but_weights_and_json_is_saved(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == [
        "encoder.json",
        "meta.json",
        "weights.safetensors",
    ]
    meta = json.loads((saved / "meta.json").read_text())
    assert meta["synthesizer"] == "ctgan_package"
    assert meta["versions"]["ctgan"]


def test_a_cut_or_missing_weights_file_is_named(saved: Path) -> None:
    weights = saved / "weights.safetensors"
    whole = weights.read_bytes()
    for part in (whole[: len(whole) // 2], whole[:4], b""):
        weights.write_bytes(part)
        with pytest.raises(ArtifactError, match="cut short"):
            load_synthesizer(saved)
    weights.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        load_synthesizer(saved)


def test_weights_of_another_model_are_refused(saved: Path, tmp_path: Path) -> None:
    other = CtganPackage(epochs=1, **{**SMALL, "generator_dim": [16]})  # type: ignore[arg-type]
    other.fit(table(50), infer_schema(table(50)), seed=0)
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    save_synthesizer(other, elsewhere)
    (elsewhere / "weights.safetensors").replace(saved / "weights.safetensors")
    with pytest.raises(ArtifactError, match="does not belong"):
        load_synthesizer(saved)


def test_weights_that_are_not_finite_are_refused(saved: Path) -> None:
    weights = load_file(saved / "weights.safetensors")
    weights["seq.1.bias"][0] = float("nan")
    save_file(weights, saved / "weights.safetensors")
    with pytest.raises(ArtifactError, match="not finite"):
        load_synthesizer(saved)


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"generator_dim": [10**12]}},
        {"params": {"embedding_dim": 10**12}},
        {"params": {"epochs": -1}},
        {"params": {"hooks": "os.system"}},
        {"params": None},
        {"spans": {"mixtures": [], "rates": []}},
        {"spans": None},
        {"codec": {}},
    ],
)
def test_an_altered_encoder_is_refused_before_anything_is_built(
    saved: Path, change: dict[str, Any]
) -> None:
    data = json.loads((saved / "encoder.json").read_text())
    (saved / "encoder.json").write_text(json.dumps(data | change))
    with pytest.raises(ArtifactError):
        load_synthesizer(saved)
