"""Are a thread's settings as asked inside the block, and as before after it?"""

from __future__ import annotations

import pytest
import torch

from tabveil.threads import limited, without_denormals


def tiny() -> float:
    return float(torch.full((16,), 1e-30) @ torch.full((16,), 1e-10))


def test_numbers_next_to_nothing_are_nothing_inside_the_block_only() -> None:
    assert tiny() > 0
    with without_denormals():
        assert tiny() == 0
    assert tiny() > 0


def test_an_error_ends_it_too() -> None:
    with pytest.raises(ValueError, match="stop"), without_denormals():
        raise ValueError("stop")
    assert tiny() > 0


def test_threads_are_limited_inside_the_block_only() -> None:
    before = torch.get_num_threads()
    with limited(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
