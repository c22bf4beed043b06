"""What the server is given beside the pages."""

from __future__ import annotations

import tomllib

import pytest

from e2lm_core.ui.server import parts
from e2lm_core.ui.server.middleware.door import Door
from e2lm_core.ui.server.middleware.headers import GivesHeaders
from e2lm_core.ui.server.middleware.uploads import CountsUploads
from tests.conftest import ROOT


def test_every_request_passes_the_guards_and_refusals_bear_the_headers_too():
    classes = [one.cls for one in parts.middleware()]
    assert {GivesHeaders, Door, CountsUploads} <= set(classes)
    assert classes.index(GivesHeaders) < classes.index(Door) < classes.index(CountsUploads)


def test_a_setting_that_is_wrong_still_gives_a_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("E2LM_METRICS", "wide")
    assert len(parts.middleware()) == len(parts.middleware())


def test_no_page_shows_a_traceback():
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert told["client"]["showErrorDetails"] == "none"
    assert told["client"]["showErrorLinks"] is False


def test_the_home_does_not_wait_for_the_script_of_charts():
    (given,) = [one for one in parts.middleware() if one.cls is GivesHeaders]
    charts = given.kwargs["charts"]
    assert {"/result", "/curves"} <= set(charts)
    assert not [path for path in ("/", "/sets", "/base/") if path.endswith(charts)]
