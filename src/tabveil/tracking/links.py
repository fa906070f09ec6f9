"""Where a person looks at a sweep's trials side by side.

Left to itself MLflow's page shows the parent run with its trials folded away, and a bar chart for
each metric. The link opens a view that is kept as a tag of the experiment, as its "Share" button
keeps one: the trials of one sweep, utility against the risk's upper bound, and, for each family,
what its keys have to do with both.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tabveil.tracking.embedded import ARTIFACTS, database_of
from tabveil.tracking.runs import FAMILY_TAG
from tabveil.tracking.store import connect, is_server, refusals

_LOCAL = "http://127.0.0.1:5000"
_VIEW = "mlflow.sharedViewState."
UTILITY, RISK = "objective/utility", "objective/risk_high"
"""Metrics of a trial that its comparison is about."""


def share_comparison(
    uri: str, experiment_id: str, *, parent_id: str, families: Mapping[str, Sequence[str]]
) -> str:
    """Keep the view that compares a sweep's trials; return the address of its page.

    Args:
        uri: of the tracking store; for a database, the page is on the server that `ui_command`
            starts.
        experiment_id: of the experiment.
        parent_id: run id of the sweep.
        families: title → parameters, as they are logged, whose values are compared.

    Raises TrackingError where the store refuses.
    """
    key = f"tabveil-{parent_id}"
    with refusals(f"keep the comparison's view in {uri}"):
        connect(uri).set_experiment_tag(
            experiment_id, _VIEW + key, json.dumps(_view(parent_id, families))
        )
    page = f"{uri if is_server(uri) else _LOCAL}/#/experiments/{experiment_id}/runs"
    return f"{page}?viewStateShareKey={key}&compareRunsMode=CHART"


def _view(parent_id: str, families: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The state of the page, in the words of MLflow's page (3.x)."""
    section: dict[str, Any] = {
        "uuid": "front",
        "name": "Front",
        "display": True,
        "isReordered": False,
    }
    section |= {"columns": 1, "cardHeight": 420}
    scatter = {
        "type": "SCATTER",
        "displayName": "Utility against the risk's upper bound",
        "xaxis": {"key": RISK, "type": "METRIC"},
        "yaxis": {"key": UTILITY, "type": "METRIC"},
    }
    parallel = (
        {
            "type": "PARALLEL",
            "displayName": title,
            "selectedParams": list(params),
            "selectedMetrics": [UTILITY, RISK],
            "showAllRuns": True,
        }
        for title, params in families.items()
    )
    return {
        "searchFilter": f"tags.role = 'trial' and tags.`mlflow.parentRunId` = '{parent_id}'",
        "orderByKey": f"metrics.`{UTILITY}`",
        "orderByAsc": False,
        "runsHiddenMode": "SHOW_ALL",
        "selectedColumns": [f"metrics.`{UTILITY}`", f"metrics.`{RISK}`", f"tags.`{FAMILY_TAG}`"],
        "compareRunSections": [section],
        "compareRunCharts": list(_cards([scatter, *parallel], str(section["uuid"]))),
        "isAccordionReordered": True,
    }


def _cards(charts: Iterable[Mapping[str, Any]], section: str) -> Iterable[dict[str, Any]]:
    for i, chart in enumerate(charts):
        common = {"uuid": f"chart-{i}", "metricSectionId": section, "runsCountToCompare": 1000}
        yield {**common, "deleted": False, "isGenerated": False, **chart}


def ui_command(uri: str) -> str | None:
    """The command that starts MLflow's page on a database; None where a server runs already."""
    if is_server(uri):
        return None
    command = ["mlflow", "server", "--workers", "1", "--backend-store-uri", uri]
    if uri.startswith("sqlite:"):
        command += ["--artifacts-destination", str(database_of(uri).parent / ARTIFACTS)]
    return shlex.join(command)
