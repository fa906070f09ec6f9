"""Which sweep does a configuration mean: its table, space, identity, name and stores?

Everything is read and checked here before a sweep writes anything; `sweep` and `confirm` share
it, so that they mean the same study.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tabveil
from tabveil import progress
from tabveil.commands.prepare import prepared_table
from tabveil.config.build import build_executor, build_parts
from tabveil.config.compose import Composition
from tabveil.config.settings import Base, SweepSettings, Tracking, read
from tabveil.config.space import FAMILY, family_of, override_key, parse_space, to_overrides
from tabveil.data.prepared import Prepared
from tabveil.errors import ConfigError
from tabveil.pipeline import Parts
from tabveil.search.space import Space, Value, corner
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
    first: Sequence[Mapping[str, Value]]
    """Values of the first trials: the families' defaults, then those that are known to be good."""
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
        space = parse_space(_asked_space(composition, settings), composition.choices.get(FAMILY))
        first = _first_trials(composition, settings, space)
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
            first=first,
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
            first=self.first,
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
    """The configured space, with what the command line spans added and what it fixes left out.

    Raises ConfigError for a key of a family that is not tried, if the command line spans it.
    """
    fixed = {override.partition("=")[0].lstrip("+") for override in composition.overrides}
    family = composition.choices.get(FAMILY)
    if FAMILY in fixed:  # what the configuration spans of other families has no meaning then
        strange = [k for k in composition.space if family_of(k) not in (None, family)]
        if strange:
            raise ConfigError(f"{strange[0]}: all trials are {family}; leave the key out")
    kept = {
        key: text
        for key, text in settings.space.items()
        if key not in fixed and override_key(key) not in fixed
    }
    return {**kept, **composition.space}


def _first_trials(
    composition: Composition, settings: SweepSettings, space: Space
) -> list[dict[str, Value]]:
    """What a new study begins with. Raises ConfigError for a value outside the space."""
    families = space[FAMILY].choices if FAMILY in space else (None,)
    found = []
    for family in families:
        there: dict[str, Value] = {FAMILY: family} if family is not None else {}
        varied = composition.varied(to_overrides(there)) if there else composition
        defaults = varied.flat()
        for key, dimension in space.items():
            default = defaults.get(override_key(key))
            text = f"[{','.join(map(str, default))}]" if isinstance(default, list) else default
            if dimension.belongs(there) and dimension.holds(text):
                there[key] = text
        found.append(there)
    # What the configured space holds and the command line's does not is not wished for any more.
    family = composition.choices.get(FAMILY)
    configured = parse_space(settings.space, family)
    for values in settings.first:
        if FAMILY in configured and (wrong := _outside(values, configured)):
            raise ConfigError(f"sweep.first: {wrong}={values[wrong]} lies outside sweep.space")
        if FAMILY in space:
            first = dict(values)
        elif values.get(FAMILY, family) == family:
            first = {override_key(key): v for key, v in values.items() if key != FAMILY}
        else:
            continue
        if _outside(first, space) is None:
            found.append(first)
    return found


def _outside(values: Mapping[str, Value], space: Space) -> str | None:
    """The first key whose value the space does not hold."""
    wrong = (k for k, value in values.items() if k not in space or not space[k].holds(value))
    return next(wrong, None)


def _build_all(composition: Composition, space: Space) -> Parts:
    """Build trials that between them use every choice: what cannot be built is said at once."""
    build_executor(composition)
    n_choices = max([1, *(len(dimension.choices) for dimension in space.values())])
    for i in reversed(range(n_choices)):
        parts = build_parts(composition.varied(to_overrides(corner(space, i))))
    return parts


def code_digest() -> str:
    """A digest of this package's code."""
    root = Path(tabveil.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
