"""With which encoding do the bytes of a file become letters?

Nearly every table is UTF-8 or, from an older spreadsheet, cp1252. Any bytes "decode" as one of the
single-byte encodings, mostly to nonsense, so cp1252 is taken only where its letters stand as they
stand in words; otherwise a person has to say. The whole file is walked through once: a wrong byte,
a NUL or an endless line at its end is as wrong as at its start.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from tabveil.data.reading.bounds import Bounds
from tabveil.data.reading.files import open_bytes
from tabveil.errors import DataError

_CHUNK = 1 << 20
_UTF8, _CP1252 = "utf-8-sig", "cp1252"
_ODD_SHARE = 0.05
"""A name such as McÉvoy looks odd; where one letter in twenty does, these are no words."""

_LOWER, _UPPER = "ßà-öø-ÿšžœ", "À-ÖØ-ÞŠŽŒŸ"
_ODD = re.compile(
    r"[^\x00-\x7f]{3,}"  # cp1251, or an encoding of the Far East: nothing but accents and signs
    rf"|[a-z][{_UPPER}]"  # Mac Roman: é would be Ž
    rf"|[A-Za-z][^\x00-\x7f{_LOWER}{_UPPER}ªº­·’‘–—][a-z]"  # cp850, cp1250: signs inside of words
    r"|[£³¹][a-z]"  # cp1250: Ł, ł and ą at the start of a word
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UTF8_LETTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)


def encoding_of(path: Path, given: str | None, bounds: Bounds) -> str:
    """Find the encoding of a text file, and check all of it.

    Args:
        path: the file, perhaps packed.
        given: what a person says; None: found out.
        bounds: how long a line may be.

    Returns:
        A name that Python knows; it passes over a byte-order mark.

    Raises:
        DataError: the file is binary, does not decode, or has too long a line.
    """
    if given is not None:
        return _as_given(path, given, bounds)
    with open_bytes(path) as file:
        start = file.read(2)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return _as_given(path, "utf-16", bounds)
    try:
        _walk(path, _UTF8, bounds)
    except UnicodeDecodeError as error:
        _check_words(path, bounds, line=int(error.reason))
        return _CP1252
    return _UTF8


def as_written(path: Path, encoding: str) -> str:
    """The encoding that writes a file as this one was: with its byte-order mark, or without."""
    if encoding != _UTF8:
        return encoding
    with open_bytes(path) as file:
        return _UTF8 if file.read(3) == codecs.BOM_UTF8 else "utf-8"


def _as_given(path: Path, given: str, bounds: Bounds) -> str:
    try:
        encoding = codecs.lookup(given).name
        "a,b".encode(encoding)  # base64 and its like are codecs, but of no letters
    except (LookupError, UnicodeError) as error:
        raise DataError(
            f"{path}: dataset.encoding={given!r} is not known; use utf-8, cp1252, utf-16 or another"
        ) from error
    encoding = _UTF8 if encoding == "utf-8" else encoding
    try:
        _walk(path, encoding, bounds)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {error.reason}: not {given}; set dataset.encoding to what it is"
        ) from error
    except UnicodeError as error:  # UTF-16 without a mark says so in its own way
        raise DataError(f"{path} is not {given}; set dataset.encoding to what it is") from error
    return encoding


def _walk(path: Path, encoding: str, bounds: Bounds) -> None:
    for _ in _texts(path, encoding, bounds):
        pass


def _texts(path: Path, encoding: str, bounds: Bounds) -> Iterator[str]:
    """The text of a file, piece by piece; a UnicodeDecodeError has the line as its reason."""
    decoder = codecs.getincrementaldecoder(encoding)()
    n_lines, open_line = 0, 0
    with open_bytes(path) as file:
        while True:
            chunk = file.read(_CHUNK)
            if encoding in (_UTF8, _CP1252) and b"\0" in chunk:
                raise _binary(path)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line = n_lines + 1 + error.object[: error.start].count(b"\n")
                raise UnicodeDecodeError(encoding, b"", 0, 1, str(line)) from None
            if "\0" in text:
                raise _binary(path)
            open_line = _check_lines(text, open_line, f"{path}, line {n_lines + 1}", bounds)
            n_lines += text.count("\n") or text.count("\r")
            yield text
            if not chunk:
                return


def _check_lines(text: str, open_line: int, where: str, bounds: Bounds) -> int:
    """Raise DataError for an endless line; return how long the last, unfinished one is by now.

    A line that begins and ends inside of one piece is no longer than the piece, so only the line
    that runs across its borders is measured.
    """
    end = re.search(r"[\r\n]", text)
    bounds.check_line(open_line + (end.start() if end else len(text)), where)
    if end is None:
        return open_line + len(text)
    return len(text) - 1 - max(text.rfind("\n"), text.rfind("\r"))


def _check_words(path: Path, bounds: Bounds, *, line: int) -> None:
    """Raise DataError unless the file, which is not UTF-8 in `line`, makes sense as cp1252."""
    n_odd = n_letters = 0
    try:
        for text in _texts(path, _CP1252, bounds):
            if _CONTROL.search(text):
                raise _binary(path)
            if _UTF8_LETTER.search(text.encode(_CP1252)):
                raise DataError(
                    f"{path}, line {line}: not UTF-8, and other places are; save the whole table "
                    f"as UTF-8, or set dataset.encoding if all of it has one encoding"
                )
            n_odd += sum(len(spot) for spot in _ODD.findall(text))
            n_letters += len(text) - len(text.encode("ascii", "ignore"))
    except UnicodeDecodeError:
        n_odd = n_letters = 1
    if n_odd > _ODD_SHARE * n_letters:
        raise DataError(
            f"{path}, line {line}: not UTF-8, and read as cp1252 its letters make no words; save "
            f"the table as UTF-8, or set dataset.encoding (such as cp1250, cp1251, mac-roman)"
        )


def _binary(path: Path) -> DataError:
    return DataError(
        f"{path} is a binary file, not text (or UTF-16 without a byte-order mark: then set "
        f"dataset.encoding=utf-16-le); export the table as text"
    )
