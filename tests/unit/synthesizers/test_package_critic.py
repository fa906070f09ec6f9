"""Is the critic heard of, asked as it was trained, and kept out of every file?"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ctgan.synthesizers.ctgan import CTGAN, Discriminator
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from zoo import ZOO, schema_of

from tabveil.contracts import HasCritic
from tabveil.data.codec import TableCodec
from tabveil.data.schema import infer_schema
from tabveil.synthesizers.ctgan_package import CtganPackage
from tabveil.synthesizers.loading import load_synthesizer, save_synthesizer
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.package_critic import CHUNK_ROWS, MAX_CONDITIONS, noting

SMALL = {"batch_size": 20, "pac": 2, "generator_dim": [32], "discriminator_dim": [32, 16]}


def table(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "first": rng.choice(["p", "q"], n),
            "second": rng.choice(["w", "v", "u", None], n),
            "number": np.where(rng.random(n) < 0.3, rng.normal(0, 1, n), rng.normal(50, 5, n)),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 9, n)),
        }
    )


def trained(rows: pd.DataFrame, epochs: int = 3) -> CtganPackage:
    synthesizer = CtganPackage(epochs=epochs, **SMALL)  # type: ignore[arg-type]
    synthesizer.fit(rows, infer_schema(rows), seed=0)
    return synthesizer


@cache
def fitted() -> CtganPackage:
    return trained(table())


def ask(rows: pd.DataFrame, synthesizer: CtganPackage | None = None) -> NDArray[np.float64]:
    critic = (synthesizer or fitted()).critic
    assert critic is not None
    return critic(rows)


def test_what_is_made_is_listed_and_the_class_is_left_as_it_was() -> None:
    class Thing:
        def __init__(self, size: int, *, name: str = "") -> None:
            self.size, self.name = size, name

    before = Thing.__init__
    with noting(Thing) as made:
        first, second = Thing(1), Thing(2, name="b")
    assert made == [first, second]
    assert (second.size, second.name) == (2, "b")
    with pytest.raises(KeyboardInterrupt), noting(Thing):
        raise KeyboardInterrupt
    assert Thing.__init__ is before
    Thing(3)
    assert len(made) == 2


def test_a_training_that_fails_leaves_the_package_as_it_was() -> None:
    before = Discriminator.__init__

    def stop(epoch: int, losses: Mapping[str, float]) -> None:
        raise KeyboardInterrupt

    synthesizer = CtganPackage(epochs=3, **SMALL)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        synthesizer.fit(table(50), infer_schema(table(50)), seed=0, on_epoch=stop)
    assert Discriminator.__init__ is before
    assert synthesizer.critic is None


def test_listening_changes_nothing_in_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def weights(synthesizer: CtganPackage) -> list[torch.Tensor]:
        assert synthesizer._fitted is not None
        assert synthesizer._fitted.generator is not None
        return list(synthesizer._fitted.generator.parameters())

    heard = weights(trained(table(60)))
    unheard = Discriminator(1, [1], 1)

    class Deaf:
        def __init__(self, kind: object) -> None: ...
        def __enter__(self) -> list[torch.nn.Module]:
            return [unheard]

        def __exit__(self, *failure: object) -> None: ...

    monkeypatch.setattr("tabveil.synthesizers.ctgan_package.noting", Deaf)
    for one, two in zip(heard, weights(trained(table(60))), strict=True):
        assert torch.equal(one, two)


def test_it_scores_as_the_packages_network_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row and own level of each code column, packed with itself, mean over code columns."""
    synthesizer = CtganPackage(epochs=3, **SMALL)  # type: ignore[arg-type]
    with noting(Discriminator) as networks, noting(CTGAN) as models:
        synthesizer.fit(table(), infer_schema(table()), seed=0)
    (network,), (model,) = networks, models

    def likeliest(modes: NDArray[np.int64], p: NDArray[np.float64]) -> np.int64:
        return np.int64(modes[np.argmax(p)])

    monkeypatch.setattr(np.random, "choice", likeliest)
    codec = TableCodec.learn(table(), infer_schema(table()))
    floats, codes = codec.encode(table())
    encoded = model._transformer.transform(
        pd.DataFrame(
            {f"float{j}": column for j, column in enumerate(floats.T)}
            | {f"code{j}": column for j, column in enumerate(codes.T)}
        )
    )
    n_conditions = sum(codec.n_levels)
    ends = np.cumsum([encoded.shape[1] - n_conditions, *codec.n_levels])
    expected = np.zeros(len(encoded))
    for start, end in pairwise(ends):
        condition = np.zeros((len(encoded), n_conditions))
        span = slice(start - ends[0], end - ends[0])
        condition[:, span] = encoded[:, start:end]
        packed = np.hstack([encoded, condition]).repeat(SMALL["pac"], axis=0)
        with torch.no_grad():
            expected += network(torch.tensor(packed, dtype=torch.float32)).numpy()[:, 0]
    np.testing.assert_allclose(ask(table(), synthesizer), expected / len(codec.n_levels), rtol=1e-4)


