"""That pages are switched and drawn again without an error; its timings say nothing here."""

from __future__ import annotations

import json
import os
import random

import numpy as np
import pytest

from benchmarks.prepared import finished, made
from benchmarks.speed import redraw
from e2lm_core.runs import results
from e2lm_core.ui import session
from tests.conftest import needs


@pytest.fixture
def _own_environment(monkeypatch):
    """What the script sets for its own process is undone."""
    for name in ("E2LM_HOME", "E2LM_DEVICE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(session, "redraw_through_app", session.redraw_through_app)
    monkeypatch.setenv("E2LM_LADDER", str(needs("ladder")))
    monkeypatch.chdir(made.ROOT)


@pytest.mark.slow
@pytest.mark.usefixtures("_own_environment")
def test_pages_with_a_switch_are_drawn_again(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(made, "RESULTS", tmp_path)
    redraw.main(
        questions=[8],
        pages="",
        switches=1,
        browser=False,
        checkpoints="*",  # a partial run has no scores, and so no switch between them
        home=tmp_path,
    )
    rows = {row["page"]: row for row in json.loads((tmp_path / "redraw.json").read_text())["rows"]}
    assert rows.keys() == {"accuracy", "compare", "plan", "ranking", "score"}
    for page, row in rows.items():
        assert row["problem"] is None, page
        assert row["redraw_s"]["median"] > 0
        assert row["target_s"] == redraw.TARGETS_S[300]
    assert "accuracy" in capsys.readouterr().out


@pytest.mark.usefixtures("_own_environment")
def test_made_results_rise_with_the_steps_and_the_web_twin_stays_at_chance(tmp_path, monkeypatch) -> None:
    rng = random.Random(0)
    task = made.make_set(
        "made", 120, ["a", "b", "c", "dd", "ee", "ff"], rng, question_words=12, choice_words=6
    )
    studio = finished.home(tmp_path, task, "ladder-medium-*/*")
    measured = results.load_measurements(
        studio, task, studio.catalogue.match_globs(["ladder-medium-arch1*/*"])
    )
    assert measured.complete_checkpoints == measured.checkpoints
    science, web = (measured.values(f"ladder-medium-arch1{kind}", "norm_prob") for kind in ("", "-web"))
    assert science[-1] > science[0] + 0.2
    assert np.abs(web - 0.25).max() < 0.1
    studio.store.database.close()
