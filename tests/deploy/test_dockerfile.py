"""The Dockerfile as it is read where there is no Docker: its steps, its arguments, and the one host in it."""

from __future__ import annotations

import re

import pytest

from e2lm_core.base.settings import ROOT
from scripts.image import dockerfile
from scripts.image.dockerfile import Copy, Run

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_its_steps_in_order() -> None:
    image = dockerfile.read(TEXT)
    assert image.base.startswith("python:3.")
    kinds = [type(step).__name__ for step in image.steps]
    assert kinds == ["Run", "Copy", "Copy", "Copy", "Run", "Copy", "Run"]
    assert image.steps[5] == Copy(".", "/app", None)
    assert (image.user, image.folder) == ("1000", "/app")
    assert image.entrypoint == ["sh", "scripts/entrypoint.sh"]
    assert "/healthz" in image.healthcheck[-1]
    assert image.env["E2LM_LOG"] == "json"


def test_which_torch_is_an_argument() -> None:
    def env(**arguments: str) -> dict[str, str]:
        installs = dockerfile.read(TEXT, arguments).steps[4]
        assert isinstance(installs, Run)
        return dict(installs.env)

    assert env()["TORCH"] == "cpu"
    assert env()["TORCH_INDEX"].startswith("https://")
    assert env(TORCH_INDEX="")["TORCH_INDEX"] == ""
    assert env(TORCH="cuda")["TORCH"] == "cuda"
    with pytest.raises(ValueError, match="no ARG NOTHING"):
        env(NOTHING="1")


def test_one_host_stands_in_it() -> None:
    assert re.findall(r"https?://([\w.-]+)", TEXT) == ["download.pytorch.org", "127.0.0.1"]


def test_its_torch_is_the_one_of_the_requirements() -> None:
    pattern = re.search(r"grep -oE '([^']+)' requirements.txt", TEXT)
    assert pattern is not None
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [match[0].strip() for line in lines if (match := re.match(pattern[1], line))]
    assert len(found) == 1
    assert found[0].startswith("torch>=")


@pytest.mark.parametrize("text", ["FROM a\nSHELL x", "FROM a\nCOPY a b c"])
def test_what_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="known here"):
        dockerfile.read(text)
