"""More than two hundred files that are no tables: each gets one clear error, soon."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import sqlite3
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tabveil.data.tables import read_table
from tabveil.errors import DataError

SECRET = "Mrs Jones"
Case = tuple[str, str, bytes]
"""What is wrong, the file's name, its bytes."""


def rows(n: int = 300) -> bytes:
    rng = random.Random(0)
    lines = [f"{rng.random()},{SECRET} {rng.randrange(10**9)}" for _ in range(n)]
    return "\n".join(["x,name", *lines, ""]).encode()


def zipped(*members: tuple[str, bytes], encrypted: bool = False) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    content = bytearray(packed.getvalue())
    if encrypted:  # the flag in the member's header and in the archive's index
        content[6] |= 1
        content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


def parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
    "zip": lambda content: zipped(("t.csv", content)),
}


def cut_archives() -> Iterator[Case]:
    for kind, pack in PACKERS.items():
        packed = pack(rows())
        for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
            yield f"{kind} cut at {share}", f"t.csv.{kind}", packed[: int(share * len(packed))]


def spoilt_archives() -> Iterator[Case]:
    for kind in ("gz", "bz2", "xz", "zip"):  # zstd keeps no checksum here
        packed = PACKERS[kind](rows())
        for share in (0.2, 0.35, 0.5, 0.65, 0.8):
            spoilt = bytearray(packed)
            spoilt[int(share * len(packed))] ^= 0xFF
            yield f"{kind} spoilt at {share}", f"t.csv.{kind}", bytes(spoilt)


def wrong_archives() -> Iterator[Case]:
    yield "gz of nothing", "t.csv.gz", gzip.compress(b"")
    yield "gz of nonsense", "t.csv.gz", b"\x1f\x8b" + b"nonsense" * 9
    yield "gz with a tail", "t.csv.gz", gzip.compress(rows()) + b"tail"
    yield "gz in gz", "t.csv.gz", gzip.compress(gzip.compress(rows()))
    yield "zip of nothing", "t.zip", zipped()
    yield "zip of two", "t.zip", zipped(("a.csv", rows()), ("b.csv", rows()))
    yield "zip of a picture", "t.zip", zipped(("a.png", b"\x89PNG"))
    yield "zip, encrypted", "t.csv.zip", zipped(("a.csv", rows()), encrypted=True)
    yield "zip of a zip", "t.csv.zip", zipped(("a.csv", zipped(("a.csv", rows()))))
    office = zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>"))
    yield "workbook as csv", "t.csv", office
    yield "workbook as zip", "t.zip", office
    yield "no zip", "t.zip", rows()
    yield "lines without end", "t.csv.gz", gzip.compress(b"a" * 11_000_000)


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (name text)")
    connection.execute("insert into t values (?)", (SECRET,))
    return connection.serialize()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(50.0))
    return file.getvalue()


