"""Which objects does a configuration stand for?

Every part's config names its class (`_target_`); there is no registry. Only configs that ship
with the project or that its operator wrote come here; what a web user sends never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tabveil.config.compose import Composition, explain
from tabveil.config.settings import Evaluation, read, validated
from tabveil.contracts import Attack, Combination, Metric, Protection, Synthesizer
from tabveil.errors import ConfigError
from tabveil.pipeline import Parts
from tabveil.search.objective import Objectives
from tabveil.search.tasks import Executor


def build_parts(composition: Composition) -> Parts:
    """Build what one trial needs. Raises ConfigError naming the part that cannot be built."""
    evaluation = read(composition, Evaluation, "evaluation")
    metrics = build_group(composition, "metric", Metric)
    attacks = build_attacks(composition)
    synthesizer = build(composition, "synthesizer")
    if not isinstance(synthesizer, Synthesizer):
        raise ConfigError(f"synthesizer: {type(synthesizer).__name__} is not a synthesizer")
    objectives = build(composition, "objective")
    check_risk(objectives, attacks)
    return Parts(
        synthesizer=synthesizer,
        pooling=build(composition, "pooling"),
        protections=build_group(composition, "protection", Protection),
        metrics=metrics,
        attacks=attacks,
        objectives=objectives,
        synthetic_ratio=evaluation.synthetic_ratio,
        train_rate=evaluation.train_rate,
        limits=evaluation.limits,
        plots=evaluation.plots,
    )


def build_attacks(composition: Composition) -> dict[str, Attack]:
    """Build the selected attacks; those that combine others are given the others."""
    attacks: dict[str, Attack] = build_group(composition, "attack", Attack)
    return {
        name: attack.combining(attacks) if isinstance(attack, Combination) else attack
        for name, attack in attacks.items()
    }


def check_risk(objectives: Objectives, attacks: Mapping[str, Attack]) -> None:
    """Refuse, before anything is trained, attacks that could not make a risk.

    Raises:
        ConfigError: none of the selected attacks is a component, or one that combines others
            has none to combine.
    """
    if not objectives.components(attacks):
        raise ConfigError(
            f"objective.risk_from={list(objectives.risk_from or [])} names none of the selected "
            f"attacks {list(attacks)}; select one of the former under attack, or name one of the "
            f"latter there"
        )
    for name, attack in attacks.items():
        if isinstance(attack, Combination) and not attack.parts:
            raise ConfigError(
                f"attack {name} has nothing to combine; select attacks with signals beside it, "
                f"such as attack=[distance,tuples,{name}]"
            )


def build_executor(composition: Composition) -> Executor:
    """Build the place where trials run. Raises ConfigError if it cannot work here."""
    executor: Executor = build(composition, "executor")
    executor.check()
    return executor


def build_group(composition: Composition, group: str, contract: Any) -> dict[str, Any]:
    """Build every member of a group that is selected as a list, by name."""
    built = {
        str(name): build(composition, f"{group}.{name}") for name in composition.node.get(group, {})
    }
    for name, part in built.items():
        if not isinstance(part, contract):
            raise ConfigError(f"{group}.{name}: {type(part).__name__} is no {group}")
    return built


def build(composition: Composition, key: str) -> Any:
    """Instantiate the node at a dotted key."""
    node = composition.node
    for part in key.split("."):
        node = node[part]
    try:
        part = instantiate(node, _convert_="all")
    except (HydraException, OmegaConfBaseException, TypeError, ValueError) as error:
        raise ConfigError(f"{key} cannot be built: {explain(error)}") from error
    if "_target_" in node:
        _check_types(node, type(part), key)
    return part


def _check_types(node: DictConfig, kind: type, key: str) -> None:
    """Hold what the config gives against the constructor's type hints.

    Hydra passes on whatever stands there; a wrong type would surface in mid-training.
    """
    hints = get_type_hints(kind.__init__, include_extras=True)  # type: ignore[misc]
    values = OmegaConf.to_container(node, resolve=True)
    assert isinstance(values, dict)
    for name, value in values.items():
        if name in hints:
            validated(hints[name], value, name=f"{key}.{name}")
