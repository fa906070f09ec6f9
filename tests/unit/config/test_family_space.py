"""Does a key of one family belong to its trials only, and what does a study begin with?"""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from tabveil.commands.plan import Plan
from tabveil.config.compose import compose_command
from tabveil.config.space import parse_space, split_overrides, to_overrides
from tabveil.errors import ConfigError
from tabveil.search.space import suggest

SPACE = {
    "synthesizer": "choice(autoregressive, ctgan)",
    "synthesizer.ctgan.epochs": "int(interval(10, 200))",
    "synthesizer.autoregressive.dropout": "choice(0.1, 0.4)",
    "pooling.clip": "choice(0, 0.01)",
}


def test_a_trial_draws_the_keys_of_its_own_family_and_they_become_its_overrides() -> None:
    space = parse_space(SPACE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [suggest(space, study.ask()) for _ in range(20)]
    assert {values["synthesizer"] for values in drawn} == {"ctgan", "autoregressive"}
    for values in drawn:
        ours = values["synthesizer"] == "ctgan"
        assert ("synthesizer.ctgan.epochs" in values) == ours
        assert ("synthesizer.autoregressive.dropout" in values) != ours
        keys = {text.partition("=")[0] for text in to_overrides(values)}
        own = "synthesizer.epochs" if ours else "synthesizer.dropout"
        assert keys == {"synthesizer", "pooling.clip", own}
        compose_command("sweep", to_overrides(values))


def test_where_one_family_is_tried_its_keys_are_plain_and_others_are_left_out() -> None:
    space = parse_space({k: v for k, v in SPACE.items() if k != "synthesizer"}, family="ctgan")
    assert sorted(space) == ["pooling.clip", "synthesizer.epochs"]


def test_a_key_of_a_family_that_is_not_tried_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"synthesizer\.tvae\.epochs: tvae is none of the"):
        parse_space(SPACE | {"synthesizer.tvae.epochs": "range(1, 9)"})


def plan(tmp_path: Path, *words: str) -> Plan:
    fixed, space = split_overrides(words)
    texts = ["experiment=demo", f"root={tmp_path}", *fixed]
    return Plan.read(compose_command("sweep", texts, space=space))


def test_a_study_begins_with_each_familys_defaults_and_what_is_known_to_be_good(
    tmp_path: Path,
) -> None:
    found = plan(tmp_path)
    families = found.space["synthesizer"].choices
    assert [one["synthesizer"] for one in found.first[:2]] == list(families)
    ctgan = next(one for one in found.first if one["synthesizer"] == "ctgan")
    assert ctgan["synthesizer.ctgan.epochs"] == 100
    assert not any("autoregressive" in key for key in ctgan)
    assert len(found.first) > 2
    study = found.open_study()
    drawn = [suggest(found.space, study.ask()) for _ in found.first]
    for values, wanted in zip(drawn, found.first, strict=True):
        assert wanted.items() <= values.items()
    assert len(found.open_study().get_trials()) == len(drawn)  # not queued twice


def test_one_family_on_the_command_line_takes_its_own_keys(tmp_path: Path) -> None:
    found = plan(tmp_path, "synthesizer=ctgan", "sweep.study=other")
    assert "synthesizer.epochs" in found.space
    assert not any(key.startswith("synthesizer.autoregressive") for key in found.space)
    assert [one["synthesizer.epochs"] for one in found.first] == [100]
    ours = plan(tmp_path, "synthesizer=autoregressive", "sweep.study=ours")
    bins = [one["synthesizer.n_bins"] for one in ours.first if "synthesizer.n_bins" in one]
    assert len(bins) >= 2  # what is known to be good, under its plain keys
    assert not any("synthesizer" in one for one in ours.first)


def test_what_the_command_line_leaves_out_of_the_space_is_no_first_trial(tmp_path: Path) -> None:
    before = plan(tmp_path).first
    found = plan(tmp_path, "synthesizer.autoregressive.least_gain=choice(7,9)", "sweep.study=two")
    assert len(found.first) < len(before)
    assert all(one.get("synthesizer.autoregressive.least_gain", 7) in (7, 9) for one in found.first)


def test_a_familys_key_may_be_spanned_on_the_command_line(tmp_path: Path) -> None:
    found = plan(tmp_path, "synthesizer.ctgan.epochs=range(3,5)")
    assert found.space["synthesizer.ctgan.epochs"].high == 4
    assert found.space["synthesizer.ctgan.epochs"].given == ("synthesizer", "ctgan")
    with pytest.raises(ConfigError, match="all trials are ctgan"):
        plan(tmp_path, "synthesizer=ctgan", "synthesizer.autoregressive.n_bins=choice(5,9)")


def test_a_first_trial_outside_the_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sweep.first: pooling.clip=0.5 lies outside"):
        plan(tmp_path, "sweep.first=[{pooling.clip: 0.5}]")