@given(st.data())
@settings(max_examples=40)
def test_a_score_depends_neither_on_the_rows_beside_it_nor_on_order(
    data: st.DataObject,
) -> None:
    rows, whole = table(), ask(table())
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=30))
    columns = data.draw(st.permutations(list(rows)))
    np.testing.assert_allclose(ask(rows.iloc[chosen][columns]), whole[chosen], rtol=1e-4)


def test_chunks_join_to_one_score_a_row_and_the_same_each_time() -> None:
    rows = pd.concat([table()] * (CHUNK_ROWS // 200), ignore_index=True)
    scores = ask(rows)
    assert scores.shape == (len(rows),)
    np.testing.assert_allclose(scores, np.tile(ask(table()), CHUNK_ROWS // 200), rtol=1e-4)
    np.testing.assert_array_equal(ask(rows), scores)
    assert ask(rows.head(0)).shape == (0,)


def test_rows_are_not_changed_and_other_columns_are_not_looked_at() -> None:
    rows = table().assign(extra="x")
    before = rows.copy(deep=True)
    np.testing.assert_array_equal(ask(rows), ask(table()))
    pd.testing.assert_frame_equal(rows, before)


def test_what_the_training_table_did_not_hold_gets_a_number_too() -> None:
    known = table().dropna(subset=["number"]).head(5)
    strange = known.assign(
        first=["new", None, "p", "q", "other"],
        second=["new"] * 5,
        number=[np.nan, 1e100, -1e100, 1.0, 2.0],
        gaps=[1e9, -5.0, np.nan, 0.5, 3.0],
    )
    scores = ask(strange)
    assert np.isfinite(scores).all()
    alone = ask(strange.head(1).assign(gaps=np.nan))
    assert np.isfinite(alone).all()


def test_an_unknown_level_is_blank_and_names_no_condition() -> None:
    """Two rows with different unknown levels are alike to the critic."""
    rows = table().head(20)
    first, second = (ask(rows.assign(first=level)) for level in ("new", "newer"))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ZOO)
def test_every_table_of_the_zoo_is_encoded_leniently_as_it_is_strictly(name: str) -> None:
    rows = ZOO[name]()
    codec = TableCodec.learn(rows, schema_of(rows))
    for ours, theirs in zip(codec.encode(rows, lenient=True), codec.encode(rows), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ZOO)
def test_every_table_of_the_zoo_has_a_finite_score_or_no_critic(name: str) -> None:
    rows = ZOO[name]()
    half = rows.iloc[: max(1, len(rows) // 2)]
    synthesizer = CtganPackage(epochs=1, **SMALL)  # type: ignore[arg-type]
    synthesizer.fit(half, schema_of(half), seed=0)
    if synthesizer.critic is None:
        assert half.nunique(dropna=False).max() == 1
        return
    scores = synthesizer.critic(rows)
    assert scores.shape == (len(rows),)
    assert np.isfinite(scores).all()


def test_many_columns_are_not_all_conditioned_on() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({f"c{i:02}": rng.choice(["a", "b"], 60) for i in range(30)})
    first, second = (trained(rows, epochs=1).critic for _ in range(2))
    assert len(first.conditions) == MAX_CONDITIONS  # type: ignore[union-attr]
    np.testing.assert_array_equal(first(rows), second(rows))  # type: ignore[misc]


def test_only_a_synthesizer_with_a_critic_has_one() -> None:
    assert isinstance(fitted(), HasCritic)
    assert not isinstance(Marginals(), HasCritic)
    assert CtganPackage().critic is None


def test_the_critic_is_in_no_file_and_a_loaded_generator_has_none(tmp_path: Path) -> None:
    synthesizer = fitted()
    assert synthesizer._fitted is not None
    without = CtganPackage(**synthesizer.params())
    without._fitted = replace(synthesizer._fitted, critic=None)
    for name, each in (("with", synthesizer), ("without", without)):
        (tmp_path / name).mkdir()
        save_synthesizer(each, tmp_path / name)
    saved, expected = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("with", "without")
    )
    assert saved == expected
    assert load_synthesizer(tmp_path / "with").critic is None  # type: ignore[attr-defined]


def test_it_holds_no_training_rows() -> None:
    """Were it ever to leave the process by mistake: it is no larger for a larger table."""
    sizes = [len(pickle.dumps(trained(table(n), epochs=1).critic)) for n in (300, 3000)]
    assert abs(sizes[1] - sizes[0]) < 3000  # 2,700 rows more, and a few modes
