"""Is whatever is wrong with a folder of rows noticed, and said in one line?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tabveil.errors import DataError
from tabveil.tracking.manifest import MANIFEST, UNFINISHED, Manifest, check_folder, measure_part


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three parts of which a checksum is kept; what is in them does not matter to it."""
    parts = []
    for i in range(3):
        path = tmp_path / f"part-{i:05d}.parquet"
        path.write_bytes(bytes(range(i, 200)))
        parts.append(measure_part(path, 10))
    asked = {"n": 30, "seed": 1, "where": {"größe": {"min": 1}}}
    Manifest(30, "0.1", asked, {p.file: p for p in parts}).write(tmp_path / MANIFEST)
    return tmp_path


def test_a_whole_folder_is_what_its_manifest_says(folder: Path) -> None:
    manifest = check_folder(folder)
    assert manifest.rows == 30
    assert manifest.asked["where"] == {"größe": {"min": 1}}
    assert [part.file for part in manifest.parts.values()] == sorted(manifest.parts)
    assert {p.name for p in folder.iterdir()} == {*manifest.parts, MANIFEST}  # nothing left over


def flip(folder: Path) -> None:
    path = folder / "part-00001.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(bytes(data))


def cut(folder: Path) -> None:
    path = folder / "part-00002.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def edit(change: dict[str, object]) -> Callable[[Path], None]:
    def edited(folder: Path) -> None:
        told = json.loads((folder / MANIFEST).read_text()) | change
        (folder / MANIFEST).write_text(json.dumps(told))

    return edited


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (flip, "part-00001.parquet is damaged"),
        (cut, "part-00002.parquet is damaged"),
        (lambda f: (f / "part-00000.parquet").unlink(), "part-00000.parquet is missing"),
        (
            lambda f: shutil.copy(f / "part-00000.parquet", f / "part-00003.parquet"),
            "part-00003.parquet is not in the manifest",
        ),
        (edit({"rows": 31}), "hold 30 rows of 31"),
        (edit({"format": 99}), "made by a newer tabveil"),
        (edit({"parts": [{"file": "../x", "rows": 1, "bytes": 1, "sha256": ""}]}), "altered"),
        (lambda f: (f / MANIFEST).write_text("{"), "cut short or altered"),
        (lambda f: (f / MANIFEST).unlink(), "no folder of drawn rows"),
        (lambda f: (f / MANIFEST).rename(f / UNFINISHED), "is unfinished"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    folder: Path, harm: Callable[[Path], object], said: str
) -> None:
    harm(folder)
    with pytest.raises(DataError, match=said) as caught:
        check_folder(folder)
    assert "\n" not in str(caught.value)
