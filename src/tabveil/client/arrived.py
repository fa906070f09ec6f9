"""Did a file of rows come whole? A cut CSV is a shorter CSV: only counting tells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tabveil.client.shapes import CutShort


def check_whole(path: Path, headers: Mapping[str, str]) -> None:
    """Raise CutShort where a file has other bytes or rows than were announced."""
    n_bytes, said_bytes = path.stat().st_size, int(headers["Content-Length"])
    if n_bytes != said_bytes:
        raise CutShort(f"{said_bytes:,} bytes were announced, {n_bytes:,} came")
    n, said = _n_rows(path, headers["Content-Type"]), int(headers["X-Tabveil-Rows"])
    if n != said:
        raise CutShort(f"{said:,} rows were announced, {n:,} came")


def _n_rows(path: Path, media_type: str) -> int:
    """Rows of a file, without holding them."""
    if "parquet" in media_type:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return int(pq.read_metadata(path).num_rows)
        except pa.ArrowInvalid as error:
            raise CutShort("the Parquet file has no end") from error
    n, n_quotes = 0, 0
    with path.open(encoding="utf-8", newline="") as file:
        for line in file:
            n_quotes += line.count('"') if "csv" in media_type else 0
            n += n_quotes % 2 == 0  # an odd number: the line ends within a cell
    return n - 1 if "csv" in media_type else n
