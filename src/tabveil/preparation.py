"""The first half of the straight line: open → infer_schema → split.

It is walked once a table: what was prepared before, of the same one in the same way, is used again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tabveil.data import again
from tabveil.data.masking import Masking, policies_of, replaced
from tabveil.data.opening import Wishes
from tabveil.data.prepared import FORMAT, About, holds, save_prepared
from tabveil.data.rare_columns import mostly_rare
from tabveil.data.rules.declared import AUTOMATIC, rules_of
from tabveil.data.rules.kinds import rule_to_dict
from tabveil.data.schema import Column, infer_schema
from tabveil.data.split import Shares, split
from tabveil.data.tables import Place, digest
from tabveil.data.targets import check_target


@dataclass(frozen=True)
class Source:
    """A table to prepare, what a person knows of it, and how to split it."""

    name: str
    place: Place
    wishes: Wishes = field(default_factory=Wishes)
    masks: Mapping[str, str] = field(default_factory=dict)
    rules: Sequence[Mapping[str, Any]] = ()
    target: str | None = None
    sensitive: tuple[str, ...] = ()
    quasi_identifiers: tuple[str, ...] = ()
    group: str | None = None
    shares: Shares = field(default_factory=Shares)
    keep_twins_together: bool = True
    split_seed: int = 0
    sample_groups: bool = False
    automatic_rules: tuple[str, ...] = AUTOMATIC


def prepare(source: Source, directory: Path | None, *, root: Path) -> Path:
    """Read, describe and split a table; return the folder that holds the result.

    Without a `directory` the folder lies under `root`, named by what shaped it, and an earlier
    preparation of the same table in the same way is used again.
    """
    mark = again.fingerprint(source.place, (FORMAT, source))
    known = again.recall(root, mark)
    if known is not None:
        key, _, form = known.partition(" ")
        there = directory or _folder(source, key, form, root)
        if holds(there, key, form):
            return there
    opened = source.place.open(source.wishes)
    opened.check_readings()
    table = opened.table
    schema = infer_schema(table, kinds=source.wishes.kinds, opened=opened).with_roles(
        target=source.target,
        sensitive=source.sensitive,
        quasi_identifiers=source.quasi_identifiers,
        group=source.group,
    )
    check_target(table, schema)
    policies = policies_of(schema, source.masks, sample_groups=source.sample_groups)
    modelled = schema.modelled()
    rules = rules_of(table[modelled.names], modelled, source.rules, source.automatic_rules)
    bare = replace(schema, dialect=None, columns=tuple(map(_without_form, schema.columns)))
    how = [FORMAT, bare.to_json(), policies, [rule_to_dict(rule) for rule in rules]]
    form = _key(schema.to_json())[:12]
    shaped_by = (source.shares, source.keep_twins_together, source.split_seed)
    key = _key(digest(table), *how, *shaped_by)
    if again.fingerprint(source.place, (FORMAT, source)) == mark:  # it did not change meanwhile
        again.remember(root, mark, f"{key} {form}")
    directory = directory or _folder(source, key, form, root)
    if holds(directory, key, form):
        return directory
    splits = split(
        table,
        schema,
        seed=source.split_seed,
        shares=source.shares,
        keep_twins_together=source.keep_twins_together,
    )
    report = splits.report | {
        "identifiers": ", ".join(f"{name}: {policy}" for name, policy in policies.items()) or None,
        "dropped": [name for name, policy in policies.items() if policy == "drop"] or None,
        "rules": "; ".join(rule.name for rule in rules) or None,
        "replaced": replaced(table, schema, policies),
        "read": opened.told,
        "passed_over": list(opened.passed_over),
        "rare": mostly_rare(splits.train, splits.reference, modelled) or None,
    }
    about = About(name=source.name, source=source.place.title, digest=key, report=report, form=form)
    masking = Masking.learn(table, schema, policies)
    save_prepared(
        directory,
        splits=splits,
        schema=modelled,
        masking=masking,
        rules=rules,
        about=about,
    )
    return directory


def _without_form(column: Column) -> Column:
    """A column as what it holds, however its cells are written."""
    return replace(column, format=None, reason="")


def _folder(source: Source, key: str, form: str, root: Path) -> Path:
    return root / "prepared" / f"{source.name}-{key[:12]}-{form[:6]}"


def _key(*parts: object) -> str:
    text = json.dumps([asdict(p) if isinstance(p, Shares) else p for p in parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
