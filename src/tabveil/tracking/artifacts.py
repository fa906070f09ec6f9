"""How does a run's artifact come back?"""

from __future__ import annotations

from pathlib import Path

from tabveil.tracking.store import connect, refusals


def download(uri: str, run_id: str, path: str, directory: Path) -> Path:
    """Copy the artifact `path` of a run into `directory`; return where it lies.

    Raises:
        TrackingError: the run or the artifact is not there, or the store cannot be reached.
    """
    with refusals(f"fetch {path} of the run {run_id}"):
        return Path(connect(uri).download_artifacts(run_id, path, str(directory)))
