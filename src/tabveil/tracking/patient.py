"""What if MLflow's server or database is away for a moment?

A client whose calls are made again, with growing pauses, while nobody answers. MLflow retries by
itself, too, in silence and for four minutes a call; of that one quick repetition is left, for
connections that had gone stale.
"""

from __future__ import annotations

import functools
import logging
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tabveil.surroundings import is_full, is_lasting, patiently

if TYPE_CHECKING:
    from mlflow import MlflowClient

_RETRIES = ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
_NOISY = ("mlflow.store.db.utils", "urllib3.connectionpool")
"""They write tracebacks and warnings of what is waited for here, and told in a line."""

_AWAY = re.compile(
    r"API request to \S+ failed with (timeout )?exception|TEMPORARILY_UNAVAILABLE|OperationalError"
    r"|error code 50[234]|\b50[0234] Server Error|Connection(Reset)?Error|connection abort"
)

T = TypeVar("T")


def patient(client: MlflowClient) -> MlflowClient:
    """The client, with patience in every call."""
    os.environ.setdefault(*_RETRIES)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return cast("MlflowClient", _Patient(client))


def impatient(client: MlflowClient) -> MlflowClient:
    """The same client without, for a call that must not be done twice unseen."""
    return client._client if isinstance(client, _Patient) else client


def is_away(error: BaseException) -> bool:
    """Whether an error of MLflow's means that nobody answers just now."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import InterfaceError, OperationalError

    if is_full(error) or is_lasting(error):
        return False
    if isinstance(error, OperationalError | InterfaceError):
        return True
    code = str(getattr(error, "error_code", ""))
    return isinstance(error, MlflowException | RequestException) and (
        code == "TEMPORARILY_UNAVAILABLE" or _AWAY.search(str(error)) is not None
    )


class _Patient:
    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return _patiently(found) if callable(found) else found


def _patiently(call: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(call)
    def again(*args: Any, **kwargs: Any) -> T:
        return patiently("the tracking store", lambda: call(*args, **kwargs), is_away=is_away)

    return again
