"""Does a TVAE learn what belongs together, draw as wide as it learnt, and load only its own?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file, save_file

from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError, ConditionError, ConfigError, TabveilError
from tabveil.synthesizers.tvae import Tvae, _draw_scalars

CONF = Path(__file__).parents[3] / "conf" / "synthesizer" / "tvae.yaml"
N = 2000
SMALL: dict[str, Any] = {
    "embedding_dim": 8,
    "compress_dims": (32,),
    "decompress_dims": (32,),
    "batch_size": 100,
}


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b"], N, p=[0.7, 0.3])
    return pd.DataFrame(
        {
            "group": group,
            "twin": np.where(rng.random(N) < 0.95, group, "c"),
            "size": np.where(group == "a", 10.0, 20.0) + rng.normal(0, 1, N),
            "count": np.where(rng.random(N) < 0.5, 0.0, rng.normal(100, 5, N)),
        }
    )


def fit(rows: pd.DataFrame, **params: Any) -> Tvae:
    made = Tvae(**(SMALL | params))
    made.fit(rows, infer_schema(rows), seed=0)
    return made


@pytest.fixture(scope="module")
def fitted() -> Tvae:
    return fit(table(), epochs=60, max_atoms=50, learning_rate=3e-3)


def test_what_belongs_together_stays_together(fitted: Tvae) -> None:
    drawn = fitted.sample(5000, seed=1)
    assert (drawn["group"] == "a").mean() == pytest.approx(0.7, abs=0.06)
    known = drawn[drawn["twin"] != "c"]
    assert (known["group"] == known["twin"]).mean() > 0.9
    middles = drawn.groupby("group")["size"].median()
    assert middles["a"] == pytest.approx(10, abs=0.5)
    assert middles["b"] == pytest.approx(20, abs=0.5)


def test_numbers_are_drawn_around_their_means_and_spikes_exactly(fitted: Tvae) -> None:
    drawn = fitted.sample(5000, seed=1)
    inside = drawn.loc[drawn["group"] == "a", "size"]
    assert 0.7 < inside.sub(inside.median()).abs().median() / 0.6745 < 1.4
    assert (drawn["count"] == 0).mean() == pytest.approx(0.5, abs=0.06)
    assert drawn.loc[drawn["count"] != 0, "count"].std() == pytest.approx(5, rel=0.3)


def test_scalars_are_cut_gaussians_with_nothing_heaped_at_the_ends() -> None:
    rng = np.random.default_rng(0)
    means = np.tile(np.array([0.5, 0.0, 0.9], np.float32), (100_000, 1))
    drawn = _draw_scalars(means, np.array([0.1, 1.0, 0.5], np.float32), rng)
    assert drawn[:, 0].mean() == pytest.approx(0.5, abs=0.002)
    assert drawn[:, 0].std() == pytest.approx(0.1, rel=0.01)
    # A standard normal variable cut off at -1 and 1.
    assert drawn[:, 1].std() == pytest.approx(0.5397, rel=0.01)
    assert np.abs(drawn).max() <= 1
    assert (np.abs(drawn) > 0.9999).mean() < 1e-3


def test_rows_that_a_condition_does_not_allow_are_rejected(fitted: Tvae) -> None:
    drawn = fitted.sample(50, seed=1, where={"group": "b", "count": {"min": 1}})
    assert len(drawn) == 50
    assert (drawn["group"] == "b").all()
    assert (drawn["count"] >= 1).all()
    with pytest.raises(ConditionError, match="only 0 of 5"):
        fitted.sample(5, seed=1, where={"size": {"min": 1e6}})


@pytest.mark.parametrize("name", ["compress_dims", "decompress_dims"])
def test_a_half_may_have_no_hidden_layer(name: str) -> None:
    assert len(fit(table().head(50), epochs=1, **{name: []}).sample(3, seed=1)) == 3


def test_a_table_of_constants_is_learnt_without_a_network(tmp_path: Path) -> None:
    rows = pd.DataFrame({"number": [3] * 20, "text": ["only"] * 20})
    made = fit(rows, epochs=1)
    pd.testing.assert_frame_equal(made.sample(20, seed=1), rows)
    made.save(tmp_path)
    pd.testing.assert_frame_equal(Tvae.load(tmp_path).sample(20, seed=1), rows)


def test_only_the_half_that_makes_rows_is_saved(fitted: Tvae, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    shapes = {
        name: tuple(tensor.shape)
        for name, tensor in load_file(tmp_path / "weights.safetensors").items()
    }
    assert set(shapes) == {
        "spread",
        *(f"layers.{kind}.{i}" for kind in ("weights", "biases") for i in range(2)),
    }
    assert shapes["layers.weights.0"] == (8, 32)
    loaded = Tvae.load(tmp_path)
    assert loaded.params() == fitted.params()
    pd.testing.assert_frame_equal(loaded.sample(20, seed=3), fitted.sample(20, seed=3))


def test_weights_of_another_shape_are_refused(fitted: Tvae, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    path = tmp_path / "weights.safetensors"
    weights = load_file(path)
    save_file(weights | {"spread": weights["spread"][:-1].clone()}, path)
    with pytest.raises(ArtifactError, match="does not belong"):
        Tvae.load(tmp_path)


@pytest.mark.parametrize(("name", "value"), [("embedding_dim", -1), ("unknown", 1)])
def test_altered_parameters_are_refused(
    fitted: Tvae, tmp_path: Path, name: str, value: int
) -> None:
    fitted.save(tmp_path)
    path = tmp_path / "encoder.json"
    data = json.loads(path.read_text())
    data["params"][name] = value
    path.write_text(json.dumps(data))
    with pytest.raises(ArtifactError, match="altered"):
        Tvae.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("embedding_dim", 0, "whole number, at least 1"),
        ("batch_size", True, "whole number, at least 1"),
        ("epochs", 1.5, "whole number, at least 1"),
        ("max_atoms", -1, "whole number, at least 0"),
        ("n_bins", 0, "whole number, at least 1"),
        ("min_count", 0, "whole number, at least 1"),
        ("compress_dims", 128, "a list"),
        ("decompress_dims", [128, 0], "whole number, at least 1"),
        ("l2scale", -1e-5, "at least 0"),
        ("loss_factor", 0, "above 0"),
        ("learning_rate", float("nan"), "above 0"),
        ("learning_rate", "fast", "above 0"),
        ("min_spike", 2, r"in \[0, 1\]"),
        ("averaging", 1, r"in \[0, 1\)"),
        ("rest", "modes", "mixture or bins"),
    ],
)
def test_a_parameter_that_cannot_work_is_named(name: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"synthesizer\.{name}=.*{words}"):
        fit(table().head(20), **{name: value})


def test_the_config_has_every_parameter() -> None:
    named = yaml.safe_load(CONF.read_text(encoding="utf-8"))
    assert named.pop("_target_") == "tabveil.synthesizers.tvae.Tvae"
    assert set(named) == set(Tvae().params())
    assert Tvae(**named).params() == named


def test_it_must_be_fitted_first(tmp_path: Path) -> None:
    for use in (lambda: Tvae().sample(1, seed=0), lambda: Tvae().save(tmp_path)):
        with pytest.raises(TabveilError, match="not fitted"):
            use()
