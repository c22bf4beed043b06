"""A fast way that is wrong is caught in a run as in the engine: right numbers, and a sentence where runs are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.base.settings import ROOT
from e2lm_core.commands.main import main
from e2lm_core.engine.forward import tensors
from e2lm_core.runs import evaluate, worker
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.store.requests import RequestIndex
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets.prompts.render import render_set
from tests.engine.test_scorer import leaking_bias
from tests.support import studios, visits

SENTENCE = (
    "llama models are scored from the state after a question's context: packed rows differed from them by"
)


@pytest.fixture
def ladder(tmp_path: Path) -> Path:
    return studios.real_ladder(tmp_path / "ladder", steps=(100, 200), models=("ladder-small-arch1",))


def studio(folder: Path, ladder: Path) -> Studio:
    folder.mkdir()
    settings = studios.settings(folder, ladder=ladder)
    studios.write_example(settings)
    return open_studio(settings)


@pytest.mark.slow
def test_a_run_with_a_broken_mask_switches_records_and_shows_it(
    tmp_path: Path, ladder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, broken = studio(tmp_path / "sound", ladder), studio(tmp_path / "broken", ladder)
    evaluate.evaluate(sound, studios.task(), sound.catalogue.checkpoints)
    assert sound.backend.notes() == []
    monkeypatch.setattr(tensors, "tree_bias", leaking_bias)
    number = studios.start_run(broken, "little", broken.catalogue.checkpoints)
    worker.run_worker(broken, once=True)
    job = broken.jobs.get(number)
    assert (job.state, job.error) == ("done", None)
    (note,) = run_words.engine_notes(job)
    assert note.startswith(SENTENCE)
    keys = RequestIndex(render_set(studios.task())).texts
    for checkpoint in sound.catalogue.checkpoints:
        expected = sound.store.get(sound.backend.scope(checkpoint), keys)
        found = broken.store.get(broken.backend.scope(checkpoint), keys)
        assert len(found) == len(expected) == 24
        assert all(abs(found[key].ll_nats - ll) <= 1e-4 + 2e-6 * abs(ll) for key, (ll, _) in expected.items())

    for name, value in studios.environment(broken.settings).items():
        monkeypatch.setenv(name, value)
    st.cache_resource.clear()  # the studio of another test
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    page.query_params["set"] = "little"
    visits.go(page.run(), "run")
    assert not page.exception
    st.cache_resource.clear()
    assert [text for text in (info.value for info in page.info) if text.startswith(SENTENCE)] == [note]

    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "fresh"))
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "little", "--json"])
    assert ended.value.code == 0
    assert SENTENCE in capsys.readouterr().err
