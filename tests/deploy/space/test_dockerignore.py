"""Which files an image is built from, by Docker's own rules."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from e2lm_core.base.settings import ROOT
from e2lm_core.deploy.space.dockerignore import DockerIgnore, build_context


@pytest.mark.parametrize(
    ("rules", "path", "out"),
    [
        ("docs", "docs/deploy.md", True),
        ("docs", "e2lm_core/docs/x", False),
        ("docs/", "docs/x", True),
        ("/docs", "docs/x", True),
        ("*.md", "README.md", True),
        ("*.md", "ladder/README.md", False),
        ("**/*.pyc", "a/b/c.pyc", True),
        ("**/*.pyc", "c.pyc", True),
        ("**/.*", "a/.env", True),
        ("**/.*", ".git/config", True),
        ("**/.*\n!.streamlit", ".streamlit/config.toml", False),
        ("**/.*\n!.streamlit\n.streamlit/secrets.toml", ".streamlit/secrets.toml", True),
        ("scripts/*\n!scripts/entrypoint.sh", "scripts/entrypoint.sh", False),
        ("scripts/*\n!scripts/entrypoint.sh", "scripts/other.sh", True),
        ("# docs", "docs/x", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("", "x", False),
    ],
)
def test_patterns(rules: str, path: str, out: bool) -> None:
    assert DockerIgnore(rules)(path) is out


def test_the_image_holds_what_runs_and_nothing_else() -> None:
    files = set(build_context(ROOT))
    for wanted in (
        "app.py",
        "pages/questions.py",
        "e2lm_core/__main__.py",
        "ladder/manifest.json",
        "tasks/ladder_science/README.md",
        "static/fonts/Inter-Regular.woff2",
        ".streamlit/config.toml",
        "requirements.txt",
        "requirements-embedder.txt",
        "requirements-weights.txt",
        "scripts/entrypoint.sh",
    ):
        assert wanted in files
    for unwanted in (
        "tests/*",
        "docs/*",
        "benchmarks/*",
        "*.md",
        "ladder/*.py",
        "*.pyc",
        ".git/*",
        ".venv/*",
    ):
        found = fnmatch.filter(files, unwanted)
        assert [name for name in found if not name.startswith(("tasks/", "ladder/README"))] == []


def test_links_are_no_files_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "secret").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    (tmp_path / "file").touch()
    assert list(build_context(tmp_path)) == ["file"]
