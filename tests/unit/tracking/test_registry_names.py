from __future__ import annotations

from pathlib import Path

import pytest

from tabveil.errors import ArtifactError, ConfigError, TrackingError
from tabveil.tracking.aliases import set_aliases
from tabveil.tracking.registry import (
    find_version,
    generator_directory,
    load_model,
    register,
    versions,
)
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import connect


@pytest.fixture
def run_id(uri: str, experiment_id: str) -> str:
    return Runs(uri, experiment_id).start_sweep("sweep", owner="host:1:1").run_id


def _tags(trial: int) -> dict[str, object]:
    return {"study": "s", "trial": trial, "utility": 0.7, "risk_high": 0.04}


def test_the_same_trial_is_registered_once(uri: str, run_id: str, saved: Path) -> None:
    first = register(uri, run_id, saved, "rows", tags=_tags(1))
    again = register(uri, run_id, saved, "rows", tags=_tags(1))
    other = register(uri, run_id, saved, "rows", tags=_tags(2))
    assert [first.number, again.number, other.number] == [1, 1, 2]
    assert [version.number for version in versions(uri, "rows")] == [2, 1]
    assert first.tags["risk_high"] == "0.04"
    assert first.tags["run_id"] == run_id


def test_aliases_and_numbers_find_their_versions(uri: str, run_id: str, saved: Path) -> None:
    for trial in (1, 2):
        register(uri, run_id, saved, "rows", tags=_tags(trial))
    set_aliases(uri, "rows", {"balanced": 2, "most-private": 1})
    set_aliases(uri, "rows", {"balanced": 1})
    found = {
        ending: find_version(uri, f"models:/rows{ending}").number
        for ending in ("@balanced", "@most-private", "/1", "/2", "/latest")
    }
    assert found == {"@balanced": 1, "@most-private": 1, "/1": 1, "/2": 2, "/latest": 2}
    with pytest.raises(TrackingError, match="versions 1, 2 and aliases balanced -> 1, most-priv"):
        find_version(uri, "models:/rows@useful")
    with pytest.raises(TrackingError, match="versions 1, 2"):
        find_version(uri, "models:/rows/3")
    with pytest.raises(TrackingError, match="no registered model 'row'; there are: rows"):
        find_version(uri, "models:/row@balanced")


def test_a_folder_is_a_model_too(saved: Path) -> None:
    assert len(load_model("not looked at", str(saved)).sample(3, seed=0)) == 3
    with (
        pytest.raises(ArtifactError, match="no such folder"),
        generator_directory("not looked at", str(saved / "nothing")),
    ):
        pass


@pytest.mark.parametrize("model", ["models:/rows", "models:rows@x", "models:/", "models:/a/b/c"])
def test_a_model_uri_of_another_form_is_refused(model: str, uri: str) -> None:
    with pytest.raises(ConfigError, match="models:/NAME@ALIAS"):
        find_version(uri, model)


@pytest.mark.parametrize("name", ["a/b", "a:b", "", "..", "it's", "@x"])
def test_a_name_that_mlflow_forbids_is_refused(
    name: str, uri: str, run_id: str, saved: Path
) -> None:
    with pytest.raises(ConfigError, match="model name"):
        register(uri, run_id, saved, name, tags=_tags(1))


def test_a_broken_generator_is_not_registered(uri: str, run_id: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        register(uri, run_id, tmp_path, "rows", tags=_tags(1))
    assert versions(uri, "rows") == []


def test_registering_leaves_no_global_state(uri: str, run_id: str, saved: Path) -> None:
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    register(uri, run_id, saved, "rows", tags=_tags(1))
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before
    assert mlflow.active_run() is None


def test_a_version_belongs_to_its_run_and_holds_no_path_of_this_machine(
    uri: str, run_id: str, saved: Path, root: Path
) -> None:
    register(uri, run_id, saved, "rows", tags=_tags(1))
    (output,) = connect(uri).get_run(run_id).outputs.model_outputs
    assert f"{output.model_id}" in find_version(uri, "models:/rows/1").place
    (description,) = root.rglob("MLmodel")
    for path in description.parent.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert str(root.parent) not in text
            assert str(saved.parent) not in text
            assert str(Path(__file__).parents[3]) not in text
    assert not [p for p in description.parent.rglob("*") if p.suffix in (".pkl", ".pickle")]
