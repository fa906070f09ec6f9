"""No row of the table is alone with its quasi-identifiers (k-anonymity of the output).

Descriptive: it makes linking by these columns ambiguous and proves nothing about the rest of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from tabveil.contracts import Filter, Source, Stage
from tabveil.errors import ConfigError


@dataclass(frozen=True)
class DropSmallGroups:
    """Leave out rows whose quasi-identifiers fewer than `k` rows of the same table share.

    The table comes out shorter: rows drawn in their place would make small groups of their own.

    Args:
        k: least size of a group that stays.
        columns: the quasi-identifiers; None: those of the schema.
    """

    name: ClassVar[str] = "small_groups"
    stage: ClassVar[Stage] = "table"
    names_people: ClassVar[bool] = False
    k: int = 5
    columns: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ConfigError(f"protection.small_groups.k={self.k} must be at least 2")

    def against(self, source: Source) -> Filter:
        """A filter by groups. Raises ConfigError without quasi-identifiers, or for unknown ones."""
        names = list(source.schema.quasi_identifiers if self.columns is None else self.columns)
        unknown = [name for name in names if name not in source.schema.names]
        if unknown or not names:
            what = f"no columns {unknown}" if unknown else "no quasi-identifiers"
            raise ConfigError(
                f"protection.small_groups: this table has {what}; name them under "
                f"dataset.quasi_identifiers or protection.small_groups.columns"
            )

        def keep(rows: pd.DataFrame) -> pd.DataFrame:
            sizes = rows.groupby(names, dropna=False, observed=True)[names[0]].transform("size")
            return rows[(sizes >= self.k).to_numpy()]

        return keep
