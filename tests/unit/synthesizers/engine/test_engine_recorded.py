"""Does a recorded step do what the step does? Only a GPU can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tabveil.data.schema import infer_schema
from tabveil.synthesizers.ctgan import Ctgan
from tabveil.synthesizers.engine import training

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


def weights(**params: Any) -> torch.Tensor:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=400), "y": rng.choice(["a", "b", "c"], 400)})
    model = Ctgan(epochs=5, batch_size=40, pac=2, **params)
    model.fit(table, infer_schema(table), seed=0)
    generator = model._require().generator
    assert generator is not None
    return torch.cat([part.detach().flatten() for part in generator.parameters()])


@pytest.mark.parametrize(
    "params",
    [{}, {"discriminator_steps": 3}, {"averaging": 0.9, "full_rate_steps": 10, "dropout": 0}],
)
def test_a_recording_gives_the_weights_that_the_step_gives(params: dict[str, Any]) -> None:
    recorded = weights(**params)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "Recorded", lambda step, _: step)
        assert torch.equal(weights(**params), recorded)
