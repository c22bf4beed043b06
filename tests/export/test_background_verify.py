"""A verification beside the pages: the harness's answer, one at a time, and an end that leaves nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from e2lm_core.base.errors import LimitError, StudioError, TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.export import background_verify
from e2lm_core.sets.folder import bundle
from e2lm_core.ui.places.share import verification
from tests.support import studios

RUN = {"num_fewshot": 0, "verified": True}
FOUND = {
    "verified": True,
    "documents": 6,
    "max_abs_difference": 2.1e-5,
    "harness": {"lm_eval": "0.4.13"},
    "checkpoint": "small/iter_0000200",
    "runs": [RUN, RUN | {"num_fewshot": 2}],
}


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    ladder = studios.real_ladder(tmp_path / "ladder", (100, 200), ("ladder-small-arch1",))
    yield studios.settings(tmp_path, ladder=ladder)
    for one in background_verify._going_on:
        one.cancel()


def packed(settings: Settings) -> bytes:
    return bundle.pack(studios.task(), settings.limits)


def test_one_at_a_time_and_a_cancelled_one_leaves_nothing(settings: Settings) -> None:
    begun = background_verify.start_verification(settings, packed(settings), "little")
    assert not begun.is_over
    assert begun.progress_text
    with pytest.raises(LimitError, match="Another bundle is being verified"):
        background_verify.start_verification(settings, packed(settings), "little")
    process, folder = psutil.Process(begun._process.pid), Path(begun._folder.name)
    begun.cancel()
    assert begun.is_over
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert not folder.exists()
    with pytest.raises(StudioError, match="was cancelled"):
        begun.answer()
    background_verify.start_verification(settings, packed(settings), "little").cancel()


def test_a_visitor_verifies_nothing(settings: Settings) -> None:
    with pytest.raises(TaskError, match="Guests do not verify bundles"):
        background_verify.start_verification(
            settings.model_copy(update={"readonly": True}), packed(settings), "little"
        )


@pytest.mark.slow
def test_what_cannot_be_verified_is_said(settings: Settings) -> None:
    begun = background_verify.start_verification(settings, b"no zip", "little")
    with pytest.raises(StudioError, match="zip"):
        begun.answer()
    assert begun.is_over


@pytest.mark.slow
def test_the_button_the_wait_and_the_answer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lm_eval")
    monkeypatch.setenv("E2LM_HOME", str(settings.home))
    monkeypatch.setenv("E2LM_LADDER", str(settings.ladder))
    data = packed(settings)

    def page(data: bytes) -> None:
        from e2lm_core.ui.places.share import verification

        verification.verify_panel(data, "little")

    at = AppTest.from_function(page, kwargs={"data": data}, default_timeout=60).run()
    at.button(key="verify_go").click().run()
    assert not at.exception
    assert at.button(key="verify_cancel")
    begun = at.session_state["verification"]
    until = time.monotonic() + 240
    while not begun.is_over and time.monotonic() < until:
        time.sleep(0.5)
    at.run()
    assert not at.exception
    assert "Verified by lm-eval" in at.success[0].value
    assert "6 questions" in at.success[0].value


def test_a_verification_in_a_sentence() -> None:
    assert verification.verification_sentence(FOUND) == (
        "Verified by lm-eval 0.4.13, 0-shot and 2-shot, at small/iter_0000200: 6 questions, no log-likelihood further "
        "apart than 2.1e-05 nats."
    )
    assert "are up to 3.0e+00 nats apart" in verification.verification_sentence(
        FOUND | {"verified": False, "max_abs_difference": 3.0}
    )
    assert "its documents are others" in verification.verification_sentence(
        FOUND | {"verified": False, "max_abs_difference": None}
    )
