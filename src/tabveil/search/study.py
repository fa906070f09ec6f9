"""What is a study, and is the stored one the same as the one that is meant?

Its space, data and settings are stored with it, and a study that was made with others is refused:
its trials could not be compared with new ones. How one reaches its target is in `sweep.py`.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna

from tabveil.errors import ConfigError, StudyError
from tabveil.search.space import Space, Value, describe
from tabveil.search.storage import Turns, connect, sqlite_file, steadily, unreachable
from tabveil.seeding import child_seed

_IDENTITY, _DRIVERS = "identity", "drivers"

Study = optuna.Study


@dataclass(frozen=True)
class Sampler:
    """How the next trial is proposed.

    `tpe`: multivariate TPE, milliseconds a trial, the default. `gp`: a Gaussian process, about
    half a second a trial, better when trials take minutes. `nsga2`, `random`.
    """

    name: str = "tpe"
    n_startup_trials: int = 10

    def build(self, space: Space, seed: int) -> optuna.samplers.BaseSampler:
        """Make Optuna's sampler. Raises ConfigError for a name that is not known."""
        makers: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
            "tpe": lambda: self._tpe(space, seed),
            "gp": lambda: optuna.samplers.GPSampler(
                n_startup_trials=self.n_startup_trials, seed=seed
            ),
            "nsga2": lambda: optuna.samplers.NSGAIISampler(
                population_size=max(2, self.n_startup_trials), seed=seed
            ),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        }
        if self.name not in makers:
            raise ConfigError(f"sweep.sampler={self.name!r} is not one of {', '.join(makers)}")
        if not space:
            raise ConfigError("the search space is empty: give sweep.space at least one key")
        return makers[self.name]()

    def _tpe(self, space: Space, seed: int) -> optuna.samplers.BaseSampler:
        with warnings.catch_warnings():  # Optuna calls `group` experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                multivariate=True,
                # Keys that not all trials have: those that come together are modelled together.
                group=any(dimension.given for dimension in space.values()),
                n_startup_trials=self.n_startup_trials,
                seed=seed,
            )


@dataclass(frozen=True)
class Identity:
    """What makes trials comparable: a stored study accepts only trials of the same identity."""

    space: Space
    data_digest: str
    config: Mapping[str, Any] = field(default_factory=dict)
    """Everything else that shapes a trial's result, flat: key -> value."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, as stored with the study."""
        identity = {
            "space": describe(self.space),
            "data_digest": self.data_digest,
            "config": dict(self.config),
        }
        loaded: dict[str, Any] = json.loads(json.dumps(identity))
        return loaded

    def digest(self, code: str) -> str:
        """Eight hex digits that change with the identity and with the code's own digest."""
        text = json.dumps([self.to_json(), code], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def open_study(
    *,
    name: str,
    storage: str,
    identity: Identity,
    sampler: Sampler,
    seed: int,
    first: Sequence[Mapping[str, Value]] = (),
    grace: float | None = None,
) -> optuna.Study:
    """Create the study, or load it and check that it is the same one.

    Args:
        name: of the study.
        storage: an Optuna storage URL.
        identity: what makes its trials comparable.
        sampler: how trials are proposed.
        seed: of the sampler.
        first: values of a new study's first trials; what they leave open is drawn.
        grace: seconds without a sign of life that make a driver on another host a dead one; None:
            `storage.GRACE`, or more where stores are waited for longer.

    Raises:
        StudyError: the stored study has another space, data or configuration, or the storage
            cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler.build(identity.space, seed)  # a wrong name must not leave an empty study behind
    opened = connect(storage, grace=grace)
    with Turns(storage, name).books():
        try:
            study = optuna.create_study(
                study_name=name,
                storage=opened,
                directions=["maximize", "minimize"],
                load_if_exists=True,
            )
        except Exception as error:  # whatever the database driver raises
            raise unreachable(error) from error
        n_trials, n_drivers = steadily(lambda: _entered(study, identity, first))
    # Seeded by what is already there: a resumed study does not propose its first trials again,
    # and a second driver not those of the first.
    study.sampler = sampler.build(
        identity.space,
        seed + n_trials if not n_drivers else child_seed(seed, "driver", n_drivers, n_trials),
    )
    return study


def _entered(
    study: Study, identity: Identity, first: Sequence[Mapping[str, Value]]
) -> tuple[int, int]:
    """Be one of the study's drivers; how many trials and drivers there were before."""
    stored = study.user_attrs.get(_IDENTITY)
    n_trials = len(study.get_trials(deepcopy=False))
    if stored is None or not n_trials:
        study.set_user_attr(_IDENTITY, identity.to_json())
        for values in first:
            study.enqueue_trial(dict(values))
    else:
        _check_identity(study.study_name, stored, identity.to_json())
    n_drivers = study.user_attrs.get(_DRIVERS, 0)
    study.set_user_attr(_DRIVERS, n_drivers + 1)
    return n_trials, n_drivers


def load_study(name: str, storage: str, identity: Identity) -> optuna.Study:
    """Open a study that must exist, and must be the same one. Raises StudyError otherwise."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file = sqlite_file(storage)
    if file is not None and not file.exists():  # Optuna would make one
        raise StudyError(f"there is no study {name!r} here; run `tabveil sweep` first")
    try:
        study = optuna.load_study(study_name=name, storage=connect(storage))
    except KeyError:
        raise StudyError(f"there is no study {name!r} here; run `tabveil sweep` first") from None
    _check_identity(name, study.user_attrs.get(_IDENTITY) or {}, identity.to_json())
    return study


def _check_identity(name: str, stored: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [
        f"{part}: {key}"
        for part in ("space", "config")
        for key in _differing_keys(stored.get(part, {}), now[part])
    ]
    if stored.get("data_digest") != now["data_digest"]:
        changed.append("the table, its schema or its split")
    if changed:
        raise StudyError(
            f"study {name!r} was made with different settings ({'; '.join(changed[:6])}"
            f"{'; …' if len(changed) > 6 else ''}), and its trials cannot be compared with new "
            f"ones; give this sweep another name (sweep.study=…) or restore the settings"
        )


def _differing_keys(stored: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return sorted(key for key in {*stored, *now} if stored.get(key) != now.get(key))


def noted(study: optuna.Study, name: str) -> Any:
    """What `note` kept under a name, or None."""
    return steadily(lambda: study.user_attrs.get(f"note.{name}"))


def note(study: optuna.Study, name: str, value: Any) -> None:
    """Keep a JSON-able fact with the study, such as the tracking run of its sweep."""
    steadily(lambda: study.set_user_attr(f"note.{name}", value))
