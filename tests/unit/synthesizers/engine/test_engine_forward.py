"""Are the fast outputs the generator's, under statistics of rows drawn at their true rates?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tabveil.data.schema import infer_schema
from tabveil.synthesizers.engine import networks
from tabveil.synthesizers.engine.drawing import Drawing
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.engine.forward import Forward, fix_statistics
from tabveil.synthesizers.engine.modes import Numbers
from tabveil.synthesizers.engine.networks import Generator, NormedRectifier


def drawing(conditional: bool) -> Drawing:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"number": rng.normal(0, 1, 300)})
    if conditional:
        rows["level"] = rng.choice(["a", "b", "c"], 300, p=[0.8, 0.15, 0.05])
        rows["flag"] = rng.random(300) < 0.1
    encoder, _ = Encoder.learn(rows, infer_schema(rows), Numbers(), min_count=1, seed=0)
    return Drawing.of(encoder)


def generator_of(made: Drawing, widths: tuple[int, ...]) -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = Generator(6, widths, made.layout.n_conditions, made.layout.n_outputs)
        with torch.no_grad():
            for norm in generator.norms:
                assert isinstance(norm, NormedRectifier)
                norm.weight.uniform_(0.5, 2)
                norm.bias.uniform_(-1, 1)
    return generator


@pytest.mark.parametrize("conditions", ["plain", "embedded", "none"])
@pytest.mark.parametrize("widths", [(), (12,), (12, 7, 9)])
def test_folded_weights_compute_what_the_generator_computes(
    widths: tuple[int, ...], conditions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if conditions == "embedded":
        monkeypatch.setattr(networks, "MAX_PLAIN", 2)
    made = drawing(conditions != "none")
    generator = generator_of(made, widths)
    assert (generator.from_embedding is not None) == (conditions == "embedded")
    fix_statistics(generator, made, 6, np.random.default_rng(0))
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    noise, places = made.draw_inputs(1234, 6, np.random.default_rng(1))
    forward = Forward.of(generator)
    with torch.inference_mode():
        named = None if places is None else torch.from_numpy(places)
        expected = generator(torch.from_numpy(noise), named).numpy()
    got = forward(noise, places)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    one = forward(noise[700:701], None if places is None else places[700:701])
    np.testing.assert_allclose(one, got[700:701], rtol=1e-4, atol=1e-5)
    # The generator itself, which is saved, is left as it was.
    torch.testing.assert_close(generator.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("conditional", [True, False])
def test_fixed_statistics_are_those_of_rows_at_the_true_rates(conditional: bool) -> None:
    """Over such rows, evaluation gives what a batch of them normalised by itself gives."""
    made = drawing(conditional)
    generator = generator_of(made, (12, 7))
    fix_statistics(generator, made, 6, np.random.default_rng(0))
    assert not generator.training
    noise, places = made.draw_inputs(20_000, 6, np.random.default_rng(1))
    inputs = torch.from_numpy(noise), None if places is None else torch.from_numpy(places)
    with torch.no_grad():
        fixed = generator(*inputs)
        batch = generator.train()(*inputs)
    assert float((fixed - batch).abs().mean() / batch.std()) < 0.02


def test_statistics_depend_on_the_generator_of_random_numbers_alone() -> None:
    made = drawing(True)
    one, other = generator_of(made, (12,)), generator_of(made, (12,))
    for generator in (one, other):
        fix_statistics(generator, made, 6, np.random.default_rng(3))
    torch.testing.assert_close(one.state_dict(), other.state_dict(), rtol=0, atol=0)
