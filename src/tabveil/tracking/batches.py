"""How do values fit through MLflow's limits?

One `log_batch` takes at most 100 params, 100 tags and 1000 entities; a param holds 6000
characters, a tag 8000; names hold few kinds of character. Column names know no such limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

# mlflow.utils.validation of 3.17
_MOST_PARAMS, _MOST_TAGS, _MOST_METRICS = 100, 100, 800
_PARAM_LENGTH, _TAG_LENGTH, _KEY_LENGTH = 6000, 8000, 250


@dataclass(frozen=True)
class Metric:
    """A point of a metric: `timestamp` in milliseconds since 1970, `step` counted in epochs."""

    key: str
    value: float
    timestamp: int
    step: int


def batches(
    params: Mapping[str, Any], metrics: Sequence[Metric], tags: Mapping[str, Any]
) -> Iterator[dict[str, list[Any]]]:
    """Yield the arguments of as few `log_batch` calls as the limits allow; none for nothing."""
    from mlflow.entities import Metric as MetricEntity
    from mlflow.entities import Param, RunTag

    all_params = [Param(key_of(k), cut(v, _PARAM_LENGTH)) for k, v in params.items()]
    all_metrics = [MetricEntity(key_of(m.key), m.value, m.timestamp, m.step) for m in metrics]
    all_tags = [RunTag(key_of(k), cut(v, _TAG_LENGTH)) for k, v in tags.items()]
    pages: Iterator[tuple[list[Any], ...]] = zip_longest(
        _pages(all_params, _MOST_PARAMS),
        _pages(all_metrics, _MOST_METRICS),
        _pages(all_tags, _MOST_TAGS),
        fillvalue=[],
    )
    for page in pages:
        yield dict(zip(("params", "metrics", "tags"), page, strict=True))


def key_of(name: str) -> str:
    """A name that MLflow takes.

    >>> key_of("privacy/income (EUR, 2020)/auc")
    'privacy/income _EUR_ 2020_/auc'
    """
    parts = re.sub(r"[^\w\-. :/]", "_", name).split("/")
    return "/".join("_" if part in ("", ".", "..") else part for part in parts)[:_KEY_LENGTH]


def cut(value: Any, length: int) -> str:
    """The value as text of at most `length` characters, with a mark where it was cut.

    >>> cut("abcdefgh", 5)
    'abcd…'
    """
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def _pages(items: list[Any], size: int) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
