"""How is a study's front shown in the terminal, and how does one go on from it?"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from tabveil.config.compose import Composition
from tabveil.report.terminal import say, show_table
from tabveil.search.exports import points_of
from tabveil.search.pareto import aliases, front
from tabveil.search.records import Record

_STORES = ("root", "stores", "tracking.uri", "ledger.url")
"""Keys that say where things are kept."""


def next_command(composition: Composition, command: str, overrides: Sequence[str]) -> str:
    """A command that goes on from this one, in the same stores; a shell runs it as it is."""
    kept = [one for one in composition.overrides if _key(one) in _STORES]
    folder = composition.config_dir
    configs = [] if folder is None else ["--config-dir", folder]
    return shlex.join(["tabveil", command, *overrides, *kept, *configs])


def study_overrides(composition: Composition) -> list[str]:
    """The given overrides that make the study what it is; `next_command` adds the stores."""
    given = [*composition.overrides, *(f"{k}={v}" for k, v in composition.space.items())]
    left = (*_STORES, "out", "sweep.trials")
    return [one for one in given if _key(one) not in left and not one.startswith("executor")]


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+")


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
