"""Several files of one table are opened so that their columns hold the same.

The same rows, once as CSV and once as Parquet, give the same values: a column that is a code in one
file is read as a code in all, one that is numbers or dates in one is read so in all, and dates that
one file leaves open are read as another has them. What cannot be read alike is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tabveil.data.opening import Opened, Wishes
from tabveil.data.tables import Place
from tabveil.errors import DataError

_TEXTS = ("text", "code")
_KINDS = {
    "whole": "numeric",
    "decimal": "numeric",
    "time": "numeric",
    "duration": "numeric",
    "datetime": "datetime",
}


def open_alike(
    places: Mapping[str, Place], wishes: Wishes, *, real: Sequence[str]
) -> dict[str, Opened]:
    """Open files of one table.

    Args:
        places: name → where the file lies.
        wishes: what a person says of the columns.
        real: names of the files that decide what a column is; the others follow.

    Raises:
        DataError: as `Place.open`, with the file's name; a column cannot be read as in the others,
            or can be read in two ways and no file decides.
    """
    opened = {name: _open(name, place, wishes) for name, place in places.items()}
    deciding = [opened[name] for name in places if name in real]
    for name, place in places.items():
        told = _told(opened[name], deciding, wishes)
        if told != wishes:
            opened[name] = _open(name, place, told)
        try:
            opened[name].check_readings()
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
    return opened


def _open(name: str, place: Place, wishes: Wishes) -> Opened:
    try:
        return place.open(wishes)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


def _told(own: Opened, deciding: Sequence[Opened], wishes: Wishes) -> Wishes:
    """The wishes for one file, with what the others decide of its columns."""
    kinds, patterns = dict(wishes.kinds), dict(wishes.patterns)
    for column, format in own.formats.items():  # noqa: A001
        formats = [one.formats[column] for one in deciding if column in one.formats]
        if column in wishes.kinds or not formats:
            continue
        if column in own.ambiguous:
            for one in deciding:
                known = one.formats.get(column)
                if known is None or column in one.ambiguous or known.sort != format.sort:
                    continue
                reading = known.pattern if format.sort == "datetime" else None
                if reading in own.ambiguous[column]:
                    patterns[column] = str(reading)
                    kinds[column] = _KINDS[format.sort]
        sorts = {one.sort for one in formats}
        if (sorts & {"code"} and format.sort not in _TEXTS) or (
            sorts <= set(_TEXTS) and format.sort not in (*_TEXTS, "truth")
        ):
            kinds[column] = "categorical"
        elif format.sort in _TEXTS and "code" not in sorts:
            others = {_KINDS[sort] for sort in sorts if sort in _KINDS}
            if len(others) == 1:
                kinds[column] = others.pop()
    return replace(wishes, kinds=kinds, patterns=patterns)
