"""`sq` and `score` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.records import METRICS, RC_READINGS
from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.conftest import needs
from tests.support import studios


def test_score(call: Cli, computed: Settings) -> None:
    document = call("score", "little", "--json")
    assert list(document) == ["task", "taught", "assumption", "all_right", "metrics", "fleet"]
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


def test_all_of_a_group_right_is_said_where_the_set_has_groups(
    call: Cli, computed: Settings, tmp_path: Path
) -> None:
    assert "no group to get right" in call("score", "little", "--json")["all_right"]["why"]
    assert "of a group" not in call("score", "little")
    studios.write_example(computed, studios.in_fours())
    studio = open_studio(computed)
    evaluate.evaluate(studio, collection.open_set(computed, "fours"), studio.catalogue.checkpoints)
    studio.store.database.close()
    found = call("score", "fours", "--json")["all_right"]
    assert (found["groups"], found["questions"], found["why"]) == (12, 48, None)
    assert found["chance"] == pytest.approx(1 / 256)
    assert set(found["models"]) == set(studios.MODELS)
    for one in found["models"].values():
        assert len(one["steps"]) == len(one["values"]) == len(one["low"]) == 10
        end = one["end"]
        assert end["value"] == one["values"][-1]
        assert end["interval"][0] <= end["value"] <= end["interval"][1]
        assert set(end["null"]) == {"mean", "q95", "p"}
    text = call("score", "fours")
    assert f"All of a group right: {found['sentence']}" in text
    assert found["proves"] in text
    report = call("report", "fours", "--out", str(tmp_path / "x.html"), "--json")
    assert report["all_right"] == found


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


def test_other_weights_make_another_score(call: Cli, computed: Settings) -> None:
    plain = call("score", "little", "--json")["metrics"]["acc"]
    assert "weighted" not in plain
    assert call("score", "little", "--weights", "5,1,4", "--json")["metrics"]["acc"] == plain, (
        "the published ones"
    )
    made = call("score", "little", "--weights", "1,0,0", "--json")["metrics"]["acc"]["weighted"]
    assert made["name"] == "Weighted score (1 SQ)"
    assert made["value"]["value"] == plain["sq"]["overall"]["value"]
    said = call("score", "little", "--weights", "1,0,0")
    assert "weighted, acc: Weighted score (1 SQ)" in said
    assert "'1,2' is no weights: give three numbers" in call("score", "little", "--weights", "1,2", code=2)


def test_advice_is_said_and_written(call: Cli, computed: Settings) -> None:
    assert "advice" in call("score", "little", "--advice", "--json")["metrics"]["acc"]
    said = call("score", "little", "--advice")
    assert "never learned" in said  # the models of the fixture have read nothing
    assert "Could still gain" not in said


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
