"""A language model's server, and settings of a studio that uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from tests.support import studios
from tests.support.assist_server import MODEL, AssistServer, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AssistServer]:
    with serving() as one:
        one.configure(monkeypatch)
        yield one


@pytest.fixture
def settings(tmp_path, server: AssistServer) -> Settings:
    """A laptop's settings: nobody signs in; `mine` is a copy of the example."""
    chosen = studios.settings(tmp_path).model_copy(update={"assist_url": server.url, "assist_model": MODEL})
    studios.write_example(chosen)
    collection.copy_set(chosen, "little", "mine")
    return chosen