def other_kinds() -> Iterator[Case]:
    starts = {
        "png": b"\x89PNG\r\n\x1a\n" + bytes(40),
        "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)),
        "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nstream\n\x00\x01\x02",
        "elf": b"\x7fELF\x02\x01\x01" + bytes(60),
        "class": b"\xca\xfe\xba\xbe\x00\x00\x00\x34",
        "pickle": pickle.dumps([1.5, SECRET] * 99),
        "npy": array(),
        "sqlite": database(),
        "parquet": parquet(pa.table({"name": [SECRET] * 9})),
        "wav": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00",
        "tar": b"t.csv".ljust(512, b"\0"),
        "every byte": bytes(range(256)) * 9,
        "noise": random.Random(0).randbytes(5000),
        "old doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    }
    for kind, content in starts.items():
        for suffix in ("csv", "jsonl", "parquet"):
            if kind != suffix:
                yield f"{kind} as {suffix}", f"t.{suffix}", content


def ragged() -> Iterator[Case]:
    for mark in ",;\t|":
        row = mark.join(["1", SECRET, "3"])
        for what, bad in (("short", SECRET), ("long", mark.join([row, SECRET]))):
            for where in (0, 7, 14):
                lines = [row] * 14
                lines.insert(where, bad)
                text = "\n".join([mark.join("abc"), *lines])
                yield f"{what} row {where} with {mark!r}", "t.csv", text.encode()


def quotes() -> Iterator[Case]:
    for mark in ",;\t|":
        for row in (f'"{SECRET}', f'{SECRET}"x"{mark}"y', f'"{SECRET}" x', f'"say \\"{SECRET}\\""'):
            text = f"a{mark}b\n1{mark}2\n3{mark}{row}\n5{mark}6\n"
            yield f"quote {row} with {mark!r}", "t.csv", text.encode()
    yield "open quote, much text", "t.csv", b'a,b\n1,"' + rows(20_000)


def names_and_nothing() -> Iterator[Case]:
    for text in ("a,b,a\n1,2,3\n", "a;b;b\n1;2;3\n", '"a","a"\n1,2\n', "a\ta\n1\t2\n"):
        yield f"names twice {text!r}", "t.csv", text.encode()
    for text in ("", "\n", "\r\n\r\n", "\ufeff", "\ufeff\n", "a,b", "a,b\n", "a;b\r\n", "a\n\n\n"):
        yield f"nothing {text!r}", "t.csv", text.encode()
    for text in ("", "\n", "  \n\n", "\ufeff", "{}\n", "{}\n{}\n"):
        yield f"nothing {text!r} as jsonl", "t.jsonl", text.encode()
    yield "blank rows", "t.csv", b"a,b\n1,2\n   \n2,3\n"


def letters() -> Iterator[Case]:
    texts = {
        "cp1251": "Иванов",
        "koi8-r": "Иванов Пётр",
        "cp1253": "Παπαδόπουλος",
        "cp1255": "ישראל ישראלי",
        "gbk": "东京都厅大楼",
        "shift-jis": "東京都庁舎",
        "big5": "臺北市政府",
        "euc-kr": "서울특별시청",
        "mac-roman": "José Müller",
        "cp850": "März Müller",
        "cp437": "José Müller",
        "cp1250": "Łukasz słowo",
        "utf-16-le": "José",
        "utf-16-be": "José",
        "utf-32": "José",
    }
    for encoding, text in texts.items():
        for name, form in (("csv", "name,x\n{},1\n{},2\n"), ("jsonl", '{{"a": "{} {}"}}\n')):
            yield f"{encoding} as {name}", f"t.{name}", form.format(text, text).encode(encoding)
    for other in ("latin-1", "cp1252", "mac-roman", "cp850"):
        for first, second in (("utf-8", other), (other, "utf-8")):
            text = "name,x\nJosé,1\n".encode(first) + "Müller,2\n".encode(second)
            yield f"{first}, then {second}", "t.csv", text
    yield "utf-16, cut", "t.csv", "a,b\n1,2\n".encode("utf-16")[:-1]
    yield "utf-8, cut", "t.csv", "a,b\n1,é".encode()[:-1] + b"\n" + "é".encode()


def nul_bytes() -> Iterator[Case]:
    for where in (0, 3, 4, 40, 5000, -1):
        content = bytearray(rows())
        content[where] = 0
        yield f"NUL at {where}", "t.csv", bytes(content)
        yield f"NUL at {where}, packed", "t.csv.gz", gzip.compress(bytes(content))


def too_large() -> Iterator[Case]:
    wide = ",".join(f"c{i}" for i in range(5001))
    yield "too long a field", "t.csv", f"a,b\n1,{'x' * 140_000}\n".encode()
    yield "too long a line", "t.csv", b"a,b\n1,2\n" + b"1," * 5_100_000
    yield "too long a header", "t.csv", b"a" * 10_100_000
    yield "too wide", "t.csv", f"{wide}\n{wide}\n".encode()
    yield "too long a text", "t.jsonl", json.dumps({"a": "x" * 140_000}).encode()
    yield "too many keys", "t.jsonl", json.dumps({f"c{i}": 1 for i in range(5001)}).encode()
    yield "one line", "t.jsonl", b'{"a": "' + b"x" * 10_100_000
    yield "too wide", "t.parquet", parquet(pa.table({f"c{i}": [1] for i in range(5001)}))
    yield "too long a text", "t.parquet", parquet(pa.table({"a": ["x" * 140_000]}))


def bad_json() -> Iterator[Case]:
    good = json.dumps({"name": SECRET, "x": 1.5})
    bad = [
        good[:-1], good[1:], good[:9], good + good, good + ",", good.replace(":", "="),
        good.replace('"', "'"), f'{{name: "{SECRET}"}}', f'{{"name": "{SECRET}", }}',
        f'{{"name": "{SECRET}\t"}}', f'{{"name": "{SECRET}\\x"}}', f'{{"name": {SECRET}}}',
        '{"x": NaN}', '{"x": Infinity}', '{"x": -Infinity}', '{"x": 01}', '{"x": 1.}',
        '{"x": +1}', '{"x": True}', '{"x": ' + "9" * 5000 + "}", '{"x": 1' + "0" * 400 + "}",
        '{"x": 1, "x": 2}', "null", "5", f'"{SECRET}"', f'["{SECRET}"]', "[", "]", "[{", "{",
        '{"x": {"y": 1}}', '{"x": [1, 2]}', '{"x": []}', f'{{"x": "{SECRET}"}}',
        '{"x": true}', '{"name": 5}', '{"": 5}', "[" * 50_000, '{"x":' * 50_000,
    ]  # fmt: skip
    for i, line in enumerate(bad):
        yield f"json {i}: {line[:30]}", "t.jsonl", f"{good}\n{good}\n{line}\n{good}\n".encode()
    yield "a json list", "t.jsonl", f"[\n{good},\n{good}\n]\n".encode()


def bad_parquet() -> Iterator[Case]:
    whole = parquet(pa.table({"name": [SECRET] * 400, "x": np.random.default_rng(0).random(400)}))
    for share in (0.0, 0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield f"parquet cut at {share}", "t.parquet", whole[: int(share * len(whole))]
    yield "parquet without a foot", "t.parquet", whole[:-400] + bytes(392) + whole[-8:]
    yield "parquet without a start", "t.parquet", whole[len(whole) // 2 :]
    yield (
        "parquet of pages of noise",
        "t.parquet",
        (whole[:4] + random.Random(0).randbytes(len(whole) - 1504) + whole[-1500:]),
    )
    yield "parquet, packed", "t.parquet", gzip.compress(whole)
    yield "csv as parquet", "t.parquet", rows()
    columns = {
        "list": pa.array([[1, 2]]),
        "struct": pa.array([{"a": 1}]),
        "bytes": pa.array([SECRET.encode()]),
        "fixed bytes": pa.array([b"abcd"], pa.binary(4)),
        "period": pa.Array.from_pandas(pd.Series(pd.period_range("2020-01", periods=1, freq="M"))),
        "interval": pa.Array.from_pandas(pd.Series(pd.interval_range(0, 3))),
        "none": pa.array([], pa.int64()),
    }
    for name, column in columns.items():
        yield f"parquet of {name}", "t.parquet", parquet(pa.table({"c": column}))
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    yield "parquet, names twice", "t.parquet", parquet(twice)


def workbook(**parts: bytes | str | None) -> bytes:
    """A workbook of two columns, whose texts are shared; parts by name are put in its place."""
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    related = "".join(
        f'<Relationship Id="r{i}" Type="{kinds}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(
            [("worksheet", "sheet1.xml"), ("sharedStrings", "sharedStrings.xml")]
        )
    )
    cells = "".join(
        f'<row><c t="s"><v>1</v></c><c><v>{random.Random(i).random()}</v></c></row>'
        for i in range(300)
    )
    whole: dict[str, bytes | str | None] = {
        "types": "<Types/>",
        "rels": f'<a><Relationship Id="r" Type="{kinds}/officeDocument" Target="xl/workbook.xml"/>'
        "</a>",
        "workbook": '<workbook><sheets><sheet name="S" r:id="r0"/></sheets></workbook>',
        "related": f"<Relationships>{related}</Relationships>",
        "sharedStrings": f"<a><si><t>name</t></si><si><t>{SECRET}</t></si><si><t>x</t></si></a>",
        "sheet1": sheet('<row><c t="s"><v>0</v></c><c t="s"><v>2</v></c></row>' + cells),
        **parts,
    }
    names = {
        "types": "[Content_Types].xml",
        "rels": "_rels/.rels",
        "related": "xl/_rels/workbook.xml.rels",
    }
    return zipped(
        *(
            (
                names.get(part, f"xl/{part}.xml"),
                content.encode() if isinstance(content, str) else content,
            )
            for part, content in whole.items()
            if content is not None
        )
    )


def sheet(cells: str, tail: str = "") -> str:
    return f'<worksheet xmlns="urn:x"><sheetData>{cells}</sheetData>{tail}</worksheet>'


def text_row(n: int) -> str:
    return f'<row r="{n}"><c r="A{n}" t="str"><v>name</v></c><c r="B{n}"><v>1</v></c></row>'


ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


def bad_workbooks() -> Iterator[Case]:
    whole = workbook()
    for share in (0.0, 0.01, 0.2, 0.5, 0.8, 0.99):
        yield f"workbook cut at {share}", "t.xlsx", whole[: int(share * len(whole))]
    for part in ("workbook", "related", "sheet1", "sharedStrings"):
        yield f"workbook without {part}", "t.xlsx", workbook(**{part: None})
        for content in ("", "<a", "<a/>", "<a></b>", "noise", "\0" * 50, ENTITIES + "<a>&i;</a>"):
            yield f"workbook, {part} is {content[:9]!r}", "t.xlsx", workbook(**{part: content})
    yield "workbook of entities", "t.xlsx", workbook(sheet1=ENTITIES + sheet("&i;"))
    cells = {
        "row 0": '<row r="0"><c><v>1</v></c></row>',
        "row 2000000": '<row r="2000000"><c><v>1</v></c></row>',
        "row x": '<row r="x"><c><v>1</v></c></row>',
        "column XFE": '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        "a far cell": text_row(1) + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "a far row": text_row(1) + text_row(1_048_576),
        "text as number": text_row(1) + f'<row r="2"><c r="B2"><v>{SECRET}</v></c></row>',
        "number beyond": text_row(1) + '<row r="2"><c r="B2"><v>1e999</v></c></row>',
        "no number": text_row(1) + '<row r="2"><c r="B2"><v>NaN</v></c></row>',
        "no such text": '<row><c t="s"><v>9999</v></c></row>',
        "negative text": '<row><c t="s"><v>-1</v></c></row>',
        "no such type": '<row><c t="zz"><v>1</v></c></row>',
        "bad style": '<row><c s="x"><v>1</v></c></row>',
        "no reference": '<row><c r="??"><v>1</v></c></row>',
        "names only": text_row(1),
        "formula": text_row(1) + '<row r="2"><c r="A2"><f>A1</f></c></row>',
        "too long a text": text_row(1)
        + f'<row r="2"><c r="A2" t="str"><v>{"x" * 140_000}</v></c></row>',
        "too many columns": "<row>" + '<c t="str"><v>a</v></c>' * 5001 + "</row>",
        "too many cells": "<row>" + '<c t="str"><v>a</v></c>' * 16_385 + "</row>",
        "an error as name": '<row><c t="e"><v>#N/A</v></c><c t="e"><v>#N/A</v></c></row>',
    }
    for what, rows_ in cells.items():
        yield f"workbook, {what}", "t.xlsx", workbook(sheet1=sheet(rows_))
    tail = '<mergeCells><mergeCell ref="??"/></mergeCells>'
    yield "workbook, bad merge", "t.xlsx", workbook(sheet1=sheet(text_row(1) * 2, tail))
    bomb = b"<a>" + bytes(100_000_000)
    yield "workbook that is a bomb", "t.xlsx", workbook(sheet1=bomb)
    yield "workbook of a bomb of texts", "t.xlsx", workbook(sharedStrings=bomb)
    yield "workbook, encrypted zip", "t.xlsx", zipped(("xl/workbook.xml", b"<a/>"), encrypted=True)
    yield (
        "case 14",
        "t.xlsx",
        zipped(("[Content_Types].xml", b"<a/>"), ("xl/workbook.xml", b"<a/>")),
    )
    yield (
        "workbook of word",
        "t.xlsx",
        zipped(("[Content_Types].xml", b"<a/>"), ("word/a.xml", b"")),
    )
    yield "binary workbook", "t.xlsx", zipped(("xl/workbook.bin", b"\0"))
    yield "csv as xlsx", "t.xlsx", rows()
    yield "workbook, packed", "t.xlsx.gz", gzip.compress(whole)
    yield "workbook in a zip", "t.zip", zipped(("t.xlsx", whole))
    yield "workbook as parquet", "t.parquet", whole


CASES = [
    case
    for make in (
        cut_archives, spoilt_archives, wrong_archives, other_kinds, ragged, quotes,
        names_and_nothing, letters, nul_bytes, too_large, bad_json, bad_parquet, bad_workbooks,
    )
    for case in make()
]  # fmt: skip


def test_there_are_more_than_two_hundred() -> None:
    assert len({content for _, _, content in CASES}) > 200


@pytest.mark.parametrize(("name", "content"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_malformed_file_gets_one_clear_error_soon(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    started = time.monotonic()
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert time.monotonic() - started < 2
    message = str(caught.value)
    assert message.startswith(str(path)) or f" {path}" in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300
    assert SECRET not in message


def test_a_file_with_any_byte_changed_is_a_table_or_one_clear_error(tmp_path: Path) -> None:
    rng = random.Random(1)
    said: list[str] = []
    line = json.dumps({"name": SECRET, "x": 1.5, "b": True, "m": None}).encode()
    sources = [("t.csv", rows(20)), ("t.jsonl", b"\n".join([line] * 9))]
    sources.append(("t.xlsx", workbook()))
    sources += [(f"t.csv.{kind}", pack(rows(20))) for kind, pack in PACKERS.items()]
    for name, content in sources:
        for _ in range(60):
            changed = bytearray(content)
            changed[rng.randrange(len(changed))] = rng.randrange(256)
            (tmp_path / name).write_bytes(changed)
            try:
                assert len(read_table(tmp_path / name))
            except DataError as error:
                said.append(str(error))
    assert len(said) > 100
    assert not [message for message in said if SECRET in message]
