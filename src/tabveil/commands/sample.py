"""`tabveil sample model=models:/randhie@balanced n=100000 out=rows.parquet`: draw rows.

Needs the registered model only: neither the table nor its splits are opened.
"""

from __future__ import annotations

from tabveil.config.compose import Composition
from tabveil.config.settings import Base, LedgerSettings, Sample, Tracking, read
from tabveil.releases import WITHDRAWN
from tabveil.report.terminal import say
from tabveil.tracking.ledger import Ledger, Line
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
    check_target(settings.out)
    if version is not None:
        _warn(version)
        ledger = Ledger.at(read(composition, LedgerSettings, "ledger").url, root=root)
        ledger.append(_line(version, settings))
    n = write_samples(generator, settings.out, settings.n, seed=settings.seed, where=settings.where)
    say(f"{n} rows of {settings.model} (seed {settings.seed}) written to {settings.out}")


def _warn(version: Version) -> None:
    name, tags = f"{version.name} version {version.number}", version.tags
    if tags.get(WITHDRAWN):
        say(f"Warning: {name} was withdrawn: {tags[WITHDRAWN]}")
    elif tags.get("verdict") != "pass":
        say(f"Warning: {name} has passed no gate (verdict: {tags.get('verdict', 'none')})")


def _line(version: Version, settings: Sample) -> Line:
    name = f"{version.name}/{version.number}"
    detail = {"n": settings.n, "seed": settings.seed, "where": settings.where}
    return Line("sample", version.tags.get("data_digest", ""), name, detail)
