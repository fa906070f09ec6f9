"""Which errors can a user meet, and with which exit code does the command end?

    TabveilError         1   anything else; also the base that callers catch
    ├── ConfigError      2   an override, a config, a search space
    ├── DataError        2   a table, its schema, its split
    │   └── ConditionError  2   a `where` that names nothing, or that no row meets
    ├── StudyError       2   a stored study that does not fit this command
    ├── ArtifactError    2   a saved generator that is missing, incomplete or altered
    ├── TrackingError    1   MLflow cannot be reached, or refuses
    │   └── StoreAway    1   a store does not answer any more, or a disk is full
    └── EvaluationError  1   a metric or an attack could not give its number
        └── CannotTell   4   too little to tell a leak from chance

A message says what was wrong, where, and what to do; it never quotes row contents.
"""

from __future__ import annotations

import traceback
from pathlib import Path


class TabveilError(Exception):
    """Base of every error a user can cause or must act on."""

    exit_code = 1


class ConfigError(TabveilError):
    """The command, an override or a config file is wrong."""

    exit_code = 2


class DataError(TabveilError):
    """A table, its schema or its split is not usable."""

    exit_code = 2


class ConditionError(DataError):
    """A condition on sampled rows names nothing that exists, or cannot be met."""


class StudyError(TabveilError):
    """The stored study was made with another space, dataset or configuration."""

    exit_code = 2


class ArtifactError(TabveilError):
    """A saved generator is missing, incomplete or does not fit its own description."""

    exit_code = 2


class TrackingError(TabveilError):
    """The tracking server or the registry cannot be reached or refuses."""


class StoreAway(TrackingError):
    """A store was waited for in vain, or a disk is full: the same command can go on later."""


class EvaluationError(TabveilError):
    """A metric or an attack that an objective needs gave no number."""


class CannotTell(EvaluationError):
    """The tables are too small, too alike or too overlapping for an attack to mean anything."""

    exit_code = 4


def safe_summary(error: BaseException) -> str:
    """Say what went wrong without quoting data.

    Our own messages are written for people. Those of libraries may quote a cell of the table
    ("could not convert string to float: 'Smith'"), so of them only the type and place are kept.
    """
    if isinstance(error, TabveilError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def safe_traceback(error: BaseException) -> str:
    """The traceback with `safe_summary` in place of the message."""
    return "".join(traceback.format_tb(error.__traceback__)) + safe_summary(error)
