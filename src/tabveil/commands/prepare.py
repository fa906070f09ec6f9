"""`tabveil prepare dataset=randhie`: raw table → schema.json + splits.

`train` and `sweep` prepare by themselves; this command is for looking first, and for DVC.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tabveil import preparation
from tabveil.commands.inspect import place_of, replaced_line, wishes_of
from tabveil.config.compose import Composition
from tabveil.config.settings import Base, Dataset, Split, read
from tabveil.data.opening import Wishes
from tabveil.data.prepared import About, Prepared, load_prepared
from tabveil.data.rules.declared import AUTOMATIC
from tabveil.data.schema_files import Told, read_schema_file
from tabveil.data.split import Shares
from tabveil.errors import ConfigError
from tabveil.report.terminal import say, show_table


def run(composition: Composition) -> None:
    """Prepare a table; say where it lies and what the split found."""
    base = read(composition, Base)
    directory = preparation.prepare(source(composition), base.out, root=base.root)
    about = load_prepared(directory).about
    listed = ("replaced", "read", "passed_over", "rare")
    rows = [(key, str(value)) for key, value in about.report.items() if key not in listed]
    show_table(f"{about.name} prepared at {directory}", ("split", "found"), rows)
    _warn(about)


def prepared_table(composition: Composition) -> Prepared:
    """The prepared table that a run is configured for; prepared now if need be."""
    prepared = load_prepared(prepared_directory(composition))
    _warn(prepared.about)
    return prepared


def _warn(about: About) -> None:
    """What is not learnt, or not as it was written, is said each time, a line a column."""
    for text in about.report.get("passed_over") or ():
        say(f"Note: {text}")
    for text in about.report.get("read") or ():
        say(f"Note: {text}")
    for told in about.report.get("replaced") or ():
        say(f"Warning: {replaced_line(told)}")
    for note in about.report.get("rare") or ():
        say(f"Warning: {note}")


def prepared_directory(composition: Composition) -> Path:
    """The folder of the prepared table that a run is configured for; prepared now if need be."""
    given = composition.node.prepared
    if given is None:
        root = read(composition, Base).root
        return preparation.prepare(source(composition), None, root=root)
    name = load_prepared(Path(given)).about.name
    if name != composition.node.dataset.name:
        raise ConfigError(
            f"prepared={given} holds the table {name!r}, dataset names "
            f"{composition.node.dataset.name!r}; give the dataset it was prepared from"
        )
    return Path(given)


def _automatic(dataset: Dataset) -> tuple[str, ...]:
    """The rules that are kept unasked; a config that does not speak of them keeps all."""
    return AUTOMATIC if dataset.automatic_rules is None else tuple(dataset.automatic_rules)


def _wishes(told: Told, dataset: Dataset) -> Wishes:
    """What the schema file says of columns; what the configuration says counts more."""
    wishes = wishes_of(dataset)
    patterns = {n: p for n, p in told.patterns.items() if n not in (dataset.kinds or {})}
    return replace(
        wishes,
        kinds={**told.kinds, **wishes.kinds},
        patterns={**patterns, **wishes.patterns},
        missing_in={**told.missing, **wishes.missing_in},
    )


def source(composition: Composition) -> preparation.Source:
    """What the configuration says of the table and its split."""
    dataset = read(composition, Dataset, "dataset")
    how = read(composition, Split, "split")
    told = Told() if dataset.schema is None else read_schema_file(dataset.schema.expanduser())
    return preparation.Source(
        name=dataset.name,
        place=place_of(dataset),
        wishes=_wishes(told, dataset),
        masks={**told.masks, **(dataset.masks or {})},
        rules=(*told.rules, *(dataset.rules or ())),
        automatic_rules=_automatic(dataset),
        target=dataset.target or told.target,
        sensitive=tuple(dataset.sensitive or told.sensitive),
        quasi_identifiers=tuple(dataset.quasi_identifiers or told.quasi_identifiers),
        group=how.by or told.group,
        sample_groups=dataset.sample_groups,
        shares=Shares(how.train, how.control, how.reference, how.release),
        keep_twins_together=how.keep_twins_together,
        split_seed=how.seed,
    )
