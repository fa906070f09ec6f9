from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tabveil.data.masking import Masking
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import ArtifactError, ConditionError, ConfigError
from tabveil.synthesizers.marginals import Marginals
from tabveil.tracking.models import load_generator, save_generator


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_a_loaded_generator_draws_the_same_rows(
    saved: Path, table: pd.DataFrame, schema: Schema
) -> None:
    fitted = Marginals()
    fitted.fit(table, schema, seed=0)
    generator = load_generator(saved)
    assert generator.sample(50, seed=4).equals(fitted.sample(50, seed=4))
    assert not generator.sample(50, seed=5).equals(generator.sample(50, seed=4))
    frames = list(generator.iter_sample(50, seed=4))
    assert pd.concat(frames, ignore_index=True).equals(fitted.sample(50, seed=4))


def test_it_says_what_it_was_made_from(saved: Path, schema: Schema) -> None:
    generator = load_generator(saved)
    assert generator.about == {"seed": 0}
    assert generator.schema == schema


def test_a_condition_holds_in_every_row(saved: Path) -> None:
    generator = load_generator(saved)
    rows = generator.sample(50, seed=0, where={"sex": "female"})
    assert set(rows["sex"]) == {"female"}
    with pytest.raises(ConditionError):
        generator.sample(5, seed=0, where={"no such column": 1})


def test_asking_for_no_rows_is_refused(saved: Path) -> None:
    generator = load_generator(saved)
    with pytest.raises(ConfigError, match="n=0"):
        generator.sample(0, seed=0)
    with pytest.raises(ConfigError, match="n=-1"):
        generator.iter_sample(-1, seed=0)


def test_it_holds_json_and_safetensors_only(saved: Path) -> None:
    suffixes = {path.suffix for path in saved.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".safetensors"}


def test_identifiers_stay_out(table: pd.DataFrame, tmp_path: Path) -> None:
    people = table.assign(person=[f"secret-{i}" for i in range(len(table))])
    schema = infer_schema(people)
    synthesizer = Marginals()
    synthesizer.fit(people[schema.modelled().names], schema.modelled(), seed=0)
    for policy, there in (("drop", False), ("fake", True), ("token", True)):
        masking = Masking.learn(people, schema, {"person": policy})
        save_generator(synthesizer, masking, tmp_path / policy, about={})
        generator = load_generator(tmp_path / policy)
        rows = generator.sample(12_000, seed=0)
        assert list(rows) == generator.schema.names
        assert ("person" in rows) == there
        for path in (tmp_path / policy).rglob("*.json"):
            assert not [p for p in people["person"] if f'"{p}"' in path.read_text()]
        if there:
            assert rows["person"].is_unique
            assert not set(rows["person"]) & set(people["person"])
            again = generator.sample(100, seed=0)["person"]
            assert again.equals(rows["person"].head(100))
            other = generator.sample(100, seed=1)["person"]
            assert not other.equals(again)


def test_an_occupied_folder_is_not_overwritten(copy: Path, schema: Schema) -> None:
    with pytest.raises(ArtifactError, match="not an empty folder"):
        save_generator(Marginals(), Masking(schema), copy, about={})


def _cut(folder: Path) -> None:
    path = folder / "synthesizer" / "marginals.json"
    path.write_text(path.read_text()[:-20])


def _alter(folder: Path) -> None:
    text = (folder / "masks.json").read_text()
    (folder / "masks.json").write_text(text.replace("age", "egg"))


def _add_pickle(folder: Path) -> None:
    (folder / "synthesizer" / "model.pkl").write_bytes(b"\x80")


def _set_format(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "format": 99}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "marginals.json is missing, extra or altered"),
        (_alter, "masks.json is missing, extra or altered"),
        (_add_pickle, "model.pkl is neither JSON nor safetensors"),
        (_set_format, "format 99"),
        (lambda folder: (folder / "masks.json").unlink(), "masks.json is missing, extra"),
        (lambda folder: (folder / "meta.json").unlink(), "not a saved generator"),
        (lambda folder: (folder / "meta.json").write_text("[]"), "altered"),
        (lambda folder: (folder / "meta.json").write_text('{"format": 3}'), "missing, extra"),
        (shutil.rmtree, "not a saved generator"),
    ],
)
def test_a_damaged_generator_is_refused(
    copy: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(copy)
    with pytest.raises(ArtifactError, match=message):
        load_generator(copy)
