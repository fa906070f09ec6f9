"""What does a person at the terminal see: tables, and a sweep's progress with its ETA?

On a terminal the progress is a live bar; elsewhere (a log file, CI) a line a trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tabveil.redaction import hide_passwords


def say(text: str = "") -> None:
    """Print a line as it is: no markup, no wrapping, so that it can be copied; no passwords."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(hide_passwords(text), markup=False, emoji=False)


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers stand to the right."""
    console = Console(highlight=False)
    if not console.is_terminal:  # a file or a pipe has no width of its own
        console = Console(highlight=False, width=100)
    table = Table(title=title, title_justify="left")
    for i, name in enumerate(header):
        numeric = all(isinstance(row[i], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row))
    console.print(table, markup=False)


class SweepProgress:
    """Shows how many trials of how many are done, and when the rest will be."""

    def __init__(self, study: str, *, done: int, target: int) -> None:
        self._console = Console(highlight=False)
        self._target = target
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            speed_estimate_period=3600,
        )
        self._task = self._bar.add_task(f"sweep {study}", total=target, completed=done)

    def trial(self, text: str, *, done: int) -> None:
        """Tell how a trial ended."""
        self._console.print(f"[{done}/{self._target}] {text}", markup=False, soft_wrap=True)
        self._bar.update(self._task, completed=done)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
