"""Do the trials calibrate each other, fairly?"""

from __future__ import annotations

import numpy as np
import pytest

from tabveil.errors import CannotTell, StudyError
from tabveil.measure.intervals import auc
from tabveil.search.shadows import MIN_SHADOWS, Shadow, calibrate, shadow_scores


def study(
    *, effect: float, n_trials: int = 16, n_pool: int = 1500, n_control: int = 500, seed: int = 0
) -> list[Shadow]:
    """Trials whose signal is a person's own difficulty, some noise, and `effect` for members."""
    rng = np.random.default_rng(seed)
    n = n_pool + n_control
    in_pool = np.arange(n) < n_pool
    difficulty = rng.normal(0, 2, size=(n, 1))
    outlier = rng.random(n) < 0.1
    found = []
    for _ in range(n_trials):
        is_member = in_pool & (rng.random(n) < 0.7)
        signal = difficulty + rng.normal(size=(n, 1)) + effect * is_member[:, None]
        found.append(
            Shadow(("a/b",), signal.astype(np.float16), is_member, in_pool, outlier, "people")
        )
    return found


def areas(shadows: list[Shadow]) -> tuple[float, float]:
    plain, calibrated = [], []
    for index in range(len(shadows)):
        found = calibrate(shadows, index)
        for values, into in ((found.plain, plain), (found.signals, calibrated)):
            one = values[:, 0]
            into.append(auc(members=one[found.is_member], others=one[~found.is_member]).value)
    return float(np.mean(plain)), float(np.mean(calibrated))


def test_a_person_s_difficulty_is_taken_away() -> None:
    plain, calibrated = areas(study(effect=0.5))
    assert plain < 0.58
    assert calibrated > 0.61


def test_without_an_effect_nothing_appears() -> None:
    plain, calibrated = areas(study(effect=0.0))
    assert plain == pytest.approx(0.5, abs=0.01)
    assert calibrated == pytest.approx(0.5, abs=0.01)


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    """Also in the tail, where unequal numbers of shadows would show first."""
    alarms = []
    for seed in range(12):
        shadows = study(effect=0.0, n_trials=8, seed=seed)
        for score in shadow_scores(shadows, 0, seed=seed):
            if score.advantage:
                alarms.append(score.advantage.value > 2.5 * score.advantage.se)
    assert np.mean(alarms) <= 0.06


def test_control_people_are_not_judged() -> None:
    found = calibrate(study(effect=0.0), 0)
    assert len(found.is_member) <= 1500
    assert 0.6 < found.is_member.mean() < 0.8


def test_who_has_too_few_shadows_is_left_out_member_or_not() -> None:
    shadows = study(effect=0.0, n_trials=4)
    found = calibrate(shadows, 0)
    assert found.n_shadows.min() >= MIN_SHADOWS
    assert len(found.is_member) < 600
    assert found.is_member.mean() == pytest.approx(0.7, abs=0.08)


def test_the_mean_is_over_the_others_that_did_not_learn_from_the_person() -> None:
    masks = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=bool)
    masks = np.repeat(masks, 40, axis=1)
    weight = np.tile([1.0, 2.0], 60)
    shadows = [
        Shadow(
            ("a/b",),
            (2.0**i * weight[:, None]).astype(np.float16),
            mask,
            np.ones(120, bool),
            np.zeros(120, bool),
            "x",
        )
        for i, mask in enumerate(masks)
    ]
    found = calibrate(shadows, 0)
    np.testing.assert_array_equal(found.n_shadows[[0, 40, 80]], [2, 2, 2])
    means = np.array([(2 + 4) / 2, (4 + 8) / 2, (2 + 8) / 2])
    difficulty = np.repeat(means, 40) * weight
    slope = np.polyfit(difficulty, weight, 1)[0]
    np.testing.assert_allclose(found.signals[:, 0], weight - slope * difficulty)


def test_shadows_that_say_nothing_of_a_person_change_nothing() -> None:
    """Their mean is noise, found again in no trial: subtracting it whole would add that noise."""
    rng = np.random.default_rng(0)
    shadows = [
        Shadow(
            **{
                **one.__dict__,
                "signals": rng.normal(size=one.signals.shape) + 0.5 * one.is_member[:, None],
            }
        )
        for one in study(effect=0.0)
    ]
    plain, calibrated = areas(shadows)
    assert calibrated == pytest.approx(plain, abs=0.003)


def test_one_trial_alone_cannot_tell() -> None:
    with pytest.raises(CannotTell, match="run more trials"):
        calibrate(study(effect=1.0, n_trials=1), 0)
    with pytest.raises(CannotTell, match="run more trials"):
        calibrate(study(effect=1.0, n_trials=2), 0)


def test_a_few_trials_are_no_shadows_of_each_other() -> None:
    with pytest.raises(CannotTell, match="7 trials are too few"):
        shadow_scores(study(effect=1.0, n_trials=7), 0, seed=0)


def test_trials_on_different_people_do_not_compare() -> None:
    shadows = study(effect=0.0, n_trials=5)
    other = Shadow(**{**shadows[4].__dict__, "targets": "others"})
    with pytest.raises(StudyError, match="different people"):
        calibrate([*shadows[:4], other], 0)


def test_what_is_saved_is_what_was_there_and_nobody_else_may_read_it(tmp_path) -> None:
    shadow = study(effect=0.0, n_trials=1)[0]
    path = tmp_path / "study" / "00001.npz"
    shadow.save(path)
    loaded = Shadow.load(path)
    np.testing.assert_array_equal(loaded.signals, shadow.signals)
    np.testing.assert_array_equal(loaded.is_member, shadow.is_member)
    assert (loaded.names, loaded.targets) == (shadow.names, shadow.targets)
    assert path.stat().st_mode & 0o077 == 0
    assert [p.name for p in path.parent.iterdir()] == ["00001.npz"]


@pytest.mark.parametrize("content", [None, b"", b"no zip at all"])
def test_missing_or_damaged_signals_are_said_to_be(tmp_path, content) -> None:
    path = tmp_path / "00001.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match="no signals of the trial"):
        Shadow.load(path)
