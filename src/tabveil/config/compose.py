"""Which configuration does a command line mean?

Configs live in `conf/` (at the top of the repository; inside the package once installed) and in
folders that the operator adds with `--config-dir`. Hydra composes them with the overrides, except
those that are taken as typed (`typed.py`). What comes out is plain data, and errors speak of the
key that is wrong.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import GrammarParseError, OmegaConfBaseException

import tabveil
from tabveil.config.typed import Typed, quoted, split_typed
from tabveil.errors import ConfigError
from tabveil.redaction import hide_in, hide_passwords


@dataclass(frozen=True)
class Composition:
    """One command's composed configuration, and how to compose it again in another process."""

    command: str
    overrides: tuple[str, ...]
    config_dir: str | None
    space: Mapping[str, str]
    """Search dimensions given on the command line; they join `sweep.space`."""
    node: DictConfig
    choices: Mapping[str, str]
    """Which config of each group was taken: `synthesizer` → `ctgan`."""

    def varied(self, overrides: Sequence[str]) -> Composition:
        """The same command with more overrides, as a trial needs it."""
        return compose_command(
            self.command, [*self.overrides, *overrides], self.config_dir, space=self.space
        )

    def __reduce__(self) -> Any:
        """Travel to workers as the recipe, not as the composed node."""
        return _recompose, (self.command, self.overrides, self.config_dir, dict(self.space))

    def to_yaml(self) -> str:
        """The composed configuration as YAML text, without passwords."""
        return hide_passwords(OmegaConf.to_yaml(self.node))

    def flat(self) -> dict[str, Any]:
        """The resolved configuration as dotted keys, lists as they are, without passwords."""
        plain = OmegaConf.to_container(self.node, resolve=True)
        assert isinstance(plain, dict)
        return hide_in(_flatten({str(key): value for key, value in plain.items()}))


def conf_root() -> Path:
    """The folder with the shipped configs: in the wheel beside the code, else in the checkout."""
    package = Path(tabveil.__file__).parent
    for root in (package / "conf", package.parents[1] / "conf"):
        if (root / "base.yaml").is_file():
            return root
    raise ConfigError(f"tabveil's configs are missing: looked beside {package}; reinstall tabveil")


def compose_command(
    command: str,
    overrides: Sequence[str] = (),
    config_dir: str | None = None,
    *,
    space: Mapping[str, str] | None = None,
    complete: bool = True,
) -> Composition:
    """Compose `conf/<command>.yaml` with the overrides.

    Args:
        command: names the config.
        overrides: Hydra overrides.
        config_dir: a further folder of configs.
        space: search dimensions given beside the overrides.
        complete: whether every mandatory value must be there; not so for showing the config.

    Raises:
        ConfigError: an override has bad syntax or names an unknown key or config, or a mandatory
            value is missing.
    """
    _register_resolvers()
    typed, words = split_typed(overrides)
    extra = list(words)
    if config_dir is not None:
        folder = Path(config_dir).resolve()
        if not folder.is_dir():
            raise ConfigError(f"--config-dir {config_dir}: no such folder")
        extra.append(f"hydra.searchpath=[{quoted(f'file://{folder}')}]")
    try:
        with initialize_config_dir(str(conf_root()), version_base="1.3"):
            node = compose(command, extra, return_hydra_config=True)
            choices = {str(k): str(v) for k, v in node.hydra.runtime.choices.items()}
            OmegaConf.set_struct(node, False)
            del node["hydra"]
            OmegaConf.set_struct(node, True)
            if any(override.startswith("+") for override in words):
                _refuse_new_keys(node, known=compose(command))
        _put(node, typed)
        missing = _missing(node, typed)
        if missing and complete:
            needed = ", ".join(f"{key}=…" for key in missing)
            raise ConfigError(f"a value is needed for: {needed}")
        if not missing:
            node = _resolved(node)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error)) from error
    return Composition(command, tuple(overrides), config_dir, space or {}, node, choices)


