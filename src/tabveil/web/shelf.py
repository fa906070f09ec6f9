"""Which candidates were judged, and which of them are releases?

A confirmation leaves `released.json`, and a verdict and a report for each candidate; once it has
ended they are noted here. A candidate that passed no gate is listed, too, and is
no release: who draws rows from it must say that it is meant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import sqlalchemy as sa

from tabveil.web.database import RELEASES, Database, now
from tabveil.web.errors import NotFound
from tabveil.web.settings import Settings

Verdict = Literal["pass", "fail", "cannot tell"]


@dataclass(frozen=True)
class Release:
    """A judged candidate, and the version that it is registered as."""

    id: str
    user: str
    job: str
    upload: str
    trial: int
    model: str
    version: int
    verdict: Verdict
    gate: str
    utility: float
    utility_low: float
    risk: float
    risk_low: float
    risk_high: float
    aliases: tuple[str, ...]
    words: tuple[str, ...]
    created: datetime
    withdrawn: str | None
    folder: str

    @property
    def released(self) -> bool:
        """Whether it passed, and rows may be drawn from it."""
        return self.verdict == "pass" and self.withdrawn is None


@dataclass(frozen=True)
class Shelf:
    """The candidates and releases of every user."""

    settings: Settings
    database: Database

    def all(self, user: str, *, job: str | None = None) -> list[Release]:
        """The user's, newest first."""
        wanted = RELEASES.select().where(RELEASES.c.user == user)
        if job is not None:
            wanted = wanted.where(RELEASES.c.job == job)
        newest = wanted.order_by(RELEASES.c.created.desc(), RELEASES.c.trial)
        return [_release(row) for row in self.database.rows(newest)]

    def get(self, user: str, number: str) -> Release:
        """One of the user's. Raises NotFound."""
        wanted = RELEASES.select().where(RELEASES.c.id == number, RELEASES.c.user == user)
        for row in self.database.rows(wanted):
            return _release(row)
        raise NotFound

    def report(self, release: Release) -> Path:
        """Its page, a whole HTML document. Raises NotFound."""
        return self._file(release, "report.html")

    def verdict(self, release: Release) -> dict[str, Any]:
        """What was measured of it and how it was judged. Raises NotFound."""
        found: dict[str, Any] = json.loads(self._file(release, "verdict.json").read_text("utf-8"))
        return found

    def note(self, user: str, job: str, upload: str) -> int:
        """Note what a confirmation that has ended found; how many candidates are new."""
        out = self.settings.job_folder(job) / "out"
        try:
            told = json.loads((out / "released.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0
        n_new = 0
        for candidate in told["candidates"]:
            verdict = json.loads((out / candidate["folder"] / "verdict.json").read_text("utf-8"))
            values = {
                "user": user,
                "job": job,
                "upload": upload,
                "trial": candidate["trial"],
                "model": told["model"],
                "version": candidate["version"],
                "folder": candidate["folder"],
                "told": summary(verdict) | {"words": candidate["words"]},
                "created": now(),
            }
            n_new += self._insert(values)
        self._place(user, told)
        return n_new

    def stand(self, user: str, job: str) -> None:
        """Note what stands after a withdrawal: one model may be several versions."""
        path = self.settings.job_folder(job) / "out" / "standing.json"
        self._place(user, json.loads(path.read_text(encoding="utf-8")))

    def _insert(self, values: Mapping[str, Any]) -> int:
        """A confirmation that went on after it was lost may be noted already."""
        try:
            with self.database.begin() as connection:
                connection.execute(RELEASES.insert().values(id=uuid4().hex, **values))
        except sa.exc.IntegrityError:
            return 0
        return 1

    def _place(self, user: str, standing: Mapping[str, Any]) -> None:
        """Aliases move on, and releases are taken back: what was noted earlier may be untrue."""
        of_model = RELEASES.c.model == standing["model"]
        for row in self.database.rows(RELEASES.select().where(RELEASES.c.user == user, of_model)):
            aliases, version = standing["aliases"], row["version"]
            named = [name for name, number in aliases.items() if number == version]
            gone = standing.get("withdrawn", {}).get(str(version))
            with self.database.begin() as connection:
                this = RELEASES.update().where(RELEASES.c.id == row["id"])
                told = {**row["told"], "aliases": named}
                connection.execute(this.values(told=told, withdrawn=gone or row["withdrawn"]))

    def _file(self, release: Release, name: str) -> Path:
        path = self.settings.job_folder(release.job) / "out" / release.folder / name
        if not path.is_file():
            raise NotFound("its files are gone")
        return path


def summary(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a verdict that are shown in lists."""
    utility, risk = verdict["utility"], verdict["risk"]
    return {
        "verdict": verdict["verdict"],
        "gate": verdict["gate"]["name"],
        "utility": utility["mean"],
        "utility_low": utility.get("lower", utility["low"]),
        "risk": risk["mean"],
        "risk_low": risk["low"],
        "risk_high": risk["high"],
    }


def _release(row: Mapping[str, Any]) -> Release:
    told = row["told"]
    own = {key: row[key] for key in Release.__annotations__ if key in row}
    return Release(
        **own,
        **{key: told[key] for key in _NUMBERS},
        verdict=told["verdict"],
        gate=told["gate"],
        aliases=tuple(told.get("aliases", ())),
        words=tuple(told["words"]),
    )


_NUMBERS = ("utility", "utility_low", "risk", "risk_low", "risk_high")
