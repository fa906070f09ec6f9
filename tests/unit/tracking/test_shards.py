"""Are the rows of shards those of one sample, apart in what may not repeat?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabveil.data.masking import Masking, policies_of
from tabveil.data.schema import Schema, infer_schema
from tabveil.errors import ConditionError, DataError
from tabveil.synthesizers.marginals import Marginals
from tabveil.tracking.manifest import is_whole
from tabveil.tracking.models import Generator, load_generator
from tabveil.tracking.shards import Shard, check_room, shards_of, write_shard


def rows_of(generator: Generator, folder: Path, shards: list[Shard], seed: int) -> pd.DataFrame:
    folder.mkdir()
    for shard in shards:
        part = write_shard(generator, folder, shard, seed=seed)
        assert part.rows == shard.n
        assert is_whole(folder, part)
    return pd.concat([pd.read_parquet(folder / s.file) for s in shards], ignore_index=True)


def test_a_shorter_sample_is_the_beginning_of_a_longer_one(saved: Path, tmp_path: Path) -> None:
    generator = load_generator(saved)
    long = rows_of(generator, tmp_path / "long", shards_of(25_000, 12_000), 7)
    short = rows_of(generator, tmp_path / "short", shards_of(13_000, 12_000), 7)
    other = rows_of(generator, tmp_path / "other", shards_of(13_000, 12_000), 8)
    pd.testing.assert_frame_equal(long.head(13_000), short)
    assert not short.equals(other)
    assert not long[:12_000].equals(long[12_000:24_000].reset_index(drop=True))


def test_shards_in_any_order_are_the_same_files(saved: Path, tmp_path: Path) -> None:
    generator, shards = load_generator(saved), shards_of(25_000, 12_000)
    rows_of(generator, tmp_path / "one", shards, 7)
    rows_of(load_generator(saved), tmp_path / "two", shards[::-1], 7)
    for shard in shards:
        one, two = ((tmp_path / f / shard.file).read_bytes() for f in ("one", "two"))
        assert one == two


@pytest.fixture
def numbered() -> tuple[pd.DataFrame, Schema]:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(5_000, 5_200), "age": rng.integers(18, 90, 200)})
    return table, infer_schema(table, kinds={"id": "identifier"})


def test_made_up_identifiers_do_not_repeat_in_another_shard(
    numbered: tuple[pd.DataFrame, Schema], tmp_path: Path
) -> None:
    table, schema = numbered
    masking = Masking.learn(table, schema, policies_of(schema, {}))
    synthesizer = Marginals()
    synthesizer.fit(table[["age"]], schema.modelled(), seed=0)
    generator = Generator(masking, {}, synthesizer)
    rows = rows_of(generator, tmp_path / "rows", shards_of(25_000, 9_000), 3)
    assert rows["id"].is_unique
    assert not set(rows["id"]) & set(table["id"])
    room = masking.masks["id"].room
    check_room(generator, room)
    with pytest.raises(DataError, match="'id' has"):
        check_room(generator, room + 1)


def test_conditions_hold_in_every_shard_and_what_cannot_be_met_leaves_no_file(
    saved: Path, tmp_path: Path
) -> None:
    generator = load_generator(saved)
    shard = shards_of(30_000, 10_000)[2]
    write_shard(generator, tmp_path, shard, seed=1, where={"sex": "female"})
    assert set(pd.read_parquet(tmp_path / shard.file)["sex"]) == {"female"}
    with pytest.raises(ConditionError):
        write_shard(generator, tmp_path, Shard(0, 0, 5), seed=1, where={"sex": "none such"})
    assert [path.name for path in tmp_path.iterdir()] == [shard.file]
