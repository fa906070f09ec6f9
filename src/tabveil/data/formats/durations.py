"""Durations as they are written: 36:15:00, 9:05, 2 days, 2:03:04 or 0 days 02:03:04.500000."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_LEADS = ("", "D days ", "D day, ")
_TAILS = (":MM", ":MM:SS", ":MM:SS.fff", ":MM:SS.ffffff")
PATTERNS = tuple(
    f"{lead}{hours}{tail}"
    for lead in _LEADS
    for hours in ("HH", "H")
    for tail in (_TAILS if not lead else _TAILS[1:])
)
"""Days as pandas writes them, or as Python does; hours with a leading zero, or without."""
_DAYS = {"D": r"(?P<d>-?\d{1,6}) days? \+?", "D day, ": r"(?:(?P<d>-?\d{1,6}) days?, )?", "": ""}


def read_durations(texts: pa.Array, pattern: str) -> NDArray[np.float64]:
    """Seconds, shape (n,); NaN where a text is no such duration."""
    found = pc.extract_regex(texts, pattern=_regex(pattern))
    fits = np.asarray(found.is_valid())
    seconds = np.zeros(int(fits.sum()))
    negative = np.zeros(len(seconds), dtype=bool)
    for i, field in enumerate(found.type):
        part = found.field(i).filter(pa.array(fits))
        if field.name == "sign":
            negative = np.asarray(pc.equal(part, "-"))
            continue
        if field.name == "f":
            part = pc.binary_join_element_wise("0.", part, "")
        part = pc.if_else(pc.equal(part, ""), "0", part)
        number = np.asarray(pc.cast(part, pa.float64()), dtype=np.float64)
        # A day before zero counts on: -1 days +23:00:00 is an hour less than nothing.
        seconds += number * {"d": 86_400, "h": 3600, "m": 60, "s": 1, "f": 1}[field.name]
    whole = np.full(len(texts), np.nan)
    whole[fits] = np.where(negative, -seconds, seconds)
    return whole


def digits_of(pattern: str) -> int:
    """Digits of a second's fraction."""
    return pattern.count("f")


def write_durations(seconds: NDArray[np.float64], pattern: str) -> pa.Array:
    """Seconds as texts, to the pattern's resolution."""
    ticks = np.rint(seconds * 10 ** digits_of(pattern)).astype(np.int64)
    return pa.array([_text(tick, pattern) for tick in ticks.tolist()], pa.string())


def _regex(pattern: str) -> str:
    lead = _DAYS["D"] if pattern.startswith("D days") else _DAYS[_lead(pattern)]
    hours = r"(?P<h>\d{2,6})" if "HH" in pattern else r"(?P<h>\d{1,6})"
    seconds = r":(?P<s>[0-5]\d)" if "SS" in pattern else ""
    fraction = rf"\.(?P<f>\d{{{digits_of(pattern)}}})" if digits_of(pattern) else ""
    sign = r"(?P<sign>-?)" if not lead else ""
    return rf"^{sign}{lead}{hours}:(?P<m>[0-5]\d){seconds}{fraction}$"


def _lead(pattern: str) -> str:
    return "D day, " if pattern.startswith("D day, ") else ""


def _text(tick: int, pattern: str) -> str:
    per_second = 10 ** digits_of(pattern)
    lead = ""
    if pattern.startswith("D"):
        days, tick = divmod(tick, 86_400 * per_second)
        if pattern.startswith("D days"):
            lead = f"{days} days {'+' if days < 0 else ''}"
        elif days:
            lead = f"{days} day{'' if abs(days) == 1 else 's'}, "
    sign, tick = ("-" if tick < 0 else ""), abs(tick)
    second, fraction = divmod(tick, per_second)
    hours = f"{second // 3600:0{2 if 'HH' in pattern else 1}d}"
    text = f"{lead}{sign}{hours}:{second // 60 % 60:02d}"
    if "SS" in pattern:
        text += f":{second % 60:02d}"
    return f"{text}.{fraction:0{digits_of(pattern)}d}" if digits_of(pattern) else text
