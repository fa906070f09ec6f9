"""How do people write a search space?

In the syntax that users of Hydra's Optuna sweeper know, parsed by Hydra itself:

    interval(a, b)              a float          int(interval(a, b))    a whole number
    range(a, b[, step])         a whole number, b excluded as in Hydra
    choice(x, y, …)             one of these; lists such as [128,128] too
    tag(log, interval(a, b))    drawn on a log scale

either under `sweep.space` or straight on the command line: `synthesizer.pac='choice(1,5,10)'`.
Where several families are tried, `synthesizer='choice(ctgan,autoregressive)'`, a family's own keys
stand behind its name: `synthesizer.ctgan.pac='choice(1,2)'`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hydra.core.override_parser.types import (
    ChoiceSweep,
    IntervalSweep,
    Override,
    RangeSweep,
    Transformer,
)

from tabveil.config.compose import parse_overrides
from tabveil.config.typed import quoted, typed_key
from tabveil.errors import ConfigError
from tabveil.search.space import Dimension, Value

FAMILY = "synthesizer"


def parse_space(space: Mapping[str, str], family: str | None = None) -> dict[str, Dimension]:
    """Turn `key -> text` into dimensions.

    Args:
        space: as people write it.
        family: of all trials, where the space does not try several: its own keys become plain
            ones, those of others are left out.

    Raises ConfigError naming the key that is wrong.
    """
    dimensions: dict[str, Dimension] = {}
    families = _families(space)
    for key, text in space.items():
        if typed_key(key) is not None:
            raise ConfigError(f"sweep.space.{key}: several values of {key} cannot be tried")
        try:
            (override,) = parse_overrides([f"{key}={text}"])
        except ConfigError as error:
            raise ConfigError(f"sweep.space.{key}={text}: {error}") from error
        dimension = _dimension(key, override)
        mine = family_of(key)
        if mine is None:
            dimensions[key] = dimension
        elif mine in families:
            dimensions[key] = replace(dimension, given=(FAMILY, mine))
        elif families:
            raise ConfigError(
                f"sweep.space.{key}: {mine} is none of the families that are tried "
                f"({', '.join(families)}); add it to sweep.space.{FAMILY}, or leave the key out"
            )
        elif mine == family:
            dimensions[override_key(key)] = dimension
    return dimensions


def family_of(key: str) -> str | None:
    """The family whose own key it is: `ctgan` of `synthesizer.ctgan.pac`; None: nobody's."""
    parts = key.split(".")
    return parts[1] if parts[0] == FAMILY and len(parts) > 2 else None


def override_key(key: str) -> str:
    """The configuration's own key: `synthesizer.pac` of `synthesizer.ctgan.pac`."""
    family = family_of(key)
    return key if family is None else key.replace(f".{family}.", ".", 1)


def _families(space: Mapping[str, str]) -> list[str]:
    """Those that the space tries; none where it tries one."""
    if FAMILY not in space:
        return []
    (override,) = parse_overrides([f"{FAMILY}={space[FAMILY]}"])
    return [str(choice) for choice in _dimension(FAMILY, override).choices]


def split_overrides(texts: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Part a sweep's overrides into fixed ones and those that span a search space."""
    fixed, space = [], {}
    for text in texts:
        if typed_key(text) is not None:
            fixed.append(text)
            continue
        (override,) = parse_overrides([text])
        if override.is_sweep_override():
            space[override.get_key_element()] = text.partition("=")[2]
        else:
            fixed.append(text)
    return fixed, space


def to_overrides(values: Mapping[str, Value]) -> list[str]:
    """The overrides that give a trial its drawn values; texts are overrides already."""
    return [f"{override_key(key)}={value}" for key, value in values.items()]


def _dimension(key: str, override: Override) -> Dimension:
    sweep = override.value()
    if isinstance(sweep, IntervalSweep):
        return _interval(key, sweep)
    if isinstance(sweep, RangeSweep):
        return _range(key, sweep)
    if isinstance(sweep, ChoiceSweep):
        return Dimension("choice", choices=tuple(_choices(override)))
    raise ConfigError(
        f"sweep.space.{key}: give interval(a, b), int(interval(a, b)), range(a, b), "
        f"choice(x, y, …), or tag(log, …) around one"
    )


def _interval(key: str, sweep: IntervalSweep) -> Dimension:
    low, high, log = sweep.start, sweep.end, "log" in sweep.tags
    if low is None or high is None or low >= high or (log and low <= 0):
        raise ConfigError(f"sweep.space.{key}: interval({low}, {high}) is empty or not positive")
    if isinstance(low, int):  # Hydra's int(…) casts the bounds; a bare interval has floats
        return Dimension("int", low=low, high=high, log=log)
    return Dimension("float", low=float(low), high=float(high), log=log)


def _range(key: str, sweep: RangeSweep) -> Dimension:
    values = list(sweep.range())
    if not values:
        raise ConfigError(f"sweep.space.{key}: the range is empty")
    if not all(isinstance(value, int) for value in values):
        return Dimension("choice", choices=tuple(float(value) for value in values))
    step = int(sweep.step or 1)
    if "log" in sweep.tags:
        if step != 1 or min(values) < 1:
            raise ConfigError(f"sweep.space.{key}: a range on a log scale has step 1 and no 0")
        return Dimension("int", low=min(values), high=max(values), log=True)
    return Dimension("int", low=min(values), high=max(values), step=abs(step))


def _choices(override: Override) -> list[Value]:
    """Numbers and booleans as they are; anything else as its override text."""
    sweep = override.value()
    assert isinstance(sweep, ChoiceSweep)
    texts = override.sweep_iterator(transformer=Transformer.encode)
    return [
        value
        if isinstance(value, bool | int | float)
        else _as_value(value)
        if isinstance(value, str)
        else str(text)
        for value, text in zip(sweep.list, texts, strict=True)
    ]


def _as_value(text: str) -> str:
    """A text as an override's value: in quotes, unless it is a plain word."""
    if re.fullmatch(r"[A-Za-z_][\w./-]*", text, re.ASCII) and text not in ("true", "false", "null"):
        return text
    return quoted(text)
