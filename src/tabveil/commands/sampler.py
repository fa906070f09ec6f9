"""How does a model become what `tabveil sample` draws from: loaded, protected, at wanted shares?

A `Sampler` travels to worker processes as what was asked, and loads the generator there.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tabveil.config.build import build_group
from tabveil.config.compose import Composition
from tabveil.config.settings import Base, Sample, read
from tabveil.contracts import Protection
from tabveil.data.prepared import find_prepared, load_prepared
from tabveil.errors import ConfigError
from tabveil.memo import Memo
from tabveil.pipeline import members_of, protected
from tabveil.protections.protected import as_overrides, described
from tabveil.synthesizers.balanced import Balanced
from tabveil.tracking.models import Generator
from tabveil.tracking.registry import load_model


@dataclass(frozen=True)
class Sampler:
    """What rows are asked of which model.

    Attributes:
        composition: of the command.
        settings: the same, with conditions and shares from wherever they came.
        model: a folder, or models:/NAME/VERSION; no alias, which may move.
        uri: of the tracking store that a registered model is in.
    """

    composition: Composition
    settings: Sample
    model: str
    uri: str
    kept: Memo = field(default_factory=Memo, compare=False, repr=False)

    @property
    def protections(self) -> dict[str, Protection]:
        """What is done to drawn rows, by name."""
        made: dict[str, Protection] = build_group(self.composition, "protection", Protection)
        return made

    @property
    def generator(self) -> Generator:
        """Ready to draw; loaded once in each process.

        Raises ArtifactError or TrackingError where it cannot be loaded, and ConfigError where it
        may not, or cannot, draw what is asked.
        """
        return self.kept.get("generator", self._open)

    def _open(self) -> Generator:
        settings, generator = self.settings, load_model(self.uri, self.model)
        protections = self.protections
        if settings.as_confirmed:
            check_as_confirmed(generator, protections, settings.model)
        if protections:
            generator = _protected(
                generator, protections, settings, read(self.composition, Base).root
            )
        if settings.shares is None:
            return generator
        if generator.masking.of_persons:
            raise ConfigError(
                f"{settings.model} draws whole groups of rows, and shares= mixes single rows; ask "
                f"for where= on a column of the person, once a level"
            )
        balanced = Balanced.by(generator.synthesizer, settings.shares)
        return replace(generator, synthesizer=balanced)


def check_as_confirmed(
    generator: Generator, protections: Mapping[str, Protection], model: str
) -> None:
    """Refuse to give away rows other than those that the attacks looked at.

    Raises ConfigError that says with what the model was attacked.
    """
    confirmed, asked = generator.about.get("protection") or {}, described(protections)
    if confirmed != asked:
        raise ConfigError(
            f"{model} was attacked with {shlex.join(as_overrides(confirmed))}, this asks for "
            f"{shlex.join(as_overrides(asked))}: what was measured of it does not hold for such "
            f"rows. Ask for the same, or add as_confirmed=false and audit the table that comes out"
        )


def _protected(
    generator: Generator, protections: Mapping[str, Protection], settings: Sample, root: Path
) -> Generator:
    """The generator, its rows protected. Raises ConfigError where what it learnt is not at hand."""
    about = generator.about
    if not {"data_digest", "seed", "train_rate"} <= about.keys():
        raise ConfigError(
            f"{settings.model} does not say what it learnt from: protections have nothing to "
            f"compare its rows with"
        )
    prepared = load_prepared(settings.prepared or find_prepared(root, about["data_digest"]))
    if prepared.about.digest != about["data_digest"]:
        raise ConfigError(
            f"prepared={settings.prepared} holds another table, or another split, than the one "
            f"that {settings.model} learnt from"
        )
    is_member = members_of(prepared, about["train_rate"], seed=about["seed"])
    drawn = protected(generator.synthesizer, protections, prepared, is_member)
    return replace(generator, synthesizer=drawn)
