"""Durations as they are written: 36:15:00, 1 day, 02:03:04 or 0 days 02:03:04.500000."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PATTERNS = ("H:MM", "H:MM:SS", "D days H:MM:SS")
_REGEX = {
    "H:MM": r"^(?P<sign>-?)(?P<h>\d{1,6}):(?P<m>[0-5]\d)$",
    "H:MM:SS": r"^(?P<sign>-?)(?P<h>\d{1,6}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)$",
    "D days H:MM:SS": (
        r"^(?P<sign>-?)(?P<d>\d{1,6}) days?,? \+?(?P<h>\d{1,2}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)"
        r"(?:\.\d{1,9})?$"
    ),
}


def read_durations(texts: pa.Array, pattern: str) -> NDArray[np.float64]:
    """Seconds, shape (n,); NaN where a text is no such duration. Fractions are cut off."""
    found = pc.extract_regex(texts, pattern=_REGEX[pattern])
    fits = np.asarray(found.is_valid())
    seconds = np.zeros(int(fits.sum()))
    negative = np.zeros(len(seconds), dtype=bool)
    for i, field in enumerate(found.type):
        part = found.field(i).filter(pa.array(fits))
        if field.name == "sign":
            negative = np.asarray(pc.equal(part, "-"))
            continue
        number = np.asarray(pc.cast(part, pa.int64()), dtype=np.float64)
        seconds += number * {"d": 86_400, "h": 3600, "m": 60, "s": 1}[field.name]
    whole = np.full(len(texts), np.nan)
    # A day before zero counts on: -1 days +23:00:00 is an hour less than nothing.
    days = pattern.startswith("D")
    whole[fits] = np.where(negative, _before(seconds) if days else -seconds, seconds)
    return whole


def _before(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    days = np.floor(seconds / 86_400)
    before: NDArray[np.float64] = -86_400 * days + (seconds - 86_400 * days)
    return before


def write_durations(seconds: NDArray[np.float64], pattern: str) -> pa.Array:
    """Seconds as texts, to the pattern's resolution."""
    return pa.array([_text(round(second), pattern) for second in seconds.tolist()], pa.string())


def _text(second: int, pattern: str) -> str:
    if pattern.startswith("D"):
        days, rest = divmod(second, 86_400)
        sign = "+" if days < 0 else ""
        return f"{days} days {sign}{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    sign, second = ("-" if second < 0 else ""), abs(second)
    text = f"{sign}{second // 3600:02d}:{second // 60 % 60:02d}"
    return text if pattern == "H:MM" else f"{text}:{second % 60:02d}"
