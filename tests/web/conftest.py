"""Fixtures of the web service: real servers on free loopback ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from web_server import Running, serve, settings_at

from tabveil.web.service import Service

collect_ignore = ["conftest.py", "web_server.py"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two users with a token each; nothing runs the jobs."""
    with serve(Service.open(settings_at(tmp_path_factory.mktemp("web")))) as running:
        yield running


@pytest.fixture
def changed_server(tmp_path: Path) -> Callable[..., AbstractContextManager[Running]]:
    """A server with settings of its own: `with changed_server(per_minute=3) as running`."""

    @contextmanager
    def start(**changes: object) -> Iterator[Running]:
        with serve(Service.open(replace(settings_at(tmp_path), **changes))) as running:
            yield running

    return start
