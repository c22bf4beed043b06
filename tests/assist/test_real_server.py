"""`transformers serve` with a real model of 135 million parameters: the way there and back, not the quality."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2lm_core.assist import client, service
from e2lm_core.assist.client import AssistError, Server
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.packaged import smollm2
from e2lm_core.people import quotas
from e2lm_core.sets import collection
from tests.conftest import needs
from tests.support import studios

pytestmark = pytest.mark.slow
READY_S = 300.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    needs("smollm2")
    needs("serving")
    return studios.settings(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def served(home: Settings) -> Iterator[Server]:
    folder = smollm2.unpack_model(home) / smollm2.CHECKPOINT
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(needs("serving")), "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--device", "cpu"]
    log = home.home / "serve.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, stdout=out, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            wait_until_healthy(port, process, log)
            yield Server(url=f"http://127.0.0.1:{port}/v1", model=str(folder))
        finally:
            process.terminate()


def wait_until_healthy(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_S
    while True:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        assert time.monotonic() < end, log.read_text(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)


def test_the_model_answers(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_ASSIST_KEY", "any")
    answer = client.complete(served, "What is the capital of France? Answer in one word.")
    assert "Paris" in answer


def test_a_small_model_gives_proposals_or_one_sentence(
    served: Server, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home.model_copy(update={"assist_url": served.url, "assist_model": served.model})
    studios.write_example(settings)
    collection.copy_set(settings, "little", "mine")
    before = collection.open_set(settings, "mine")
    service.agree(settings, "mine")
    wrong = next(k for k in range(4) if k != before.questions[0].answer)
    monkeypatch.setattr(client, "MAX_SECONDS", 300.0)  # a small machine that others use too
    for kind, place in (("distractors", wrong), ("passage", None)):  # a minute and more each on two cores
        request = service.prepare(settings, "mine", kind, "q1", place, "Kelp is an alga.")  # type: ignore[arg-type]
        said = ""
        try:
            found = service.propose(settings, "mine", request)
            said = f"{len(found.texts) + len(found.questions)} proposals"
        except AssistError as error:
            said = str(error)
        assert re.search(r"^[1-8] proposals$|form than was asked for|no usable proposal", said), said
    assert quotas._USED["assist"](settings) == 2
    assert collection.open_set(settings, "mine") == before


def test_a_model_that_the_server_does_not_have_is_one_sentence(served: Server) -> None:
    with pytest.raises(AssistError, match=r"does not take the request|fails \(status"):
        client.complete(Server(url=served.url, model="no/such-model"), "x")
