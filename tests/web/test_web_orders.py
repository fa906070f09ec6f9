"""Does what a person asks for become a command line that holds nothing of theirs?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from web_server import furnish, settings_at

from tabveil.cli import parse
from tabveil.config.compose import compose_command
from tabveil.data.schema_files import read_schema_file
from tabveil.errors import ConfigError
from tabveil.tracking.ledger import Ledger
from tabveil.web.access import user_of_token
from tabveil.web.errors import Conflict, Invalid, NotFound, TooLarge, TooMany
from tabveil.web.jobs import MOST_WAITING, Job
from tabveil.web.lines import read_line
from tabveil.web.orders import ConfirmOrder, Order, SampleOrder, SweepOrder
from tabveil.web.service import Service
from tabveil.web.settings import digest_of, own_secret
from tabveil.web.uploads import Upload

NASTY = "${oc.env:HOME}'; _target_: os.system"
FOUND: dict[str, Any] = {
    "n_rows": 9,
    "columns": [
        {"name": "age", "kind": "numeric", "mask": None},
        {"name": NASTY, "kind": "identifier", "mask": "fake"},
        {"name": "income", "kind": "categorical", "mask": None},
    ],
    "roles": {},
    "rules": [{"text": "r", "rule": {"kind": "range", "column": "age", "low": 0, "high": 99}}],
    "head": [],
}


def receive(service: Service, content: bytes, name: str = "t.csv", **more: Any) -> Upload:
    async def body() -> AsyncIterator[bytes]:
        size = max(7, len(content) // 20)
        for start in range(0, len(content), size):
            yield content[start : start + size]

    declared = more.get("declared")
    return asyncio.run(service.uploads.receive(more.get("user", "ann"), name, body(), declared))


def read(service: Service, upload: Upload) -> Upload:
    folder = service.settings.job_folder(upload.inspection)
    (folder / "out" / "inspect.json").write_text(json.dumps(FOUND))
    return upload


def sweep(service: Service, **asked: Any) -> Job:
    upload = read(service, receive(service, b"age\n1\n"))
    return service.jobs.create("ann", SweepOrder(upload=upload.id, **asked))


def test_names_of_a_persons_own_stand_in_the_schema_file_only(tmp_path: Path) -> None:
    service = Service.open(settings_at(tmp_path))
    job = sweep(
        service,
        columns={NASTY: {"kind": "categorical"}, "income": {"kind": "identifier", "mask": "drop"}},
        sensitive=[NASTY],
        target="age",
        rules=[0, 0],
    )
    folder = service.settings.job_folder(job.id)
    line = read_line(folder)
    assert not any("oc.env" in word or "os.system" in word for word in line)
    told = read_schema_file(folder / "schema.yaml")
    assert told.kinds == {NASTY: "categorical", "income": "identifier"}
    assert told.masks == {"income": "drop"}
    assert (told.target, told.sensitive) == ("age", (NASTY,))
    assert [dict(rule) for rule in told.rules] == [FOUND["rules"][0]["rule"]]
    assert yaml.safe_load((folder / "schema.yaml").read_text())["rules"]


@pytest.mark.parametrize("effort", ["glance", "quick", "thorough"])
def test_the_lines_compose_and_a_confirmation_has_the_configuration_of_its_sweep(
    tmp_path: Path, effort: str
) -> None:
    """Another configuration would be another study: it would be refused after an hour's work."""
    service = Service.open(settings_at(tmp_path))
    job = sweep(service, effort=effort, trials=3, seed=5)
    service.jobs.cancel("ann", job.id)
    confirmation = service.jobs.create("ann", ConfirmOrder(sweep=job.id, gate="small", trials=[2]))
    flat = [_flat(one.command) for one in (job, confirmation)]
    same = {key for key in flat[0] if key.partition(".")[0] not in ("out", "confirm", "gate")}
    assert {key: flat[0][key] for key in same} == {key: flat[1].get(key) for key in same}
    assert flat[0]["sweep.trials"] == 3
    assert flat[1]["gate.name"] == "small"


def _flat(words: tuple[str, ...]) -> dict[str, Any]:
    line = parse(list(words))
    return compose_command(line.command, line.overrides, None).flat()


@pytest.mark.parametrize(
    "asked",
    [
        {"target": "nobody"},
        {"sensitive": ["age", "nobody"]},
        {"columns": {"nobody": {"kind": "numeric"}}},
        {"rules": [1]},
    ],
)
def test_what_the_table_does_not_have_is_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=r"nobody|suggestions"):
        sweep(Service.open(settings_at(tmp_path)), **asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "sweep", "upload": "../../etc"},
        {"kind": "sweep", "upload": "a" * 32, "experiment": "demo"},
        {"kind": "sweep", "upload": "a" * 32, "effort": "quick executor.n_workers=99"},
        {"kind": "sweep", "upload": "a" * 32, "seed": "1 root=/"},
        {"kind": "confirm", "sweep": "a" * 32, "gate": "../x"},
        {"kind": "withdraw", "release": "a" * 32, "why": "line\nbreak"},
        {"kind": "train"},
    ],
)
def test_nothing_else_can_be_asked_for(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Order).validate_python(asked)


