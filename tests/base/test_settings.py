"""Settings from the environment: paths made absolute, defaults, and a sentence for a value that is not allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import ROOT, Settings


def test_an_empty_environment_has_defaults() -> None:
    settings = Settings.from_env({})
    assert settings.home == Path.home() / ".e2lm-studio"
    assert (settings.tasks, settings.ladder) == (ROOT / "tasks", ROOT / "ladder")
    assert (settings.checkpoints, settings.device, settings.dtype) == ((), None, "float32")
    assert (settings.threads, settings.hub_endpoint, settings.hub_quota_bytes) == (None, None, 20 * 10**9)


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "E2LM_HOME": "home",
            "E2LM_TASKS": "/sets",
            "E2LM_LADDER": "~/ladder",
            "E2LM_CHECKPOINTS": os.pathsep.join(["/one", "", "two"]),
            "E2LM_DEVICE": "cuda:1",
            "E2LM_DTYPE": "bfloat16",
            "E2LM_THREADS": "3",
            "E2LM_HUB_ENDPOINT": "https://hub.example/",
            "E2LM_HUB_QUOTA_GB": "0.5",
        }
    )
    assert (settings.home, settings.tasks) == (Path.cwd() / "home", Path("/sets"))
    assert settings.ladder == Path.home() / "ladder"
    assert settings.checkpoints == (Path("/one"), Path.cwd() / "two")
    assert (settings.device, settings.dtype, settings.threads) == ("cuda:1", "bfloat16", 3)
    assert (settings.hub_endpoint, settings.hub_quota_bytes) == ("https://hub.example", 500_000_000)
    assert (settings.sets, settings.database) == (settings.home / "sets", settings.home / "studio.sqlite")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("E2LM_DTYPE", "float8"),
        *(("E2LM_THREADS", value) for value in ("0", "-1", "two")),
        ("E2LM_HUB_ENDPOINT", "hub.example"),
        *(("E2LM_HUB_QUOTA_GB", value) for value in ("0", "-1", "1e3", "much")),
    ],
)
def test_a_value_that_is_not_allowed_is_named(name: str, value: str) -> None:
    with pytest.raises(StudioError, match=f"^{name} is '{value}'; use .*\\.$"):
        Settings.from_env({name: value})
