"""A Ray cluster of two nodes on this machine, as small as Ray allows."""

import os
import secrets
from contextlib import contextmanager

import psutil
import pytest
from processes import all_end, command_of, has_ended

# Who may join: this process, and the drivers that it starts. Ray reads this as it is imported.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
pytest.importorskip("ray", reason="Ray is not installed; pip install 'tabveil[ray]'")

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@contextmanager
def two_nodes():
    """The cluster and its second node; all its processes are gone afterwards."""
    before = set(psutil.Process().children(recursive=True))
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    try:
        yield cluster, cluster.add_node(**NODE)
    finally:
        started = set(psutil.Process().children(recursive=True)) - before
        cluster.shutdown()
        assert all_end(started), "Ray's processes outlive the cluster"


def workers(of=None):
    """Processes of this machine's Ray that are in mid-trial."""
    return [
        process
        for process in psutil.Process(of or os.getpid()).children(recursive=True)
        if not has_ended(process) and process.name().startswith("ray::_run")
    ]


def ray_processes():
    """All that this process has started of Ray."""
    return {
        process
        for process in psutil.Process().children(recursive=True)
        if "ray" in command_of(process)
    }