def test_an_upload_is_kept_under_a_name_of_ours(tmp_path: Path) -> None:
    service = Service.open(settings_at(tmp_path))
    upload = receive(service, b"a,b\n1,2\n", name="../../etc/pass\x00wd\u202e.CSV.gz")
    path = service.uploads.path(upload)
    assert (path.read_bytes(), path.name) == (b"a,b\n1,2\n", "table.csv.gz")
    assert tmp_path / "web" / "uploads" in path.parents
    assert upload.name == "pass wd .CSV.gz"
    assert service.uploads.get("ann", upload.id) == upload
    with pytest.raises(NotFound):
        service.uploads.get("bob", upload.id)


@pytest.mark.parametrize(
    ("content", "more", "error"),
    [
        (b"", {}, Invalid),
        (b"x" * 10, {"declared": 11}, Invalid),
        (b"x" * 10, {"declared": 3_000_000}, TooLarge),
        (b"x" * 2_000_001, {}, TooLarge),
        (b"x", {"name": "t.exe"}, Invalid),
        (b"x", {"name": "csv"}, Invalid),
        (b"x", {"name": ".gz"}, Invalid),
    ],
)
def test_what_is_no_table_leaves_nothing_behind(
    tmp_path: Path, content: bytes, more: dict[str, Any], error: type[Exception]
) -> None:
    service = Service.open(settings_at(tmp_path))
    with pytest.raises(error):
        receive(service, content, **more)
    assert service.uploads.all("ann") == []
    assert [p for p in (tmp_path / "web").rglob("*") if "table" in p.name] == []
    assert service.jobs.all("ann") == []


def test_a_table_goes_with_everything_that_was_read_of_it(tmp_path: Path) -> None:
    service = Service.open(settings_at(tmp_path))
    job = sweep(service)
    upload = str(job.upload)
    prepared = service.settings.root_of("ann") / "prepared"
    split, other = prepared / f"table-{upload[:12]}-0a1b2c", prepared / "table-another-0a1b2c"
    for folder in (split, other):
        folder.mkdir(parents=True)
        (folder / "train.parquet").write_text("rows")
    service.jobs.cancel("ann", job.id)
    service.jobs.delete("ann", job.id)  # what it left behind is found all the same
    with pytest.raises(Conflict, match="cancel"):
        service.uploads.delete("ann", upload)
    for one in service.jobs.all("ann"):
        service.jobs.cancel("ann", one.id)
    assert service.uploads.delete("ann", upload).state == "deleted"
    assert not split.exists()
    assert other.exists()
    assert not service.settings.upload_folder(upload).exists()
    assert service.uploads.inspection("ann", upload) is None
    (line,) = Ledger.at(None, root=service.settings.root_of("ann")).lines()
    assert (line.event, line.who, line.detail["splits"]) == ("delete", "ann", 1)
    (event,) = [e for e in service.events.all("ann") if e.action == "delete upload"]
    assert event.detail == {"sha256": event.detail["sha256"], "bytes": 6, "splits": 1}
    with pytest.raises(Conflict, match="deleted"):
        service.jobs.create("ann", SweepOrder(upload=upload))


def test_nobody_keeps_more_tables_than_one_may(tmp_path: Path) -> None:
    settings = replace(settings_at(tmp_path), max_tables=2)
    service = Service.open(settings)
    for _ in range(2):
        receive(service, b"age\n1\n")
    with pytest.raises(Conflict, match="delete one"):
        receive(service, b"age\n1\n")


def test_nobody_fills_the_queue(tmp_path: Path) -> None:
    service = Service.open(settings_at(tmp_path))
    upload = read(service, receive(service, b"age\n1\n")).id
    for _ in range(MOST_WAITING - 1):  # the reading waits, too
        service.jobs.create("ann", SweepOrder(upload=upload))
    with pytest.raises(TooMany):
        service.jobs.create("ann", SweepOrder(upload=upload))


def test_a_secret_that_was_cut_short_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "web" / "token"
    first = own_secret(path)
    assert (own_secret(path), path.stat().st_mode & 0o777) == (first, 0o600)
    path.write_text("")
    with pytest.raises(ConfigError, match="delete it"):
        own_secret(path)
    nobody = replace(settings_at(tmp_path), tokens={digest_of(""): "ann"})
    assert user_of_token(nobody, "") is None


def test_what_stands_is_noted_for_every_version_of_a_model(tmp_path: Path) -> None:
    """One model may be two versions, under two policies: taken back is taken back."""
    service = Service.open(settings_at(tmp_path))
    mine = furnish(service, "ann")
    out = service.settings.job_folder(mine.rows) / "out"
    standing = {"model": "table", "aliases": {}, "withdrawn": {"1": "by mistake"}}
    (out / "standing.json").write_text(json.dumps(standing))
    service.shelf.stand("ann", mine.rows)
    (release,) = service.shelf.all("ann")
    assert (release.withdrawn, release.aliases, release.released) == ("by mistake", (), False)
    with pytest.raises(Conflict, match="by mistake"):
        service.jobs.create("ann", SampleOrder(release=mine.release, n=3))
