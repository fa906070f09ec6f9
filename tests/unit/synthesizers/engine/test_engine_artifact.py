"""Is a damaged, swapped or hostile artifact refused as such, at once, and without its memory?"""

from __future__ import annotations

import copy
import json
import resource
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from tabveil.data.schema import infer_schema
from tabveil.errors import ArtifactError
from tabveil.synthesizers.ctgan import Ctgan

SMALL: dict[str, Any] = {
    "embedding_dim": 6,
    "generator_dim": [10, 8],
    "discriminator_dim": [8],
    "batch_size": 40,
    "pac": 2,
    "epochs": 1,
    "max_atoms": 10,
    "enable_gpu": False,
}
WEIGHTS, ENCODER = "weights.safetensors", "encoder.json"
FUZZED = 150


def table(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "secret": rng.normal(1000, 250, n),
            "count": rng.poisson(2, n),
            "day": pd.Timestamp("2020-02-27") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "level": np.where(rng.random(n) < 0.5, "a", "b"),
            "flag": rng.random(n) < 0.3,
        }
    )


@cache
def fitted(n_levels: int = 2) -> Ctgan:
    rows = table()
    if n_levels > 2:
        rows["level"] = np.random.default_rng(0).choice(list("abc"), len(rows))
    synthesizer = Ctgan(**SMALL)
    synthesizer.fit(rows, infer_schema(rows), seed=0)
    return synthesizer


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    fitted().save(tmp_path)
    return tmp_path


def change(saved: Path, *at: str | int, to: Any) -> None:
    """Alter one entry of encoder.json."""
    data = json.loads((saved / ENCODER).read_text())
    place = data
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = to
    (saved / ENCODER).write_text(json.dumps(data))


def refused(saved: Path, match: str | None = None) -> None:
    with pytest.raises(ArtifactError, match=match):
        Ctgan.load(saved)


def survives(saved: Path) -> bool:
    """Whether it loads; anything but an ArtifactError is passed on."""
    try:
        Ctgan.load(saved)
    except ArtifactError:
        return False
    return True


