"""A service with a history that nobody had to wait for: every state that a page can meet.

The search and the verdicts are those of experiments/demo; the rest is made up.
"""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from made_tables import small_table, wide_table

from tabveil.statement import in_words
from tabveil.tracking.ledger import Ledger, Line
from tabveil.web.database import JOBS, UPLOADS, now
from tabveil.web.service import Service

_CANNOT_TELL = "cannot_tell.json"
_DEMO = Path(__file__).parents[2] / "experiments" / "demo"


@dataclass(frozen=True)
class Made:
    """Ids of what was made."""

    upload: str
    unreadable: str
    reading: str
    wide: str
    sweep: str
    running: str
    lost: str
    failed: str
    confirm: str
    sample: str
    passed: str
    refused: str


def made_history(service: Service, user: str) -> Made:
    """Fill a service's database and folders."""
    maker = _Maker(service, user)
    upload = maker.upload("randhie.csv", small_table())
    wide = maker.upload('x"><img src=x onerror=alert(1)>.csv', wide_table())
    unreadable = maker.upload("broken.csv", None, state="failed", message="line 7: 3 cells, not 4")
    reading = maker.upload("new.parquet", None, state="running")
    sweep = maker.job("sweep", upload=upload, order=_sweep(upload), progress=_progress(12))
    shutil.copytree(
        _DEMO, maker.folder(sweep) / "out", dirs_exist_ok=True, copy_function=shutil.copyfile
    )
    running = maker.job(
        "sweep", upload=upload, order=_sweep(upload), progress=_progress(7), state="running"
    )
    lost = maker.job(
        "sweep", upload=upload, order=_sweep(upload), progress=_progress(2), state="lost"
    )
    failed = maker.job(
        "confirm",
        upload=upload,
        parent=sweep,
        order={"kind": "confirm", "sweep": sweep, "gate": "strict", "trials": [3]},
        state="failed",
        message="confirm.trials=[99]: the study has no trial 99",
    )
    confirm = maker.confirmed(upload, sweep)
    passed, refused = maker.judged(confirm)
    sample = maker.job(
        "sample",
        upload=upload,
        parent=confirm,
        release=passed,
        order={
            "kind": "sample",
            "release": passed,
            "n": 1000,
            "seed": 1,
            "format": "csv",
            "where": {"age": {"min": 60}},
            "shares": None,
            "escape_formulas": True,
        },
    )
    (maker.folder(sample) / "out" / "rows.csv").write_text("age,sex\n61,f\n", encoding="utf-8")
    root = service.settings.root_of(user)
    root.mkdir(parents=True, exist_ok=True)
    Ledger.at(None, root=root).append(
        Line("open release", "d" * 64, "sweep-1, trial 3", {"gate": "small"}, who=user)
    )
    service.events.note(user, "upload", upload)
    return Made(
        upload,
        unreadable,
        reading,
        wide,
        sweep,
        running,
        lost,
        failed,
        confirm,
        sample,
        passed,
        refused,
    )


