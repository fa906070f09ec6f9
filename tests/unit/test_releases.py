"""Do the aliases point at releases that no other beats, whatever happens beside them?"""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest

from tabveil.data.masking import Masking
from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError
from tabveil.releases import VERDICT_FILE, place_aliases, read_file, withdraw
from tabveil.synthesizers.marginals import Marginals
from tabveil.tracking.aliases import aliases_of
from tabveil.tracking.models import digest_of, save_generator, text_digest
from tabveil.tracking.registry import (
    Version,
    find_version,
    load_model,
    register,
    versions,
)
from tabveil.tracking.runs import Runs
from tabveil.tracking.store import open_tracking, prepare_store


class Store:
    """A registry into which generators of given worth are put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = open_tracking(None, root=folder)
        self.experiment = prepare_store(self.uri, "study", root=folder)
        self.n = 0
        self.generator = folder

    def another(self) -> Path:
        """Make another generator; the next versions hold it."""
        made = self.folder / f"generator {self.n}"
        rng = np.random.default_rng(self.n)
        table = pd.DataFrame({"age": rng.integers(0, 90, 200), "sex": rng.choice(["f", "m"], 200)})
        synthesizer = Marginals()
        synthesizer.fit(table, infer_schema(table), seed=0)
        save_generator(synthesizer, Masking(infer_schema(table)), made, about={})
        return made

    def put(
        self,
        utility: float,
        risk: float,
        verdict: str = "pass",
        measured_by: str = "suite",
        *,
        again: bool = False,
    ) -> Version:
        """Register another model, or the last one again, with that verdict."""
        self.n += 1
        if not again:
            self.generator = self.another()
        text = json.dumps({"candidate": {"model_digest": digest_of(self.generator)}})
        tags = {
            "study": f"study {self.n}",
            "trial": self.n,
            "verdict": verdict,
            "utility": utility,
            "risk_low": 0.0,
            "measured_by": measured_by,
            "risk_high": risk,
            "verdict_digest": text_digest(text),
        }
        with Runs(self.uri, self.experiment).start_sweep("sweep", owner="host:1:1") as run:
            return register(
                self.uri,
                run.run_id,
                self.generator,
                "rows",
                tags=tags,
                files={VERDICT_FILE: text},
            )

    def dominated(self) -> dict[int, str]:
        """Version → the one that beats it."""
        there = versions(self.uri, "rows")
        return {v.number: v.tags["dominated_by"] for v in there if "dominated_by" in v.tags}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_aliases_stand_on_the_front_over_all_sweeps_and_beaten_ones_are_tagged(
    store: Store,
) -> None:
    assert place_aliases(store.uri, "rows") == {}
    store.put(0.5, 0.10)
    assert set(place_aliases(store.uri, "rows").values()) == {1}
    store.put(0.7, 0.20)
    store.put(0.4, 0.15)
    found = place_aliases(store.uri, "rows")
    assert (found["most-useful"], found["most-private"]) == (2, 1)
    assert store.dominated() == {3: "1"}
    store.put(0.8, 0.05)
    assert set(place_aliases(store.uri, "rows").values()) == {4}
    assert store.dominated() == {1: "4", 2: "4", 3: "4"}


def test_what_other_attacks_measured_is_not_compared_and_the_newest_kind_counts(
    store: Store,
) -> None:
    store.put(0.5, 0.10, measured_by="quick")
    store.put(0.8, 0.05, measured_by="quick")
    store.put(0.6, 0.08, measured_by="thorough")
    assert set(place_aliases(store.uri, "rows").values()) == {3}
    assert store.dominated() == {}
    store.put(0.7, 0.04, measured_by="thorough")
    assert set(place_aliases(store.uri, "rows").values()) == {4}
    assert store.dominated() == {3: "4"}


def test_a_model_counts_by_its_worst_verdict(store: Store) -> None:
    store.put(0.6, 0.10)
    store.put(0.9, 0.02, again=True)  # the same weights, a kinder verdict
    store.put(0.7, 0.08)
    assert set(place_aliases(store.uri, "rows").values()) == {3}
    assert store.dominated() == {2: "3"}


def test_what_did_not_pass_is_no_release(store: Store) -> None:
    store.put(0.9, 0.01, verdict="fail")
    assert place_aliases(store.uri, "rows") == {}
    store.put(0.5, 0.10)
    assert set(place_aliases(store.uri, "rows").values()) == {2}
    assert aliases_of(store.uri, "rows") == dict.fromkeys(
        ("most-useful", "balanced", "most-private"), 2
    )


def test_withdrawing_rolls_back_and_leaves_no_alias_on_what_is_gone(store: Store) -> None:
    first = store.put(0.5, 0.10)
    second = store.put(0.8, 0.05)
    place_aliases(store.uri, "rows")
    assert set(withdraw(store.uri, second, "a person asked").values()) == {1}
    assert store.dominated() == {}
    assert withdraw(store.uri, first, "likewise") == {}
    assert aliases_of(store.uri, "rows") == {}


def test_a_model_that_is_withdrawn_is_so_under_every_policy(store: Store) -> None:
    first = store.put(0.5, 0.10)
    store.put(0.5, 0.10, again=True)  # the same weights, passed another gate
    assert withdraw(store.uri, first, "a person asked") == {}
    there = versions(store.uri, "rows")
    assert [v.tags["withdrawn"] for v in there] == ["a person asked"] * 2
    store.put(0.6, 0.05, again=True)
    assert place_aliases(store.uri, "rows") == {}


def _confirm(folder: Path, uri: str, n: int) -> None:
    store = Store.__new__(Store)
    store.folder, store.uri, store.n = folder, uri, n
    store.experiment = prepare_store(uri, "study", root=folder)
    store.put(0.5 + n / 100, 0.1)
    place_aliases(uri, "rows")


def test_confirmations_at_once_leave_the_aliases_on_the_best(store: Store) -> None:
    store.put(0.5, 0.10)
    spawn = multiprocessing.get_context("spawn")
    others = [
        spawn.Process(target=_confirm, args=(store.folder, store.uri, n)) for n in (10, 20, 30)
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(120)
        assert other.exitcode == 0
    best = max(versions(store.uri, "rows"), key=lambda v: float(v.tags["utility"]))
    assert set(aliases_of(store.uri, "rows").values()) == {best.number}
    assert len(versions(store.uri, "rows")) == 4


def test_files_that_were_tampered_with_are_refused(store: Store) -> None:
    store.put(0.5, 0.1)
    place_aliases(store.uri, "rows")
    version = find_version(store.uri, "models:/rows@balanced")
    assert len(load_model(store.uri, "models:/rows@balanced").sample(3, seed=0)) == 3
    place = Path(version.place.removeprefix("file://"))
    assert len(mlflow.pyfunc.load_model(str(place)).predict({}, params={"n": 3})) == 3
    meta = place / "artifacts" / "generator" / "meta.json"
    original = meta.read_text()
    meta.write_text(original.replace('"about": {}', '"about": {"seed": 1}'))
    assert meta.read_text() != original
    with pytest.raises(ArtifactError, match="not those that were registered"):
        load_model(store.uri, "models:/rows@balanced")
    with pytest.raises(ArtifactError, match=r"not the model that verdict\.json speaks of"):
        mlflow.pyfunc.load_model(str(place))
    meta.write_text(original)
    (place / VERDICT_FILE).write_text("{}")
    with pytest.raises(ArtifactError, match=r"verdict\.json is not what was registered"):
        read_file(store.uri, version, VERDICT_FILE, digest_tag="verdict_digest")
    with pytest.raises(ArtifactError, match=r"verdict\.json is not what was registered"):
        mlflow.pyfunc.load_model(str(place))
    (place / VERDICT_FILE).unlink()
    with pytest.raises(ArtifactError, match=r"verdict\.json is not what was registered"):
        mlflow.pyfunc.load_model(str(place))
