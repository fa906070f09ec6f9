"""Which MLflow do we write to, and can we reach it?

By default an embedded store in one folder; else a tracking server or a database, by URI. What
cannot be reached is said within seconds, before anything is written. This module makes every
`MlflowClient`, always with an explicit URI: MLflow's global state is neither read nor changed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tabveil.errors import ConfigError, StoreAway, TrackingError
from tabveil.redaction import hide_passwords
from tabveil.surroundings import AGAIN, FULL, is_full
from tabveil.tracking.embedded import (
    ARTIFACTS,
    ROOT_TAG,
    check_database,
    database_of,
    embedded_uri,
    relocate,
)
from tabveil.tracking.patient import is_away, patient

if TYPE_CHECKING:
    from mlflow import MlflowClient

_TRIES = 5
_PATIENCE = 5
"""Seconds that a server or a database may take to answer its first request."""


def open_tracking(uri: str | None, *, root: Path) -> str:
    """Give the tracking URI, after a look whether it answers. Writes nothing new.

    Args:
        uri: http(s)://…, sqlite:///FOLDER/mlflow.db, postgresql+psycopg2://…, or None for the
            embedded store in `root`.
        root: folder of the embedded store; it may have been moved since it was last opened.

    Raises:
        ConfigError: the URI is of no kind that MLflow can write to.
        TrackingError: what it names cannot be reached or is no tracking store.
    """
    if uri is None:
        uri = embedded_uri(root)
    uri = uri.rstrip("/")
    if is_server(uri):
        _check_server(uri)
    elif uri.startswith("sqlite:"):
        database = database_of(uri)
        check_database(database)
        if database.exists():
            relocate(database)
        uri = f"sqlite:///{database}"
    elif uri.startswith("postgresql"):
        _check_database_server(uri)
    else:
        raise ConfigError(
            f"tracking.uri={uri!r}: give http(s)://HOST:PORT, sqlite:///FOLDER/mlflow.db or "
            f"postgresql+psycopg2://…; leave it out for the embedded store"
        )
    return uri


def prepare_store(uri: str, experiment: str, *, root: Path) -> str:
    """Make the store's tables and the experiment where missing; return the experiment's id.

    The driver calls this before its workers start: several processes that create one SQLite
    store at once crash.

    Args:
        uri: what `open_tracking` returned.
        experiment: its name.
        root: folder for artifacts when `uri` is a database server, which keeps none itself.

    Raises:
        TrackingError: MLflow refuses, or the store is of another MLflow's version.
    """
    if uri.startswith("sqlite:"):
        root = database_of(uri).parent
    with refusals(f"open the tracking store {uri}"):
        if not is_server(uri):
            root.mkdir(parents=True, exist_ok=True)
        client = connect(uri, create=True)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return _create_experiment(client, uri, experiment, root.absolute())
    if found.lifecycle_stage == "deleted":
        raise TrackingError(
            f"the experiment {experiment!r} is in MLflow's trash; restore it with `mlflow "
            f"experiments restore -x {found.experiment_id}` or set tracking.experiment"
        )
    return str(found.experiment_id)


def connect(uri: str, *, create: bool = False) -> MlflowClient:
    """A client for tracking and registry at `uri`.

    Raises:
        TrackingError: `uri` names an embedded store that is not there (unless `create`).
    """
    from mlflow import MlflowClient

    if uri.startswith("sqlite:") and not create and not database_of(uri).exists():
        raise TrackingError(
            f"there is no tracking store at {database_of(uri)}; run `tabveil sweep` first, or "
            f"name another with tracking.uri"
        )
    with refusals(f"open the tracking store {uri}"):
        return patient(MlflowClient(tracking_uri=uri, registry_uri=uri))


def is_server(uri: str) -> bool:
    """Whether a tracking server stands behind the URI, as opposed to a database."""
    return uri.startswith(("http://", "https://"))


def once_more(write: Callable[[], object]) -> None:
    """Write a tag or an alias, and again if another process has added the same one in between.

    MLflow looks whether a row is there and then adds it; of two who add it at once, the database
    refuses the second.
    """
    from mlflow.exceptions import MlflowException

    for tries_left in reversed(range(_TRIES)):
        try:
            write()
            return
        except MlflowException as error:
            if not tries_left or not re.search("IntegrityError|UniqueViolation", str(error)):
                raise


@contextlib.contextmanager
def refusals(doing: str) -> Iterator[None]:
    """Turn what MLflow raises into a TrackingError that says what was being done.

    StoreAway, where the store had been waited for in vain, or where a disk is full.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        doing = hide_passwords(doing)
        if is_full(error):
            raise StoreAway(f"could not {doing}: {FULL}") from error
        if is_away(error):
            code = re.search(r"too many (\d+) error|\b(50\d) Server Error", str(error))
            gives = f"answers with error {code[1] or code[2]} only" if code else "does not answer"
            raise StoreAway(f"could not {doing}: the tracking store {gives}; {AGAIN}") from error
        text = hide_passwords(str(getattr(error, "message", error)).strip().split("\n")[0])
        if "out-of-date database schema" in text:
            text = (
                "its tables are of another MLflow version; if that was an older one, back it up "
                "and run `mlflow db upgrade URI`; if a newer one, use that version"
            )
        raise TrackingError(f"could not {doing}: {text}") from error


def _create_experiment(client: MlflowClient, uri: str, name: str, root: Path) -> str:
    from urllib.parse import quote

    from mlflow.exceptions import MlflowException

    place = f"{root.as_uri()}/{ARTIFACTS}/{quote(name, safe='')}"
    tags = {ROOT_TAG: root.as_uri()} if uri.startswith("sqlite:") else {}
    try:
        return str(
            client.create_experiment(name, None if is_server(uri) else place, tags=tags or None)
        )
    except MlflowException:
        found = client.get_experiment_by_name(name)  # another driver was quicker
        if found is None:
            raise
        return str(found.experiment_id)


def _check_server(uri: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.tracking._tracking_service.utils import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        answer = http_request(
            get_default_host_creds(uri), "/health", "GET", max_retries=0, timeout=_PATIENCE
        )
    except MlflowException as error:
        raise TrackingError(
            f"no tracking server answers at {uri}; start it, or correct tracking.uri "
            f"(leave it out for the embedded store)"
        ) from error
    if answer.status_code != 200:
        raise TrackingError(
            f"{uri} answered {answer.status_code} to /health: no MLflow server, or it wants "
            f"MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )


def _check_database_server(uri: str) -> None:
    import sqlalchemy

    shown = uri
    try:
        url = sqlalchemy.make_url(uri)
        shown = url.render_as_string(hide_password=True)
        engine = sqlalchemy.create_engine(url, connect_args={"connect_timeout": _PATIENCE})
        with contextlib.closing(engine.connect()):
            pass
        engine.dispose()
    except ImportError as error:
        raise TrackingError(f"{shown} needs a driver: pip install 'tabveil[postgres]'") from error
    except (sqlalchemy.exc.SQLAlchemyError, ValueError) as error:
        reason = str(error).strip().split("\n")[0]
        raise TrackingError(f"the tracking database {shown} cannot be used: {reason}") from error
