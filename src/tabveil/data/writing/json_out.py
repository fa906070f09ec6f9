"""Rows as JSON lines: numbers and truth values as such, all else as texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabveil.data.formats.number_spelling import Spelling
from tabveil.data.schema import Column, Schema
from tabveil.data.writing.cell_texts import format_of, opened, texts_of


@contextmanager
def write_json_lines(
    path: Path, schema: Schema, *, escape_formulas: bool = False
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Open a file for rows; see `rows_out.write_frames`. No program runs what stands in JSON."""
    del escape_formulas
    dialect = schema.dialect
    is_own = dialect is not None and dialect.format == "jsonl"
    blank = " " if is_own and dialect is not None and dialect.spaced else ""
    encoding = dialect.encoding if is_own and dialect is not None else "utf-8"
    with opened(path) as file:
        if encoding == "utf-8-sig":
            file.write(b"\xef\xbb\xbf")

        def write(frame: pd.DataFrame) -> None:
            if not len(frame):
                return
            pieces: list[object] = []
            for i, column in enumerate(schema.columns):
                name = json.dumps(column.name, ensure_ascii=False)
                pieces += [f"{',' + blank if i else '{'}{name}:{blank}", _literals(frame, column)]
            lines = pc.binary_join_element_wise(*pieces, "}", "")
            text = "\n".join(lines.to_pylist()) + "\n"
            file.write(text.encode(encoding.removesuffix("-sig"), "replace"))

        yield write


def _literals(frame: pd.DataFrame, column: Column) -> pa.Array:
    format = format_of(column)  # noqa: A001
    bare = _is_bare(column)
    if bare:  # a gap is null, whatever word stood for it
        spelling = format.spelling
        if spelling is not None and not spelling.power:  # JSON knows one way of writing numbers
            spelling = Spelling(
                places=(min(1, spelling.places[0]), spelling.places[1]), exponent=spelling.exponent
            )
        plain = replace(format, missing=None, truths=("false", "true"), spelling=spelling)
        return pc.fill_null(texts_of(frame, replace(column, format=plain)), "null")
    texts = texts_of(frame, column, separator="T")
    known = texts.dictionary_encode()
    quoted = [json.dumps(text, ensure_ascii=False) for text in known.dictionary.to_pylist()]
    return pc.fill_null(pa.array(quoted, pa.string()).take(known.indices), "null")


def _is_bare(column: Column) -> bool:
    """Whether values stand without quotes."""
    format = format_of(column)  # noqa: A001
    if column.kind == "identifier" and format.sort in ("text", "code"):
        return not format.holds_text
    if format.stored == "text":
        is_plain = format.spelling is None or format.spelling.is_plain
        return format.sort == "truth" or (format.sort in ("whole", "decimal") and is_plain)
    if format.holds_text:
        return False
    return format.sort in ("whole", "decimal", "code", "truth") or (
        format.sort == "datetime" and format.stored.startswith(("int", "uint"))
    )
