"""What the server is given beside the pages."""

from __future__ import annotations

import logging
import tomllib
from unittest.mock import Mock

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from streamlit import config, error_util
from streamlit.runtime import Runtime
from streamlit.web.server.starlette.starlette_agent_routes import create_agent_routes

from e2lm_core.base.settings import Settings
from e2lm_core.ui.requests.middleware.origin_guard import OriginGuardMiddleware
from e2lm_core.ui.requests.middleware.security_headers import SecurityHeadersMiddleware
from e2lm_core.ui.requests.middleware.upload_limit import UploadLimitMiddleware
from e2lm_core.ui.server import asgi, lifespan
from tests.conftest import ROOT


def test_every_request_passes_the_guards_and_refusals_bear_the_headers_too():
    classes = [one.cls for one in asgi.middleware()]
    assert {SecurityHeadersMiddleware, OriginGuardMiddleware, UploadLimitMiddleware} <= set(classes)
    assert (
        classes.index(SecurityHeadersMiddleware)
        < classes.index(OriginGuardMiddleware)
        < classes.index(UploadLimitMiddleware)
    )


def test_the_first_page_is_found_by_its_name_too():
    client = TestClient(Starlette(routes=[Mount("/studio", routes=list(asgi.routes()))]))
    shown = client.get("/studio/sets?set=little&embed=true", follow_redirects=False)
    assert shown.next_request is not None
    assert shown.next_request.url == "http://testserver/studio/?set=little&embed=true"
    bare = client.get("/studio/sets", follow_redirects=False)
    assert bare.next_request is not None
    assert bare.next_request.url == "http://testserver/studio/"


def test_a_setting_that_is_wrong_still_gives_a_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("E2LM_METRICS", "wide")
    assert len(asgi.middleware()) == len(asgi.middleware())


def test_no_page_shows_a_traceback():
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["client"]["showErrorDetails"] == "none"
    assert told["client"]["showErrorLinks"] is False


def test_a_page_that_fails_is_a_record_of_the_log_and_no_drawing_beside_it(caplog):
    """Streamlit gives a traceback to rich where that is installed, which knows nothing of E2LM_LOG."""
    assert config.get_option("logger.enableRich") is False
    logger = logging.getLogger("streamlit.error_util")
    logger.addHandler(caplog.handler)  # Streamlit's loggers do not propagate
    try:
        error_util._log_uncaught_app_exception(ValueError("a page of ours"))
    finally:
        logger.removeHandler(caplog.handler)
    assert [record.getMessage() for record in caplog.records] == ["Uncaught app execution"]
    assert "a page of ours" in caplog.text


@pytest.mark.parametrize("switched_on", [False, True])
def test_the_agent_api_is_off_and_another_state_is_said(monkeypatch, tmp_path, caplog, switched_on):
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["server"]["enableAgentApi"] is False
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    monkeypatch.setattr(lifespan.mounts, "MARKS", ())
    before = config.get_option("server.enableAgentApi")
    config.set_option("server.enableAgentApi", switched_on)
    try:
        with caplog.at_level(logging.WARNING, "e2lm"):
            lifespan._begin(Settings.from_env())
        routes = create_agent_routes(Mock(spec=Runtime), None)
        answer = TestClient(Starlette(routes=routes)).post(
            "/_stcore/agent/interact", json={"session_id": "x"}
        )
    finally:
        config.set_option("server.enableAgentApi", before)
    assert ("not_available" in answer.text) is not switched_on
    assert any("agent API" in record.getMessage() for record in caplog.records) is switched_on


def test_the_home_does_not_wait_for_the_script_of_charts():
    (given,) = [one for one in asgi.middleware() if one.cls is SecurityHeadersMiddleware]
    charts = given.kwargs["charts"]
    assert {"/result", "/curves"} <= set(charts)
    assert not [path for path in ("/", "/sets", "/base/") if path.endswith(charts)]
