"""Tries the Dockerfile out without Docker: its very steps in a chroot, then what the image must do.

Root on Debian, with debootstrap. In place of the base image stands Debian with its own Python (trixie: 3.13), or
with another that was built from source, as the base image's is: --python PREFIX. apt's mirror and pip's settings
are taken from this machine. Everything runs in namespaces of its own, which end with it. With bindfs installed a
volume that is not fit for a database is tried too. Prints one line of JSON; exit 1 where something does not hold.
scripts/chroot_image.sh calls it.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from e2lm_core.deploy.space.dockerignore import build_context
from scripts.image import dockerfile, held

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = "ca-certificates,python3"
WITH_ITS_OWN_PIP = ",python3-pip,python-is-python3"
# What the base image has not either of its Python.
NOT_IN_A_BASE = shutil.ignore_patterns(
    "site-packages", "test", "tests", "idle_test", "__pycache__", "*.a", "share"
)
INSIDE = "E2LM_IMAGE_NAMESPACE"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Debian's pip asks for this word; the base image's does not.
BASE = {"PATH": PATH, "LANG": "C.UTF-8", "PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_ROOT_USER_ACTION": "ignore"}
OF_THE_NETWORK = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def main() -> None:
    """Make the base, run the steps, hold the result to what is promised of it."""
    options = _options()
    _be_apart()
    image = dockerfile.read(
        (ROOT / "Dockerfile").read_text(encoding="utf-8"),
        dict(argument.split("=", 1) for argument in options.build_arg),
    )
    work = options.work.absolute()
    root = work / "root"
    if not options.check_only:
        _say(
            f"{image.base} is stood in for by Debian {options.suite} with {options.python or 'its own Python'}"
        )
        base = work / f"base-{options.suite}{'' if options.python is None else '-bare'}"
        _base(base, options)
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", base, root], check=True)
        if options.python is not None:
            _python(options.python, root)
        _build(image, root)
    _mounts(root)
    (root / ".dockerenv").touch()  # Docker's mark of a container, whose own disk does not last
    report = held.report(root, image)
    sys.stdout.write(json.dumps(report) + "\n")
    sys.exit(0 if report["holds"] else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--work", type=Path, default=Path("/var/tmp/e2lm-image"), help="where the chroot is made"
    )
    parser.add_argument("--suite", default="trixie", help="Debian's release (default: trixie)")
    parser.add_argument("--python", type=Path, metavar="PREFIX", help="a Python that was built from source")
    parser.add_argument("--mirror", help="Debian's mirror (default: apt's own)")
    parser.add_argument(
        "--build-arg", action="append", default=[], metavar="NAME=VALUE", help="as docker build's"
    )
    parser.add_argument(
        "--check-only", action="store_true", help="hold the chroot that is there to its promises"
    )
    return parser.parse_args()


def _be_apart() -> None:
    """Go on in mount and process namespaces of one's own: no mount stays behind, and no process."""
    if os.environ.get(INSIDE):
        return
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        sys.exit("This needs root on Debian, with debootstrap installed.")
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = [*apart, sys.executable, "-m", "scripts.image.chroot", *sys.argv[1:]]
    os.chdir(ROOT)
    os.execvpe("unshare", command, {**os.environ, INSIDE: "1"})


def _base(base: Path, options: argparse.Namespace) -> None:
    """Debian with Python; one that is there already is used again."""
    if (base / "usr/bin/python3").exists():
        return
    base.parent.mkdir(parents=True, exist_ok=True)
    packages = PACKAGES + ("" if options.python else WITH_ITS_OWN_PIP)
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", options.suite, str(base)]
    subprocess.run([*command, options.mirror or _mirror()], check=True, stdout=sys.stderr)
    for kept in ("var/cache/apt", "var/lib/apt/lists"):  # as the base image has them: empty
        shutil.rmtree(base / kept, ignore_errors=True)


def _python(prefix: Path, root: Path) -> None:
    """A Python at /usr/local, where the base image has its own, with the pip that it brings."""
    local = root / "usr/local"
    for program in sorted(prefix.glob("bin/python*")):
        if not program.name.endswith(("-config", ".py", ".sh")):
            shutil.copy2(program, local / "bin" / program.name, follow_symlinks=False)
    shutil.copytree(prefix / "lib", local / "lib", ignore=NOT_IN_A_BASE, symlinks=True, dirs_exist_ok=True)
    held.inside(root, ["ldconfig"], BASE, "root", "/", check=True)
    held.inside(root, ["python3", "-m", "ensurepip", "--default-pip"], BASE, "root", "/", check=True)


def _build(image: dockerfile.Image, root: Path) -> None:
    pip = dict(_pip_settings())
    mounted = [
        *_mounts(root),
        *_lent(root, [*pip.values(), "/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs"]),
    ]
    try:
        for step in image.steps:
            started = time.monotonic()
            if isinstance(step, dockerfile.Copy):
                _copy(step, root)
            else:
                env = {**BASE, **pip, **_of_the_network(), **step.env, "HOME": "/root"}
                held.inside(root, ["sh", "-c", step.command], env, step.user, step.folder, check=True)
            _say(f"{time.monotonic() - started:6.1f} s  {str(step)[:90]}")
    finally:
        for point in reversed(mounted):
            subprocess.run(["umount", "--lazy", point], check=False)


def _copy(step: dockerfile.Copy, root: Path) -> None:
    target = root / step.target.lstrip("/")
    names = list(build_context(ROOT)) if step.source == "." else [step.source]
    for name in names:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, path)
    if step.owner:
        subprocess.run(["chown", "-R", step.owner, target], check=True)


def _mounts(root: Path) -> list[Path]:
    """What a container has: /proc, and a few devices."""
    made = []
    for name, arguments in {
        "proc": ["-t", "proc", "proc"],
        "dev": ["-t", "tmpfs", "-o", "mode=755", "tmpfs"],
        "dev/shm": ["-t", "tmpfs", "-o", "mode=1777,size=64m", "tmpfs"],
    }.items():
        (root / name).mkdir(exist_ok=True)
        subprocess.run(["mount", *arguments, root / name], check=True)
        made.append(root / name)
    for number, name in ((3, "null"), (5, "zero"), (7, "full"), (8, "random"), (9, "urandom")):
        device = root / "dev" / name
        os.mknod(device, 0o020666, os.makedev(1, number))
        device.chmod(0o666)
    return made


def _lent(root: Path, paths: list[str]) -> Iterator[Path]:
    """This machine's files and folders at the same place, to be read while the image is built."""
    for path in {word for text in paths for word in text.split() if word.startswith("/")}:
        real, place = Path(path), root / path.lstrip("/")
        if not real.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True) if real.is_dir() else place.touch()
        subprocess.run(["mount", "--bind", real, place], check=True)
        yield place


def _pip_settings() -> Iterator[tuple[str, str]]:
    """This machine's pip settings as variables: an index, a certificate, a folder of wheels."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    for key, value in re.findall(r"^(?:global|install|:env:)\.([a-z-]+)=(.+)$", listed.stdout, re.M):
        yield f"PIP_{key.replace('-', '_').upper()}", " ".join(str(ast.literal_eval(value)).split())


def _of_the_network() -> Mapping[str, str]:
    return {name: os.environ[name] for name in OF_THE_NETWORK if name in os.environ}


def _mirror() -> str:
    """The first archive that apt is set up with."""
    for file in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        for address in re.findall(r"^(?:URIs:|deb(?: \[.*?\])?)\s+(https?://\S+)", text, re.M):
            if "security" not in address:
                return str(address)
    return "http://deb.debian.org/debian"


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    main()
