from __future__ import annotations

import shlex
from urllib.parse import parse_qs, urlparse

from tabveil.tracking.links import comparison_url, ui_command


def test_the_link_opens_the_trials_of_one_sweep_most_useful_first() -> None:
    page = urlparse(comparison_url("https://mlflow.example.org/x", "7", parent_id="abc"))
    assert (page.netloc, page.path) == ("mlflow.example.org", "/x/")
    where, _, query = page.fragment.partition("?")
    assert where == "/experiments/7/runs"
    assert parse_qs(query) == {
        "searchFilter": ["tags.role = 'trial' and tags.`mlflow.parentRunId` = 'abc'"],
        "orderByKey": ["metrics.`objective/utility`"],
        "orderByAsc": ["false"],
        "compareRunsMode": ["CHART"],
    }


def test_a_database_needs_a_server_first() -> None:
    uri = "sqlite:////my store/mlflow.db"
    assert comparison_url(uri, "7").startswith("http://127.0.0.1:5000/#/experiments/7/runs?")
    command = ui_command(uri)
    assert command is not None
    assert shlex.split(command)[-4:] == [
        "--backend-store-uri",
        uri,
        "--artifacts-destination",
        "/my store/mlartifacts",
    ]
    assert ui_command("http://host:5000") is None
