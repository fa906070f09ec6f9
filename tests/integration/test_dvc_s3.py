"""A table goes to DVC's remote on S3 and comes back; git never sees the keys."""

import os
import subprocess
import sys

import pandas as pd
import pytest
from servers import s3_server

boto3 = pytest.importorskip("boto3")
pytest.importorskip("dvc_s3")
SECRET = "the-secret-of-the-tests"


@pytest.fixture
def s3(tmp_path):
    server = s3_server(tmp_path / "s3")
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": SECRET}
    try:
        client = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", **keys)
        client.create_bucket(Bucket="tabveil")
        yield server, client
    finally:
        server.stop()


def test_a_table_is_pushed_and_pulled_and_no_key_is_committed(tmp_path, s3):
    server, client = s3
    folder = tmp_path / "team"
    folder.mkdir()

    def run(*words):
        command = [sys.executable, "-W", "ignore", "-m", *words]
        if words[0] == "git":
            command = list(words)
        known = {"AWS_DEFAULT_REGION": "us-east-1", "DVC_NO_ANALYTICS": "1"}
        environment = {**os.environ, **known}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("git", "init", "-q")
    run("dvc", "init", "-q")
    table = pd.DataFrame({"a": range(500)})
    table.to_parquet(folder / "table.parquet")
    run("dvc", "add", "-q", "table.parquet")
    run("dvc", "remote", "add", "-d", "team", "s3://tabveil/dvc")
    run("dvc", "remote", "modify", "team", "endpointurl", server.url)
    run("dvc", "remote", "modify", "--local", "team", "access_key_id", "key")
    run("dvc", "remote", "modify", "--local", "team", "secret_access_key", SECRET)
    run("dvc", "push", "-q")
    assert client.list_objects_v2(Bucket="tabveil", Prefix="dvc/")["KeyCount"] >= 1

    run("git", "add", "--all")
    assert SECRET not in run("git", "diff", "--cached")
    (folder / "table.parquet").unlink()
    for path in (folder / ".dvc" / "cache").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.unlink()
    run("dvc", "pull", "-q")
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "table.parquet"), table)
