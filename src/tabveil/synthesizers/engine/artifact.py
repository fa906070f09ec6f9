"""What do our own networks leave in an artifact, and what is checked when it is read?

`encoder.json` holds the parameters and the encoder (levels, modes, rounded rates),
`weights.safetensors` the network's tensors. No row, no row id, no pickle. The network is laid out
from the parameters without any memory of its own, and the file's tensors must have exactly its
names, shapes and type before they take their places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save
from torch import nn

from tabveil.errors import ArtifactError, TabveilError
from tabveil.synthesizers.engine.encoder import Encoder
from tabveil.synthesizers.generator import LARGEST, read_weights
from tabveil.synthesizers.loading import read_json, reading, write_json

_WEIGHTS, _ENCODER = "weights.safetensors", "encoder.json"

Network = TypeVar("Network", bound=nn.Module)


def refuse_diverged(network: nn.Module) -> None:
    """Raise TabveilError where training has left no numbers, or none that could be loaded."""
    if not all(bool((p.detach().abs() <= LARGEST).all()) for p in network.parameters()):
        raise TabveilError(
            "the training has diverged: its weights are beyond all bounds; take smaller learning "
            "rates"
        )


def save_network(
    directory: Path, params: Mapping[str, Any], encoder: Encoder, network: nn.Module | None
) -> None:
    """Write into an existing empty directory; `network` is None where nothing was modelled."""
    write_json(directory / _ENCODER, {"params": dict(params), "encoder": encoder.to_dict()})
    weights = network.state_dict() if network is not None else {}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    (directory / _WEIGHTS).write_bytes(save(tensors))


def load_encoder(directory: Path) -> tuple[dict[str, Any], Encoder]:
    """The parameters, unchecked, and the encoder.

    Raises ArtifactError when the file is missing, cut short or altered.
    """
    path = directory / _ENCODER
    data = read_json(path)
    with reading(path):
        return dict(data["params"]), Encoder.from_dict(data["encoder"])


def load_network(directory: Path, make: Callable[[], Network]) -> Network:
    """Read a network's tensors; `make` builds it, and is called on torch's meta device.

    Raises ArtifactError when the file is missing, cut short or altered, or does not fit.
    """
    path = directory / _WEIGHTS
    with reading(path), torch.device("meta"):
        network = make()
    expected = network.state_dict()
    weights = read_weights(path, {name: tuple(t.shape) for name, t in expected.items()})
    if any(weights[name].dtype != tensor.dtype for name, tensor in expected.items()):
        raise ArtifactError(f"{path} holds numbers of another type: it was altered")
    if any(name.endswith("variance") and bool((t < 0).any()) for name, t in weights.items()):
        raise ArtifactError(f"{path} holds negative variances: it was altered")
    network.load_state_dict(weights, assign=True)
    return network.eval()
