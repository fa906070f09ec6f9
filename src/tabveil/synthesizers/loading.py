"""How does an artifact find its class again, without running code that it names?

`meta.json` holds the name of a module of this package, letters and underscores only; the class
is the one whose name is the module's in camel case (`ctgan_package` -> `CtganPackage`). Nothing
else in an artifact chooses what is run.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tabveil.contracts import Synthesizer
from tabveil.errors import ArtifactError, TabveilError

META_FILE = "meta.json"
FORMAT = 1
_VERSIONS_OF = ("tabveil", "ctgan", "numpy", "pandas", "torch")


def save_synthesizer(synthesizer: Synthesizer, directory: Path) -> None:
    """Write a fitted synthesizer into an existing empty directory, with its `meta.json`.

    Raises ArtifactError when the synthesizer may not be saved, or is not one of this package.
    """
    module = type(synthesizer).__module__.rpartition(".")[2]
    if class_of(module) is not type(synthesizer):
        raise ArtifactError(f"{type(synthesizer).__name__} is no synthesizer of tabveil")
    synthesizer.save(directory)
    versions = {name: version(name) for name in _VERSIONS_OF}
    meta = {"format": FORMAT, "synthesizer": module, "versions": versions}
    write_json(directory / META_FILE, meta)


def load_synthesizer(directory: Path) -> Synthesizer:
    """Read what `save_synthesizer` wrote.

    Raises ArtifactError when a file is missing, cut short, altered, or of another format.
    """
    meta = read_json(directory / META_FILE)
    refuse_newer(directory, meta, FORMAT)
    if meta.get("format") != FORMAT:
        raise ArtifactError(
            f"{directory}: artifact format {meta.get('format')!r} is not known here"
        )
    loaded: Synthesizer = class_of(str(meta.get("synthesizer"))).load(directory)
    return loaded


def class_of(module: str) -> Any:
    """The synthesizer class of a module of this package. Raises ArtifactError if there is none."""
    path = f"{__package__}.{module}"
    if not re.fullmatch(r"[a-z_]+", module) or find_spec(path) is None:
        raise ArtifactError(f"the artifact names an unknown synthesizer {module[:40]!r}")
    name = "".join(part.capitalize() for part in module.split("_"))
    found = getattr(importlib.import_module(path), name, None)
    if not isinstance(found, type) or found.__module__ != path:
        raise ArtifactError(f"the artifact names {module!r}, which holds no synthesizer")
    return found


def write_json(path: Path, data: Any) -> None:
    """Write JSON that any parser reads: no NaN, ASCII only."""
    path.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises ArtifactError when absent, unreadable or something else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: not a saved generator, or incomplete") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} cannot be read: it was cut short or altered") from error
    if not isinstance(data, dict):
        raise ArtifactError(f"{path} does not hold a JSON object: it was altered")
    return data


def refuse_newer(directory: Path, meta: Mapping[str, Any], known: int) -> None:
    """Raise ArtifactError where an artifact's format is one that only a newer tabveil writes."""
    found = meta.get("format")
    if isinstance(found, int) and found > known:
        raise ArtifactError(
            f"{directory} was made by a newer tabveil (artifact format {found}; this one knows "
            f"{known}): upgrade tabveil"
        )


_SENSELESS = (
    ArithmeticError,  # a whole number beyond every float
    AttributeError,
    LookupError,
    RuntimeError,  # nested too deeply; tensors larger than torch can count
    TabveilError,
    TypeError,
    ValueError,
)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while `path`'s content is made sense of into an ArtifactError."""
    try:
        yield
    except _SENSELESS as error:
        raise ArtifactError(f"{path} does not fit its own description: it was altered") from error
