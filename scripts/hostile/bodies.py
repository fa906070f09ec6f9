"""Which files do harm to who reads them? Bombs, lies, and what only looks like a table."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import json
import lzma
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

_BOMB = 100_000_000
"""Bytes that a bomb unpacks to."""
_PLAIN = b"age,city\n30,Rome\n41,Bonn\n"


@dataclass(frozen=True)
class Body:
    """How a file is made, and the ending that it claims."""

    ending: str
    make: Callable[[random.Random], bytes]


@functools.cache
def _zeros(packed: str) -> bytes:
    """A bomb: a header, then a single cell without end."""
    plain = b"a,b\n" + b"0" * _BOMB
    if packed == "gz":
        return gzip.compress(plain, 9, mtime=0)
    if packed == "bz2":
        return bz2.compress(plain)
    if packed == "xz":
        return lzma.compress(plain, preset=1)
    return _zipped({"a.csv": plain})


@functools.cache
def _newlines() -> bytes:
    return gzip.compress(b"a\n" * (_BOMB // 2), 9, mtime=0)


@functools.cache
def _table() -> bytes:
    out = io.BytesIO()
    table = pa.table({"age": list(range(2000)), "city": ["Rome", "Bonn"] * 1000})
    pq.write_table(table, out)
    return out.getvalue()


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)  # dated 1980, so that the bytes are the same each time
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return out.getvalue()


def _lying_footer(rng: random.Random) -> bytes:
    """Parquet whose footer is said to be longer than the file."""
    return _table()[:-8] + struct.pack("<I", rng.randrange(2**31, 2**32)) + b"PAR1"


def _flipped(rng: random.Random) -> bytes:
    """Parquet with some bytes of its metadata changed: counts, offsets, types."""
    broken = bytearray(_table())
    for _ in range(rng.randrange(1, 30)):
        broken[len(broken) - 9 - rng.randrange(600)] = rng.randrange(256)
    return bytes(broken)


def _deep_json(rng: random.Random) -> bytes:
    depth = rng.randrange(1_000, 200_000)
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}\n"


def _odd_json(rng: random.Random) -> bytes:
    lines = [
        '{"a": NaN}',
        '{"a": 1, "a": 2}',
        '{"a": "\\ud800"}',
        '{"__proto__": 1}',
        "[1]",
        "null",
    ]
    rng.shuffle(lines)
    return "\n".join([*lines, '{"a": %s}' % ("9" * 5000)]).encode()


def _formulas(rng: random.Random) -> bytes:
    cells = ['=HYPERLINK("http://127.0.0.1/x")', "@SUM(1)", "+1+cmd|' /C calc'!A0", "-2+3", "\t=1"]
    rows = [[rng.choice(cells), str(rng.randrange(99))] for _ in range(50)]
    return b"a,b\n" + "\n".join(json.dumps(a) + "," + b for a, b in rows).encode()


def _ragged(rng: random.Random) -> bytes:
    return b"".join(b"1," * rng.randrange(99) + b"\n" for _ in range(200))


def _cut(whole: bytes, rng: random.Random) -> bytes:
    return whole[: rng.randrange(1, len(whole))]


BODIES: dict[str, Body] = {
    "a plain table": Body("csv", lambda _: _PLAIN),
    "nothing": Body("csv", lambda _: b""),
    "one byte": Body("csv", lambda rng: rng.randbytes(1)),
    "noise as csv": Body("csv", lambda rng: rng.randbytes(rng.randrange(1, 50_000))),
    "noise as jsonl": Body("jsonl", lambda rng: rng.randbytes(rng.randrange(1, 50_000))),
    "noise as parquet": Body("parquet", lambda rng: rng.randbytes(rng.randrange(1, 50_000))),
    "noise as gz": Body("csv.gz", lambda rng: b"\x1f\x8b" + rng.randbytes(5000)),
    "noise as zip": Body("zip", lambda rng: b"PK\x03\x04" + rng.randbytes(5000)),
    "noise as zst": Body("csv.zst", lambda rng: b"\x28\xb5\x2f\xfd" + rng.randbytes(5000)),
    "a gz bomb": Body("csv.gz", lambda _: _zeros("gz")),
    "a gz bomb of rows": Body("csv.gz", lambda _: _newlines()),
    "a bz2 bomb": Body("csv.bz2", lambda _: _zeros("bz2")),
    "an xz bomb": Body("csv.xz", lambda _: _zeros("xz")),
    "a zip bomb": Body("csv.zip", lambda _: _zeros("zip")),
    "a zip in a zip": Body("zip", lambda _: _zipped({"a.zip": _zeros("zip")})),
    "a zip that climbs": Body("zip", lambda _: _zipped({"../../hostilemark.csv": _PLAIN})),
    "a zip of many": Body("zip", lambda _: _zipped({f"{i}.csv": b"" for i in range(2000)})),
    "a bomb twice packed": Body("csv.gz", lambda _: gzip.compress(_zeros("gz"), mtime=0)),
    "a million columns": Body("csv", lambda _: b"a," * 1_000_000 + b"\n1"),
    "ten thousand names": Body("csv", lambda _: b",".join(b"c%d" % i for i in range(10_000))),
    "one name, many times": Body("csv", lambda _: b",".join([b"a"] * 500) + b"\n" + b"1," * 499),
    "a quote without end": Body("csv", lambda _: b'a,b\n"' + b"x,\n" * 300_000),
    "a cell of a megabyte": Body("csv", lambda _: b"a,b\n1," + b"x" * 1_000_000),
    "ragged rows": Body(
        "csv", lambda rng: b"".join(b"1," * rng.randrange(99) + b"\n" for _ in "ab" * 99)
    ),
    "NUL bytes": Body("csv", lambda _: b"a,b\n\x00,\x00\n" * 100),
    "UTF-16": Body("csv", lambda _: _PLAIN.decode().encode("utf-16")),
    "half of UTF-8": Body("csv", lambda _: b"a,b\n\xc3,\xed\xa0\x80\n"),
    "marks of byte order": Body("csv", lambda _: b"\xef\xbb\xbf" * 9 + _PLAIN),
    "old line ends": Body("csv", lambda _: _PLAIN.replace(b"\n", b"\r")),
    "endless numbers": Body("csv", lambda _: b"a\n" + b"9" * 20_000 + b"\n1e99999\n-inf\nnan\n"),
    "formulas": Body("csv", _formulas),
    "names that are code": Body(
        "csv", lambda _: b"__class__,${oc.env:HOME},{{7*7}},<b>\n1,2,3,4\n"
    ),
    "deep json": Body("jsonl", _deep_json),
    "odd json": Body("jsonl", _odd_json),
    "json with a million keys": Body(
        "jsonl", lambda _: json.dumps({f"k{i}": i for i in range(100_000)}).encode()
    ),
    "a true parquet file": Body("parquet", lambda _: _table()),
    "parquet with a lying footer": Body("parquet", _lying_footer),
    "parquet with changed metadata": Body("parquet", _flipped),
    "half a parquet file": Body("parquet", lambda rng: _cut(_table(), rng)),
    "half a gz": Body("csv.gz", lambda rng: _cut(gzip.compress(_PLAIN * 50, mtime=0), rng)),
    "an image": Body("csv", lambda rng: b"\x89PNG\r\n\x1a\n" + rng.randbytes(3000)),
    "a program": Body("csv", lambda rng: b"\x7fELF" + rng.randbytes(3000)),
    "a page": Body("csv", lambda _: b"<html><script>alert(1)</script></html>"),
    "a pickle": Body("parquet", lambda _: b"cposix\nsystem\n(S'touch hostilemark'\ntR."),
    "a config": Body("csv", lambda _: b"_target_: os.system\n_args_: [touch hostilemark]\n"),
}
