"""How does `tabveil sample shards=true` draw many rows into a folder, and go on when it was killed?

A shard is a task of an executor. Only this process writes the list of parts that are whole; a part
that is not on it, or not as it says, is drawn again. One run at a time holds the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import tabveil
from tabveil import errors, progress
from tabveil.commands.sampler import Sampler
from tabveil.config.build import build_executor
from tabveil.config.typed import as_typed
from tabveil.data.writing.rows_out import PARTIAL
from tabveil.errors import ConfigError, TabveilError, safe_summary
from tabveil.protections.protected import described
from tabveil.report.terminal import say
from tabveil.search.tasks import Outcome, Session, Task, outcomes
from tabveil.tracking.manifest import (
    MANIFEST,
    UNFINISHED,
    Manifest,
    Part,
    is_whole,
    read_manifest,
)
from tabveil.tracking.shards import Shard, check_room, shards_of, write_shard

_MOST_PARTS = 100_000
"""Their names number them with five digits."""
_MOST_LOSSES = 3
"""Workers that may die under one shard; more is no accident, but too little memory."""


class Note(Protocol):
    """Somebody who writes down who draws."""

    def __call__(self, *, goes_on: bool) -> None:
        """Write it down; where a run goes on, only if that was not done."""
        ...


@dataclass(frozen=True)
class ShardWork:
    """Draws one shard, in whichever process it comes to."""

    sampler: Sampler
    folder: Path

    def __call__(self, task: Task) -> Outcome:
        """Draw the shard into its file; a failure is an outcome too."""
        settings = self.sampler.settings
        shard = shards_of(settings.n, settings.shard_rows)[task.number]
        try:
            part = write_shard(
                self.sampler.generator,
                self.folder,
                shard,
                seed=settings.seed,
                where=settings.where,
            )
        except Exception as error:  # whatever it is, the driver says it
            ours = isinstance(error, TabveilError)
            about = {"error": type(error).__name__} if ours else {}
            said = str(error) if ours else safe_summary(error)
            return Outcome(task.number, "failed", about=about, error=said)
        return Outcome(task.number, "complete", about=asdict(part))


def check_shards(sampler: Sampler) -> None:
    """Say before anything is drawn what cannot be drawn in shards.

    Raises:
        ConfigError: `out` is no folder of shards; a protection needs the whole table; protections
            would take whole persons apart.
        ConditionError: `where` names nothing that exists.
        DataError: the made-up identifiers do not suffice.
    """
    settings = sampler.settings
    whole = [name for name, one in sampler.protections.items() if one.stage == "table"]
    if whole:
        raise ConfigError(
            f"protection={whole} looks at the whole table, which shards=true never holds; leave it "
            f"out where the model was confirmed without, or draw with shards=false"
        )
    if settings.n > _MOST_PARTS * settings.shard_rows:
        raise ConfigError(
            f"n={settings.n} shard_rows={settings.shard_rows}: {_MOST_PARTS} parts at most; give "
            f"more rows to each"
        )
    if settings.formulas != "keep":
        raise ConfigError("formulas=escape is for CSV, and shards are Parquet: leave it out")
    _check_out(settings.out)
    check_room(sampler.generator, settings.n)
    sampler.generator.iter_sample(1, seed=settings.seed, where=settings.where)


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ConfigError(f"out={out} is a file; shards=true writes a folder of Parquet parts")
    ours = (MANIFEST, UNFINISHED)
    is_ours = any((out / name).exists() for name in ours)
    if not is_ours and out.is_dir() and any(p.suffix != PARTIAL for p in out.iterdir()):
        raise ConfigError(f"out={out} holds other files: name a new folder, or an empty one")
    if not out.absolute().parent.is_dir():
        raise ConfigError(f"out={out}: there is no folder {out.absolute().parent}; make it first")


def draw_shards(sampler: Sampler, model_digest: str, note: Note) -> None:
    """Draw what is missing in the folder, and give it its manifest.

    Args:
        sampler: what is asked; `check_shards` was called.
        model_digest: of the generator.
        note: called before the first row is drawn.

    Raises:
        ConfigError: the folder holds other rows, another run is writing there, or it is full.
        TabveilError: as drawing raises.
    """
    settings = sampler.settings
    folder, executor = settings.out.absolute(), build_executor(sampler.composition)
    folder.mkdir(exist_ok=True)
    with _held(folder):
        shards = shards_of(settings.n, settings.shard_rows)
        manifest, goes_on = _found(folder, shards, _asked(sampler, model_digest))
        missing = [shard for shard in shards if shard.file not in manifest.parts]
        if goes_on:
            say(
                f"{settings.out}: {len(manifest.parts)} parts are there, {len(missing)} are missing"
            )
        if missing:
            note(goes_on=goes_on)
            manifest.write(folder / UNFINISHED)
            (folder / MANIFEST).unlink(missing_ok=True)
            try:
                with executor.open(ShardWork(sampler, folder)) as session:
                    manifest = _draw(session, folder, manifest, missing)
            finally:  # workers that were stopped could not
                _remove_leftovers(folder)
        if len(manifest.parts) < len(shards):
            raise TabveilError(f"{settings.out}: parts are missing; run the same command again")
        (folder / UNFINISHED).unlink(missing_ok=True)
    say(
        f"{settings.n} rows of {settings.model} (seed {settings.seed}) lie in {settings.out}, in "
        f"{len(manifest.parts)} parts; to check them: "
        f"{shlex.join(['tabveil', 'verify', f'rows={as_typed(str(settings.out))}'])}"
    )


def _asked(sampler: Sampler, model_digest: str) -> dict[str, Any]:
    """What the rows depend on."""
    settings = sampler.settings
    told = {
        "n": settings.n,
        "seed": settings.seed,
        "shard_rows": settings.shard_rows,
        "model": settings.model if Path(settings.model).is_dir() else sampler.model,
        "model_digest": model_digest,
        "where": settings.where,
        "shares": settings.shares,
        "protection": described(sampler.protections),
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain


def _found(
    folder: Path, shards: Sequence[Shard], asked: Mapping[str, Any]
) -> tuple[Manifest, bool]:
    """What is whole in the folder, and whether a run goes on there; leftovers are removed.

    Raises ConfigError when it holds other rows than those that are asked for.
    """
    _remove_leftovers(folder)
    path = next((folder / f for f in (UNFINISHED, MANIFEST) if (folder / f).exists()), None)
    if path is None:
        return Manifest(sum(shard.n for shard in shards), tabveil.__version__, asked, {}), False
    found = read_manifest(path)
    changed = sorted(key for key in asked if found.asked.get(key) != asked[key] and key != "model")
    if found.tabveil != tabveil.__version__:
        changed.append("the version of tabveil")
    if changed:
        raise ConfigError(
            f"out={folder} holds other rows than these: {', '.join(changed)} differ; name another "
            f"folder, or delete this one"
        )
    listed = [found.parts[shard.file] for shard in shards if shard.file in found.parts]
    return replace(found, parts={p.file: p for p in listed if is_whole(folder, p)}), True


def _remove_leftovers(folder: Path) -> None:
    for left in folder.glob(f".*{PARTIAL}"):
        left.unlink(missing_ok=True)


def _draw(session: Session, folder: Path, manifest: Manifest, missing: Sequence[Shard]) -> Manifest:
    """Draw the missing shards; the list of parts grows with each, and ends as the manifest."""
    n_parts = len(manifest.parts) + len(missing)
    waiting = [Task(shard.number, {}) for shard in missing]
    losses: dict[int, int] = {}
    for outcome in outcomes(session, waiting):
        if outcome.state == "lost":
            losses[outcome.number] = losses.get(outcome.number, 0) + 1
            if losses[outcome.number] < _MOST_LOSSES:
                waiting.insert(0, Task(outcome.number, {}))
                continue
        if outcome.state != "complete":
            raise _error(outcome)
        part = Part(**outcome.about)
        manifest = replace(manifest, parts={**manifest.parts, part.file: part})
        is_last = len(manifest.parts) == n_parts
        manifest.write(folder / (MANIFEST if is_last else UNFINISHED))
        progress.note("rows", n=sum(p.rows for p in manifest.parts.values()), of=manifest.rows)
    return manifest


def _error(outcome: Outcome) -> TabveilError:
    """What stopped a shard, as the error that its worker raised."""
    kind = getattr(errors, str(outcome.about.get("error")), TabveilError)
    where = "" if outcome.about else f"shard {outcome.number}: "
    error: TabveilError = kind(f"{where}{outcome.error}")
    return error


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock the folder; the lock goes with the process. Raises ConfigError if another holds it."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigError(f"out={folder}: another run is drawing rows there") from error
    finally:
        os.close(held)
