"""Streams by name are reproducible, apart, and leave global state as it was."""

import random

import numpy as np
import torch

from tabveil.seeding import child_rng, child_seed, global_state, stream_seed, wide_seed


def test_a_stream_depends_on_seed_and_every_name_and_on_nothing_else():
    seeds = {child_seed(0), child_seed(0, "a"), child_seed(0, "b"), child_seed(1, "a")}
    assert len(seeds) == 4
    assert child_seed(0, "a", 1) != child_seed(0, "a1")
    assert child_rng(3, "x").random() == child_rng(3, "x").random()


def test_the_streams_are_the_same_on_every_machine():
    assert child_seed(0, "split") == 3172224562


def test_global_state_is_seeded_inside_and_given_back_after():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = draw()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    with global_state(5):
        first = draw()
    assert draw() == expected
    with global_state(5):
        assert draw() == first


def test_a_shard_of_thousands_draws_chunks_that_no_other_draws():
    shards = [wide_seed(0, "shard", i) for i in range(2_000)]
    chunks = {stream_seed(seed, "chunk", i) for seed in shards for i in range(100)}
    assert len(chunks) == 200_000
    assert min(chunks) >= 2**32
    assert stream_seed(5, "chunk", 0) == child_seed(5, "chunk", 0)
