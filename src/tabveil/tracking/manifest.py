"""How does a folder of drawn rows say what is in it, and how does anybody check that it is?

A sharded sample is a folder of Parquet parts and `_manifest.json`: what was asked, and of each part
its file, rows, bytes and SHA-256. While rows are still being drawn the same text stands in
`_unfinished.json`; so whoever finds a manifest finds all rows. Nothing heavy is imported: a folder
is checked on any machine. What begins with `_` is passed over by whoever reads the folder as one
table, as pandas and Arrow do.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabveil.errors import DataError

FORMAT = 1
MANIFEST, UNFINISHED = "_manifest.json", "_unfinished.json"
_BLOCK = 2**20


@dataclass(frozen=True)
class Part:
    """A file of rows that is whole."""

    file: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a folder of rows holds.

    Attributes:
        rows: in all parts together, once all are there.
        tabveil: the version that drew them.
        asked: JSON-able: n, seed, shard_rows, the model with its digest, conditions, shares,
            protections. Two folders of the same `asked` and version hold the same rows.
        parts: that are whole, by file name; in the order of their rows.
    """

    rows: int
    tabveil: str
    asked: Mapping[str, Any]
    parts: Mapping[str, Part]

    def write(self, path: Path) -> None:
        """Write it in one go: whoever reads at any moment finds the old one or the new one."""
        told = {"format": FORMAT, "tabveil": self.tabveil, "rows": self.rows}
        parts = [asdict(self.parts[name]) for name in _ordered(self.parts)]
        told |= {"asked": self.asked, "parts": parts}
        hidden = path.with_name(f".{path.name}.partial")
        with hidden.open("w", encoding="utf-8") as file:
            file.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())  # or a machine that loses power could leave an empty one
        hidden.replace(path)


def _ordered(files: Iterable[str]) -> list[str]:
    """Names of parts in the order of their rows: numbers may outgrow their five digits."""
    return sorted(files, key=lambda name: (len(name), name))


def read_manifest(path: Path) -> Manifest:
    """Read what `write` wrote.

    Raises DataError when it is missing, none, or made by a newer tabveil.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        made_with = told["format"]
        if isinstance(made_with, int) and made_with > FORMAT:
            raise DataError(
                f"{path} was made by a newer tabveil (format {made_with}; this one knows "
                f"{FORMAT}): upgrade tabveil"
            )
        parts = [
            Part(_name(one["file"]), int(one["rows"]), int(one["bytes"]), str(one["sha256"]))
            for one in told["parts"]
        ]
        return Manifest(
            int(told["rows"]),
            str(told["tabveil"]),
            dict(told["asked"]),
            {one.file: one for one in parts},
        )
    except FileNotFoundError as error:
        raise DataError(f"{path.parent} holds no {path.name}: no folder of drawn rows") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read: it was cut short or altered") from error


def _name(file: str) -> str:
    """A part lies in the folder, whatever its manifest says."""
    if Path(file).name != file:
        raise ValueError(file)
    return file


def measure_part(path: Path, rows: int) -> Part:
    """Describe a file that was just written."""
    return Part(path.name, rows, path.stat().st_size, _digest(path))


def is_whole(folder: Path, part: Part) -> bool:
    """Whether a file is there as it was written."""
    path = folder / part.file
    try:
        return path.stat().st_size == part.bytes and _digest(path) == part.sha256
    except OSError:
        return False


def check_folder(folder: Path) -> Manifest:
    """Hold a folder of rows against its manifest, every byte of every part.

    Raises DataError that says, in one line, what is missing, damaged or too much.
    """
    if not (folder / MANIFEST).exists() and (folder / UNFINISHED).exists():
        raise DataError(
            f"{folder} is unfinished: run the same `tabveil sample` again, and it goes on"
        )
    manifest = read_manifest(folder / MANIFEST)
    # What a reader of the whole folder would take for rows: all but hidden names, and with "_".
    there = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith((".", "_"))
    }
    wrong = {
        "missing": _ordered(set(manifest.parts) - there),
        "damaged": [
            name
            for name, part in manifest.parts.items()
            if name in there and not is_whole(folder, part)
        ],
        "not in the manifest": sorted(there - set(manifest.parts)),
    }
    said = [f"{_some(names)} {what}" for what, names in wrong.items() if names]
    if (n := sum(part.rows for part in manifest.parts.values())) != manifest.rows:
        said.append(f"its parts hold {n} rows of {manifest.rows}")
    if said:
        raise DataError(
            f"{folder} is not what {MANIFEST} says: {'; '.join(said)}. The same `tabveil sample` "
            f"again draws what is missing or damaged anew"
        )
    return manifest


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} {'is' if len(names) == 1 else 'are'}"


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
