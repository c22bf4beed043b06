"""What the image must do, tried in the chroot: served, healthy, on /data or without it, ended by SIGTERM, small.

Standard library alone. The server is the first process of a namespace of its own, as in a container.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.image.dockerfile import Image, Run

MAX_BYTES = 2_900_000_000  # without CUDA, with the larger embedding model (.4 GB)
START_S, END_S = 120.0, 10.0
PATH = "/usr/local/bin:/usr/bin:/bin"
HOME = "/home/studio"
CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"
BINDFS = shutil.which("bindfs")
UNSHARE = shutil.which("unshare") or "/usr/bin/unshare"


def inside(
    root: Path,
    command: Sequence[str],
    env: Mapping[str, str],
    user: str = "1000",
    folder: str = "/app",
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a command in the chroot; what it prints goes to stderr, unless it is asked for without `check`."""
    return subprocess.run(
        _command(root, command, user, folder),
        env=dict(env),
        check=check,
        text=True,
        stdout=sys.stderr if check else subprocess.PIPE,
        stderr=None if check else subprocess.PIPE,
    )


def report(root: Path, image: Image) -> dict[str, Any]:
    """What was measured and what holds; `holds` is whether all of it does."""
    env = {"PATH": PATH, "HOME": HOME, "LANG": "C.UTF-8", **image.env, "PORT": str(_free_port())}
    found: dict[str, Any] = {"bytes": _bytes(root), "python": _python(root, env)}
    _empty(root / "data", owner=1000)
    with _server(root, image, env) as server:
        found["served"] = _served(root, image, env, server)
        found["home_on_data"] = (root / "data/studio.sqlite").is_file()
        found["commands"] = {" ".join(words): _works(root, words, env) for words in COMMANDS}
        found["sigterm_s"] = _ended(server)
    found["log"] = _log(server)
    _empty(root / "data", owner=0)
    shutil.rmtree(root / HOME.lstrip("/") / ".e2lm-studio", ignore_errors=True)
    with _server(root, image, env) as server:
        found["served_without_data"] = _served(root, image, env, server)
        found["home_in_home"] = (root / HOME.lstrip("/") / ".e2lm-studio/studio.sqlite").is_file()
        found["sigterm_without_data_s"] = _ended(server)
    found["log_without_data"] = _log(server)
    shutil.rmtree(root / HOME.lstrip("/") / ".e2lm-studio", ignore_errors=True)
    _empty(root / "data", owner=1000)
    found["unfit_volume"] = _on_an_unfit_volume(root, image, env)
    cuda = any(isinstance(step, Run) and step.env.get("TORCH") == "cuda" for step in image.steps)
    found["holds"] = _holds(found) and (cuda or found["bytes"] < MAX_BYTES)
    return found


# Each uses libraries that slimming might have broken: the engine, the embeddings, the charts of a report.
COMMANDS = (
    ("evaluate", "ladder_science", "--checkpoints", "ladder-small-arch1/iter_0000*", "--json"),
    ("relevance", "ladder_science", "--json"),
    ("report", "ladder_science", "--out", "/tmp/report.html", "--json"),
)


def _on_an_unfit_volume(root: Path, image: Image, env: Mapping[str, str]) -> dict[str, bool] | None:
    """With a volume on which no database can be shared the home lies beside it, and is kept there over a restart.

    None where bindfs, which makes such a volume, is not installed.
    """
    if BINDFS is None:
        return None
    home = root / HOME.lstrip("/") / ".e2lm-studio"
    (root / "tmp/volume").mkdir(exist_ok=True)
    os.chown(root / "tmp/volume", 1000, 1000)
    subprocess.run([BINDFS, "-o", "direct_io", root / "tmp/volume", root / "data"], check=True)
    copying = ["sets", "copy", "ladder_science", "kept", "--json"]
    try:
        with _server(root, image, env) as server:
            _served(root, image, env, server)
            copied = _works(root, copying, {**env, "E2LM_HOME": f"{HOME}/.e2lm-studio"})
            beside = home.is_dir()
            ended = _ended(server) is not None
        kept = (root / "tmp/volume/studio-backup.tar.gz").is_file()
        shutil.rmtree(home)
        with _server(root, image, env) as server:
            _served(root, image, env, server)
            back = (home / "sets/kept/kept.yaml").is_file()
            ended = _ended(server) is not None and ended
    finally:
        subprocess.run(["umount", "--lazy", root / "data"], check=False)
        shutil.rmtree(home, ignore_errors=True)
    return {"home_beside": beside and copied, "kept": kept, "back": back, "ended": ended}


