"""One trial: what this model is, what it is worth, and what it may give away."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tabveil.web import charts
from tabveil.web.errors import NotFound
from tabveil.web.orders import shown
from tabveil.web.pages import words
from tabveil.web.pages.frame import Page, User, Web, page
from tabveil.web.pages.jobs import loss_chart, n_rows

router = APIRouter(route_class=Page)


@router.get("/jobs/{number}/trials/{trial}")
def trial(request: Request, number: str, trial: int, user: User, web: Web) -> Response:
    """Show a trial of a search, and offer to confirm it."""
    job = web.jobs.get(user, number)
    progress = web.jobs.progress(job)
    found = next((one for one in progress.trials if one.number == trial), None)
    if found is None or job.kind != "sweep":
        raise NotFound("This search has no trial of that number")
    upload = None if job.upload is None else web.uploads.get(user, job.upload)
    marks = {one.name: one.risk for one in progress.landmarks if one.name == "copycat"}
    return page(
        request,
        "trial.html",
        job=job,
        upload=upload,
        trial=found,
        landmarks=progress.landmarks,
        risk_chart=charts.interval(
            found.risk_low,
            found.risk,
            found.risk_high,
            label="Risk: what was shown, and what could not be excluded",
            marks=marks,
        ),
        front=charts.front(
            progress.trials,
            progress.landmarks,
            link=lambda n: f"/jobs/{job.id}/trials/{n}",
            chosen=trial,
        ),
        losses=loss_chart(progress, trial),
        n_rows=n_rows(web, user, job.upload),
        going=job.state in words.GOING,
        command=shown(list(job.command)),
        mlflow=web.settings.mlflow_url,
        words=words,
    )
