"""A Ray cluster of several node processes on this machine, for what is measured and what is killed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

# A node that was killed is missed after two seconds, not after the fifteen that suit a network.
_SYSTEM = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2_000,
    "health_check_failure_threshold": 4,
}


class Nodes:
    """A head without cores, and nodes with one core each; `address` is what RAY_ADDRESS names."""

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        self._cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": _SYSTEM},
        )
        self.workers = [self.add() for _ in range(count)]

    @property
    def address(self) -> str:
        """What RAY_ADDRESS names."""
        return str(self._cluster.address)

    def add(self) -> Any:
        """One more node, of one core."""
        return self._cluster.add_node(num_cpus=1, include_dashboard=False, wait=False)

    def kill(self, rng: random.Random) -> None:
        """SIGKILL to a node's process; another node takes its place."""
        struck = self.workers.pop(rng.randrange(len(self.workers)))
        self._cluster.remove_node(struck, allow_graceful=False)
        self.workers.append(self.add())

    def shutdown(self) -> None:
        """End all of it."""
        self._cluster.shutdown()


@contextlib.contextmanager
def nodes(count: int, folder: Path) -> Iterator[Nodes]:
    """A cluster with a token of its own, as long as the context is open; the environment names it."""
    before = {name: os.environ.get(name) for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS")}
    token = folder / "ray-token"
    token.write_text("0123456789abcdef" * 4, encoding="ascii")
    token.chmod(0o600)
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    made = Nodes(count)
    os.environ["RAY_ADDRESS"] = made.address
    try:
        yield made
    finally:
        made.shutdown()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def actors() -> list[psutil.Process]:
    """The processes of actors of ours on this machine: of nodes that this process has started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if (process.cmdline() or [""])[0].startswith("ray::Node"):
                found.append(process)
    return found


def kill_actor(rng: random.Random) -> bool:
    """SIGKILL to an actor's process; False where none is up."""
    there = actors()
    if not there:
        return False
    with contextlib.suppress(psutil.Error):
        rng.choice(there).send_signal(signal.SIGKILL)
        return True
    return False
