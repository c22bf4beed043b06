"""`sq` and `score` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.records import METRICS, RC_READINGS
from e2lm_core.base.settings import Settings
from tests.commands.conftest import Cli
from tests.conftest import needs


def test_score(call: Cli, computed: Settings) -> None:
    document = call("score", "little", "--json")
    assert list(document) == ["task", "taught", "assumption", "metrics", "fleet"]
    assert list(document["metrics"]) == list(METRICS)
    for found in document["metrics"].values():
        parts = ["sq", "rc", "cs", "score", "snr", "decision_accuracy"]
        assert list(found) == [*parts, "rc_reading", "rc_readings", "finetasks", "snr_detrended", "silent"]
        assert found["rc_readings"][found["rc_reading"]]["value"] == found["rc"]["value"]
        criteria = found["finetasks"]
        assert set(criteria) == {"monotonicity", "snr", "above_baseline", "ordering"}
        scores = [*found["sq"]["models"].values(), found["sq"]["overall"], *list(found.values())[1:6]]
        for value in (*scores, *criteria.values()):
            assert set(value) == {"value", "why", "interval", "coverage", "kind", "null"}
            assert value["why"] or value["value"] is not None
        for value in scores:  # a value without an interval says why there is none
            assert bool(value["why"]) == (value["interval"] is None)
    assert document["metrics"]["bpb"]["score"]["value"] is None
    text = call("score", "little")
    assert "norm_prob" in text
    spread = document["metrics"]["acc"]["sq"]["seeds"]
    assert spread["mean"] is not None
    assert f"{spread['mean']:.3f}, {spread['low']:.3f} to {spread['high']:.3f}" in text
    assert "sq over seeds: the mean over 2 seeds of 1 of 2 models" in text


def test_rc_is_read_as_is_asked(call: Cli, computed: Settings) -> None:
    default = call("score", "little", "--json")["metrics"]["norm_prob"]
    assert default["rc_reading"] == "organisers"
    assert default["rc"]["value"] is default["score"]["value"] is None
    assert "second shape of a size" in default["rc"]["why"]
    assert list(default["rc_readings"]) == list(RC_READINGS)
    ours = call("score", "little", "--rc", "all_models", "--json")["metrics"]["norm_prob"]
    assert ours["rc"] == default["rc_readings"]["all_models"]
    assert (ours["score"]["value"] is None) == ("does not rise" in str(ours["score"]["why"]))
    assert "RC: as in the organisers' figure" in call("score", "little")
    assert "There is no reading 'mine' of RC: use organisers, early_means" in call(
        "score", "little", "--rc", "mine", code=2
    )


@pytest.mark.parametrize("name", ["ranks", "compare", "plan", "report"])
def test_every_command_that_shows_rc_reads_it_as_is_asked(
    name: str, call: Cli, computed: Settings, tmp_path: Path
) -> None:
    more = {"compare": ("little",), "plan": ("--width", "0.1"), "report": ("--out", str(tmp_path / "x.html"))}
    arguments = (name, "little", *more.get(name, ()))
    assert "There is no reading 'mine' of RC" in call(*arguments, "--rc", "mine", code=2)
    if name != "plan":
        assert call(*arguments, "--rc", "first_place", "--json")["rc_reading"] == "first_place"


def test_advice_is_said_and_written(call: Cli, computed: Settings) -> None:
    assert "advice" in call("score", "little", "--advice", "--json")["metrics"]["acc"]
    said = call("score", "little", "--advice")
    assert "never taught" in said  # the models of the fixture have read nothing
    assert "The room in each part" not in said


def test_nothing_computed_is_one_sentence(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    assert call("score", "little", code=2) == "little has no results yet: run `evaluate little` first.\n"


def test_sq(call: Cli) -> None:
    (file,) = sorted(needs("reference").rglob("*.json"))[:1]
    document = call("sq", str(file), "--json")
    assert list(document) == ["models"]
    for benchmarks in document["models"].values():
        for quality in benchmarks.values():
            assert list(quality) == ["rho", "autocorrelation", "sq", "points"]