def test_what_was_saved_is_read_back_and_draws_the_same_rows(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == [ENCODER, WEIGHTS]
    loaded = Ctgan.load(saved)
    assert loaded.params() == fitted().params()
    pd.testing.assert_frame_equal(loaded.sample(200, seed=1), fitted().sample(200, seed=1))
    assert loaded.critic is None


def test_an_artifact_saved_again_is_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    Ctgan.load(saved).save(again)
    for name in (ENCODER, WEIGHTS):
        assert (again / name).read_bytes() == (saved / name).read_bytes()


def test_no_value_of_one_row_and_no_rare_level_is_in_the_files(tmp_path: Path) -> None:
    rows = table()
    rows.loc[:3, "level"] = "four rows"
    rows.loc[10, "level"] = "one row"
    synthesizer = Ctgan(**SMALL, min_count=5)
    synthesizer.fit(rows, infer_schema(rows), seed=0)
    synthesizer.save(tmp_path)
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"four rows" not in everything
    assert b"one row" not in everything
    for value in rows["secret"].tolist():
        for text in (repr(value), f"{value:.6g}", f"{value:.5g}"):
            assert text.encode() not in everything
        for kind in (np.float64, np.float32):
            assert kind(value).tobytes() not in everything
    once = rows["day"].value_counts().loc[lambda counts: counts < 5].index
    assert len(once) > 100
    assert not [day for day in once if f"{day:%Y-%m-%d}".encode() in everything]


@pytest.mark.parametrize("name", [ENCODER, WEIGHTS])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    refused(saved, f"{name} is missing")


@pytest.mark.parametrize("name", [ENCODER, WEIGHTS])
def test_a_file_cut_anywhere_is_refused(saved: Path, name: str) -> None:
    whole = (saved / name).read_bytes()
    for length in {0, 1, 7, 8, 9, *range(0, len(whole) - 2, len(whole) // 40)}:
        (saved / name).write_bytes(whole[:length])
        refused(saved)


@pytest.mark.parametrize("name", [ENCODER, WEIGHTS])
def test_random_bytes_in_a_file_end_in_an_artifact_error_or_nothing(saved: Path, name: str) -> None:
    whole = (saved / name).read_bytes()
    # Of the weights, mostly the header: any other four bytes are some number.
    reach = len(whole) if name == ENCODER else len(whole) // 4
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(FUZZED):
        altered = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            altered[rng.integers(reach)] = rng.integers(256)
        (saved / name).write_bytes(altered)
        outcomes.add(survives(saved))
    assert False in outcomes


NONSENSE = [
    None,
    True,
    -1,
    0,
    3.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "../../etc/passwd",
    [],
    {},
]
NONSENSE += [["a", ["b"]], {"a": {"b": 1}}, [[[[]]]], "\x00", 10**30, [None], [1, 2, 3]]


def places_in(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every entry of JSON data."""
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from places_in(value, (*at, key))


def test_nonsense_anywhere_in_the_encoder_ends_in_an_artifact_error_or_nothing(
    saved: Path,
) -> None:
    data = json.loads((saved / ENCODER).read_text())
    places = list(places_in(data))
    rng = np.random.default_rng(0)
    for i in rng.permutation(len(places))[:FUZZED]:
        altered = copy.deepcopy(data)
        value = NONSENSE[rng.integers(len(NONSENSE))]
        place = altered
        for key in places[i][:-1]:
            place = place[key]
        if rng.random() < 0.2:
            del place[places[i][-1]]
        else:
            place[places[i][-1]] = value
        (saved / ENCODER).write_text(json.dumps(altered))
        survives(saved)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "1",
        "{}",
        '{"params": 1, "encoder": 1}',
        '{"params": [], "encoder": []}',
        "[" * 100_000,
        '{"params":' + "[" * 900 + "]" * 900 + ', "encoder": {}}',
        '{"params": {}, "encoder": {"codec": ' + '{"a":' * 900 + "1" + "}" * 900 + "}}",
        '{"params": {}, "encoder": ' + "1" * 5000 + "}",
    ],
    ids=lambda text: text[:30],
)
def test_an_encoder_that_is_something_else_is_refused(saved: Path, text: str) -> None:
    (saved / ENCODER).write_text(text)
    refused(saved)


def test_an_encoder_that_is_no_text_is_refused(saved: Path) -> None:
    (saved / ENCODER).write_bytes(b"\xff\xfe\x00\x80")
    refused(saved)


def test_weights_of_another_table_are_refused(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    fitted(n_levels=3).save(other)
    (other / WEIGHTS).replace(saved / WEIGHTS)
    refused(saved, "does not belong")


@pytest.mark.parametrize(
    ("name", "value"), [("embedding_dim", 7), ("generator_dim", [8, 10]), ("generator_dim", [10])]
)
def test_parameters_that_the_weights_do_not_fit_are_refused(
    saved: Path, name: str, value: Any
) -> None:
    change(saved, "params", name, to=value)
    refused(saved, "does not belong")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(saved: Path, value: float) -> None:
    weights = load_file(saved / WEIGHTS)
    for name in weights:
        altered = {key: tensor.clone() for key, tensor in weights.items()}
        altered[name].view(-1)[-1] = value
        save_file(altered, saved / WEIGHTS)
        refused(saved, "not finite")


def test_negative_variances_are_refused(saved: Path) -> None:
    weights = load_file(saved / WEIGHTS)
    weights["norms.1.variance"][3] = -1e-3
    save_file(weights, saved / WEIGHTS)
    refused(saved, "negative")


@pytest.mark.parametrize("kind", ["too few", "too many", "renamed", "path", "transposed", "empty"])
def test_tensors_of_other_names_or_shapes_are_refused(saved: Path, kind: str) -> None:
    weights = load_file(saved / WEIGHTS)
    bias = weights.pop("bias")
    altered = {
        "too few": {},
        "too many": {"bias": bias, "bias2": bias.clone()},
        "renamed": {"Bias": bias},
        "path": {"../../bias": bias},
        "transposed": {"bias": bias[None]},
        "empty": {"bias": bias[:0]},
    }[kind]
    save_file(weights | altered, saved / WEIGHTS)
    refused(saved, "does not belong")


def rewritten(whole: bytes, dtype: str, size: float) -> bytes:
    """The weights file with every tensor said to be of another type, and zeros in it."""
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    header.pop("__metadata__", None)
    end = 0
    for entry in header.values():
        start, end = end, end + int(np.prod(entry["shape"]) * size)
        entry.update(dtype=dtype, data_offsets=[start, end])
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(end)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("F64", 8),
        ("F16", 2),
        ("BF16", 2),
        ("I32", 4),
        ("U64", 8),
        ("BOOL", 1),
        ("C64", 8),
        ("F8_E5M2", 1),
        ("F8_E4M3", 1),
        ("F8_E8M0", 1),
        ("F4", 0.5),
        ("PATH", 4),
    ],
)
def test_numbers_of_another_type_are_refused(saved: Path, dtype: str, size: float) -> None:
    whole = (saved / WEIGHTS).read_bytes()
    (saved / WEIGHTS).write_bytes(rewritten(whole, "F32", 4))
    assert survives(saved)
    (saved / WEIGHTS).write_bytes(rewritten(whole, dtype, size))
    refused(saved)


@pytest.mark.parametrize("length", [0, 2, 2**31, 2**63, 2**64 - 1])
def test_a_header_of_an_impossible_length_is_refused(saved: Path, length: int) -> None:
    whole = (saved / WEIGHTS).read_bytes()
    (saved / WEIGHTS).write_bytes(length.to_bytes(8, "little") + whole[8:])
    refused(saved)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("embedding_dim", 10**9),
        ("generator_dim", [10**9]),
        ("generator_dim", [10**9, 10**9]),
        ("generator_dim", [10**12]),
        ("generator_dim", [10**12, 10**12]),
        ("embedding_dim", 10**18),
        ("embedding_dim", 2**62),
        ("generator_dim", [2**62, 2**62]),
        ("embedding_dim", 2**63),
        ("generator_dim", [2**64]),
        ("embedding_dim", 10**400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_huge_network_is_refused_without_its_memory(saved: Path, name: str, value: Any) -> None:
    change(saved, "params", name, to=value)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(saved)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_a_network_of_very_many_layers_is_refused_at_once(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of 60,000 ones is a file of 120 KB; 60 layers are enough to count by."""
    calls = []
    original = torch.Tensor.uniform_

    def counted(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        calls.append(1)
        return original(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "uniform_", counted)
    change(saved, "params", "generator_dim", to=[1] * 60)
    refused(saved)
    assert len(calls) <= 10 * 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("embedding_dim", 0),
        ("embedding_dim", -3),
        ("embedding_dim", "6"),
        ("embedding_dim", 6.0),
        ("embedding_dim", None),
        ("generator_dim", "../../x"),
        ("generator_dim", {"10": 8}),
        ("generator_dim", [10, "8"]),
        ("generator_dim", [10, [8]]),
        ("epochs", -1),
        ("pac", 3),
        ("generator_lr", float("nan")),
        ("hooks", "os.system"),
        ("_fitted", 1),
        ("fit", 1),
    ],
)
def test_altered_parameters_are_refused(saved: Path, name: str, value: Any) -> None:
    change(saved, "params", name, to=value)
    refused(saved)


@pytest.mark.parametrize(
    "at",
    [
        ("modes", 0, "means", 0),
        ("modes", 0, "stds", 0),
        ("modes", 0, "shares", 0),
        ("rates", 0, 0),
        ("codec", "columns", 0, "low"),
        ("codec", "columns", 0, "high"),
        ("codec", "columns", 0, "fill"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        [1],
        {},
        float("nan"),
        pytest.param(10**400, id="10**400"),
    ],
    ids=str,
)
def test_numbers_that_are_none_are_refused(
    saved: Path, at: tuple[str | int, ...], value: Any
) -> None:
    change(saved, "encoder", *at, to=value)
    refused(saved)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        "",
        "[]",
        "x" * 100,
        "1" * 5000,
        pytest.param("[" * 100_000, id="deep"),
    ],
    ids=lambda schema: str(schema)[:10],
)
def test_a_schema_that_is_none_is_refused(saved: Path, schema: Any) -> None:
    change(saved, "encoder", "codec", "schema", to=schema)
    refused(saved)


def test_levels_that_are_paths_are_but_levels(saved: Path) -> None:
    change(saved, "encoder", "codec", "columns", 3, "levels", to=["../../etc/passwd", "__class__"])
    drawn = Ctgan.load(saved).sample(20, seed=0)
    assert set(drawn["level"]) <= {"../../etc/passwd", "__class__"}
    assert sorted(path.name for path in saved.iterdir()) == [ENCODER, WEIGHTS]
