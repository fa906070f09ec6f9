"""JSON lines as columns.

One object a line, each a row, its keys the columns. A key that a line lacks is a missing value.
Nested values are refused: how they should lie in columns is for a person to say.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tabveil.data.reading.bounds import Bounds, shown
from tabveil.data.reading.encoding import as_written, encoding_of
from tabveil.data.reading.files import open_text
from tabveil.data.reading.raw import Dialect, RawTable
from tabveil.data.reading.rows import Rows
from tabveil.errors import DataError


def read_json_lines(path: Path, *, encoding: str | None, bounds: Bounds) -> RawTable:
    """Read JSON lines, packed or not.

    Args:
        path: the file.
        encoding: its encoding; None: found out.
        bounds: how large it may be.

    Raises:
        DataError: a line is no flat object, or a column changes its kind; the message names the
            line.
    """
    encoding = encoding_of(path, encoding, bounds)
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
    rows, first = Rows(str(path), bounds, unit="line"), ""
    with open_text(path, encoding) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                rows.add(number, _object(line, decoder, f"{path}, line {number}"))
                first = first or line
    if not first:
        raise DataError(f"{path} is empty")
    is_spaced = re.match(r'\s*\{\s*"(?:[^"\\]|\\.)*": ', first) is not None
    dialect = Dialect("jsonl", encoding=as_written(path, encoding), spaced=is_spaced)
    return RawTable(rows.columns(), dialect)


class _KeyTwiceError(ValueError):
    """One object names a key twice."""


def _object(line: str, decoder: json.JSONDecoder, where: str) -> dict[str, Any]:
    try:
        found = decoder.decode(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: no JSON from character {error.pos + 1} on") from None
    except _KeyTwiceError:
        raise DataError(f"{where}: a key comes twice in one object; name each key once") from None
    except (ValueError, RecursionError):  # NaN, 5,000 digits, brackets within brackets
        raise DataError(f"{where}: no JSON that can be read; write null for no number") from None
    if not isinstance(found, dict):
        raise DataError(f"{where}: no object; write one object {{…}} a line, without a list around")
    for key, value in found.items():
        if isinstance(value, dict | list):
            nested = "an object" if isinstance(value, dict) else "a list"
            raise DataError(
                f"{where}: key {shown(key)} holds {nested}; give each part of it a key of its own, "
                f"or leave it out"
            )
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _KeyTwiceError
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)
