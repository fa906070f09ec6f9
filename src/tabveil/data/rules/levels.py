"""Does a column hold a level exactly when another column says so?

    last_review is missing exactly when number_of_reviews is 0
    OnlineBackup is 'No internet service' exactly when InternetService is 'No'

Missing is a level, so this one rule says conditional nullness and agreement between columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tabveil.data.levels import Level
from tabveil.data.rules.when import Mask, When, is_level, level_text


@dataclass(frozen=True)
class LevelWhen:
    """`column` holds `level` where `when` holds and, if `exactly`, nowhere else.

    Attributes:
        level: None: the value is missing.
        tolerance: share of training rows that may break the rule; sampled rows never do.
    """

    column: str
    level: Level
    when: When
    exactly: bool = True
    tolerance: float = 0.0

    @property
    def name(self) -> str:
        """The rule in words."""
        word = "exactly when" if self.exactly else "when"
        return f"{self.column} is {level_text(self.level)} {word} {self.when}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it speaks of."""
        return (self.column, self.when.column)

    def holds(self, table: pd.DataFrame) -> Mask:
        """Which rows obey, shape (n,)."""
        has = is_level(table[self.column], (self.level,))
        must = self.when.holds(table)
        return has == must if self.exactly else has | ~must
