"""How is a study's front shown in the terminal, and how does one go on from it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tabveil.config.compose import Composition
from tabveil.report.terminal import say, show_table
from tabveil.search.exports import points_of
from tabveil.search.pareto import aliases, front
from tabveil.search.records import Record


def store_overrides(composition: Composition) -> str:
    """The given overrides that say which store is meant, for the commands that we suggest."""
    keys = ("root=", "stores=", "tracking.uri=", "ledger.url=")
    named = [o for o in composition.overrides if o.startswith(keys)]
    return "".join(f" {override}" for override in named)


def show_front(ended: Sequence[Record], *, study: str) -> None:
    """Print the front as a table, the most private trial first."""
    points = points_of(ended)
    named = aliases(points) if points else {}
    by_number = {record.number: record for record in ended}
    rows = [
        (
            point.number,
            point.utility,
            point.risk_low,
            point.risk_high,
            ", ".join(alias for alias, p in named.items() if p.number == point.number),
            _short(by_number[point.number].values),
        )
        for point in front(points)
    ]
    title = f"front of {study}: {len(rows)} of {len(points)} completed trials"
    show_table(title, ("trial", "utility", "risk shown", "at most", "alias", "values"), rows)
    say("Shown: what an attack proved. At most: what none could exclude. 0 shown is not 'safe'.")


def _short(values: Mapping[str, object]) -> str:
    texts = {k: f"{v:.2g}" if isinstance(v, float) else str(v) for k, v in values.items()}
    return ", ".join(f"{key.split('.')[-1]}={text}" for key, text in texts.items())
