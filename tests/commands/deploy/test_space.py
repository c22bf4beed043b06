"""`deploy`: first what it would do, then, with --yes, that."""

from __future__ import annotations

from pathlib import Path

from tests.commands.conftest import Cli
from tests.deploy.space.spaces import SpacesHub


def test_it_shows_first_and_does_it_with_yes(call: Cli, hub: SpacesHub, checkout: Path) -> None:
    shown = call("deploy", "me/studio", "--hardware", "cpu-basic", "--bucket", "me/data", "--sign-in")
    for told in (
        "make",
        "a private bucket",
        "the Docker Space me/studio",
        "volume /data: – → me/data",
        "app.py",
    ):
        assert told in shown
    assert "Nothing is done yet: add --yes." in shown
    assert not hub.spaces
    done = call(
        "deploy", "me/studio", "--bucket", "me/data", "--variable", "E2LM_THREADS=2", "--yes", "--json"
    )
    assert done["done"]
    assert done["creates"]
    assert done["commit"] == hub.spaces["me/studio"].commits[-1]
    assert {"path": "app.py", "bytes": 8} in done["uploads"]
    assert {"name": "variable E2LM_THREADS", "before": None, "after": "2"} in done["settings"]
    assert "is up to date" in call("deploy", "me/studio", "--yes")


def test_what_cannot_be_is_one_sentence(call: Cli, hub: SpacesHub, checkout: Path) -> None:
    assert "no Space's name" in call("deploy", "studio", code=2)
    assert "NAME=VALUE" in call("deploy", "me/studio", "--variable", "X", code=2)
    (checkout / "app.py").write_text("key = 'hf_" + "a" * 34 + "'")
    assert "app.py holds what looks like a token" in call("deploy", "me/studio", "--yes", code=2)
    assert not hub.spaces
