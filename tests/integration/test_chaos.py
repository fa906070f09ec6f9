"""What a sweep survives, and how it ends where it cannot: stores that go away, a full disk."""

import contextlib
import os
import subprocess
import time

import pytest
from drivers import CHAOS, Driver, assert_balanced, trials
from servers import Postgres, mlflow_server, s3_server

from conftest import tabveil

TARGET = 5
WORDS = (f"sweep.trials={TARGET}",)


def completed(url):
    return {values for _, state, values in trials(url) if state == "COMPLETE"}


def went_on(root, words, url, uri, before, env=None):
    """The same command again reaches the target and keeps what was complete."""
    again = Driver(root, *words, env=env)
    try:
        assert again.wait() == 0, again.said
    finally:
        again.end()
    assert before <= completed(url)
    assert_balanced(url, uri, TARGET)


def ended_with_one_clear_message(driver, words):
    said = driver.said
    assert "Traceback" not in said, said
    last = [line for line in said.splitlines() if line.startswith("tabveil: ")]
    assert words in last[-1], said
    assert sum(words in line for line in last) == 1, said


@pytest.fixture
def server(tmp_path):
    server = mlflow_server(tmp_path / "mlflow")
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def driving(root, *words, env=None):
    driver = Driver(root, *words, env=env)
    try:
        yield driver
    finally:
        driver.end()


@pytest.mark.slow
def test_mlflow_is_away_for_half_a_minute_and_nobody_fails(tmp_path, randhie, server):
    root = tmp_path / "store"
    with driving(root, *WORDS, f"tracking.uri={server.url}") as driver:
        driver.until(lambda: driver.done() >= 1)
        server.stop()
        time.sleep(30)
        server.start()
        assert driver.wait() == 0, driver.said
    assert "the tracking store does not answer; waiting for it" in driver.said
    assert "the tracking store answers again" in driver.said
    assert "failed" not in driver.said
    assert_balanced(f"sqlite:///{root}/studies.db", server.url, TARGET)


@pytest.mark.slow
def test_mlflow_goes_away_for_good_and_the_sweep_ends_with_a_word(tmp_path, randhie, server):
    root = tmp_path / "store"
    url, words = f"sqlite:///{root}/studies.db", [*WORDS, f"tracking.uri={server.url}"]
    with driving(root, *words, env={"TABVEIL_PATIENCE": "3"}) as driver:
        driver.until(lambda: driver.done() >= 1)
        server.stop()
        assert driver.wait(60) == 1, driver.said
    ended_with_one_clear_message(driver, "run the same command again once it does")
    before = completed(url)
    assert before
    assert "RUNNING" not in {state for _, state, _ in trials(url)}
    server.start()
    went_on(root, words, url, server.url, before)


@pytest.mark.slow
def test_postgresql_restarts_and_the_sweep_goes_on(tmp_path, randhie):
    database, root = Postgres(), tmp_path / "store"
    server = mlflow_server(tmp_path / "mlflow", database=database.create("mlflow"))
    env = {"TABVEIL_DATABASE": database.url(), "TABVEIL_TRACKING": server.url}
    try:
        with driving(root, *WORDS, "stores=team", env=env) as driver:
            driver.until(lambda: driver.done() >= 1)
            for mode in ("fast", "immediate"):
                seen = driver.done()
                database.stop(mode)
                time.sleep(8)
                database.start()
                driver.until(lambda seen=seen: driver.done() > seen)
            assert driver.wait() == 0, driver.said
        assert "Traceback" not in driver.said
        assert_balanced(database.url(), server.url, TARGET)
    finally:
        server.stop()
        database.remove()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own, with room for a store of a few trials."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", place], check=False
    )
    if mounted.returncode:
        pytest.skip("needs to mount a small disk: run as root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(disk):
    with contextlib.suppress(OSError), open(disk / "ballast", "wb", buffering=0) as ballast:
        while True:
            ballast.write(b"\0" * 4096)


@pytest.mark.slow
def test_a_full_disk_ends_the_sweep_with_a_word_and_room_lets_it_go_on(randhie, small_disk):
    root = small_disk / "store"
    url = f"sqlite:///{root}/studies.db"
    with driving(root, *WORDS) as driver:
        driver.until(lambda: driver.done() >= 1)
        before = completed(url)
        fill(small_disk)
        assert driver.wait(120) == 1, driver.said
    os.remove(small_disk / "ballast")
    ended_with_one_clear_message(driver, "a disk is full; make room")
    went_on(root, WORDS, url, f"sqlite:///{root}/mlflow.db", before)


@pytest.mark.slow
def test_artifacts_on_s3_behind_mlflow_need_no_credentials_of_ours(tmp_path, randhie):
    import boto3

    store = s3_server(tmp_path / "s3")
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    s3 = boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        **{name.lower(): value for name, value in keys.items()},
    )
    s3.create_bucket(Bucket="artifacts")
    env = {**keys, "MLFLOW_S3_ENDPOINT_URL": store.url, "AWS_DEFAULT_REGION": "us-east-1"}
    server = mlflow_server(tmp_path / "mlflow", artifacts="s3://artifacts/tabveil", env=env)
    root, uri = tmp_path / "store", f"tracking.uri={server.url}"
    try:
        for command in (
            ["sweep", *CHAOS, "sweep.trials=2"],
            [
                *("confirm", *CHAOS, "sweep.trials=2", "confirm.seeds=1"),
                *("confirm.most=1", "confirm.evaluation=quick", "confirm.risk_from=[copies]"),
            ],
            ["sample", "model=models:/chaos/1", "n=100", f"out={tmp_path}/rows.csv"],
        ):
            done = tabveil(*command, uri, f"root={root}")
            assert done.returncode in ((0, 3, 4) if command[0] == "confirm" else (0,)), done.stderr
        assert len((tmp_path / "rows.csv").read_text().splitlines()) == 101
        kept = [one["Key"] for one in s3.list_objects_v2(Bucket="artifacts")["Contents"]]
        assert [key for key in kept if key.endswith("weights.safetensors") or "generator" in key]
        assert not list(root.rglob("mlartifacts"))
    finally:
        server.stop()
        store.stop()