def _put(node: DictConfig, typed: Sequence[Typed]) -> None:
    """Set the values in a composed configuration; mappings join what stands there.

    Raises ConfigError for a key that the command does not have.
    """
    for one in typed:
        *parents, last = one.key.split(".")
        place = node
        for part in parents:
            place = place[part] if isinstance(place, DictConfig) and part in place else {}
        if not isinstance(place, DictConfig) or last not in place.keys():  # noqa: SIM118  (no ???)
            raise ConfigError(f"no such key: {one.key}")
        value = one.value if one.interpolates else _escaped(one.value)
        if isinstance(value, dict) and isinstance(place[last], DictConfig):
            value = _joined(OmegaConf.to_container(place[last]), value)
        try:
            OmegaConf.update(node, one.key, value, merge=False)
        except GrammarParseError as error:
            raise ConfigError(
                f"{one.key}={value}: ${{ begins what is replaced, such as ${{oc.env:HOME}}; as "
                f"part of a name it is written \\${{"
            ) from error


def _missing(node: DictConfig, typed: Sequence[Typed]) -> list[str]:
    """Mandatory keys without a value. Of a text that was typed, ??? is a value."""
    given = tuple(f"{one.key}." for one in typed if not one.interpolates)
    return sorted(key for key in OmegaConf.missing_keys(node) if not f"{key}.".startswith(given))


def _resolved(node: DictConfig) -> DictConfig:
    """The configuration with its interpolations replaced, once: what they give is text."""
    resolved = OmegaConf.create(_escaped(OmegaConf.to_container(node, resolve=True)))
    assert isinstance(resolved, DictConfig)
    OmegaConf.set_struct(resolved, True)
    return resolved


def _joined(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return old | {key: _joined(old.get(key), value) for key, value in new.items()}


def _escaped(value: Any) -> Any:
    """Texts in which OmegaConf finds nothing to replace."""
    if isinstance(value, dict):
        return {key: _escaped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)


def _recompose(
    command: str, overrides: Sequence[str], config_dir: str | None, space: Mapping[str, str]
) -> Composition:
    return compose_command(command, overrides, config_dir, space=space)


def parse_overrides(texts: Sequence[str]) -> list[Override]:
    """Parse `key=value` texts with Hydra's grammar. Raises ConfigError on bad syntax."""
    return [_parse(text) for text in texts]


def _parse(text: str) -> Override:
    parser = OverridesParser.create()
    try:
        return parser.parse_override(text)
    except HydraException as error:
        key, _, value = text.partition("=")
        hint, in_quotes = "", f"{key}={quoted(value)}"
        with contextlib.suppress(HydraException):
            parser.parse_override(in_quotes)
            hint = f"; as one text it is written {shlex.quote(in_quotes)}"
        raise ConfigError(f"{text}: {explain(error)}{hint}") from error


def _refuse_new_keys(node: DictConfig, *, known: DictConfig) -> None:
    """`+key=…` adds keys; one that no command reads is a slip of the pen."""
    new = sorted(str(key) for key in set(node) - set(known))
    if new:
        raise ConfigError(f"no such key: {', '.join(new)}; there are: {', '.join(map(str, known))}")


def explain(error: Exception) -> str:
    """The first lines of Hydra's message, which say what; its hints about `+` would mislead."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    unset = re.search(r"Environment variable '(\w+)' not found", str(error))
    if unset:
        key = getattr(error, "full_key", None) or "the configuration"
        return f"the environment variable {unset[1]} is not set, and {key} is read from it"
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        lines.append(str(cause).splitlines()[0])
    noise = ("To append", "full_key", "object_type", "See http", "reference_type")
    return " · ".join([line for line in lines if not line.startswith(noise)][:4])


@cache
def _register_resolvers() -> None:
    OmegaConf.register_new_resolver("stem", _stem)


def _stem(path: object) -> str:
    """A name for the table in a file: `a/mine (1).csv.gz` → `mine _1_`.

    Studies, runs and registered models take it, so it holds, and begins with, only what all of
    them allow.
    """
    if path is None:
        return "table"
    endings = r"(\.(csv|tsv|txt|jsonl|ndjson|parquet|pq|gz|bz2|xz|zip|zst))+$"
    name = re.sub(endings, "", Path(str(path)).name, flags=re.IGNORECASE)
    return re.sub(r"[^\w .\-]|^[ .\-]|[ .]$", "_", name) or "table"


def _flatten(node: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, dict) and value:
            flat |= _flatten({str(k): v for k, v in value.items()}, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
