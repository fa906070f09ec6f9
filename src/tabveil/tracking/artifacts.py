"""How does a run's artifact come back?"""

from __future__ import annotations

from pathlib import Path

from tabveil.tracking.store import connect, refusals


def download(uri: str, run_id: str, path: str, directory: Path) -> Path:
    """Copy the artifact `path` of a run into `directory`; return where it lies.

    The client's own download also looks for logged models of that name, under MLflow's global
    tracking URI: it would make a store in the current folder. So the place is named here.

    Raises:
        TrackingError: the run or the artifact is not there, or the store cannot be reached.
    """
    import mlflow.artifacts

    with refusals(f"fetch {path} of the run {run_id}"):
        place = connect(uri).get_run(run_id).info.artifact_uri
        fetched = mlflow.artifacts.download_artifacts(
            artifact_uri=f"{place}/{path}",
            dst_path=str(directory),
            tracking_uri=uri,
            registry_uri=uri,
        )
        return Path(fetched)
