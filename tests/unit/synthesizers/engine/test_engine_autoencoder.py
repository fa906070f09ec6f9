"""Does the autoencoder compute what the paper says, and learn from every row alike?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from tabveil.synthesizers.engine.autoencoder import (
    LEAST_DEVIATION,
    Autoencoder,
    Batch,
    Compressor,
    Decompressor,
    Layers,
    Rows,
    Training,
    divergence,
    reconstruction,
    train,
)
from tabveil.synthesizers.engine.encoder import Encoded
from tabveil.synthesizers.engine.layout import Layout

CPU = torch.device("cpu")
# Two scalars: the first means something in two codes of span 0's three, the second always.
LAYOUT = Layout((3, 2, 4, 2), (0, 1), (2, 2), (2, 3))
SETTINGS = Training(
    embedding_dim=4,
    compress_dims=(16,),
    decompress_dims=(16,),
    l2scale=0.0,
    batch_size=50,
    epochs=3,
    loss_factor=2.0,
    learning_rate=1e-2,
    averaging=0.0,
)


def rows(n: int = 200) -> Encoded:
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(width, size=n) for width in LAYOUT.widths], axis=1)
    scalars = np.clip(rng.normal(0, 0.2, (n, 2)), -0.99, 0.99).astype(np.float32)
    scalars[codes[:, 0] == 2, 0] = 0
    return Encoded(codes.astype(np.uint8), scalars)


def one_batch(encoded: Encoded) -> Batch:
    random = torch.Generator().manual_seed(1)
    (batch,) = Rows.of(encoded, LAYOUT, CPU).batches(len(encoded.codes), random)
    return batch


def one_hot(batch: Batch) -> torch.Tensor:
    dense = torch.zeros(len(batch.at), LAYOUT.n_outputs)
    return dense.scatter_(1, batch.at, batch.factors)


def test_an_epoch_reads_each_row_at_most_once_and_in_full_batches() -> None:
    n = 107
    encoded = rows(n)
    numbered = replace(encoded, scalars=np.linspace(-0.9, 0.9, 2 * n, dtype=np.float32))
    numbered.scalars.shape = (n, 2)
    random = torch.Generator().manual_seed(0)
    for _ in range(2):
        batches = list(Rows.of(numbered, LAYOUT, CPU).batches(1, random))
        assert len(batches) == n
        batches = list(Rows.of(numbered, LAYOUT, CPU).batches(10, random))
        assert [len(batch.at) for batch in batches] == [10] * 10
        seen = torch.cat([batch.factors[:, 0] for batch in batches]).tolist()
        assert len(set(seen)) == 100
        assert set(seen) <= set(numbered.scalars[:, 0].tolist())
        assert seen != sorted(seen)


def test_a_table_smaller_than_a_batch_is_one_batch() -> None:
    (batch,) = Rows.of(rows(7), LAYOUT, CPU).batches(500, torch.Generator())
    assert len(batch.at) == 7


def test_a_gathered_row_is_the_product_with_its_one_hot_form() -> None:
    compressor = Compressor(LAYOUT, (5,), 3)
    compressor.draw_weights(torch.Generator().manual_seed(0))
    batch = one_batch(rows(20))
    hidden = torch.relu(one_hot(batch) @ compressor.from_row + compressor.bias)
    both = hidden @ compressor.rest.weights[0] + compressor.rest.biases[0]
    mean, log_variance = compressor(batch)
    torch.testing.assert_close(torch.cat([mean, log_variance], dim=1), both)


def test_without_hidden_layers_each_half_is_linear() -> None:
    compressor, decompressor = Compressor(LAYOUT, (), 3), Decompressor(3, (), 13, 2)
    for half in (compressor, decompressor):
        half.draw_weights(torch.Generator().manual_seed(0))
    batch = one_batch(rows(20))
    torch.testing.assert_close(
        torch.cat(compressor(batch), dim=1), one_hot(batch) @ compressor.from_row + compressor.bias
    )
    assert decompressor(torch.zeros(1, 3)).tolist()[0] == decompressor.layers.biases[0].tolist()


def test_the_reconstruction_is_each_spans_cross_entropy_and_each_scalars_gaussian() -> None:
    encoded = rows(30)
    batch = one_batch(encoded)
    raw = torch.randn(30, LAYOUT.n_outputs, generator=torch.Generator().manual_seed(2))
    deviations = torch.tensor([0.1, 0.5])
    expected = torch.zeros(())
    for span, (start, width) in enumerate(zip(LAYOUT.starts, LAYOUT.widths, strict=True)):
        codes = batch.at[:, LAYOUT.n_scalars + span] - int(start)
        logits = raw[:, start : start + width]
        expected = expected + functional.cross_entropy(logits, codes, reduction="sum")
    likelihoods = Normal(raw[:, :2].tanh(), deviations).log_prob(batch.factors[:, :2])
    in_atom = batch.at[:, LAYOUT.n_scalars] - int(LAYOUT.starts[0]) == 2
    assert in_atom.any()
    likelihoods[in_atom, 0] = 0
    n_counted = 60 - int(in_atom.sum())
    expected = expected - likelihoods.sum() - n_counted * 0.5 * math.log(2 * math.pi)
    found = reconstruction(raw, deviations, batch, LAYOUT)
    assert found.item() == pytest.approx(expected.item() / 30, rel=1e-5)


def test_a_row_in_an_atom_teaches_its_scalar_nothing() -> None:
    encoded = rows(30)
    encoded.codes[:, 0] = 2
    raw = torch.randn(30, LAYOUT.n_outputs, requires_grad=True)
    reconstruction(raw, torch.tensor([0.1, 0.5]), one_batch(encoded), LAYOUT).backward()
    assert raw.grad is not None
    assert not raw.grad[:, 0].any()
    assert raw.grad[:, 1].all()


def test_the_divergence_is_that_from_standard_noise() -> None:
    mean, log_variance = torch.randn(10, 4), torch.randn(10, 4)
    known = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(divergence(mean, log_variance), known.sum(dim=1).mean())


def test_deviations_start_at_a_modes_and_never_leave_their_bounds() -> None:
    half = Decompressor(4, (8,), LAYOUT.n_outputs, 2)
    half.draw_weights(torch.Generator())
    assert half.deviations.tolist() == pytest.approx([0.25, 0.25])
    with torch.no_grad():
        half.spread.copy_(torch.tensor([-1e9, 1e9]))
    assert half.deviations.tolist() == pytest.approx([LEAST_DEVIATION, 1])


def test_first_weights_are_uniform_by_fan_in() -> None:
    layers = Layers([400, 300, 200])
    layers.draw_weights(torch.Generator().manual_seed(0))
    for weight, fan_in in zip(layers.weights, (400, 300), strict=True):
        assert weight.abs().max().item() == pytest.approx(fan_in**-0.5, rel=1e-3)
        assert weight.std().item() == pytest.approx((3 * fan_in) ** -0.5, rel=0.02)


def test_losses_fall_and_the_deviation_is_learnt() -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(2, size=1000)
    codes = np.stack([np.zeros(1000, int), level], axis=1).astype(np.uint8)
    scalars = np.where(level == 1, 0.5, -0.5) + rng.normal(0, 0.05, 1000)
    layout = Layout((1, 2), (0,), (1,), (1,))
    history: list[dict[str, float]] = []
    half = train(
        Encoded(codes, scalars[:, None].astype(np.float32)),
        layout,
        replace(SETTINGS, epochs=100),
        seed=0,
        device=CPU,
        on_epoch=lambda _, losses: history.append(dict(losses)),
    )
    assert set(history[0]) == {"reconstruction", "divergence"}
    assert history[-1]["reconstruction"] < history[0]["reconstruction"] - 1
    assert 0.03 < half.deviations.item() < 0.1


def test_the_same_seed_gives_the_same_weights_and_global_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = (
        train(rows(), LAYOUT, SETTINGS, seed=seed, device=CPU) for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    weights = [torch.cat([p.flatten() for p in half.parameters()]) for half in (first, again)]
    assert torch.equal(*weights)
    assert not torch.equal(first.layers.weights[0], other.layers.weights[0])


def test_averaged_weights_are_at_first_the_mean_of_the_steps() -> None:
    pair = Autoencoder.start(LAYOUT, replace(SETTINGS, averaging=0.9), seed=0, device=CPU)
    assert pair.averaged is not None
    steps = []
    for batch in Rows.of(rows(), LAYOUT, CPU).batches(50, pair.random):
        pair.step(batch)
        steps.append(pair.decompressor.layers.weights[1].detach().clone())
    assert len(steps) == 4
    torch.testing.assert_close(pair.averaged.layers.weights[1], torch.stack(steps).mean(dim=0))


def test_an_exception_of_the_callback_ends_the_training() -> None:
    def stop(epoch: int, losses: object) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(rows(), LAYOUT, SETTINGS, seed=0, device=CPU, on_epoch=stop)
