"""A number is one number: what a page draws, what the command line prints and what the report says are the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from e2lm_core.base import formatting
from e2lm_core.commands.main import app
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.uncertainty.null import LEVEL
from e2lm_core.sets import collection
from e2lm_core.ui import run_launcher, session
from tests.conftest import ROOT
from tests.support import harness_files, studios, visits

pytestmark = pytest.mark.slow
OWN = "mine"
CARDS = {"Score": "score", "SQ": "sq", "RC": "rc", "CS": "cs"}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A set of forty questions with the results of real, tiny Llamas on every checkpoint."""
    folder = tmp_path_factory.mktemp("same")
    chosen = studios.settings(folder, studios.real_ladder(folder / "real"))
    studios.write_example(chosen, studios.task(40, name=OWN))
    opened = open_studio(chosen)
    evaluate.evaluate(opened, collection.open_set(chosen, OWN), opened.catalogue.checkpoints)
    opened.store.database.close()
    return folder


@pytest.fixture
def environment(home, monkeypatch):
    for name, value in studios.environment(studios.settings(home, home / "real")).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(run_launcher, "ensure_worker", lambda: None)
    monkeypatch.setattr(session, "redraw_through_app", lambda: None)
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def called(*arguments: str) -> dict:
    run = CliRunner().invoke(app, list(arguments))
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def test_page_command_line_and_report_agree(environment, tmp_path):
    printed = called("score", OWN, "--json")["metrics"]
    assert printed["acc"]["sq"]["overall"]["interval"], "without an interval the test would compare little"
    document = called("report", OWN, "--out", str(tmp_path / "r.html"), "--json")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")

    # The report's JSON is the command line's, to the last bit; its page says it in three digits.
    assert document["scores"] == printed
    for part in CARDS.values():
        value = printed["acc"]["sq"]["overall"] if part == "sq" else printed["acc"][part]
        said = re.search(rf'<b data-score="{part}">([^<]*)</b>', html)
        assert said is not None
        assert said[1] == formatting.score(value["value"])
    for metric, own in printed.items():
        for part in ("sq", "rc", "cs", "score", "snr", "decision_accuracy"):
            value = own["sq"]["overall"] if part == "sq" else own[part]
            said = re.search(rf'data-value="{metric}\.{part}">([^<]*)<small>([^<]*)</small>', html)
            assert said is not None
            assert said[1] == formatting.score(value["value"])
            random = value["null"] is not None and value["null"]["p"] > LEVEL
            assert (said[2] or None) == (
                "like random"
                if random
                else None
                if value["value"] is None or value["interval"] is None
                else formatting.with_interval(value).split(" ", 1)[1]
            )

    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.session_state["set"] = OWN
    visits.go(at, "overview")
    assert not at.exception

    # Result: the four headline numbers, with the intervals below them.
    drawn = {visits.short_name(metric.label): metric for metric in at.metric}
    for label, part in CARDS.items():
        value = printed["acc"]["sq"]["overall"] if part == "sq" else printed["acc"][part]
        assert drawn[label].value == formatting.score(value["value"])
        if value["null"] is not None and value["null"]["p"] > LEVEL:
            assert drawn[label].delta == "like random"
        elif value["value"] is not None and value["interval"] is not None:
            assert drawn[label].delta.replace("\\", "") == formatting.interval(*value["interval"])

    # Curves: the points of every model, and each model's signal quality with its interval.
    visits.go(at, "accuracy")
    assert not at.exception
    tables = [frame.value for frame in at.dataframe]
    qualities = next(frame for frame in tables if {"model", "SQ", "AC"} <= set(frame.columns))
    for row in qualities.to_dict("records"):
        own = printed["acc"]["sq"]["models"][row["model"]]
        assert row["SQ"] == pytest.approx(own["value"], abs=6e-5)  # the table has four digits
        bounds = own["interval"] or (float("nan"), float("nan"))
        assert (row["SQ, 95% from"], row["to"]) == pytest.approx(tuple(bounds), abs=6e-5, nan_ok=True)
    points = next(frame for frame in tables if {"model", "step", "value"} <= set(frame.columns))
    for curve in document["curves"]:
        own = points[points["model"] == curve["model"]["name"]].sort_values("step")
        assert own["step"].tolist() == curve["steps"]
        measured = [100 * value for value in curve["metrics"]["acc"]["values"]]  # drawn in percent
        assert own["value"].tolist() == pytest.approx(measured, abs=1e-9)

    # Ranking: RC and decision accuracy again, from the same resamples.
    visits.go(at, "ranking")
    assert not at.exception
    drawn = {visits.short_name(metric.label): metric.value for metric in at.metric}
    assert drawn["RC"] == formatting.score(printed["acc"]["rc"]["value"])
    assert drawn["Decision accuracy"] == formatting.percent(printed["acc"]["decision_accuracy"]["value"])


def test_a_replicated_import_of_the_same_log_likelihoods_agrees_too(environment):
    """The studio's own curves, printed and read back, are the same curves with the same signal quality."""
    from e2lm_core.imported import scores
    from e2lm_core.runs import results

    studio = open_studio()
    task = collection.open_set(studio.settings, OWN)
    measured = results.load_measurements(studio, task, studio.catalogue.checkpoints)
    rows = ["model,task,metric,step,tokens_seen,score"]
    for curve in measured.curves:
        values = measured.values(curve.model.name, "norm_prob")
        rows += [
            f"{curve.model.name},{OWN},norm_prob,{step},{int(tokens)},{float(value)!r}"
            for step, tokens, value in zip(curve.steps, curve.tokens_seen, values, strict=True)
        ]
    imported = harness_files.import_files(
        {"x.csv": "\n".join(rows).encode()}, studio.catalogue.checkpoints, "x"
    )
    printed = called("score", OWN, "--json")["metrics"]["norm_prob"]["sq"]["models"]
    for curve in imported.curves:
        assert scores.quality(curve).sq == printed[curve.model.name]["value"]
    studio.store.database.close()
