"""Where can a person look at a sweep's trials side by side?

Left to itself MLflow's page shows the parent run with its trials folded away and empty charts;
the link opens them filtered and sorted.
"""

from __future__ import annotations

import shlex
from urllib.parse import quote

from tabveil.tracking.embedded import ARTIFACTS, database_of
from tabveil.tracking.store import is_server

_LOCAL = "http://127.0.0.1:5000"


def comparison_url(uri: str, experiment_id: str, *, parent_id: str | None = None) -> str:
    """The page that compares an experiment's trials, most useful first.

    Args:
        uri: of the tracking store; for a database, the page is on the server that `ui_command`
            starts.
        experiment_id: of the experiment.
        parent_id: run id of a sweep, to show only its trials.
    """
    wanted = "tags.role = 'trial'"
    if parent_id is not None:
        wanted += f" and tags.`mlflow.parentRunId` = '{parent_id}'"
    query = {
        "searchFilter": wanted,
        "orderByKey": "metrics.`objective/utility`",
        "orderByAsc": "false",
        "compareRunsMode": "CHART",
    }
    text = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
    return f"{uri if is_server(uri) else _LOCAL}/#/experiments/{experiment_id}/runs?{text}"


def ui_command(uri: str) -> str | None:
    """The command that starts MLflow's page on a database; None where a server runs already."""
    if is_server(uri):
        return None
    command = ["mlflow", "server", "--workers", "1", "--backend-store-uri", uri]
    if uri.startswith("sqlite:"):
        command += ["--artifacts-destination", str(database_of(uri).parent / ARTIFACTS)]
    return shlex.join(command)
