"""How large a table may be.

Beyond these sizes a file is nearly always no table: an export without line ends, a dump, a bomb.
Saying so after ten million characters is kinder than filling the memory first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tabveil.errors import DataError

_SHOWN = 60
"""Characters of a column's name that a message repeats."""


@dataclass(frozen=True)
class Bounds:
    """The largest table that is read.

    Attributes:
        rows: twenty million rows of twenty numbers fill 3 GB, and several copies are needed.
        columns: every pair of them is looked at, 12 million for 5,000.
        field: characters of one value. It is Python's own limit for CSV, and far above any text
            that can be modelled.
        line: characters of one line of a text file.
        digits: of one whole number.
    """

    rows: int = 20_000_000
    columns: int = 5_000
    field: int = 131_072
    line: int = 10_000_000
    digits: int = 100

    def check_rows(self, n: int, source: str) -> None:
        """Raise DataError for too many rows."""
        if n > self.rows:
            raise DataError(
                f"{source} holds more than {self.rows:,} rows; draw a sample of its rows first"
            )

    def check_columns(self, n: int, source: str) -> None:
        """Raise DataError for too many columns."""
        if n > self.columns:
            raise DataError(
                f"{source} holds {n:,} columns, more than {self.columns:,}; leave some out"
            )

    def check_field(self, n_characters: int, where: str, name: str) -> None:
        """Raise DataError for too long a text."""
        if n_characters > self.field:
            raise DataError(
                f"{where}: a value of {shown(name)} is longer than {self.field:,} characters; "
                f"cut it, or leave the column out"
            )

    def check_digits(self, number: int, source: str, name: str) -> None:
        """Raise DataError for a whole number that is neither a number nor a code any more."""
        if number > 10**self.digits:
            raise DataError(
                f"{source}: {shown(name)} holds a number of more than {self.digits} digits; "
                f"cap it, or write it as a text"
            )

    def check_line(self, n_characters: int, where: str) -> None:
        """Raise DataError for too long a line."""
        if n_characters > self.line:
            raise DataError(
                f"{where}: longer than {self.line:,} characters; a table has one row a line"
            )


BOUNDS = Bounds()


def shown(name: str) -> str:
    """A column's name as messages quote it, cut where it is no name any more.

    >>> shown("age")
    "'age'"
    """
    return repr(name if len(name) <= _SHOWN else name[:_SHOWN] + "…")


def check_names(names: list[str], source: str) -> None:
    """Raise DataError where a column's name comes twice."""
    repeated = sorted(name for name, n in Counter(names).items() if n > 1)
    if repeated:
        told = ", ".join(shown(name)[1:-1] for name in repeated[:10])
        raise DataError(f"{source}: column names must be unique; repeated: {told}")
