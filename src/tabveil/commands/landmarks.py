"""What would these metrics and attacks say of tables whose answer is known?

Two synthesizers that nobody would release stand beside every front: `copycat` replays training
rows, so its risk is what a leak looks like here; `marginals` draws columns independently, so its
utility is what knowing nothing of the relations is worth. If even the copycat is not caught, the
risks of the trials say nothing about this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from tabveil import progress
from tabveil.commands.plan import Plan
from tabveil.config.build import build_parts
from tabveil.data.pooling import Pooling
from tabveil.pipeline import run_trial
from tabveil.report.plots import Landmark
from tabveil.report.terminal import say
from tabveil.search.study import Study, note, noted
from tabveil.seeding import child_seed
from tabveil.synthesizers.copycat import Copycat
from tabveil.synthesizers.marginals import Marginals

NOTES = "notes"
"""Under this name the study keeps what the numbers of all its trials are to be read with."""
_LANDMARKS = {"copycat": Copycat, "marginals": Marginals}


def measure_landmarks(plan: Plan, study: Study) -> list[Landmark]:
    """Score the landmarks once a study; later calls read what the first one noted."""
    of = plan.identity.digest(code="")
    stored = noted(study, "landmarks")
    if stored is not None and stored["of"] == of:
        return [Landmark(**one) for one in stored["landmarks"]]
    parts = replace(build_parts(plan.composition), pooling=Pooling(min_rate=0, clip=0, min_count=1))
    progress.note("stage", name="landmarks")
    found, notes = [], dict[str, None]()
    for name, synthesizer in _LANDMARKS.items():
        seed = child_seed(plan.base.seed, "landmark", name)
        trial = run_trial(plan.prepared, replace(parts, synthesizer=synthesizer()), seed=seed)
        utility, risk = trial.utility.value, trial.risk
        found.append(Landmark(name, utility, risk.value, shown=risk.low))
        notes |= dict.fromkeys(trial.notes)
    note(study, NOTES, list(notes))
    note(study, "landmarks", {"of": of, "landmarks": [asdict(one) for one in found]})
    return found


def say_landmarks(landmarks: Sequence[Landmark]) -> None:
    """Print them, and a warning where the attacks would have seen nothing at all."""
    for one in landmarks:
        say(f"For scale: {one.name:10} utility {one.utility:.3f}, risk shown {one.shown:.3f}")
    copycat = next(one for one in landmarks if one.name == "copycat")
    if copycat.shown == 0:
        say("Replayed training rows were not caught: on this table the risks above say nothing.")
