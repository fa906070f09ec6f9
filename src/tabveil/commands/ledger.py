"""`tabveil ledger`: who opened which release split, and who drew what from which release."""

from __future__ import annotations

from tabveil.config.compose import Composition
from tabveil.config.settings import Base, LedgerSettings, read
from tabveil.report.terminal import say, show_table
from tabveil.tracking.ledger import Ledger


def run(composition: Composition) -> None:
    """Print every line, oldest first, and how often each release split was opened."""
    root = read(composition, Base).root
    ledger = Ledger.at(read(composition, LedgerSettings, "ledger").url, root=root)
    lines = ledger.lines()
    rows = [
        (
            line.number,
            line.at,
            line.who,
            line.event,
            line.model,
            ", ".join(f"{key}={value}" for key, value in line.detail.items()),
        )
        for line in lines
    ]
    show_table("ledger", ("line", "at", "who", "event", "of", "detail"), rows)
    for digest in dict.fromkeys(line.data_digest for line in lines if line.data_digest):
        n = ledger.n_openings(digest)
        say(f"The release rows of the table {digest[:12]} were opened {n} times.")
