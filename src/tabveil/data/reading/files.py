"""Of which format is a file, and what are its bytes once they are unpacked?

The name says what the file holds, its first bytes say how it is packed: people rename files, and
some programs unpack a download without taking `.gz` from its name.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import mmap
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO, TextIO, cast

from tabveil.errors import DataError

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
"""The ends of names, and the formats they stand for."""

_PACKED = {".gz", ".bz2", ".xz", ".zip", ".zst"}
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # one without members
    b"\x28\xb5\x2f\xfd": "zstd",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""An OLE file is an Excel workbook of before 2007, or a newer one behind a password."""
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
"""What follows `BZh9`: a header may begin with BZh, but not with this."""

_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def format_of(path: Path, given: str | None) -> str:
    """Name the format: csv, jsonl, parquet or xlsx; by the file's name where none is given.

    Raises DataError when the format is unknown or the name tells none.
    """
    known = list(dict.fromkeys(FORMATS.values()))
    if given is not None:
        if given not in known:
            raise DataError(f"dataset.format={given!r} is not known; use {' or '.join(known)}")
        return given
    found = _by_name(path.name)
    if found is None and path.suffix.lower() == ".zip":
        if error := office_error(path):
            raise error
        with path.open("rb") as file, _damage_said(path, "zip"), zipfile.ZipFile(file) as archive:
            found = _by_name(_only_member(archive, path).filename)
    if found is not None:
        return found
    if error := office_error(path):
        raise error
    raise DataError(
        f"{path}: cannot tell the format from the name (known: {', '.join(FORMATS)}, and packed: "
        f"{', '.join(sorted(_PACKED))}); set dataset.format to {' or '.join(known)}"
    )


def _by_name(name: str) -> str | None:
    pure = PurePath(name.lower())
    if pure.suffix in _PACKED:
        pure = pure.with_suffix("")
    return FORMATS.get(pure.suffix)


def office_error(path: Path, *, known: bool = False) -> DataError | None:
    """What is wrong with an office document that is to be read; None where it is none.

    Args:
        path: the file.
        known: whether it is to be read as an Excel workbook, so that nothing is wrong with one.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(8)
        if start == _OLE:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
                is_encrypted = whole.find(_ENCRYPTED) >= 0
            if is_encrypted:
                return DataError(f"{path} is encrypted; save it without a password, as .xlsx")
            return DataError(f"{path} is an old office document; save it as .xlsx or CSV")
        if _packing(start) != "zip":
            return None
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                return _office_archive_error(archive, path, known=known)
        except zipfile.BadZipFile:
            return None


def _office_archive_error(archive: zipfile.ZipFile, path: Path, *, known: bool) -> DataError | None:
    names = set(archive.namelist())
    if "mimetype" in names and "content.xml" in names:
        return DataError(f"{path} is an OpenDocument file; save it as .xlsx or CSV")
    if "xl/workbook.bin" in names:
        return DataError(f"{path} is a binary workbook (.xlsb); save it as .xlsx or CSV")
    if not known and "xl/workbook.xml" in names:
        return DataError(
            f"{path} is an Excel workbook: rename it to .xlsx, or set dataset.format=xlsx"
        )
    if "[Content_Types].xml" in names and not any(name.startswith("xl/") for name in names):
        return DataError(f"{path} is an office document and no workbook; save its table as CSV")
    return None


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked if it is packed.

    Raises DataError, also while it is read, when it is a damaged archive or not of one member.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        start = file.read(10)
        packing = _packing(start)
        if (packing == "zip" or start.startswith(_OLE)) and (error := office_error(path)):
            raise error
        file.seek(0)
        if packing is None:
            yield file
            return
        stack.enter_context(_damage_said(path, packing))
        yield stack.enter_context(_unpacked(file, packing, path, stack))


@contextlib.contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open a file as text, line ends as they are. Raises DataError as `open_bytes` does."""
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        yield text
        text.detach()


def _packing(start: bytes) -> str | None:
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            return name if name != "bzip2" or start[4:].startswith(_BZIP2_BLOCKS) else None
    return None


def _unpacked(file: BinaryIO, packing: str, path: Path, stack: contextlib.ExitStack) -> BinaryIO:
    if packing == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if packing == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(file))
    if packing == "xz":
        return cast(BinaryIO, lzma.LZMAFile(file))
    if packing == "zip":
        archive = stack.enter_context(zipfile.ZipFile(file))
        return cast(BinaryIO, archive.open(_only_member(archive, path)))
    import pyarrow as pa

    return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"))


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    # Apple's archives carry a shadow of each file in a folder of this name.
    members = [m for m in archive.infolist() if not m.filename.startswith("__MACOSX/")]
    files = [member for member in members if not member.is_dir()]
    if len(files) != 1:
        raise DataError(f"{path} is an archive of {len(files)} files; pack the table alone")
    if files[0].flag_bits & 1:
        raise DataError(f"{path} is an encrypted archive; unpack it first")
    return files[0]


@contextlib.contextmanager
def _damage_said(path: Path, packing: str) -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:  # a way of packing that zipfile does not know
        raise DataError(f"{path} is packed in an unknown way; pack it as .gz") from error
    except _DAMAGED as error:
        raise DataError(f"{path} is a damaged {packing} file; copy it again") from error
    except OSError as error:
        if error.errno is not None:  # the disk's trouble, not the archive's
            raise
        raise DataError(f"{path} is a damaged {packing} file; copy it again") from error
