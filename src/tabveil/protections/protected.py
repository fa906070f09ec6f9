"""How are rows drawn from a model and protected before anybody sees them?

    draw → leave out rows → round values → leave out rows again → leave out small groups

Rows are looked at before and after rounding: a copy that was rounded is a copy still, and rounding
could make one.
Rows that are left out are drawn again, with bounded effort, so that as many come as were asked for;
only what looks at the whole table makes it shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from tabveil.contracts import Draws, Filter, Protection, Source, Where
from tabveil.errors import ConditionError
from tabveil.synthesizers.chunks import concat, take
from tabveil.synthesizers.conditions import PATIENCE_PER_ACCEPTED, PATIENCE_ROWS


@dataclass(frozen=True)
class Protected:
    """A fitted synthesizer, and what is done to its rows.

    Attributes:
        synthesizer: that draws.
        filters: of one frame at a time, in this order.
        of_table: filters of the whole table.
    """

    synthesizer: Draws
    filters: tuple[Filter, ...]
    of_table: tuple[Filter, ...]

    @classmethod
    def by(
        cls, synthesizer: Draws, protections: Mapping[str, Protection], source: Source
    ) -> Protected:
        """Make filters of protections, whatever their order. Raises ConfigError as they do."""
        made: dict[str, list[Filter]] = {"rows": [], "values": [], "table": []}
        for one in protections.values():
            made[one.stage].append(one.against(source))
        again = made["rows"] if made["values"] else []
        return cls(synthesizer, (*made["rows"], *made["values"], *again), tuple(made["table"]))

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows; fewer where the whole table is protected.

        Raises ConditionError where too few rows pass, or `where` cannot be met.
        """
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)`, in frames of bounded size unless the table is whole."""
        if not self.filters and not self.of_table:
            yield from self.synthesizer.iter_sample(n, seed=seed, where=where)
            return
        frames = take(self._kept(n, seed, where), n)
        if not self.of_table:
            yield from frames
            return
        table = concat(list(frames))
        for keep in self.of_table:
            table = keep(table)
        yield table.reset_index(drop=True)

    def _kept(self, n: int, seed: int, where: Where | None) -> Iterator[pd.DataFrame]:
        patience = PATIENCE_ROWS + PATIENCE_PER_ACCEPTED * n
        n_drawn = n_kept = 0
        for frame in self.synthesizer.iter_sample(patience, seed=seed, where=where):
            n_drawn += len(frame)
            for keep in self.filters:
                frame = keep(frame)
            n_kept += len(frame)
            yield frame
            if n_kept < n and n_drawn >= PATIENCE_ROWS + PATIENCE_PER_ACCEPTED * n_kept:
                break
        raise ConditionError(
            f"only {n_kept} of {n} rows passed the protections after {n_drawn} draws; loosen them, "
            f"or ask for fewer rows"
        )


def described(protections: Mapping[str, Protection]) -> dict[str, dict[str, Any]]:
    """Name → settings, JSON-able: what a verdict on protected rows holds for."""
    return {one.name: asdict(one) for one in protections.values()}  # type: ignore[call-overload]