@dataclass(frozen=True)
class _Maker:
    service: Service
    user: str

    def folder(self, job: str) -> Path:
        return self.service.settings.job_folder(job)

    def upload(
        self,
        name: str,
        inspection: dict[str, Any] | None,
        *,
        state: str = "done",
        message: str = "",
    ) -> str:
        number = uuid4().hex
        job = self.job(
            "inspect",
            upload=number,
            order={"kind": "inspect", "upload": number},
            state=state,
            message=message,
        )
        if inspection is not None:
            text = json.dumps(inspection)
            (self.folder(job) / "out" / "inspect.json").write_text(text, encoding="utf-8")
        row = {
            "id": number,
            "user": self.user,
            "name": name,
            "format": name.rpartition(".")[2],
            "n_bytes": 1_234_567,
            "sha256": "0" * 64,
            "state": "here",
            "inspection": job,
            "created": now() - timedelta(hours=3),
        }
        with self.service.database.begin() as connection:
            connection.execute(UPLOADS.insert().values(**row))
        self.service.settings.upload_folder(number).mkdir(parents=True)
        (self.service.settings.upload_folder(number) / f"table.{row['format']}").write_text(
            "a\n1\n"
        )
        return number

    def job(
        self,
        kind: str,
        *,
        order: dict[str, Any],
        state: str = "done",
        upload: str | None = None,
        parent: str | None = None,
        release: str | None = None,
        message: str = "",
        progress: list[dict[str, Any]] | None = None,
    ) -> str:
        number = uuid4().hex
        row = {
            "id": number,
            "user": self.user,
            "kind": kind,
            "lane": "long" if kind in ("sweep", "confirm") else "short",
            "upload": upload,
            "parent": parent,
            "release": release,
            "order": order,
            "state": state,
            "message": message,
            "created": now() - timedelta(hours=2),
            "started": now() - timedelta(hours=2),
            "ended": None if state == "running" else now() - timedelta(hours=1),
            "heartbeat": now() + timedelta(days=1),
            "tries": 1,
        }
        with self.service.database.begin() as connection:
            connection.execute(JOBS.insert().values(**row))
        (self.folder(number) / "out").mkdir(parents=True)
        told = "".join(json.dumps(line) + "\n" for line in progress or [])
        (self.folder(number) / "progress.jsonl").write_text(told, encoding="utf-8")
        (self.folder(number) / "log.txt").write_text("<b>what it said</b>\n", encoding="utf-8")
        return number

    def confirmed(self, upload: str, sweep: str) -> str:
        order = {"kind": "confirm", "sweep": sweep, "gate": "small", "trials": None}
        job = self.job("confirm", upload=upload, parent=sweep, order=order)
        out = self.folder(job) / "out"
        told = []
        for place, wanted in enumerate(("pass", "cannot tell")):
            verdict = _demo_verdict(wanted)
            folder = f"trial-{verdict['candidate']['trial']}"
            (out / folder).mkdir()
            (out / folder / "verdict.json").write_text(json.dumps(verdict), encoding="utf-8")
            page = "<!doctype html><title>Report</title><style>p{color:red}</style><p>Report"
            (out / folder / "report.html").write_text(page, encoding="utf-8")
            told.append(
                {
                    "trial": verdict["candidate"]["trial"],
                    "version": place + 1,
                    "folder": folder,
                    "words": in_words(verdict),
                }
            )
        released = {"model": "randhie", "candidates": told, "aliases": {"balanced": 1}}
        (out / "released.json").write_text(json.dumps(released), encoding="utf-8")
        self.service.shelf.note(self.user, job, upload)
        return job

    def judged(self, job: str) -> tuple[str, str]:
        """The release, and the candidate that became none."""
        found = self.service.shelf.all(self.user, job=job)
        passed = next(one.id for one in found if one.released)
        return passed, next(one.id for one in found if not one.released)


def _demo_verdict(wanted: str) -> dict[str, Any]:
    """The first of the demo's verdicts that came out so, or that of an earlier demo."""
    files = [*sorted((_DEMO / "verdicts").glob("*.json")), Path(__file__).parent / _CANNOT_TELL]
    verdicts = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return next(verdict for verdict in verdicts if verdict["verdict"] == wanted)


def _sweep(upload: str) -> dict[str, Any]:
    return {
        "kind": "sweep",
        "upload": upload,
        "columns": {"visits": {"kind": "numeric", "mask": None}},
        "group": "person",
    }


def unshown_trial() -> tuple[int, float]:
    """The number of a trial of the demo of which no risk is shown, and the most it may be."""
    with (_DEMO / "trials.csv").open(encoding="utf-8", newline="") as file:
        trial = next(row for row in csv.DictReader(file) if float(row["objective/risk"]) == 0)
    return int(trial["number"]), float(trial["objective/risk_high"])


def _progress(n: int) -> list[dict[str, Any]]:
    """The first trials of the demo as its command would have told them, one of them failed."""
    front = json.loads((_DEMO / "front.json").read_text(encoding="utf-8"))["front"]
    told: list[dict[str, Any]] = [
        {"event": "stage", "name": "landmarks"},
        {"event": "landmark", "name": "copycat", "utility": 0.95, "risk": 0.97},
        {"event": "landmark", "name": "marginals", "utility": 0.31, "risk": 0.0},
        {"event": "stage", "name": "trials"},
        {"event": "target", "done": 0, "target": 12},
    ]
    for number in range(n):
        point = front[number % len(front)]
        worse = 0.07 * (number // len(front))
        told.append(
            {
                "event": "trial",
                "number": number,
                "state": "fail" if number == 1 else "complete",
                "done": number + 1,
                "seconds": 31.0 + number,
                "run_id": f"{number:032x}",
                "values": {"synthesizer.epochs": 100 + number},
                **(
                    {"error": "EvaluationError: tstr: <b>no</b> number"}
                    if number == 1
                    else {
                        "utility": point["objective/utility"] - worse,
                        "risk": point["objective/risk"] + worse / 3,
                        "risk_low": point["objective/risk_low"],
                        "risk_high": point["objective/risk_high"],
                    }
                ),
            }
        )
        told += [
            {
                "event": "epoch",
                "number": number,
                "epoch": epoch,
                "losses": {"generator": 2 - epoch / 60, "discriminator": -1 + epoch / 90},
            }
            for epoch in range(1, 60)
        ]
    at = now() - timedelta(minutes=n)
    return [
        {"at": (at + timedelta(seconds=k / 2)).isoformat(), **line} for k, line in enumerate(told)
    ]
