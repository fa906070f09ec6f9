"""Is an artifact read without trusting it?"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError
from tabveil.synthesizers.loading import class_of, load_synthesizer, read_json, save_synthesizer
from tabveil.synthesizers.marginals import Marginals

TABLE = pd.DataFrame({"a": [1.5, 2.5, 3.5, 4.5], "b": ["x", "y", "x", "y"]})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    synthesizer = Marginals()
    synthesizer.fit(TABLE, infer_schema(TABLE), seed=0)
    save_synthesizer(synthesizer, tmp_path)
    return tmp_path


def test_the_class_is_found_by_the_name_of_its_module(saved: Path) -> None:
    assert json.loads((saved / "meta.json").read_text())["synthesizer"] == "marginals"
    assert isinstance(load_synthesizer(saved), Marginals)


@pytest.mark.parametrize(
    "name",
    ["os", "../marginals", "tabveil.synthesizers.marginals", "", "loading", "chunks", "Marginals"],
)
def test_a_module_that_holds_no_synthesizer_is_not_imported(saved: Path, name: str) -> None:
    meta = json.loads((saved / "meta.json").read_text())
    (saved / "meta.json").write_text(json.dumps(meta | {"synthesizer": name}))
    with pytest.raises(ArtifactError, match="synthesizer"):
        load_synthesizer(saved)


def test_another_format_is_refused(saved: Path) -> None:
    (saved / "meta.json").write_text('{"format": 99, "synthesizer": "marginals"}')
    with pytest.raises(ArtifactError, match="99"):
        load_synthesizer(saved)


@pytest.mark.parametrize("file", ["meta.json", "marginals.json"])
@pytest.mark.parametrize("content", [None, "", "[1]", '{"a": ', "[" * 100_000, "\x00\xff"])
def test_a_missing_cut_or_strange_file_is_named(
    saved: Path, file: str, content: str | None
) -> None:
    if content is None:
        (saved / file).unlink()
    else:
        (saved / file).write_text(content, encoding="latin-1")
    with pytest.raises(ArtifactError, match=file):
        load_synthesizer(saved)


@pytest.mark.parametrize("key", ["n_quantiles", "codec", "quantiles", "rates"])
@pytest.mark.parametrize("value", [None, "x", [[]], {"a": 1}, [[-1]], []])
def test_an_altered_entry_is_refused(saved: Path, key: str, value: object) -> None:
    data = read_json(saved / "marginals.json")
    (saved / "marginals.json").write_text(json.dumps(data | {key: value}))
    with pytest.raises(ArtifactError, match=r"marginals\.json"):
        load_synthesizer(saved)


def test_a_class_from_elsewhere_is_not_saved(tmp_path: Path) -> None:
    class Other(Marginals):
        pass

    with pytest.raises(ArtifactError):
        save_synthesizer(Other(), tmp_path)


def test_a_module_without_its_class_has_none() -> None:
    with pytest.raises(ArtifactError, match="holds no synthesizer"):
        class_of("conditions")
