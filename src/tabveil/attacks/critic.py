"""Does the model's own critic know its training rows again?

The attacker holds the model itself, not only what it drew: an insider, a thief of the training
machine, or the auditor on behalf of both. A GAN's critic learns to score real rows above generated
ones and meets the training rows in every epoch; one that has begun to learn them by heart scores
them above other real rows too. The attacker asks it about a person's row and takes a high score for
"member". This shows what no look at the synthetic table does, and it is an early warning: the
generator learns from nothing but that critic.

The critic is never released; `EvalInput.critic` gives it to an audit in the process that trained
it. Where there is none the attack is skipped: that says nothing about the model.

References:
    Hayes et al. 2019, LOGAN (arXiv:1705.07663): the white-box attack; Chen et al. 2020, GAN-Leaks
    (arXiv:1909.03935): a taxonomy of what the attacker holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tabveil.contracts import Critic, Direction, EvalInput, Score
from tabveil.errors import CannotTell, EvaluationError
from tabveil.measure.lineup import lineup_of
from tabveil.measure.verdict import judge


@dataclass(frozen=True)
class CriticScore:
    """Membership inference by the score of the model's own critic."""

    name: ClassVar[str] = "critic"
    direction: ClassVar[Direction] = "minimize"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    threat_model: ClassVar[str] = (
        "Someone who has the trained model with its critic, which is never released, and asks it "
        "whether a person's row was in the training data"
    )

    def applies_to(self, data: EvalInput) -> bool:
        """Whether there is a critic to ask."""
        return data.critic is not None

    def signals(self, data: EvalInput) -> Mapping[str, NDArray[np.float64]]:
        """The critic's score of every target, shape (n_targets,); nothing without a critic.

        Raises:
            CannotTell: as `measure.lineup.lineup_of`.
            EvaluationError: the critic does not give one finite number a row.
        """
        critic = data.critic
        if critic is None:
            return {}
        return {"critic": data.memo.get(repr(self), lambda: _ask(critic, data))}

    def evaluate(self, data: EvalInput) -> list[Score]:
        """Attack the lineup's targets; scores as `measure.verdict.judge`, `auc` first.

        Raises:
            CannotTell: there is no critic; or as `measure.lineup.lineup_of`.
            EvaluationError: as `signals`.
        """
        lineup = lineup_of(data)
        signals = self.signals(data)
        if not signals:
            raise CannotTell(
                "cannot tell: there is no critic to ask; only a model that was trained in this "
                "process and has one can be attacked with it"
            )
        return judge(lineup, signals["critic"], name=self.name)


def _ask(critic: Critic, data: EvalInput) -> NDArray[np.float64]:
    frame = lineup_of(data).targets.frame
    opinions = np.asarray(critic(frame.copy()), dtype=np.float64)
    if opinions.shape != (len(frame),) or not np.isfinite(opinions).all():
        raise EvaluationError(
            "the model's critic does not give one finite number a row; its training may have "
            "diverged: look at the losses, lower the learning rates"
        )
    return opinions
