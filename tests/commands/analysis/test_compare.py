"""`compare` on the command line, over results of a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.analysis.compare import comparison
from e2lm_core.base.records import METRICS
from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate, results
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import authoring, collection, versions
from tests.commands.conftest import Cli
from tests.support import studios


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


def test_two_sets(call: Cli) -> None:
    document = call("compare", "little", "mine", "--json")
    assert list(document) == [
        "first",
        "second",
        "shared",
        "matched_by",
        "rc_reading",
        "assumption",
        "metrics",
        "taught",
        "fleet",
    ]
    assert (document["first"], document["second"], document["shared"]) == ("little", "mine", 5)
    assert list(document["metrics"]) == list(METRICS)
    for found in document["metrics"].values():
        assert list(found) == ["finding", "means", "scores", "questions"]
        assert [(q["what"], q["id"]) for q in found["questions"]] == [("removed", "q2")]
        for score in found["scores"].values():
            assert set(score) == {"first", "second", "difference", "like_random"}
            assert set(score["difference"]) == {"value", "why", "interval", "coverage", "kind", "null"}


def test_a_version_against_now_equals_the_service(call: Cli, here: Settings) -> None:
    document = call("compare", "mine", "--version", "0", "--metric", "norm_prob", "--json")
    assert call("compare", "mine", "--metric", "norm_prob", "--json") == document  # the last before
    studio = open_studio(here)
    old, new = versions.open_version(here, "mine", 0), collection.open_set(here, "mine")
    measured = [results.load_measurements(studio, t, studio.catalogue.checkpoints) for t in (old, new)]
    match = comparison.match_questions(old, new, versions=True)
    found = comparison.compare(("a", "b"), measured[0], measured[1], match, "norm_prob")
    assert [m["difference"] for m in document["metrics"]["norm_prob"]["means"]] == [
        m.difference for m in found.means
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("little",), "no earlier version"),
        (("mine", "--version", "9"), "no version 9"),
        (("mine", "little", "--metric", "f1"), "does not exist"),
        (("mine", "nobody"), "no question set"),
        (("mine", "little", "--num-fewshot", "1"), "no results"),
    ],
)
def test_bad_input_is_one_sentence(call: Cli, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in call("compare", *arguments, code=2)


def test_nothing_measured_is_one_sentence(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    assert "no results" in call("compare", "little", "little", code=2)
