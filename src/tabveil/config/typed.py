"""Values of a command line that are taken as they are typed.

YAML and Hydra read `NO` as a truth value, `1_000` as a number and `a=b` as a mistake. Columns,
levels, paths and names are texts, so the overrides of the keys below never come to either:

    one text      dataset.target=2019                 all that stands after the first `=`
    a place       path=a, b's #1.csv                  the same, with ${oc.env:HOME} replaced
    many texts    where={country: NO, age: {min: 30}} lists and mappings of texts

In all of them an unquoted `null` is None. A text that is wholly in quotes, as Hydra writes them,
is what stands inside. In lists and mappings, texts with `, : [ ] { }` stand in quotes.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabveil.errors import ConfigError

_TEXT = {
    "sheet",
    "dataset.sheet",
    "dataset.target",
    "dataset.group",
    "dataset.decimal",
    "decimal",
    "split.by",
    "why",
}
_PLACE = {
    *("path", "url", "query", "encoding"),
    *("dataset.path", "dataset.url", "dataset.query", "dataset.encoding", "dataset.schema"),
    *("synthetic", "train", "control", "reference", "rows"),
    *("out", "root", "model", "prepared", "asked", "storage", "database", "study"),
    *("dataset.name", "sweep.study", "sweep.model", "sweep.storage"),
    *("tracking.uri", "tracking.experiment", "ledger.url"),
    *("stores.studies", "stores.ledger", "stores.web", "stores.tracking"),
    *("web.database", "web.tokens", "web.mlflow_url"),
}
_TEXTS = {
    *("where", "shares", "kinds", "missing"),
    *("dataset.kinds", "dataset.masks", "dataset.missing"),
    *("dataset.sensitive", "dataset.quasi_identifiers"),
    "protection.small_groups.columns",
}
_NULL_IS_A_WORD = {"missing", "dataset.missing"}
"""Where a list says which words mean missing, `null` is one of those words."""
MISSING_KEY = "\0"
"""Stands for the missing level where it is a key: OmegaConf knows no key None."""

_SWEEP = re.compile(
    r"((int|float|str|bool|tag|sort|shuffle)\(.*)?(choice|range|interval|glob)\(.*\)", re.DOTALL
)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_PLAIN = re.compile(r"[^,\[\]{}]*")


@dataclass(frozen=True)
class Typed:
    """An override whose value is what was typed: texts, lists and mappings of them, None."""

    key: str
    value: Any
    interpolates: bool


def typed_key(override: str) -> str | None:
    """The key of an override, or a bare key, if its value is taken as typed; else None.

    >>> typed_key("dataset.path=a=b.csv"), typed_key("+dataset.kinds.zip=categorical")
    ('dataset.path', 'dataset.kinds')
    """
    key = _full_key(override)
    if key in _TEXT or key in _PLACE:
        return key
    return next((name for name in _TEXTS if key == name or key.startswith(f"{name}.")), None)


def split_typed(overrides: Sequence[str]) -> tuple[list[Typed], list[str]]:
    """Part the overrides into those taken as typed, read, and those for Hydra.

    Raises ConfigError that says how to write what cannot be read.
    """
    typed = [_read(override) for override in overrides if typed_key(override) is not None]
    return typed, [override for override in overrides if typed_key(override) is None]


def _full_key(override: str) -> str:
    return re.sub(r"^\+{1,2}", "", override.partition("=")[0])


def _read(override: str) -> Typed:
    key, name, text = _full_key(override), typed_key(override), override.partition("=")[2]
    assert name is not None
    if _SWEEP.fullmatch(text.strip()):
        raise ConfigError(
            f"{override}: several values of {name} cannot be tried; give one. A text that is "
            f"written like this stands in quotes: {shlex.quote(f'{key}={quoted(text)}')}"
        )
    if name not in _TEXTS:
        return Typed(name, _one_text(text), interpolates=name in _PLACE)
    if text.lstrip()[:1] not in ("{", "["):
        value: Any = _one_text(text)
    else:
        try:
            value, rest = _value(text)
            if rest.strip():
                raise ValueError(f"{rest.strip()!r} stands after the end")
        except ValueError as error:
            raise ConfigError(
                f"{override}: {error}; write {name}={{column: text}} or {name}=[text, text], and "
                f'put a text with , : [ ] {{ }} or a quote before it in quotes: "a, b"'
            ) from error
        value = _storable(value, shares=name == "shares", word=name in _NULL_IS_A_WORD)
    for part in reversed(key.removeprefix(name).split(".")[1:]):
        value = {part: value}
    return Typed(name, value, interpolates=False)


def _one_text(text: str) -> str | None:
    if text == "null":
        return None
    if re.fullmatch(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", text, re.DOTALL):
        return re.sub(rf"(\\+)({text[0]}|$)", _halved, text[1:-1])
    return text


def _halved(found: re.Match[str]) -> str:
    return "\\" * (len(found[1]) // 2) + found[2]


def _value(text: str) -> tuple[Any, str]:
    """Read what the text begins with; return it and the rest."""
    text = text.lstrip()
    if text.startswith("{"):
        return _mapping(text[1:])
    if text.startswith("["):
        return _list(text[1:])
    if text[:1] in ("'", '"'):
        return _in_quotes(text)
    word = _PLAIN.match(text)[0]  # type: ignore[index]  # the empty text matches
    if not word.strip():
        raise ValueError(f"a value is missing before {text[:1]!r}" if text else "it has no end")
    return (None if word.strip() == "null" else word.strip()), text[len(word) :]


def _list(rest: str) -> tuple[list[Any], str]:
    values: list[Any] = []
    rest = rest.lstrip()
    while not rest.startswith("]"):
        value, rest = _value(rest)
        values.append(value)
        rest = _after(rest, "]")
    return values, rest[1:]


def _mapping(rest: str) -> tuple[dict[str | None, Any], str]:
    entries: dict[str | None, Any] = {}
    rest = rest.lstrip()
    while not rest.startswith("}"):
        key, rest = _key(rest)
        if key in entries:
            raise ValueError(f"{key} is named twice")
        entries[key], rest = _value(rest)
        rest = _after(rest, "}")
    return entries, rest[1:]


def _key(rest: str) -> tuple[str | None, str]:
    """Read a key: up to the first colon before a space, quote or bracket, else up to the first."""
    if rest[:1] in ("'", '"'):
        key, rest = _in_quotes(rest)
        if not rest.lstrip().startswith(":"):
            raise ValueError(f"a colon is missing after {key!r}")
        return key, rest.lstrip()[1:]
    plain = _PLAIN.match(rest)[0]  # type: ignore[index]
    colon = re.search(r":(?=[\s'\"]|$)", plain) or re.search(":", plain)
    if colon is None:
        raise ValueError(
            f"a colon is missing after {plain.strip()!r}" if plain else "it has no end"
        )
    word = plain[: colon.start()].strip()
    if not word:
        raise ValueError("a name is missing before ':'")
    return (None if word == "null" else word), rest[colon.end() :]


def _after(rest: str, end: str) -> str:
    rest = rest.lstrip()
    if rest.startswith(","):
        return rest[1:].lstrip()
    if rest.startswith(end):
        return rest
    raise ValueError(f"{rest!r} stands where ',' or {end!r} is needed" if rest else "it has no end")


def _in_quotes(text: str) -> tuple[str, str]:
    """Read single quotes, with '' for a quote inside, or double ones with the escapes of JSON."""
    found = _QUOTED.match(text)
    if found is None:
        raise ValueError(f"the quotes of {text!r} have no end")
    if text[0] == "'":
        return found[0][1:-1].replace("''", "'"), text[found.end() :]
    return str(json.loads(found[0], strict=False)), text[found.end() :]


def _storable(value: Any, *, shares: bool, word: bool) -> Any:
    if isinstance(value, dict):
        none = MISSING_KEY if shares else "null"
        return {
            none if k is None else k: _storable(v, shares=shares, word=word)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_storable(one, shares=shares, word=word) for one in value]
    return "null" if value is None and word else value


def quoted(text: str) -> str:
    """A text in quotes, as Hydra's grammar and the keys above read it."""
    inside = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), text)
    return f"'{inside}'"


def as_typed(text: str) -> str:
    """A text as the value of a key of one text: as it is, unless it would mean something else.

    >>> as_typed("it's, a #1"), as_typed("null")
    ("it's, a #1", "'null'")
    """
    is_plain = _one_text(text) == text and not _SWEEP.fullmatch(text.strip())
    return text if is_plain else quoted(text)
