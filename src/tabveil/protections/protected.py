"""How are rows drawn from a model and protected before anybody sees them?

    draw → leave out rows → round values → leave out rows again → leave out small groups

Rows are looked at before and after rounding: a copy that was rounded is a copy still, and rounding
could make one.
Rows that are left out are drawn again, with bounded effort, so that as many come as were asked for;
only what looks at the whole table makes it shorter.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from tabveil.contracts import Draws, Filter, Protection, Source, Where
from tabveil.data.schema import Schema
from tabveil.errors import ConditionError, ConfigError
from tabveil.synthesizers.chunks import concat, take
from tabveil.synthesizers.conditions import (
    PATIENCE_PER_ACCEPTED,
    PATIENCE_ROWS,
    Condition,
    met,
    parse,
)


@dataclass(frozen=True)
class Protected:
    """A fitted synthesizer, and what is done to its rows.

    Attributes:
        synthesizer: that draws.
        filters: of one frame at a time, in this order.
        of_table: filters of the whole table.
        schema: of the rows; None where nothing protects them.
        naming: the protections that depend on single training rows.
    """

    synthesizer: Draws
    filters: tuple[Filter, ...]
    of_table: tuple[Filter, ...]
    schema: Schema | None = None
    naming: tuple[str, ...] = ()

    @classmethod
    def by(
        cls, synthesizer: Draws, protections: Mapping[str, Protection], source: Source
    ) -> Protected:
        """Make filters of protections, whatever their order. Raises ConfigError as they do."""
        made: dict[str, list[Filter]] = {"rows": [], "values": [], "table": []}
        for one in protections.values():
            made[one.stage].append(one.against(source))
        again = made["rows"] if made["values"] else []
        return cls(
            synthesizer,
            (*made["rows"], *made["values"], *again),
            tuple(made["table"]),
            source.schema,
            tuple(name for name, one in protections.items() if one.names_people),
        )

    def sample(self, n: int, *, seed: int, where: Where | None = None) -> pd.DataFrame:
        """Draw `n` rows; fewer where the whole table is protected.

        Raises:
            ConditionError: too few rows pass, or `where` cannot be met.
            ConfigError: `where`, and a protection that depends on single training rows: together
                they would answer whether somebody is one.
        """
        return concat(list(self.iter_sample(n, seed=seed, where=where)))

    def iter_sample(
        self, n: int, *, seed: int, where: Where | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows of `sample(n)`, in frames of bounded size unless the table is whole."""
        if not self.filters and not self.of_table:
            yield from self.synthesizer.iter_sample(n, seed=seed, where=where)
            return
        if where and self.naming:
            raise ConfigError(
                f"where, and protection={list(self.naming)}: whether such a row can be drawn would "
                f"say whether the model learnt from it; use one of the two"
            )
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
        asked = self._numbers_asked(where)
        n_drawn = n_kept = 0
        with contextlib.suppress(*([ConditionError] if where else [])):
            for frame in self.synthesizer.iter_sample(patience, seed=seed, where=where):
                n_drawn += len(frame)
                for keep in self.filters:
                    frame = keep(frame)
                frame = frame[met(frame, asked)] if asked else frame
                n_kept += len(frame)
                yield frame
                if n_kept < n and n_drawn >= PATIENCE_ROWS + PATIENCE_PER_ACCEPTED * n_kept:
                    break
        raise ConditionError(
            f"too few rows passed the protections{' and met the condition' if where else ''} to "
            f"make {n}; loosen them, or ask for fewer rows"
        )

    def _numbers_asked(self, where: Where | None) -> dict[str, Condition]:
        """The conditions on numbers and dates, which rounding may break."""
        if not where or self.schema is None:
            return {}
        numbers = self.schema.of_kind("numeric", "datetime")
        return parse({n: v for n, v in where.items() if n in numbers}, self.schema, {})


def described(protections: Mapping[str, Protection]) -> dict[str, dict[str, Any]]:
    """Name → settings, JSON-able: what a verdict on protected rows holds for."""
    return {one.name: asdict(one) for one in protections.values()}  # type: ignore[call-overload]


def as_overrides(protections: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What `described` gave, as words of a command line that ask for the same."""
    values = [
        f"protection.{name}.{key}={json.dumps(value)}"
        for name, settings in protections.items()
        for key, value in settings.items()
    ]
    return [f"protection=[{','.join(protections)}]", *values]
