"""What the description promises, the server keeps: any request gets a status that is described.

Requests are made up from the description, valid and invalid ones, and sent to a running server over
a real service in which the user has one of everything. They are the same each time.
"""

from __future__ import annotations

import contextlib
import os
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from web_server import ANN, furnish

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
N_EXAMPLES = int(os.environ.get("TABVEIL_EXAMPLES", "8"))
"""Requests of each kind for each route; for a longer search: TABVEIL_EXAMPLES=300."""
_SETTINGS = settings(
    max_examples=N_EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_SIGNED_IN = {"Authorization": f"Bearer {ANN}"}


def _send(strategy, url):
    """Send what a strategy draws; how many requests that were."""
    n = 0

    @_SETTINGS
    @given(case=strategy)
    def each(case):
        nonlocal n
        n += 1
        answer = case.call(base_url=url, headers=_SIGNED_IN, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    # nothing invalid can be made of a route without parameters
    with contextlib.suppress(Unsatisfiable, SkipTest):
        each()
    return n


@pytest.mark.filterwarnings("ignore")
def test_no_request_gets_what_is_not_described(server):
    description = server.ask("GET", "/api/v1/openapi.json").json()
    sent = 0
    for found in schemathesis.openapi.from_dict(description).get_all_operations():
        operation = found.ok()
        mine = furnish(server.service, "ann")
        for mode in GenerationMode:
            sent += _send(operation.as_strategy(mode), server.url)
        if "{id}" in operation.path:
            known = [operation.as_strategy(path_parameters={"id": one}) for one in mine.all()]
            sent += _send(st.one_of(known), server.url)
    assert sent > 300
