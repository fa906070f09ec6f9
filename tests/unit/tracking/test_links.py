from __future__ import annotations

import json
import shlex
from urllib.parse import parse_qs, urlparse

import pytest
from mlflow import MlflowClient

from tabveil.errors import TrackingError
from tabveil.tracking.links import share_comparison, ui_command

KEYS = {"autoregressive": ["synthesizer.n_bins", "pooling.clip"], "ctgan": ["synthesizer.pac"]}


def test_the_link_opens_a_view_of_one_sweeps_trials(uri: str) -> None:
    client = MlflowClient(uri)
    experiment = client.create_experiment("compared")
    address = share_comparison(uri, experiment, parent_id="abc", families=KEYS)
    page = urlparse(address)
    assert (page.scheme, page.netloc) == ("http", "127.0.0.1:5000")
    where, _, query = page.fragment.partition("?")
    assert where == f"/experiments/{experiment}/runs"
    (key,) = parse_qs(query)["viewStateShareKey"]
    view = json.loads(client.get_experiment(experiment).tags[f"mlflow.sharedViewState.{key}"])
    assert view["searchFilter"] == "tags.role = 'trial' and tags.`mlflow.parentRunId` = 'abc'"
    scatter, *parallel = view["compareRunCharts"]
    assert scatter["xaxis"]["key"] == "objective/risk_high"
    assert scatter["yaxis"]["key"] == "objective/utility"
    assert [chart["selectedParams"] for chart in parallel] == list(KEYS.values())
    (section,) = view["compareRunSections"]
    assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} == {section["uuid"]}
    # Facets in the address would take the place of the view.
    assert set(parse_qs(query)) == {"viewStateShareKey", "compareRunsMode"}


def test_each_sweep_of_an_experiment_keeps_its_own_view(uri: str) -> None:
    client = MlflowClient(uri)
    experiment = client.create_experiment("two sweeps")
    pages = {
        share_comparison(uri, experiment, parent_id=one, families=KEYS) for one in ("abc", "def")
    }
    assert len(pages) == 2
    tags = client.get_experiment(experiment).tags
    assert sum(name.startswith("mlflow.sharedViewState.") for name in tags) == 2


def test_a_store_that_refuses_says_what_was_being_done(uri: str) -> None:
    with pytest.raises(TrackingError, match="keep the comparison's view"):
        share_comparison(uri, "987654", parent_id="abc", families=KEYS)


def test_a_database_needs_a_server_first() -> None:
    uri = "sqlite:////my store/mlflow.db"
    command = ui_command(uri)
    assert command is not None
    assert shlex.split(command)[-4:] == [
        "--backend-store-uri",
        uri,
        "--artifacts-destination",
        "/my store/mlartifacts",
    ]
    assert ui_command("http://host:5000") is None
