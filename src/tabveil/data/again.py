"""A file that was prepared before, in the same way, is not read again.

Reading a large table and inferring its schema takes longer than looking at its bytes. What a file,
the wishes and our code led to is noted under the root, as the digest of what was prepared.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from tabveil.data.tables import Place

_FOLDER = Path("known")
_BLOCK = 2**20


def fingerprint(place: Place, asked: object) -> str | None:
    """Of a file's bytes, what is asked of it, and our code; None for a database, which may change.

    Args:
        place: of the table.
        asked: everything else that shapes what is prepared, with a `repr` that tells it.
    """
    if place.path is None:
        return None
    found = hashlib.sha256(f"{_code()} {asked!r}\0".encode())
    try:
        with place.path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    except OSError:
        return None  # whoever reads the table says what is wrong
    return found.hexdigest()


def recall(root: Path, mark: str | None) -> str | None:
    """The digest of what this fingerprint led to; None where it is new."""
    try:
        return (root / _FOLDER / mark).read_text(encoding="ascii") if mark else None
    except (OSError, UnicodeDecodeError):
        return None


def remember(root: Path, mark: str | None, digest: str) -> None:
    """Note what a fingerprint led to."""
    if mark:
        folder = root / _FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = folder / f".{mark}.{os.getpid()}"
        partial.write_text(digest, encoding="ascii")
        partial.replace(folder / mark)


@lru_cache(maxsize=1)
def _code() -> str:
    """A digest of the code that reads, infers and splits: another one may find another schema."""
    versions = [version(name) for name in ("numpy", "pandas", "pyarrow", "Faker")]
    found = hashlib.sha256(repr(versions).encode())
    here = Path(__file__).parent
    for path in (*sorted(here.rglob("*.py")), *sorted(here.parent.glob("*.py"))):
        found.update(path.read_bytes())
    return found.hexdigest()
