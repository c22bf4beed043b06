"""`POST /known`: known or not, and the nearest fact, for the studio's own pages alone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.ui.editor.table_script import KNOWN
from e2lm_core.ui.requests import component_requests
from e2lm_core.ui.server import asgi
from tests.support.german import ENGLISH_WORDS


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    monkeypatch.setenv("E2LM_LADDER", str(ROOT / "ladder"))
    return Settings.from_env()


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=list(asgi.routes())))


def asked(settings: Settings, question: object, answer: object = "") -> dict[str, object]:
    return {
        "pass": component_requests.issue_token(settings, "mine"),
        "question": question,
        "answer": answer,
    }


@pytest.mark.parametrize(
    ("question", "answer", "known", "sentence"),
    [
        ("What does the lion eat?", "zebras", True, "Known to the mini models."),
        (
            "What does the lion eat?",
            "grass",
            False,
            "Not known to the mini models. Nearest known fact: What does the lion eat? zebras",
        ),
        ("What does the lion eat?", " ", False, "Nearest known fact: What does the lion eat? zebras"),
        ("Quod?", "x", False, "Not known to the mini models. No known fact shares a word with it."),
    ],
)
def test_what_is_typed(
    client: TestClient, ada: Settings, question: str, answer: str, known: bool, sentence: str
) -> None:
    told = client.post(KNOWN, json=asked(ada, question, answer))
    assert told.json() == {"known": known, "sentence": sentence}


def test_a_german_visitor_reads_it_in_german(client: TestClient, ada: Settings) -> None:
    client.headers["accept-language"] = "de-AT,de;q=0.9"
    for question, answer in (
        ("What does the lion eat?", "zebras"),
        ("What does the lion eat?", ""),
        ("Quod?", "x"),
    ):
        told = client.post(KNOWN, json=asked(ada, question, answer)).json()["sentence"]
        assert told
        assert not ENGLISH_WORDS.search(told.removesuffix("What does the lion eat? zebras")), told


def test_what_is_no_question_is_refused(client: TestClient, ada: Settings) -> None:
    assert client.post(KNOWN, json=asked(ada, ["a"])).status_code == 400
    assert client.post(KNOWN, json=asked(ada, "a", 1)).status_code == 400
    assert client.post(KNOWN, json={"question": "a", "answer": "b"}).status_code == 403
    assert client.post(KNOWN, json=asked(ada, "a" * 2**17)).status_code == 413


def test_without_a_list(
    client: TestClient, ada: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2LM_LADDER", str(tmp_path))
    assert client.post(KNOWN, json=asked(ada, "What?")).json() == {"known": None, "sentence": ""}


def test_it_costs_next_to_nothing(client: TestClient, ada: Settings) -> None:
    client.post(KNOWN, json=asked(ada, "What does the lion eat?"))
    texts = [asked(ada, f"What does the lion of the {n} eat on a day?", "zebra") for n in range(50)]
    started = time.process_time()
    for body in texts:
        client.post(KNOWN, json=body)
    assert (time.process_time() - started) / len(texts) < 0.03
