"""The inner synthesizer sees the pooled table, and the user every level at its share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import HasCritic
from tabveil.data.pooling import Pooling
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import ArtifactError, ConditionError, DataError
from tabveil.synthesizers.chunks import CHUNK_ROWS
from tabveil.synthesizers.ctgan_package import CtganPackage
from tabveil.synthesizers.loading import load_synthesizer, save_synthesizer
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.pooled import Pooled

TABLE = pd.DataFrame(
    {
        "job": ["clerk"] * 800 + ["smith"] * 100 + ["pilot"] * 60 + ["vicar"] * 38 + ["spy"] * 2,
        "age": np.arange(1000) % 100,
    }
)
SCHEMA = infer_schema(TABLE)
RULE = Pooling(min_rate=0.09, clip=0.1).learn(TABLE, TABLE, SCHEMA)


def fitted(train: pd.DataFrame = TABLE) -> Pooled:
    synthesizer = Pooled(Marginals(), RULE)
    synthesizer.fit(train, SCHEMA, seed=0)
    return synthesizer


def test_the_inner_synthesizer_never_sees_a_rare_level_or_an_extreme_value() -> None:
    class Spy(Marginals):
        def fit(self, train: pd.DataFrame, schema: Schema, **rest: Any) -> None:
            super().fit(train, schema, **rest)
            self.train, self.schema = train, schema

    spy = Spy()
    Pooled(spy, RULE).fit(TABLE, SCHEMA, seed=0)
    assert set(spy.train["job"]) == {"clerk", "smith", "(rare)"}
    assert (spy.train["age"].min(), spy.train["age"].max()) == (10, 89)
    assert spy.schema["job"].dtype == "object"


def test_rare_levels_come_back_in_every_frame_and_levels_of_few_people_never() -> None:
    rows = fitted().sample(3 * CHUNK_ROWS, seed=1)
    assert set(rows["job"]) == {"clerk", "smith", "pilot", "vicar"}
    shares = rows["job"].value_counts(normalize=True)
    assert shares["pilot"] == pytest.approx(0.06, abs=0.005)
    assert rows["age"].between(10, 89).all()


def test_a_condition_on_a_rare_level_is_met_by_pooled_rows() -> None:
    rows = fitted().sample(500, seed=1, where={"job": "vicar", "age": {"max": 50}})
    assert (rows["job"] == "vicar").all()
    both = fitted().sample(5000, seed=1, where={"job": ["pilot", "clerk"]})
    assert both["job"].value_counts(normalize=True)["pilot"] == pytest.approx(60 / 860, abs=0.015)


def test_a_level_that_cannot_be_made_is_named_with_near_matches() -> None:
    with pytest.raises(ConditionError, match="no level 'spy'"):
        fitted().sample(5, seed=1, where={"job": "spy"})
    with pytest.raises(ConditionError, match="did you mean 'pilot'"):
        fitted().sample(5, seed=1, where={"job": "pilott"})


def test_a_level_that_no_training_row_held_comes_at_the_pools_share_and_on_condition() -> None:
    synthesizer = fitted(TABLE.head(900))  # neither a pilot nor a vicar
    shares = synthesizer.sample(20_000, seed=1)["job"].value_counts(normalize=True)
    assert shares["pilot"] == pytest.approx(0.06, abs=0.01)
    rows = synthesizer.sample(500, seed=1, where={"job": ["pilot", "vicar"]})
    assert rows["job"].value_counts(normalize=True)["pilot"] == pytest.approx(60 / 98, abs=0.07)


def test_it_is_saved_with_its_inner_synthesizer_in_a_folder(tmp_path: Path) -> None:
    synthesizer = fitted()
    save_synthesizer(synthesizer, tmp_path)
    assert (tmp_path / "inner" / "meta.json").is_file()
    loaded = load_synthesizer(tmp_path)
    pd.testing.assert_frame_equal(loaded.sample(99, seed=1), synthesizer.sample(99, seed=1))
    assert b"spy" not in b"".join(path.read_bytes() for path in _files(tmp_path))


def test_an_artifact_without_its_inner_part_or_nested_in_itself_is_refused(tmp_path: Path) -> None:
    save_synthesizer(fitted(), tmp_path)
    for path in _files(tmp_path / "inner"):
        path.rename(path.with_suffix(".gone"))
    with pytest.raises(ArtifactError, match="inner"):
        load_synthesizer(tmp_path)
    (tmp_path / "inner").rename(tmp_path / "gone")
    (tmp_path / "inner").symlink_to(tmp_path)
    with pytest.raises(ArtifactError):
        load_synthesizer(tmp_path)


def test_a_rule_of_another_table_is_refused() -> None:
    other = TABLE.rename(columns={"job": "work"})
    with pytest.raises(DataError, match="other columns"):
        Pooled(Marginals(), RULE).fit(other, infer_schema(other), seed=0)


def test_the_critic_is_shown_rows_pooled_as_the_training_rows_were() -> None:
    class Judged(Marginals):
        def critic(self, rows: pd.DataFrame) -> Any:
            shown.append(rows)
            return np.zeros(len(rows))

    shown: list[pd.DataFrame] = []
    synthesizer = Pooled(Judged(), RULE)
    synthesizer.fit(TABLE, SCHEMA, seed=0)
    assert synthesizer.critic is not None
    before = TABLE.copy(deep=True)
    assert synthesizer.critic(TABLE[["age", "job"]]).shape == (1000,)
    assert set(shown[0]["job"]) == {"clerk", "smith", "(rare)"}
    assert (shown[0]["age"].min(), shown[0]["age"].max()) == (10, 89)
    pd.testing.assert_frame_equal(TABLE, before)


def test_levels_that_the_rule_and_the_model_never_met_have_a_score() -> None:
    synthesizer = Pooled(CtganPackage(epochs=1, batch_size=100), RULE)
    synthesizer.fit(TABLE.head(850), SCHEMA, seed=0)
    assert synthesizer.critic is not None
    strange = pd.DataFrame({"job": ["astronaut", None, "vicar"], "age": [10**6, -5, 3]})
    scores = synthesizer.critic(strange)
    assert np.isfinite(scores).all()
    twin = pd.DataFrame({"job": ["spy"], "age": [10**5]})  # rare, and beyond the range, too
    assert synthesizer.critic(twin)[0] == pytest.approx(scores[0])


def test_what_has_no_critic_has_none_pooled_nor_loaded(tmp_path: Path) -> None:
    assert fitted().critic is None
    synthesizer = Pooled(CtganPackage(epochs=1, batch_size=100), RULE)
    synthesizer.fit(TABLE, SCHEMA, seed=0)
    save_synthesizer(synthesizer, tmp_path)
    loaded = load_synthesizer(tmp_path)
    assert isinstance(loaded, HasCritic)
    assert loaded.critic is None


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in list(directory.rglob("*")) if path.is_file())


def test_a_condition_on_the_made_up_level_is_met() -> None:
    table = pd.DataFrame({"job": ["clerk"] * 60 + [f"job {i}" for i in range(30)] * 2})
    schema = infer_schema(table, kinds={"job": "categorical"})
    synthesizer = Pooled(Marginals(), Pooling().learn(table, table, schema))
    synthesizer.fit(table, schema, seed=0)
    assert set(synthesizer.sample(90, seed=0)["job"]) == {"clerk", "other"}
    assert set(synthesizer.sample(20, seed=0, where={"job": "other"})["job"]) == {"other"}


def test_what_is_drawn_lies_where_training_rows_were_clipped_to_unless_it_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 3000), unit="D")
    train = pd.DataFrame({"amount": rng.normal(100, 10, 3000).round(2), "day": day})
    schema = infer_schema(train)
    rule = Pooling(min_rate=0.0, clip=0.02).learn(train, train, schema)
    made = Pooled(Marginals(), rule)
    made.fit(train, schema, seed=0)
    drawn, seen = made.sample(5000, seed=1), rule.apply(train)
    for name in ("amount", "day"):
        assert drawn[name].min() >= seen[name].min()
        assert drawn[name].max() <= seen[name].max()
    top = float(seen["amount"].max())
    asked = made.sample(20, seed=1, where={"amount": {"min": top - 1}})
    assert (asked["amount"] >= top - 1).all()
