"""Which kinds of rules are there, and how are they written down?

    {"kind": "inequality", "low": "admitted", "high": "discharged"}
    {"kind": "level_when", "column": "last_review", "level": null, "when": {"reviews": 0}}

The keys are the fields of the class. Nothing is guessed: an unknown kind or key is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from tabveil.data.rules.calendar import Calendar
from tabveil.data.rules.levels import LevelWhen
from tabveil.data.rules.limits import Range, Regex, Unique
from tabveil.data.rules.missing import MissingPattern
from tabveil.data.rules.relations import OPERATIONS, Derived, FixedCombination, Inequality
from tabveil.data.rules.when import When, read_level, read_number
from tabveil.errors import ConfigError

Rule = (
    Inequality
    | FixedCombination
    | Derived
    | LevelWhen
    | Range
    | Regex
    | Unique
    | MissingPattern
    | Calendar
)
RULES: dict[str, type[Rule]] = {
    "inequality": Inequality,
    "fixed_combination": FixedCombination,
    "derived": Derived,
    "level_when": LevelWhen,
    "range": Range,
    "regex": Regex,
    "unique": Unique,
    "missing_pattern": MissingPattern,
    "calendar": Calendar,
}


def rule_to_dict(rule: Rule) -> dict[str, Any]:
    """A rule as JSON-able data; `rule_from_dict` gives an equal rule back."""
    kind = next(name for name, known in RULES.items() if type(rule) is known)
    return {"kind": kind, **{f.name: _plain(getattr(rule, f.name)) for f in fields(rule)}}


def rule_from_dict(data: Any) -> Rule:
    """Read `rule_to_dict`'s data, as a person may have written it.

    Raises ConfigError, naming the rule, for an unknown kind or key, a key that is absent, or a
    value that the key cannot have.
    """
    kind = data.get("kind") if isinstance(data, Mapping) else None
    if not isinstance(kind, str) or kind not in RULES:
        raise ConfigError(f"rule {data!r}: 'kind' must be one of {', '.join(RULES)}")
    known = {f.name: f for f in fields(RULES[kind])}
    unknown = sorted(map(str, set(data) - set(known) - {"kind"}))
    if unknown:
        raise ConfigError(f"rule {data!r} has no key {', '.join(unknown)}; has {', '.join(known)}")
    absent = [name for name, f in known.items() if f.default is MISSING and name not in data]
    if absent:
        raise ConfigError(f"rule {data!r} lacks {', '.join(absent)}")
    return RULES[kind](**{n: _read(f, data) for n, f in known.items() if n in data})


def _plain(value: Any) -> Any:
    if isinstance(value, When):
        return value.to_dict()
    return list(value) if isinstance(value, tuple) else value


def _read(entry: Field[Any], data: Mapping[str, Any]) -> Any:
    value = data[entry.name]
    try:
        return _READERS[str(entry.type)](value)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"rule {dict(data)!r}: {entry.name}={value!r}: {error}") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of column names")
    return tuple(map(_text, value))


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _end(value: Any) -> float | str | None:
    return value if value is None or isinstance(value, str) else read_number(value)


def _places(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError("must be a whole number or null")
    if value is not None and not 0 <= value <= 15:
        raise ValueError("floats hold 0 to 15 places")
    return value


def _operation(value: Any) -> Any:
    if value not in OPERATIONS:
        raise ValueError(f"must be one of {', '.join(OPERATIONS)}")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "tuple[str, ...]": _texts,
    "bool": _truth,
    "float": read_number,
    "float | str | None": _end,
    "int | None": _places,
    "Level": read_level,
    "When": When.from_dict,
    "Operation": _operation,
}
"""By the text of a field's type."""
