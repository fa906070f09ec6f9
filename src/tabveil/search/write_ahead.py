"""How does a study in SQLite keep up with its trials, and lose nothing?

A trial is some twenty small transactions. With the journal that SQLite has by default each waits
for the disk several times; with a write-ahead log, once, and what was written outlives a loss of
power all the same. Whoever looks at the study holds nobody up.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path


def write_ahead(file: Path) -> None:
    """Let the database, which is made where missing, append to a log from now on.

    Refused while another process writes, and on disks that cannot: then it stays as it is.
    """
    if file.absolute().parent.is_dir():
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(file)) as opened,
        ):
            opened.execute("PRAGMA journal_mode=WAL")
