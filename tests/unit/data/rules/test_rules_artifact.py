"""Is what a ruled generator saves complete, nobody's secret, and refused once it is altered?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabveil.contracts import HasCritic
from tabveil.data.rules.kinds import Rule
from tabveil.data.rules.learnt import Rules
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.relations import Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When
from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError, DataError
from tabveil.synthesizers.copycat import Copycat
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.loading import load_synthesizer, save_synthesizer
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.ruled import Ruled

N = 601
RULES: tuple[Rule, ...] = (
    FixedCombination("ward", "since"),
    Derived("cost", "product", ("beds", "rate")),
    LevelWhen("plan", "none", When("insured", (False,))),
    Inequality("admitted", "discharged"),
    Inequality("rate", "price"),
    Range("rate", 5, 9.5),
    Regex("ward", r"[a-z]+"),
    Unique(("weight",)),
)


def stays() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    ward, insured = rng.choice(["eye", "ear", "skin"], N), rng.random(N) < 0.7
    admitted = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D")
    since = {"eye": "2001-01-01", "ear": "2001-01-01", "skin": "2015-06-01"}
    rate = rng.integers(10, 20, N) / 2
    return pd.DataFrame(
        {
            "ward": ward,
            "since": pd.to_datetime(pd.Series(ward).map(since)),
            "beds": rng.integers(1, 5, N),
            "rate": rate,
            "price": (rate + rng.lognormal(1, 1, N)).round(4),
            "weight": rng.normal(70, 9, N),
            "admitted": admitted,
            "discharged": admitted + pd.to_timedelta(rng.integers(0, 60, N), "D"),
            "insured": insured,
            "plan": np.where(insured, rng.choice(["basic", "full"], N), "none"),
        }
    ).assign(cost=lambda t: t.beds * t.rate)


TABLE = stays()
SCHEMA = infer_schema(TABLE)


@cache
def fitted(kind: str = "marginals", rules: tuple[Rule, ...] = RULES) -> Ruled:
    inner = Marginals() if kind == "marginals" else Ctgan(epochs=1, generator_dim=(8,))
    synthesizer = Ruled(inner, Rules(rules).learn(TABLE, SCHEMA, seed=0))
    synthesizer.fit(TABLE, SCHEMA, seed=0)
    return synthesizer


@pytest.mark.parametrize("kind", ["marginals", "ctgan"])
def test_it_is_saved_with_its_inner_synthesizer_in_a_folder(kind: str, tmp_path: Path) -> None:
    save_synthesizer(fitted(kind), tmp_path)
    loaded = load_synthesizer(tmp_path)
    pd.testing.assert_frame_equal(loaded.sample(99, seed=1), fitted(kind).sample(99, seed=1))
    assert isinstance(loaded, HasCritic)
    assert loaded.critic is None
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".json", ".safetensors"}
    text = (tmp_path / "rules.json").read_text()
    assert not [v for v in TABLE["admitted"].astype(str).unique() if v in text]
    secrets = {repr(value) for name in ("price", "weight") for value in TABLE[name].tolist()}
    gaps = {repr(round(value, 4)) for value in (TABLE["price"] - TABLE["rate"]).tolist()}
    stored = {repr(number) for number in _numbers(json.loads(text))}
    assert not secrets & stored
    assert len(gaps & stored) <= 3  # a rounded quantile may be somebody's by chance
    assert N not in set(_lengths(json.loads(text)))


def test_the_order_of_training_rows_does_not_show_in_the_rules(tmp_path: Path) -> None:
    backwards = Rules(RULES).learn(TABLE.iloc[::-1], SCHEMA, seed=0)
    assert backwards.to_dict() == fitted().rules.to_dict()


def test_an_altered_artifact_is_refused(tmp_path: Path) -> None:
    save_synthesizer(fitted(), tmp_path)
    path, rng = tmp_path / "rules.json", np.random.default_rng(0)
    whole = path.read_bytes()
    n_refused = 0
    for i in range(60):
        altered = bytearray(whole[: rng.integers(len(whole))] if i < 10 else whole)
        if i >= 10:
            for place in rng.integers(len(altered), size=3):
                altered[place] = rng.integers(256)
        path.write_bytes(altered)
        try:
            load_synthesizer(tmp_path).sample(3, seed=0)
        except (ArtifactError, DataError):
            n_refused += 1
    assert n_refused >= 20
    path.write_text(json.dumps(fitted(rules=()).rules.to_dict() | {"rules": 3}))
    with pytest.raises(ArtifactError, match=r"rules\.json"):
        load_synthesizer(tmp_path)
    path.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        load_synthesizer(tmp_path)


def test_rules_of_another_generator_or_one_nested_in_itself_are_refused(tmp_path: Path) -> None:
    save_synthesizer(fitted(), tmp_path)
    kept = (tmp_path / "rules.json").read_text()
    (tmp_path / "rules.json").write_text(json.dumps(fitted(rules=()).rules.to_dict()))
    with pytest.raises(ArtifactError):
        load_synthesizer(tmp_path)
    (tmp_path / "rules.json").write_text(kept)
    (tmp_path / "inner").rename(tmp_path / "gone")
    (tmp_path / "inner").symlink_to(tmp_path)
    with pytest.raises(ArtifactError):
        load_synthesizer(tmp_path)


def test_what_may_not_be_saved_is_not_saved_ruled(tmp_path: Path) -> None:
    synthesizer = Ruled(Copycat(), fitted().rules)
    synthesizer.fit(TABLE, SCHEMA, seed=0)
    with pytest.raises(ArtifactError, match="never saved"):
        save_synthesizer(synthesizer, tmp_path)


def _lengths(data: Any) -> Iterator[int]:
    if isinstance(data, list):
        yield len(data)
    if isinstance(data, list | dict):
        for entry in data.values() if isinstance(data, dict) else data:
            yield from _lengths(entry)


def _numbers(data: Any) -> Iterator[float]:
    if isinstance(data, float):
        yield data
    if isinstance(data, list | dict):
        for entry in data.values() if isinstance(data, dict) else data:
            yield from _numbers(entry)