def _holds(found: Mapping[str, Any]) -> bool:
    def is_served(served: Mapping[str, Any]) -> bool:
        return bool(served["uid"] == 1000 and served["page"] == 200 and served["healthz"].get("ok"))

    ends = (found["sigterm_s"], found["sigterm_without_data_s"])
    return bool(
        found["home_on_data"]
        and found["home_in_home"]
        and all(found["commands"].values())
        and is_served(found["served"])
        and is_served(found["served_without_data"])
        and all(end is not None for end in ends)
        and all((found["unfit_volume"] or {}).values())
    )


def _command(root: Path, command: Sequence[str], user: str, folder: str) -> list[str]:
    who = "0" if user == "root" else user
    drop = ["setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups"] if who != "0" else []
    # setpriv and env are of the chroot's own util-linux and coreutils.
    return [CHROOT, str(root), *drop, "env", f"--chdir={folder}", *command]


@contextmanager
def _server(root: Path, image: Image, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    apart = [UNSHARE, "--pid", "--fork", "--kill-child"]
    log = (root / "tmp/server.log").open("wb")
    with log:
        command = [*apart, *_command(root, image.entrypoint, image.user, image.folder)]
        process = subprocess.Popen(command, env=dict(env), stdout=log, stderr=subprocess.STDOUT)
    process.log = root / "tmp/server.log"  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _served(
    root: Path, image: Image, env: Mapping[str, str], server: subprocess.Popen[bytes]
) -> dict[str, Any]:
    """How long until the image's own health check says yes, what is answered, and as whom the server runs."""
    started = time.monotonic()
    while inside(root, image.healthcheck, env, image.user, image.folder).returncode != 0:
        if server.poll() is not None or time.monotonic() - started > START_S:
            sys.exit(f"The image is not served: {_log(server)[-3000:]}")
        time.sleep(0.3)
    healthy_s = time.monotonic() - started
    at = f"http://127.0.0.1:{env['PORT']}"
    with urllib.request.urlopen(at + "/", timeout=10) as page:
        status = page.status
    with urllib.request.urlopen(at + "/healthz", timeout=10) as answer:
        health = json.load(answer)
    return {"healthy_s": round(healthy_s, 1), "page": status, "healthz": health, "uid": _uid(_child(server))}


def _works(root: Path, words: Sequence[str], env: Mapping[str, str]) -> bool:
    done = inside(root, ["python", "-m", "e2lm_core", *words], {"E2LM_HOME": "/data", **env})
    if done.returncode:
        sys.stderr.write(done.stderr[-3000:])
    return done.returncode == 0


def _ended(server: subprocess.Popen[bytes]) -> float | None:
    """Seconds from SIGTERM to the server's end, None where it does not end in time."""
    started = time.monotonic()
    os.kill(_child(server), signal.SIGTERM)
    try:
        server.wait(END_S)
    except subprocess.TimeoutExpired:
        return None
    return round(time.monotonic() - started, 2)


def _child(server: subprocess.Popen[bytes]) -> int:
    """The container's first process: the only child of `unshare`."""
    return int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[0])


def _uid(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[2])


def _log(server: subprocess.Popen[bytes]) -> list[str]:
    log: Path = server.log  # type: ignore[attr-defined]
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]


def _bytes(root: Path) -> int:
    """What the image takes on disk, without what is mounted into it."""
    listed = subprocess.run(["du", "-xs", "--block-size=1", root], capture_output=True, text=True, check=True)
    return int(listed.stdout.split()[0])


def _python(root: Path, env: Mapping[str, str]) -> str:
    return inside(root, ["python", "--version"], env).stdout.strip()


def _empty(folder: Path, owner: int) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    os.chown(folder, owner, owner)
    folder.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
