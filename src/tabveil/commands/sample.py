"""`tabveil sample model=models:/randhie@balanced n=100000 out=rows.parquet`: draw rows.

Needs the registered model only: neither the table nor its splits are opened. But for protections
(`protection=[rounding,copies]`), which compare with the rows that the model learnt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from tabveil import progress
from tabveil.commands.sample_shards import check_shards, draw_shards
from tabveil.commands.sampler import Sampler
from tabveil.config.compose import Composition
from tabveil.config.settings import Base, LedgerSettings, Sample, Tracking, read, validated
from tabveil.data.writing.rows_out import check_target
from tabveil.errors import ConfigError
from tabveil.protections.protected import described
from tabveil.releases import VERDICT, VERDICT_FILE, WITHDRAWN, read_file
from tabveil.report.terminal import say
from tabveil.synthesizers.grouped import Grouped
from tabveil.tracking.given_rows import Given
from tabveil.tracking.ledger import Ledger, Line
from tabveil.tracking.models import Generator, digest_of
from tabveil.tracking.registry import DIGEST, Version, find_version
from tabveil.tracking.samples import write_samples
from tabveil.tracking.store import open_tracking


def run(composition: Composition) -> None:
    """Draw the rows; who draws from a registered model is written down first."""
    settings, root = _as_asked(read(composition, Sample)), read(composition, Base).root
    uri, model, version = "", settings.model, None
    if model.startswith("models:"):
        uri = open_tracking(read(composition, Tracking, "tracking").uri, root=root)
        version = find_version(uri, model)  # once: an alias may move in between
        model = f"models:/{version.name}/{version.number}"
    else:
        model = str(Path(model).absolute())  # workers may stand elsewhere
    sampler = Sampler(composition, settings, model, uri)
    if settings.shards:
        check_shards(sampler)
    else:
        check_target(settings.out, n=settings.n)
    generator = sampler.generator
    given = _given(settings, generator)
    line = None
    if version is not None:
        _check(version, settings)
        if VERDICT in version.tags:
            read_file(uri, version, VERDICT_FILE, digest_tag="verdict_digest")
        line = _line(version, settings, described(sampler.protections))
    ledger = Ledger.at(read(composition, LedgerSettings, "ledger").url, root=root)
    if settings.shards:
        digest = version.tags.get(DIGEST, "") if version else digest_of(Path(model))
        draw_shards(sampler, digest, partial(_note, ledger, line))
        return
    _note(ledger, line)
    wanted = settings.n * (1 if given is None else len(given.rows))
    watched = progress.now_and_then("rows", of=wanted)
    n = write_samples(
        generator,
        settings.out,
        settings.n,
        seed=settings.seed,
        where=settings.where,
        given=given,
        progress=lambda written: watched(n=written),
        escape_formulas=settings.formulas == "escape",
    )
    progress.note("rows", n=n, of=wanted)
    say(f"{n} rows of {settings.model} (seed {settings.seed}) written to {settings.out}")
    if n < wanted:
        say(f"{wanted - n} rows were left out as small groups; larger samples have fewer")


def _given(settings: Sample, generator: Generator) -> Given | None:
    """The rows to fill in, where a file of them is named.

    Raises ConfigError where they cannot be, and as `Given.read`.
    """
    if settings.given is None:
        return None
    if settings.shards or settings.shares is not None:
        raise ConfigError("given= fills in rows one by one: it goes with neither shards nor shares")
    if generator.masking.of_persons or isinstance(generator.synthesizer, Grouped):
        raise ConfigError(
            f"{settings.model} draws whole groups of rows, and given= fills in single ones; ask "
            f"for where= on a column of the person"
        )
    return Given.read(settings.given, generator, settings.where)


def _note(ledger: Ledger, line: Line | None, *, goes_on: bool = False) -> None:
    """Write down who draws from a registered model; once, though the drawing was interrupted."""
    if line is not None and not (goes_on and ledger.knows(line)):
        ledger.append(line)


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


def _check(version: Version, settings: Sample) -> None:
    """Warn, or refuse, where a version is no release. Raises ConfigError."""
    name, tags = f"{version.name} version {version.number}", version.tags
    if tags.get(WITHDRAWN) and settings.withdrawn == "refuse":
        raise ConfigError(f"{name} was withdrawn: {tags[WITHDRAWN]}; choose another release")
    if tags.get(VERDICT) != "pass":
        said = f"{name} passed no gate (verdict: {tags.get(VERDICT, 'none')})"
        if not settings.unconfirmed:
            raise ConfigError(
                f"{said}: it is no release. To draw rows from it all the same, which the ledger "
                f"keeps, add unconfirmed=true"
            )
        say(f"Warning: {said}")
    if tags.get(WITHDRAWN):
        say(f"Warning: {name} was withdrawn: {tags[WITHDRAWN]}")


def _line(version: Version, settings: Sample, protection: Mapping[str, Any]) -> Line:
    name = f"{version.name}/{version.number}"
    detail: dict[str, Any] = {"n": settings.n, "seed": settings.seed, "where": settings.where}
    if version.tags.get(VERDICT) != "pass":
        detail["unconfirmed"] = True
    if settings.given is not None:
        detail["given"] = settings.given.name
    if settings.shares is not None:
        detail["shares"] = settings.shares
    if settings.shards:
        detail["shard_rows"] = settings.shard_rows
    if protection or not settings.as_confirmed:
        detail["protection"] = protection
    return Line("sample", version.tags.get("data_digest", ""), name, detail)
