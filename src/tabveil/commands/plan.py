"""Which sweep does a configuration mean: its table, space, identity, name and stores?

Everything is read and checked here before a sweep writes anything; `sweep` and `confirm` share
it, so that they mean the same study.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tabveil
from tabveil import progress
from tabveil.commands.prepare import prepared_table
from tabveil.config.build import build_executor, build_parts
from tabveil.config.compose import Composition
from tabveil.config.settings import Base, SweepSettings, Tracking, read
from tabveil.config.space import parse_space, to_overrides
from tabveil.data.prepared import Prepared
from tabveil.pipeline import Parts
from tabveil.search.space import Space
from tabveil.search.storage import Turns
from tabveil.search.study import Identity, Sampler, Study, open_study
from tabveil.tracking.registry import check_name
from tabveil.tracking.store import open_tracking

# Keys that do not change what a trial gives (where things are kept, where and how long it runs),
# and those that the digest of the prepared table stands for already.
_ELSEWHERE = (
    *("root", "out", "tracking", "executor", "sweep", "prepared"),
    *("confirm", "gate", "ledger", "stores"),
)
_IN_DIGEST = ("dataset", "split")


@dataclass(frozen=True)
class Plan:
    """What a sweep's configuration says."""

    composition: Composition
    base: Base
    settings: SweepSettings
    """With the study's final name: `by_digest` has had its effect."""
    space: Space
    prepared: Prepared
    identity: Identity
    uri: str
    experiment: str

    @classmethod
    def read(cls, composition: Composition) -> Plan:
        """Read and check the configuration, reach the tracking store, prepare the table.

        Raises:
            ConfigError: a key, a part or the space is wrong.
            DataError: the table cannot be used.
            TrackingError: the tracking store cannot be reached.
        """
        base, tracking = read(composition, Base), read(composition, Tracking, "tracking")
        settings = read(composition, SweepSettings, "sweep")
        space = parse_space(_asked_space(composition, settings))
        check_name(settings.model)
        parts = _build_all(composition, space)
        uri = open_tracking(tracking.uri, root=base.root)
        progress.note("stage", name="prepare")
        prepared = prepared_table(composition)
        parts.pooling.learn(prepared.train, prepared.reference, prepared.schema)  # or refuses
        identity = Identity(space, prepared.about.digest, _shaping(composition, space))
        if settings.by_digest:
            name = f"{settings.study}-{identity.digest(code=code_digest())}"
            settings = replace(settings, study=name)
        return cls(
            composition=composition,
            base=base,
            settings=settings,
            space=space,
            prepared=prepared,
            identity=identity,
            uri=uri,
            experiment=tracking.experiment or settings.study,
        )

    @property
    def out(self) -> Path:
        """Where the command writes what it exports."""
        return self.base.out or self.base.root / "sweeps" / self.settings.study

    @property
    def turns(self) -> Turns:
        """The turns that the drivers of this study take."""
        return Turns(self.settings.storage_in(self.base.root), self.settings.study)

    def open_study(self) -> Study:
        """Open the study, which must be the same one if it exists."""
        self.base.root.mkdir(parents=True, exist_ok=True)
        return open_study(
            name=self.settings.study,
            storage=self.settings.storage_in(self.base.root),
            identity=self.identity,
            sampler=Sampler(self.settings.sampler, self.settings.n_startup_trials),
            seed=self.base.seed,
        )


def _shaping(composition: Composition, space: Space) -> dict[str, Any]:
    """The flat configuration less what the space draws and what does not shape a trial."""

    def within(key: str, name: str) -> bool:
        return key == name or key.startswith(f"{name}.")

    return {
        key: value
        for key, value in composition.flat().items()
        if not any(within(key, name) for name in (*_ELSEWHERE, *_IN_DIGEST, *space))
    }


def _asked_space(composition: Composition, settings: SweepSettings) -> dict[str, str]:
    """The configured space, with what the command line spans added and what it fixes left out."""
    fixed = {override.partition("=")[0].lstrip("+") for override in composition.overrides}
    kept = {key: text for key, text in settings.space.items() if key not in fixed}
    return {**kept, **composition.space}


def _build_all(composition: Composition, space: Space) -> Parts:
    """Build trials that between them use every choice: what cannot be built is said at once."""
    build_executor(composition)
    n_choices = max([1, *(len(dimension.choices) for dimension in space.values())])
    for i in reversed(range(n_choices)):
        values = {
            key: d.choices[i % len(d.choices)] if d.choices else d.low for key, d in space.items()
        }
        parts = build_parts(composition.varied(to_overrides(values)))
    return parts


def code_digest() -> str:
    """A digest of this package's code."""
    root = Path(tabveil.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
