"""Which registered generator does a name, a version or an alias mean?

A registered model is one dataset's or study's; a version is one generator, tagged with what is
known of it; the aliases point at the best. Registering the same trial twice gives the version
that is there.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabveil.errors import ArtifactError, ConfigError, TrackingError
from tabveil.surroundings import patiently
from tabveil.tracking.aliases import aliases_of
from tabveil.tracking.models import (
    Generator,
    digest_of,
    load_generator,
    text_digest,
    weights_of,
)
from tabveil.tracking.patient import impatient, is_away
from tabveil.tracking.pyfunc import BESIDE, GENERATOR_PATH, save_pyfunc
from tabveil.tracking.store import connect, is_server, once_more, refusals

if TYPE_CHECKING:
    from mlflow import MlflowClient

DIGEST, WEIGHTS = "model_digest", "weights_digest"
_IDENTITY = ("study", "trial", "run_id", "gate_digest", "verdict", "models")
"""The tags that together say which generator a version holds, and what was said of it."""


@dataclass(frozen=True)
class Version:
    """A registered generator.

    Attributes:
        name: of the registered model.
        number: of the version, from 1.
        tags: utility, risk, gate, seed, … as text.
        place: path or URI of the MLflow model.
    """

    name: str
    number: int
    tags: Mapping[str, str]
    place: str


def register(
    uri: str,
    run_id: str,
    directory: Path,
    name: str,
    *,
    tags: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
) -> Version:
    """Register a saved generator as a new version, or find the version that it already is.

    The version's tag `model_digest` says which files it holds; they are held against it whenever
    they are fetched.

    Args:
        uri: of the tracking store.
        run_id: the run that made it.
        directory: what `save_generator` wrote.
        name: of the registered model, made where missing.
        tags: among them `study` and `trial`; `run_id` and `model_digest` are added.
        files: name → text of what lies beside the generator, such as its verdict.

    Raises:
        ArtifactError: the folder holds no whole generator.
        ConfigError: MLflow does not take the name.
        TrackingError: MLflow cannot be reached or refuses.
    """
    check_name(name)
    generator = load_generator(directory)
    own = {"run_id": run_id, DIGEST: digest_of(directory), WEIGHTS: weights_of(directory)}
    texts = {key: str(value) for key, value in {**tags, **own}.items()}
    with refusals(f"register the model {name!r}"):
        client = connect(uri)
        there = find_same(uri, run_id, name, tags=tags)
        if there is not None:
            return there
        _ensure_model(client, name)
        model_id, place = _log_model(client, run_id, directory, generator, files or {})
        # A server finds the place of a model id itself; MLflow's own database code would look
        # for it under the global tracking URI, so there we name the place.
        source = f"models:/{model_id}" if is_server(uri) else place

        def create() -> Version:
            # An answer may have been lost: asked again, it must not become a second release.
            there = find_same(uri, run_id, name, tags=tags)
            if there is not None:
                return there
            made = impatient(client).create_model_version(
                name, source, run_id, tags=texts, model_id=model_id, await_creation_for=60
            )
            return Version(name, int(made.version), texts, place)

        return patiently("the tracking store", create, is_away=is_away)


def find_same(uri: str, run_id: str, name: str, *, tags: Mapping[str, Any]) -> Version | None:
    """The version that already holds this generator, with the same said of it."""
    texts = {key: str(value) for key, value in {**tags, "run_id": run_id}.items()}
    for version in versions(uri, name):
        if all(version.tags.get(key) == texts.get(key) for key in _IDENTITY):
            return version
    return None


def tag(uri: str, name: str, number: int, tags: Mapping[str, Any]) -> None:
    """Set tags of a version; None deletes one."""
    with refusals(f"tag version {number} of {name!r}"):
        client = connect(uri)
        for key, value in tags.items():
            if value is None:
                client.delete_model_version_tag(name, str(number), key)
            else:
                once_more(partial(client.set_model_version_tag, name, str(number), key, str(value)))


def versions(uri: str, name: str) -> list[Version]:
    """All versions of a registered model, newest first; none when there is no such model."""
    check_name(name)
    with refusals(f"look up the model {name!r}"):
        client, token = connect(uri), None
        found: list[Any] = []
        while token != "":
            page = client.search_model_versions(f"name = '{name}'", page_token=token)
            found, token = found + list(page), page.token or ""
        made = [_version(client, entity) for entity in found]
    return sorted(made, key=lambda version: -version.number)


def find_version(uri: str, model_uri: str) -> Version:
    """The version that `models:/NAME@ALIAS`, `models:/NAME/3` or `models:/NAME/latest` means.

    Raises:
        ConfigError: the model URI is of another form.
        TrackingError: there is no such model, version or alias; the message lists what there is.
    """
    match = re.fullmatch(r"models:/([^/:@]+)(?:@([^/:@]+)|/(\d+|latest))", model_uri)
    if match is None:
        raise ConfigError(
            f"model={model_uri!r}: write models:/NAME@ALIAS, models:/NAME/VERSION, "
            f"models:/NAME/latest or the path of a saved generator"
        )
    name, alias, number = match.groups()
    there = versions(uri, name)
    if not there:
        raise TrackingError(f"no registered model {name!r}; there are: {_names(uri)}")
    aliases = aliases_of(uri, name)
    number = aliases.get(alias) if alias else there[0].number if number == "latest" else int(number)
    for version in there:
        if version.number == number:
            return version
    numbers = ", ".join(str(version.number) for version in reversed(there))
    known = ", ".join(f"{key} -> {aliases[key]}" for key in sorted(aliases)) or "none"
    raise TrackingError(f"no {model_uri}; {name} has versions {numbers} and aliases {known}")


@contextlib.contextmanager
def generator_directory(uri: str, model: str) -> Iterator[Path]:
    """Give the folder of a saved generator, fetched for the block where it lies elsewhere.

    Args:
        uri: of the tracking store; not looked at when `model` is a path.
        model: `models:/…`, as `find_version` takes it, or a path.

    Raises:
        ArtifactError: there is no folder at that path or place.
        ConfigError, TrackingError: as `find_version`.
    """
    if not model.startswith("models:"):
        if not Path(model).is_dir():
            raise ArtifactError(
                f"model={model}: no such folder; give one or a registered model, models:/NAME@ALIAS"
            )
        yield Path(model)
        return
    with fetched(uri, find_version(uri, model), GENERATOR_PATH) as directory:
        yield directory


@contextlib.contextmanager
def fetched(uri: str, version: Version, path: str) -> Iterator[Path]:
    """Give a file or folder of a version, fetched for the block where it lies elsewhere.

    Raises:
        ArtifactError: the generator is not the one that was registered.
        TrackingError: it is not there, or the store cannot be reached.
    """
    import mlflow.artifacts

    with tempfile.TemporaryDirectory() as scratch:
        with refusals(f"fetch {path} of {version.name} version {version.number}"):
            place = mlflow.artifacts.download_artifacts(
                artifact_uri=f"{version.place.rstrip('/')}/{path}",
                dst_path=None if version.place.startswith(("/", "file:")) else scratch,
                tracking_uri=uri,
                registry_uri=uri,
            )
        if path == GENERATOR_PATH and version.tags.get(DIGEST, "") != digest_of(Path(place)):
            raise ArtifactError(
                f"{version.name} version {version.number}: its files are not those that were "
                f"registered (their digest differs from the tag {DIGEST}); do not use it"
            )
        yield Path(place)


def load_model(uri: str, model: str) -> Generator:
    """Load a generator, registered or from a folder. Raises as `generator_directory`."""
    with generator_directory(uri, model) as directory:
        return load_generator(directory)


def _log_model(
    client: MlflowClient,
    run_id: str,
    directory: Path,
    generator: Generator,
    files: Mapping[str, str],
) -> tuple[str, str]:
    """Make a LoggedModel of the run; return its id and place."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    experiment_id = client.get_run(run_id).info.experiment_id
    logged = client.create_logged_model(experiment_id, "generator", source_run_id=run_id)
    description = Model(
        run_id=run_id,
        model_id=logged.model_id,
        artifact_path="generator",
        metadata={BESIDE: {file: text_digest(text) for file, text in files.items()}},
    )
    try:
        with tempfile.TemporaryDirectory() as scratch:
            save_pyfunc(Path(scratch) / "model", directory, generator.schema, description)
            for file, text in files.items():
                (Path(scratch) / "model" / file).write_text(text, encoding="utf-8")
            client.log_model_artifacts(logged.model_id, str(Path(scratch) / "model"))
    except BaseException:
        client.delete_logged_model(logged.model_id)
        raise
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return logged.model_id, logged.artifact_location


def _ensure_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _version(client: MlflowClient, entity: Any) -> Version:
    place = client.get_model_version_download_uri(entity.name, entity.version)
    return Version(entity.name, int(entity.version), dict(entity.tags), place)


def _names(uri: str) -> str:
    with refusals("list the registered models"):
        return ", ".join(model.name for model in connect(uri).search_registered_models()) or "none"


def check_name(name: str) -> None:
    """Refuse a model name that MLflow would not take. Raises ConfigError."""
    if not re.fullmatch(r"\w[\w .\-]*", name):
        raise ConfigError(
            f"the model name {name!r} will not do: letters, digits, spaces and . _ - only"
        )
