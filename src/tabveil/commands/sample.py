"""`tabveil sample model=models:/randhie@balanced n=100000 out=rows.parquet`: draw rows.

Needs the registered model only: neither the table nor its splits are opened. But for protections
(`protection=[rounding,copies]`), which compare with the rows that the model learnt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tabveil import progress
from tabveil.config.build import build_group
from tabveil.config.compose import Composition
from tabveil.config.settings import Base, LedgerSettings, Sample, Tracking, read, validated
from tabveil.contracts import Protection
from tabveil.data.prepared import find_prepared, load_prepared
from tabveil.errors import ConfigError
from tabveil.pipeline import members_of, protected
from tabveil.protections.protected import as_overrides, described
from tabveil.releases import VERDICT, VERDICT_FILE, WITHDRAWN, read_file
from tabveil.report.terminal import say
from tabveil.synthesizers.balanced import Balanced
from tabveil.tracking.ledger import Ledger, Line
from tabveil.tracking.models import Generator
from tabveil.tracking.registry import Version, find_version, load_model
from tabveil.tracking.samples import check_target, write_samples
from tabveil.tracking.store import open_tracking


def run(composition: Composition) -> None:
    """Stream the rows into the file; who draws from a registered model is written down first."""
    settings, root = read(composition, Sample), read(composition, Base).root
    uri, model, version = "", settings.model, None
    if model.startswith("models:"):
        uri = open_tracking(read(composition, Tracking, "tracking").uri, root=root)
        version = find_version(uri, model)  # once: an alias may move in between
        model = f"models:/{version.name}/{version.number}"
    generator = load_model(uri, model)
    protections = build_group(composition, "protection", Protection)
    if settings.as_confirmed:
        check_as_confirmed(generator, protections, settings.model)
    settings = _as_asked(settings)
    check_target(settings.out)
    if protections:
        generator = _protected(generator, protections, settings, root)
    if settings.shares is not None:
        if generator.masking.of_persons:
            raise ConfigError(
                f"{settings.model} draws whole groups of rows, and shares= mixes single rows; ask "
                f"for where= on a column of the person, once a level"
            )
        generator = replace(
            generator, synthesizer=Balanced.by(generator.synthesizer, settings.shares)
        )
    if version is not None:
        _warn(version)
        if VERDICT in version.tags:
            read_file(uri, version, VERDICT_FILE, digest_tag="verdict_digest")
        ledger = Ledger.at(read(composition, LedgerSettings, "ledger").url, root=root)
        ledger.append(_line(version, settings, described(protections)))
    watched = progress.now_and_then("rows", of=settings.n)
    n = write_samples(
        generator,
        settings.out,
        settings.n,
        seed=settings.seed,
        where=settings.where,
        progress=lambda written: watched(n=written),
        escape_formulas=settings.formulas == "escape",
    )
    progress.note("rows", n=n, of=settings.n)
    say(f"{n} rows of {settings.model} (seed {settings.seed}) written to {settings.out}")
    if n < settings.n:
        say(f"{settings.n - n} rows were left out as small groups; larger samples have fewer")


def _as_asked(settings: Sample) -> Sample:
    """The settings, with conditions and shares from the file that programs hand over.

    Raises ConfigError when the file is missing or holds anything else.
    """
    if settings.asked is None:
        return settings
    if settings.where is not None or settings.shares is not None:
        raise ConfigError("asked= holds where and shares: give the file, or the keys, not both")
    try:
        told = json.loads(settings.asked.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"asked={settings.asked} cannot be read as JSON") from error
    if not isinstance(told, dict) or set(told) - {"where", "shares"}:
        raise ConfigError(f"asked={settings.asked}: a JSON object of where and shares is needed")
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return validated(Sample, values | told | {"asked": None}, name="asked")


def check_as_confirmed(
    generator: Generator, protections: Mapping[str, Protection], model: str
) -> None:
    """Refuse to give away rows other than those that the attacks looked at.

    Raises ConfigError that says with what the model was attacked.
    """
    confirmed, asked = generator.about.get("protection") or {}, described(protections)
    if confirmed != asked:
        raise ConfigError(
            f"{model} was attacked with {as_overrides(confirmed)}, this asks for "
            f"{as_overrides(asked)}: what was measured of it does not hold for such rows. Ask for "
            f"the same, or add as_confirmed=false and audit the table that comes out"
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


def _warn(version: Version) -> None:
    name, tags = f"{version.name} version {version.number}", version.tags
    if tags.get(WITHDRAWN):
        say(f"Warning: {name} was withdrawn: {tags[WITHDRAWN]}")
    elif tags.get("verdict") != "pass":
        say(f"Warning: {name} has passed no gate (verdict: {tags.get('verdict', 'none')})")


def _line(version: Version, settings: Sample, protection: Mapping[str, Any]) -> Line:
    name = f"{version.name}/{version.number}"
    detail: dict[str, Any] = {"n": settings.n, "seed": settings.seed, "where": settings.where}
    if settings.shares is not None:
        detail["shares"] = settings.shares
    if protection or not settings.as_confirmed:
        detail["protection"] = protection
    return Line("sample", version.tags.get("data_digest", ""), name, detail)
