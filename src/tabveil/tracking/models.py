"""What is a saved generator, and how do we know that it is whole?

The artifact is a folder: `masks.json` (the schema of rows as they are given away, and what stands
in the place of identifiers), `synthesizer/` (weights as safetensors, the rest as JSON) and
`meta.json`, which says what it was made from and holds a digest of every other file. It holds no
pickle, and loading it runs no code that it brings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from tabveil.contracts import Draws, DrawsPersons, Synthesizer, Where
from tabveil.data.masking import Masking
from tabveil.data.schema import Schema
from tabveil.errors import ArtifactError, ConfigError, DataError
from tabveil.synthesizers.chunks import concat
from tabveil.synthesizers.loading import (
    load_synthesizer,
    read_json,
    refuse_newer,
    save_synthesizer,
    write_json,
)

FORMAT = 3
_META, _MASKS, _SYNTHESIZER = "meta.json", "masks.json", "synthesizer"
_SUFFIXES = {".json", ".safetensors"}


@dataclass(frozen=True)
class Generator:
    """A loaded artifact: rows can be drawn from it, nothing else.

    Attributes:
        masking: how rows are given away.
        about: what it was made from, as given to `save_generator`.
        synthesizer: the fitted part that draws the modelled columns.
    """

    masking: Masking
    about: Mapping[str, Any]
    synthesizer: Draws

    @property
    def schema(self) -> Schema:
        """Of the rows it draws, made-up identifiers among them."""
        return self.masking.schema

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows; the same seed gives the same rows.

        Raises:
            ConfigError: `n` is below 1.
            ConditionError: `where` names nothing that exists, or cannot be met.
        """
        _check_n(n)
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)` in frames of bounded size. Raises as `sample` does."""
        _check_n(n)
        if not self.masking.of_persons:
            frames = self.synthesizer.iter_sample(n, seed=seed, where=where)
            return (self.masking.apply(frame, seed=seed) for frame in frames)
        if not isinstance(self.synthesizer, DrawsPersons):
            raise ConfigError(
                "this generator draws whole groups of rows, which protections and shares would "
                "take apart: do without them, or prepare with dataset.sample_groups=false"
            )
        persons = self.synthesizer.iter_persons(n, seed=seed, where=where)
        return (self.masking.apply(f, seed=seed, persons=whose) for f, whose in persons)


def save_generator(
    synthesizer: Synthesizer, masking: Masking, directory: Path, *, about: Mapping[str, Any]
) -> None:
    """Write a fitted synthesizer and how its rows are given away into a new or empty folder.

    Args:
        synthesizer: fitted.
        masking: schema of the rows, and what stands in the place of identifiers.
        directory: made where missing.
        about: JSON-able facts to keep with it: seed, digests of config and data, ….

    Raises:
        ArtifactError: the folder is not empty, or the synthesizer may not be saved.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ArtifactError(f"{directory} is not an empty folder; a generator is never overwritten")
    (directory / _SYNTHESIZER).mkdir(parents=True)
    write_json(directory / _MASKS, masking.to_dict())
    save_synthesizer(synthesizer, directory / _SYNTHESIZER)
    files = _digests(directory)
    write_json(directory / _META, {"format": FORMAT, "about": dict(about), "files": files})


def load_generator(directory: Path) -> Generator:
    """Read what `save_generator` wrote.

    Raises:
        ArtifactError: it is no saved generator, of another format, incomplete or altered.
    """
    meta = read_json(directory / _META)
    refuse_newer(directory, meta, FORMAT)
    if meta.get("format") != FORMAT:
        raise ArtifactError(
            f"{directory}: artifact format {meta.get('format')!r}, this version of tabveil reads "
            f"{FORMAT}; load it with the version that saved it"
        )
    expected, found = meta.get("files"), _digests(directory)
    if not isinstance(expected, dict) or expected != found:
        names = sorted({*(expected or {})} ^ {*found}) or sorted(
            name for name in found if found[name] != (expected or {})[name]
        )
        raise ArtifactError(
            f"{directory}: {', '.join(names)} is missing, extra or altered since it was saved; "
            f"fetch the generator again"
        )
    try:
        masking = Masking.from_dict(read_json(directory / _MASKS))
    except DataError as error:
        raise ArtifactError(f"{directory}: {error}") from error
    about = MappingProxyType(dict(meta.get("about") or {}))
    return Generator(masking, about, load_synthesizer(directory / _SYNTHESIZER))


def digest_of(directory: Path) -> str:
    """A digest of every file of a saved generator, `meta.json` too.

    Raises ArtifactError when it holds what a generator does not.
    """
    files = _digests(directory)
    try:
        files[_META] = hashlib.sha256((directory / _META).read_bytes()).hexdigest()
    except OSError as error:
        raise ArtifactError(f"{directory} holds no {_META}: it is no saved generator") from error
    text = "".join(f"{name}\0{files[name]}\n" for name in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()


def weights_of(directory: Path) -> str:
    """A digest of what draws: the same for a model under two verdicts, whatever is said of it."""
    files = {n: d for n, d in _digests(directory).items() if n.startswith(f"{_SYNTHESIZER}/")}
    return text_digest("".join(f"{name}\0{files[name]}\n" for name in sorted(files)))


def text_digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_verdict(directory: Path, verdict: Path) -> None:
    """Hold a generator against the verdict beside it, if there is one.

    Raises ArtifactError when the verdict was spoken of another model, or this one was altered.
    """
    if not verdict.exists():
        return
    candidate = read_json(verdict).get("candidate")
    told = candidate.get("model_digest") if isinstance(candidate, dict) else None
    if told != digest_of(directory):
        raise ArtifactError(
            f"{directory} is not the model that {verdict.name} speaks of: one of them was altered; "
            f"fetch the release again"
        )


def _digests(directory: Path) -> dict[str, str]:
    """SHA-256 of every file but `meta.json`, by its path in the folder."""
    files = {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path != directory / _META
    }
    odd = [name for name, path in files.items() if path.suffix not in _SUFFIXES]
    if odd:
        raise ArtifactError(f"{directory}: {', '.join(odd)} is neither JSON nor safetensors")
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def _check_n(n: int) -> None:
    if n < 1:
        raise ConfigError(f"n={n}: ask for at least one row")
