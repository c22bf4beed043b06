"""`/healthz` answers 200 or 503 as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from e2lm_core.ui.server import asgi


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "home"))
    return TestClient(Starlette(routes=asgi.routes(), middleware=list(asgi.middleware())))


def test_a_studio_that_is_well(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "app": "ok", "database": "ok", "worker": "idle"}
    assert answer.headers["cache-control"] == "no-store"


def test_a_studio_that_is_not(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "studio.sqlite").write_bytes(b"no database" * 400)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "failed"
    assert str(tmp_path) not in answer.text
