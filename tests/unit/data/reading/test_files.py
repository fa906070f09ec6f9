from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from tabveil.data.reading.files import format_of
from tabveil.data.tables import read_table
from tabveil.errors import DataError

CSV, JSON = b"a,b\n1,x\n2,y\n", b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'


def zipped(*names: str, content: bytes = CSV) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


def packed(content: bytes) -> dict[str, bytes]:
    return {
        "gz": gzip.compress(content),
        "bz2": bz2.compress(content),
        "xz": lzma.compress(content),
        "zst": pa.compress(content, codec="zstd", asbytes=True),
        "zip": zipped("inner", content=content),
    }


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst", "zip"])
def test_packed_files_are_unpacked(tmp_path: Path, kind: str) -> None:
    for name, content in (("t.csv", CSV), ("t.jsonl", JSON), ("t.ndjson", JSON)):
        path = tmp_path / f"{name}.{kind}"
        path.write_bytes(packed(content)[kind])
        assert read_table(path).to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
        # The name says what it holds, the bytes how it is packed.
        bare = path.rename(tmp_path / name)
        assert len(read_table(bare)) == 2


def test_a_packed_file_of_several_pieces_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(CSV) + gzip.compress(b"3,z\n"))
    assert read_table(path)["a"].tolist() == [1, 2, 3]


def test_the_only_member_of_an_archive_names_the_format(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(zipped("folder/", "folder/t.csv", "__MACOSX/folder/._t.csv"))
    assert len(read_table(path)) == 2
    path.write_bytes(zipped("t.jsonl", content=JSON))
    assert len(read_table(path)) == 2


def test_a_header_that_begins_like_an_archive_is_a_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"BZh9,b\n1,2\n")
    assert read_table(path).columns.tolist() == ["BZh9", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped("a.csv", "b.csv"), "archive of 2 files"),
        (zipped(), "archive of 0 files"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "is an Excel workbook"),
        (gzip.compress(CSV * 999, mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_a_bad_archive_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(path)


def test_names_say_the_format() -> None:
    for name, kind in (("T.CSV", "csv"), ("a.b.tsv.XZ", "csv"), ("a.pq", "parquet")):
        assert format_of(Path(name), None) == kind
    assert format_of(Path("t.dat"), "jsonl") == "jsonl"
    for name in ("t.txt", "t.gz", "csv", "t"):
        with pytest.raises(DataError, match="cannot tell the format"):
            format_of(Path(name), None)
