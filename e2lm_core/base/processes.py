"""Environment allow-list for subprocesses; memory and CPU time of this process.

A deployer's environment holds secrets (a hub's token, an OAuth client's): a process that computes needs none.
"""

from __future__ import annotations

import fnmatch
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

# Places of programs, libraries and temporary files, numbers of threads, devices, the studio's own variables.
_NAMES = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TEMP", "TMP"),
    *("LD_LIBRARY_PATH", "DYLD_*", "VIRTUAL_ENV", "XDG_*"),
    *("PYTHON*", "COVERAGE_*", "E2LM_*"),
    *("OMP_*", "MKL_*", "KMP_*", "OPENBLAS_*", "VECLIB_*", "NUMEXPR_*", "GOMP_*", "MALLOC_*", "LD_PRELOAD"),
    *("CUDA_*", "NVIDIA_*", "HIP_*", "ROCR_*", "PYTORCH_*", "TORCH_*", "TRITON_*"),
    *(
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_HUB_OFFLINE",
        "HF_ENDPOINT",
        "TRANSFORMERS_OFFLINE",
        "TOKENIZERS_PARALLELISM",
    ),
)
# Processes that download or join a cluster also need the variables of the network, of a hub and of Ray.
_NETWORK = (
    *(
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "all_proxy",
    ),
    *(
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HF_HUB_*",
        "HF_XET_*",
        "RAY_*",
    ),
)
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_SECRET = re.compile(r"TOKEN$|SECRET|PASSWORD|CREDENTIAL|_KEY$")
_CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
SHARE = 0.8  # of the machine's memory


def subprocess_environment(
    with_network: bool = False, with_token: bool = False, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Environment variables for a subprocess, by an allow-list of names.

    Args:
        with_network: Include the variables of proxies, certificates, a hub and Ray.
        with_token: Include a hub's token.
        env: Environment to select from; that of this process if None.
    """
    here = os.environ if env is None else env
    names = (*_NAMES, *_NETWORK) if with_network else _NAMES
    given = {
        name: value
        for name, value in here.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in names) and not _SECRET.search(name)
    }
    return given | {name: here[name] for name in TOKENS if with_token and name in here}


def usable_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def total_memory_bytes() -> int | None:
    """Memory of this machine, or the container's limit, in bytes; None if it is unknown."""
    found = [_number(path.read_text(encoding="ascii")) for path in _CGROUP if path.exists()]
    found.append(_kilobytes(Path("/proc/meminfo"), "MemTotal"))
    return min((number for number in found if number), default=None)


def used_memory_bytes() -> int | None:
    """Memory of this process itself, in bytes, without files that are only mapped; None if it is unknown."""
    status = Path("/proc/self/status")
    anonymous, shared = _kilobytes(status, "RssAnon"), _kilobytes(status, "RssShmem")
    return None if anonymous is None else anonymous + (shared or 0)


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None  # the text `max` means that there is no limit


def _kilobytes(path: Path, name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", path.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


_elsewhere = [0.0]


def add_remote_cpu_seconds(seconds: float) -> None:
    """Add processor time that another process, such as one on another machine, took for this one."""
    _elsewhere[0] += seconds


def cpu_seconds() -> float:
    """Processor time of this process, and of the processes that computed for it elsewhere."""
    return time.process_time() + _elsewhere[0]
