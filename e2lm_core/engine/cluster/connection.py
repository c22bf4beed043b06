"""Connection to a Ray cluster, existing or started here.

Nodes get this package's code as an archive, the numbers of `payload`, and nothing of the environment.
Tested in tests/engine/cluster/test_ray.py.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from e2lm_core.base import processes
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import ROOT, Settings

REQUIREMENT = "ray>=2.60"  # as in requirements-ray.txt, which an installed studio does not have
_STARTING = threading.Lock()


def import_ray() -> Any:
    """Import Ray.

    Raises:
        StudioError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise StudioError(
            Sentence(
                "Ray is not installed: run `pip install '{requirement}'`, or leave out --backend ray and E2LM_BACKEND.",
                requirement=REQUIREMENT,
            )
        ) from error
    return ray


def connect(settings: Settings) -> Any:
    """Join the cluster of RAY_ADDRESS, or one started on this machine for this process, and return Ray.

    Raises:
        StudioError: Ray is not installed, or the cluster does not answer or start.
    """
    ray = import_ray()
    address = os.environ.get("RAY_ADDRESS")
    with _STARTING, _signals_kept(), staged_package() as code:
        if ray.is_initialized():
            return ray
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        runtime = {"working_dir": str(code), "env_vars": {"TOKENIZERS_PARALLELISM": "false"}}
        try:
            if address:
                ray.init(address=address, runtime_env=runtime, **options)
            else:
                _own_token()
                with _without_secrets():
                    ray.init(
                        address="local",
                        num_cpus=settings.threads or processes.usable_cores(),
                        include_dashboard=False,
                        runtime_env=runtime,
                        **options,
                    )
        except Exception as error:  # Ray raises a dozen kinds
            first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise StudioError(
                Sentence(
                    "The Ray cluster of RAY_ADDRESS cannot be reached ({first}): see `ray status`.",
                    first=first,
                )
                if address
                else Sentence(
                    "A Ray cluster on this machine cannot be started ({first}): see `ray status`.",
                    first=first,
                )
            ) from error
    return ray


@contextlib.contextmanager
def staged_package() -> Iterator[Path]:
    """A folder with only this package's code, which nodes import, so that all run the same."""
    with tempfile.TemporaryDirectory(prefix="e2lm-code-") as folder:
        package = ROOT / "e2lm_core"
        shutil.copytree(
            package, Path(folder) / "e2lm_core", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
        yield Path(folder)


def _own_token() -> None:
    """Protect a cluster of this process with a token of its own, not one that stays in the user's home."""
    if any(name.startswith("RAY_AUTH_") for name in os.environ):
        return
    folder = tempfile.mkdtemp(prefix="e2lm-ray-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "token"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32), encoding="ascii")
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(path)


@contextlib.contextmanager
def _without_secrets() -> Iterator[None]:
    """Reduce the environment inside the context to the allow-list of subprocesses.

    The processes of a cluster that is started inside inherit it.
    """
    before = dict(os.environ)
    kept = processes.subprocess_environment(with_network=True) | {
        n: v for n, v in before.items() if n.startswith("RAY_")
    }
    for name in before.keys() - kept.keys():
        del os.environ[name]
    try:
        yield
    finally:
        for name in before.keys() - kept.keys():
            os.environ[name] = before[name]


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Restore the signal handlers after the context.

    Ray takes SIGTERM for itself if the main thread starts it, but a worker ends its run by that signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def device_kind(ray: Any, settings: Settings) -> str:
    """GPU if the cluster has any and the settings do not name the CPU, else CPU."""
    wants_cpu = (settings.device or "").startswith("cpu")
    return "GPU" if not wants_cpu and ray.cluster_resources().get("GPU", 0) >= 1 else "CPU"


def capacity(ray: Any, resource: str) -> int:
    """Amount of a resource, such as CPU or GPU, that the cluster has now."""
    return int(ray.cluster_resources().get(resource, 0))


def create_actor(ray: Any, settings: Settings, resource: str) -> Any:
    """A new actor on any node with room for it, now or later; `resource` is CPU or GPU."""
    from e2lm_core.engine.cluster.node import Node

    on_gpu = resource == "GPU"
    made = ray.remote(num_cpus=1, num_gpus=1 if on_gpu else 0, max_restarts=0, max_task_retries=0)(Node)
    # Actors are spread, so that the memory of one machine is not exhausted while others are free.
    return made.options(scheduling_strategy="SPREAD").remote(settings.dtype, "cuda" if on_gpu else "cpu")
