"""What do programs see of uploads, jobs and releases? These shapes, and no field more."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class UploadView(_View):
    """A table that was brought."""

    id: str
    name: str = Field(description="what its owner calls it")
    format: str
    n_bytes: int
    sha256: str
    state: Literal["here", "deleted"]
    created: datetime
    deleted: datetime | None
    inspection: str = Field(description="the job that reads it")


class JobView(_View):
    """Something that was asked for."""

    id: str
    kind: Literal["inspect", "sweep", "confirm", "sample", "withdraw"]
    upload: str | None
    parent: str | None = Field(description="the sweep of a confirmation, …")
    release: str | None
    order: dict[str, Any] = Field(description="what was asked for")
    state: Literal["queued", "running", "done", "failed", "cancelled", "lost"]
    exit_code: int | None
    message: str = Field(description="why it failed, in one line")
    created: datetime
    started: datetime | None
    ended: datetime | None
    cancel_asked: bool
    tries: int
    command: list[str] = Field(description="the command line that would do the same")


class TrialView(_View):
    """A trial of a sweep."""

    number: int
    state: str
    utility: float | None
    risk: float | None
    risk_low: float | None
    risk_high: float | None
    seconds: float | None
    error: str | None
    values: dict[str, Any] = Field(description="its configuration")
    on_front: bool
    aliases: list[str]
    run_id: str | None


class LandmarkView(_View):
    """A table whose place is known, for comparison."""

    name: str
    utility: float | None
    risk: float | None


class ProgressView(_View):
    """How far a job is."""

    stage: str | None
    done: int
    target: int | None
    trials: list[TrialView]
    landmarks: list[LandmarkView]
    losses: dict[int, list[tuple[int, dict[str, float | None]]]] = Field(
        description="trial → [epoch, {name: loss}]"
    )
    rows: int | None
    seconds_left: float | None


class ReleaseView(_View):
    """A candidate and what was found of it; one that did not pass needs `unconfirmed`."""

    id: str
    job: str
    upload: str
    trial: int
    model: str
    version: int
    verdict: Literal["pass", "fail", "cannot tell"]
    gate: str
    utility: float | None
    utility_low: float | None
    risk: float | None
    risk_low: float | None
    risk_high: float | None
    aliases: list[str]
    words: list[str]
    created: datetime
    withdrawn: str | None
    released: bool


class EventView(_View):
    """A line of the audit log."""

    at: datetime
    action: str
    subject: str
    detail: dict[str, Any]


class LineView(_View):
    """A line of the ledger: an opened release split, a verdict, rows that were drawn."""

    number: int
    at: str
    who: str
    event: str
    model: str
    data_digest: str
    detail: dict[str, Any]
