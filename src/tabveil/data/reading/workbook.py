from pathlib import Path

from tabveil.data.reading.bounds import Bounds
from tabveil.data.reading.raw import RawTable


def read_workbook(path: Path, *, sheet: str | None, bounds: Bounds) -> RawTable:
    raise NotImplementedError
