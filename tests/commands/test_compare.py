"""compare, versions and plan on the command line, over results of a real run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.analysis.compare import comparison
from e2lm_core.base.records import METRICS
from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as main_commands
from e2lm_core.runs import evaluate, measure
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import authoring, collection, versions
from tests.support import studios

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("scores")
    chosen = studios.settings(folder, studios.real_ladder(folder / "ladder"))
    studios.write_example(chosen)
    collection.copy_set(chosen, "little", "mine")
    studio = open_studio(chosen)
    evaluate.evaluate(studio, collection.open_set(chosen, "mine"), studio.catalogue.checkpoints)
    authoring.delete_questions(chosen, "mine", ["q2"])
    studio.store.database.close()
    return chosen


@pytest.fixture
def call(here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    for name, value in studios.environment(here).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, code: int = 0) -> Any:
        with pytest.raises(SystemExit) as end:
            main_commands.main(arguments)
        out, err = capsys.readouterr()
        assert end.value.code == code, err
        if code:
            assert err.count("\n") == 1
            return err
        return json.loads(out) if "--json" in arguments else out

    return run


def test_two_sets(call: Cli) -> None:
    document = call("compare", "little", "mine", "--json")
    assert list(document) == ["first", "second", "shared", "matched_by", "metrics"]
    assert (document["first"], document["second"], document["shared"]) == ("little", "mine", 5)
    assert list(document["metrics"]) == list(METRICS)
    for found in document["metrics"].values():
        assert list(found) == ["finding", "means", "scores", "questions"]
        assert [(q["what"], q["id"]) for q in found["questions"]] == [("removed", "q2")]
        for score in found["scores"].values():
            assert set(score["difference"]) == {"value", "why", "interval", "coverage"}


def test_a_version_against_now_equals_the_service(call: Cli, here: Settings) -> None:
    document = call("compare", "mine", "--version", "0", "--metric", "norm_prob", "--json")
    assert call("compare", "mine", "--metric", "norm_prob", "--json") == document  # the last before
    studio = open_studio(here)
    old, new = versions.open_version(here, "mine", 0), collection.open_set(here, "mine")
    measured = [measure.measure(studio, t, studio.catalogue.checkpoints) for t in (old, new)]
    match = comparison.match(old, new, versions=True)
    found = comparison.compare(("a", "b"), measured[0], measured[1], match, "norm_prob")
    assert [m["difference"] for m in document["metrics"]["norm_prob"]["means"]] == [
        m.difference for m in found.means
    ]


def test_versions(call: Cli) -> None:
    document = call("versions", "mine", "--json")
    assert [v["action"] for v in document["versions"]] == ["open", "delete a question"]
    assert "delete a question" in call("versions", "mine")


def test_plan(call: Cli) -> None:
    document = call(
        "plan",
        "little",
        "--of",
        "mean",
        "--width",
        "0.2",
        "--metric",
        "norm_prob",
        "--model",
        "ladder-small-arch1",
        "--pace",
        "0.01",
        "--json",
    )
    assert list(document) == [
        "of",
        "subject",
        "metric",
        "wanted",
        "measured",
        "questions",
        "why",
        "seconds",
        "pace",
        "sizes",
        "fleet",
        "finding",
    ]
    assert document["seconds"] == pytest.approx(document["questions"] * 40 * 0.01)
    assert "needed" in call("plan", "little", "--of", "mean", "--width", "0.2", "--metric", "norm_prob")
    other = call("plan", "little", "--width", "0.2", "--fleet", "e2lm", "--json")
    assert sum(row["checkpoints"] for row in other["fleet"]) == 6 * 27


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("compare", "little"), "no earlier version"),
        (("compare", "mine", "--version", "9"), "no version 9"),
        (("compare", "mine", "little", "--metric", "f1"), "does not exist"),
        (("compare", "mine", "nobody"), "no question set"),
        (("versions", "nobody"), "no question set"),
        (("plan", "little", "--width", "0"), "above 0"),
        (("plan", "little", "--width", "0.1", "--of", "mode"), "cannot be planned"),
        (("plan", "little", "--width", "0.1", "--fleet", "x"), "not known beforehand"),
        (("plan", "little", "--width", "0.1", "--pace", "-1"), "above 0"),
        (("compare", "mine", "little", "--num-fewshot", "1"), "no results"),
    ],
)
def test_bad_input_is_one_sentence(call: Cli, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in call(*arguments, code=2)


def test_advice_is_said_and_written(call: Cli) -> None:
    assert "advice" in call("score", "little", "--advice", "--json")["metrics"]["acc"]
    assert "The room in each part" in call("score", "little", "--advice")


def test_nothing_measured_is_one_sentence(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    assert "run the set first" in call("plan", "little", "--width", "0.1", code=2)
    assert "no results" in call("compare", "little", "little", code=2)
