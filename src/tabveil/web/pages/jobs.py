"""A job while it runs and after: what is done, what failed and why, what came of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from tabveil.web import charts
from tabveil.web.errors import NotFound
from tabveil.web.jobs import Job
from tabveil.web.orders import ConfirmOrder, shown
from tabveil.web.pages import words
from tabveil.web.pages.frame import Fields, Page, User, Web, go, page
from tabveil.web.pages.ordered import ordered
from tabveil.web.progress import Progress

router = APIRouter(route_class=Page)

_NEWEST = 8
"""Trials that are listed while a search runs; the rest is one click away."""


@router.get("/jobs/{number}")
def job(request: Request, number: str, user: User, web: Web) -> Response:
    """Show a job; the reading of a table is shown with the table."""
    found = web.jobs.get(user, number)
    if found.kind == "inspect":
        return go(f"/uploads/{found.upload}")
    return page(request, "job.html", **_shown(web, user, found))


@router.get("/jobs/{number}/live")
def live(request: Request, number: str, user: User, web: Web) -> Response:
    """Show what moves on a job's page."""
    return page(request, "live.html", **_shown(web, user, web.jobs.get(user, number)))


@router.post("/jobs/{number}/cancel")
def cancel(number: str, user: User, web: Web) -> Response:
    """Ask a job to stop."""
    return go(f"/jobs/{web.jobs.cancel(user, number).id}")


@router.post("/jobs/{number}/resume")
def resume(number: str, user: User, web: Web) -> Response:
    """Let a job go on where it stopped."""
    return go(f"/jobs/{web.jobs.resume(user, number).id}")


@router.post("/jobs/{number}/delete")
def delete(number: str, user: User, web: Web) -> Response:
    """Delete a job that has ended, with what it left."""
    web.jobs.delete(user, number)
    return go("/")


@router.post("/jobs/{number}/confirm")
def confirm(number: str, user: User, web: Web, form: Fields) -> Response:
    """Confirm trials of a search: those that are named, or the front."""
    named = [text for text in form.getlist("trial") if isinstance(text, str)]
    told = {
        "kind": "confirm",
        "sweep": web.jobs.get(user, number).id,
        "gate": form.get("gate") or "strict",
        "trials": named or None,
    }
    return go(f"/jobs/{web.jobs.create(user, ordered(ConfirmOrder, told)).id}")


@router.get("/jobs/{number}/log")
def log(request: Request, number: str, user: User, web: Web) -> Response:
    """Show the end of what the command printed."""
    found = web.jobs.get(user, number)
    if found.kind == "inspect":
        raise NotFound
    return page(request, "log.html", job=found, text=web.jobs.log(found), words=words)


def _shown(web: Web, user: str, found: Job) -> dict[str, Any]:
    progress = web.jobs.progress(found)
    upload = None if found.upload is None else web.uploads.get(user, found.upload)
    release = None if found.release is None else web.shelf.get(user, found.release)
    name = upload.name if upload else release.model if release else None
    return {
        "job": found,
        "upload": upload,
        "release": release,
        "title": words.job_title(found, name),
        "progress": progress,
        "going": found.state in words.GOING,
        "said": said(found, progress),
        "command": shown(list(found.command)),
        "mlflow": web.settings.mlflow_url,
        "n_rows": n_rows(web, user, found.upload),
        "words": words,
        **(_of_sweep(found, progress) if found.kind == "sweep" else {}),
        "releases": web.shelf.all(user, job=found.id) if found.kind == "confirm" else [],
        "confirmations": web.jobs.all(user, kind="confirm", parent=found.id)
        if found.kind == "sweep"
        else [],
        "rows": _rows_size(web, found),
    }


def said(job: Job, progress: Progress) -> str:
    """What is read out when it changes: coarse, so that nobody is talked at."""
    if job.state != "running":
        return f"{words.JOBS[job.kind]}: {words.STATES[job.state]}."
    if progress.target:
        return f"{progress.done} of {progress.target} trials done."
    return f"{words.stage(progress.stage).capitalize()}."


def n_rows(web: Web, user: str, upload: str | None) -> int | None:
    """Rows of the table that a job is about, where they are known."""
    if upload is None:
        return None
    inspection = web.uploads.inspection(user, upload)
    return None if inspection is None else int(inspection["n_rows"])


def _of_sweep(job: Job, progress: Progress) -> dict[str, Any]:
    """The chart of the front, the newest losses, and the trials in three lists."""
    trials = sorted(progress.trials, key=lambda trial: trial.number)
    best = [trial for trial in trials if trial.on_front]
    newest = max(progress.losses, default=None)
    return {
        "front": charts.front(
            trials, progress.landmarks, link=lambda n: f"/jobs/{job.id}/trials/{n}"
        ),
        "best": sorted(best, key=lambda trial: (trial.risk or 0, trial.utility or 0)),
        "failed": [trial for trial in trials if trial.error],
        "trials": trials,
        "newest": trials[::-1][:_NEWEST],
        "newest_losses": newest,
        "losses": None if newest is None else loss_chart(progress, newest),
    }


def loss_chart(progress: Progress, trial: int) -> Any:
    """The losses of a trial, a line each."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for epoch, values in progress.losses.get(trial, []):
        for name, value in values.items():
            curves.setdefault(name, []).append((epoch, value))
    return charts.losses(curves, label=f"Losses of trial {trial} over its epochs")


def _rows_size(web: Web, job: Job) -> int | None:
    """Bytes of the drawn rows, where they are there."""
    if job.kind != "sample" or job.state != "done":
        return None
    path = web.jobs.result(job, "rows")
    return None if path is None else path.stat().st_size
