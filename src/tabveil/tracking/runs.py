"""What does a sweep leave in MLflow, run by run?

A sweep is a parent run, a trial a run nested under it, a confirmation one nested under its
candidate. Everything goes through `MlflowClient` with an explicit run id (no global state), and
in batches: one call per value would cost as much as a short training.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from tabveil.data.schema import Schema
from tabveil.errors import StoreAway, TrackingError, safe_traceback
from tabveil.surroundings import in_a_hurry
from tabveil.tracking.batches import Metric, batches
from tabveil.tracking.columns import mlflow_type
from tabveil.tracking.store import connect, once_more, refusals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Role = Literal["sweep", "trial", "confirmation"]
Status = Literal["FINISHED", "FAILED", "KILLED"]

OWNER_TAG = "tabveil.owner"
"""Names the process that keeps a run RUNNING, as `host:pid:start`."""

FAMILY_TAG = "family"
"""Of a trial: the file of conf/synthesizer that its model is from."""

_FLUSH_SECONDS = 5.0
"""Losses wait at most this long: often enough to watch, seldom enough to cost nothing."""


class Runs:
    """The runs of one experiment. Holds two strings, so it travels to worker processes."""

    def __init__(self, uri: str, experiment_id: str) -> None:
        self.uri = uri
        self.experiment_id = experiment_id

    def start(
        self,
        role: Role,
        name: str,
        *,
        owner: str,
        parent_id: str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> Run:
        """Open a run, nested under `parent_id` if given.

        Args:
            role: what the run is; the tag `role` says it.
            name: shown in the UI.
            owner: the process that keeps it running, as `host:pid:start`.
            parent_id: run id of the sweep, or of the candidate.
            params: flat, `synthesizer.epochs` style.
            tags: further tags.

        Raises:
            TrackingError: MLflow cannot be reached or refuses.
        """
        own = {
            "role": role,
            OWNER_TAG: owner,
            "mlflow.user": os.environ.get("USER", ""),
            "mlflow.source.name": "tabveil",
            "mlflow.source.type": "LOCAL",
        }
        if parent_id is not None:
            own["mlflow.parentRunId"] = parent_id
        with refusals(f"start the run {name!r}"):
            entity = connect(self.uri).create_run(self.experiment_id, tags=own, run_name=name)
        run = Run(self.uri, entity.info.run_id)
        run.log(params=params, tags=tags)
        return run

    def start_sweep(
        self,
        name: str,
        *,
        owner: str,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> Run:
        """Open the parent run of a sweep."""
        return self.start("sweep", name, owner=owner, params=params, tags=tags)

    def start_trial(
        self,
        parent_id: str,
        number: int,
        *,
        owner: str,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> Run:
        """Open the run of trial `number`, nested under the sweep's run."""
        tags = {"trial": number, **(tags or {})}
        name = f"trial {number:04d}"
        return self.start("trial", name, owner=owner, parent_id=parent_id, params=params, tags=tags)

    def resume(self, run_id: str, *, owner: str) -> Run:
        """Open a run again that an earlier process left, whatever its state."""
        with refusals(f"resume the run {run_id}"):
            client = connect(self.uri)
            client.update_run(run_id, status="RUNNING")
            client.set_tag(run_id, OWNER_TAG, owner)
        return Run(self.uri, run_id)

    def kill_orphans(
        self, is_dead: Callable[[str], bool], *, except_ids: Collection[str] = ()
    ) -> list[str]:
        """Close the runs as KILLED whose process is gone; return their ids.

        Args:
            is_dead: tells of an owner, `host:pid:start`, whether it has ended.
            except_ids: runs to leave alone, such as the sweep that is about to be resumed.
        """
        return self._kill("attributes.status = 'RUNNING'", is_dead, except_ids)

    def kill_untold(
        self, is_dead: Callable[[str], bool], *, parent_id: str, told: Collection[str]
    ) -> list[str]:
        """Close as KILLED the FINISHED trials that their driver died too early to tell of.

        Args:
            is_dead: tells of an owner whether it has ended.
            parent_id: the sweep's run.
            told: ids of the runs that the study counts.
        """
        of = f"attributes.status = 'FINISHED' and tags.`mlflow.parentRunId` = '{parent_id}'"
        return self._kill(f"{of} and tags.role = 'trial'", is_dead, told)

    def _kill(
        self, which: str, is_dead: Callable[[str], bool], except_ids: Collection[str]
    ) -> list[str]:
        killed = []
        with refusals("close the runs of ended processes"):
            client, token = connect(self.uri), None
            found: list[Any] = []
            while token != "":
                page = client.search_runs([self.experiment_id], which, page_token=token)
                found, token = found + list(page), page.token or ""
            for run in found:
                owner = run.data.tags.get(OWNER_TAG)
                if owner and run.info.run_id not in except_ids and is_dead(owner):
                    client.set_terminated(run.info.run_id, "KILLED")
                    killed.append(run.info.run_id)
        return killed


