"""`tabveil sample model=models:/randhie@balanced n=100000 out=rows.parquet`: draw rows.

Needs the registered model only: neither the table nor its splits are opened.
"""

from __future__ import annotations

from tabveil.config.compose import Composition
from tabveil.config.settings import Base, Sample, Tracking, read
from tabveil.report.terminal import say
from tabveil.tracking.registry import load_model
from tabveil.tracking.samples import write_samples
from tabveil.tracking.store import open_tracking


def run(composition: Composition) -> None:
    """Stream the rows into the file."""
    settings, root = read(composition, Sample), read(composition, Base).root
    uri = ""
    if settings.model.startswith("models:"):
        uri = open_tracking(read(composition, Tracking, "tracking").uri, root=root)
    generator = load_model(uri, settings.model)
    n = write_samples(generator, settings.out, settings.n, seed=settings.seed, where=settings.where)
    say(f"{n} rows of {settings.model} (seed {settings.seed}) written to {settings.out}")
