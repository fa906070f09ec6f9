"""What does a client hand out and raise? Plain values, as the server told them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from tabveil.errors import TabveilError


class ServerProblem(TabveilError):
    """The server refuses, or cannot be reached (status 0).

    Attributes:
        status: of HTTP.
        title, detail: in the server's words.
        mistakes: what is wrong where, in a request that does not fit.
    """

    def __init__(
        self, status: int, title: str, detail: str, mistakes: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status, self.title, self.detail = status, title, detail
        self.mistakes = mistakes or []


class CutShort(TabveilError):
    """A file came with fewer bytes or rows than the server said; nothing was kept of it."""


@dataclass(frozen=True)
class Upload:
    """A table on the server; `inspection` is the job that reads it."""

    id: str
    name: str
    format: str
    n_bytes: int
    sha256: str
    state: str
    inspection: str


@dataclass(frozen=True)
class Job:
    """Something that was asked for; `message` says why it failed."""

    id: str
    kind: str
    state: str
    message: str
    upload: str | None
    release: str | None
    order: dict[str, Any]
    command: list[str]


@dataclass(frozen=True)
class Release:
    """A confirmed candidate; one that did not pass gives rows with `unconfirmed` only."""

    id: str
    job: str
    upload: str
    trial: int
    model: str
    version: int | None
    verdict: str
    utility: float | None
    utility_low: float | None
    risk: float | None
    risk_low: float | None
    risk_high: float | None
    aliases: list[str]
    words: list[str]
    withdrawn: str | None
    released: bool


class JobEnded(TabveilError):
    """A job ended otherwise than `done`; it is in `job`."""

    def __init__(self, job: Job) -> None:
        super().__init__(
            f"the {job.kind} job {job.id} is {job.state}: {job.message or 'no reason'}"
        )
        self.job = job


@dataclass(frozen=True)
class Event:
    """What a stream tells: a `job`, its `progress`, or, as the last, its `end`."""

    name: Literal["job", "progress", "end"]
    data: dict[str, Any]


_Shape = TypeVar("_Shape", Upload, Job, Release)


def read(shape: type[_Shape], told: Mapping[str, Any]) -> _Shape:
    """The fields that this client knows; a newer server may tell more."""
    return shape(**{field.name: told[field.name] for field in fields(shape)})