class Run:
    """One open run. As a context manager it ends FINISHED, FAILED or KILLED by how it is left."""

    def __init__(self, uri: str, run_id: str) -> None:
        self.uri = uri
        self.run_id = run_id
        self._losses: list[Metric] = []
        self._flushed = time.monotonic()

    def log(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Write params, metrics and tags, and the losses that wait, in one batch.

        MLflow's limits are met: more than it takes at once go in several batches, texts that are
        too long are cut, characters that it forbids in a name become `_`.

        Raises:
            TrackingError: MLflow refuses; a param of this name has another value already.
        """
        now = int(time.time() * 1000)
        points = [Metric(key, float(value), now, 0) for key, value in (metrics or {}).items()]
        points, self._losses = self._losses + points, []
        self._flushed = time.monotonic()
        with refusals(f"log to the run {self.run_id}"):
            client = connect(self.uri)
            for batch in batches(params or {}, points, tags or {}):
                # Two drivers of one study may write to its run at once.
                once_more(partial(client.log_batch, self.run_id, synchronous=True, **batch))

    def log_losses(self, epoch: int, losses: Mapping[str, float]) -> None:
        """Note an epoch's losses as `loss/<name>`; they are written every few seconds."""
        now = int(time.time() * 1000)
        self._losses += [Metric(f"loss/{k}", float(v), now, epoch) for k, v in losses.items()]
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self.log()

    def log_dataset(
        self, name: str, *, digest: str, source: str, schema: Schema, n_rows: int, context: str
    ) -> None:
        """Record which table went in: its name, digest, place, columns and length; no rows.

        Args:
            name: of the dataset.
            digest: of its content; MLflow keeps 36 characters.
            source: path or URI.
            schema: of its columns; kinds only, no levels.
            n_rows: its length.
            context: what it was used for: `train`, `control`, ….
        """
        import json

        from mlflow.entities import Dataset, DatasetInput, InputTag

        columns = [
            {"name": c.name, "type": mlflow_type(c), "required": True} for c in schema.columns
        ]
        dataset = Dataset(
            name=name,
            digest=digest[:36],
            source_type="local",
            source=json.dumps({"uri": source}),
            schema=json.dumps({"mlflow_colspec": columns}),
            profile=json.dumps({"num_rows": n_rows}),
        )
        used = DatasetInput(dataset, [InputTag("mlflow.data.context", context)])
        with refusals(f"log the dataset of the run {self.run_id}"):
            connect(self.uri).log_inputs(self.run_id, [used])

    def log_artifacts(self, directory: Path, path: str | None = None) -> None:
        """Copy a folder's content into the run's artifacts, under `path`."""
        with refusals(f"store artifacts of the run {self.run_id}"):
            connect(self.uri).log_artifacts(self.run_id, str(directory), path)

    def log_text(self, text: str, file: str) -> None:
        """Store a text as an artifact."""
        with refusals(f"store {file} of the run {self.run_id}"):
            connect(self.uri).log_text(self.run_id, text, file)

    def log_dict(self, content: Mapping[str, Any], file: str) -> None:
        """Store a mapping as an artifact: JSON or YAML by the name of `file`."""
        with refusals(f"store {file} of the run {self.run_id}"):
            connect(self.uri).log_dict(self.run_id, dict(content), file)

    def log_figure(self, figure: Figure, file: str) -> None:
        """Store a figure as an artifact: SVG or PNG by the name of `file`."""
        with refusals(f"store {file} of the run {self.run_id}"):
            connect(self.uri).log_figure(self.run_id, figure, file)

    def end(self, status: Status = "FINISHED") -> None:
        """Write what waits and close the run."""
        if self._losses:
            self.log()
        with refusals(f"end the run {self.run_id}"):
            connect(self.uri).set_terminated(self.run_id, status)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.end()
        elif isinstance(error, StoreAway):
            # It was waited for in vain: what cannot be closed now, the next command closes.
            with in_a_hurry(), contextlib.suppress(TrackingError):
                self.end("KILLED")
        elif isinstance(error, Exception):
            self.log_text(safe_traceback(error), "traceback.txt")
            self.end("FAILED")
        else:
            self.end("KILLED")
