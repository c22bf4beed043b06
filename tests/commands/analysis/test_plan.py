"""`plan` on the command line, over results of a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.runs import worker
from e2lm_core.runs.studio import open_studio
from tests.commands.conftest import Cli
from tests.support import studios


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """`little` as models that were taught it answer it, and `unknown`, which nobody was taught."""
    folder = tmp_path_factory.mktemp("plan")
    settings = studios.settings(folder, studios.real_ladder(folder / "ladder"))
    studios.write_example(settings, studios.task(40))
    studios.learn(settings)
    studios.write_example(settings, studios.unknown())
    studios.learn(settings, "unknown", taught=False)
    return settings


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
        "planned",
        "finding",
        "taught",
        "fleet",
    ]
    assert document["seconds"] == pytest.approx(document["questions"] * 40 * 0.01)
    assert "You need" in call("plan", "little", "--of", "mean", "--width", "0.2", "--metric", "norm_prob")
    other = call("plan", "little", "--width", "0.2", "--fleet", "e2lm", "--json")
    assert sum(row["checkpoints"] for row in other["planned"]) == 6 * 27


def test_power(call: Cli) -> None:
    document = call("plan", "little", "--power", "--metric", "norm_prob", "--questions", "500", "--json")
    assert document["questions"] == 500
    assert 0 < document["power"] <= 1
    assert document["sizes"][0].keys() == {"questions", "power", "detectable"}
    assert document["pair"]["metric"] == "norm_prob"
    assert {document["pair"]["higher"], document["pair"]["lower"]} == {document["first"], document["second"]}
    said = call("plan", "little", "--power", "--metric", "norm_prob")
    assert said.index("On these checkpoints, ") < said.index("For newly trained models of these kinds, ")
    assert "would show the difference of" in said
    same = call("plan", "little", "--power", "--no-training-noise", "--json")
    assert same["spread"]["training_sd"] is None
    assert same["pair"]["claims"][1]["of"] == "same_models"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "either --width W"),
        (("--width", "0.1", "--power"), "either --width W"),
        (("--power", "--model", "nobody", "--model", "x"), "not among those of this run"),
        (("--power", "--questions", "1"), "use 2 or more"),
        (("--width", "0"), "above 0"),
        (("--width", "-1"), "above 0"),
        (("--width", "0.1", "--of", "mode"), "cannot be planned"),
        (("--width", "0.1", "--fleet", "x"), "no model group"),
        (("--width", "0.1", "--pace", "-1"), "above 0"),
        (("--width", "0.1", "--workers", "2"), "either --width W"),
        (("--workers", "0", "--pace", "1"), "workers cannot be planned"),
        (("--workers", "2", "--pace", "1", "--price", "-1"), "price"),
        (("--workers", "2", "--pace", "1", "--start", "-1"), "start"),
        (("--workers", "2", "--pace", "1", "--questions", "-3"), "questions cannot be planned"),
        (("--workers", "2"), "earlier runs"),
        (
            ("--width", "0.1", "--difference", "0.1"),
            "--difference goes with --power and means nothing with --width",
        ),
        (("--width", "0.1", "--tokens", "1000"), "--tokens goes with --power"),
        (("--width", "0.1", "--questions", "50"), "--questions goes with --power or --workers"),
        (("--width", "0.1", "--price", "2"), "--price goes with --workers"),
        (("--width", "0.1", "--start", "2"), "--start goes with --workers"),
        (("--width", "0.1", "--model", "ladder-small-arch1"), "or with --of mean or difference"),
        (("--power", "--price", "2"), "--price goes with --workers and means nothing with --power"),
        (("--power", "--of", "rc"), "--of goes with --width"),
        (("--power", "--fleet", "e2lm"), "--fleet goes with --width or --workers"),
        (("--workers", "2", "--metric", "bpb"), "--metric goes with --width or --power"),
        (("--power", "--difference", "5"), "give at most 1"),
        (("--power", "--tokens", "-2"), "at about -2 tokens"),
    ],
)
def test_bad_input_is_one_sentence(call: Cli, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in call("plan", "little", *arguments, code=2)


@pytest.mark.parametrize("asked", [("--power",), ("--width", "0.1")])
def test_nothing_is_planned_from_what_was_never_taught(call: Cli, asked: tuple[str, ...]) -> None:
    said = call("plan", "unknown", *asked, code=2)
    assert "never learned these facts" in said
    assert "Model group: " in said
    assert "only times another group" not in said


def test_a_refusal_names_the_group_that_fleet_does_not_change(call: Cli) -> None:
    said = call("plan", "unknown", "--width", "0.1", "--fleet", "e2lm", code=2)
    assert "Model group: " in said
    assert "--fleet only times another group" in said


def test_nothing_measured_is_one_sentence(call: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2LM_HOME", str(tmp_path))
    assert "run the set first" in call("plan", "little", "--width", "0.1", code=2)


def test_hours_and_cost_of_a_fleet(call: Cli, computed: Settings) -> None:
    asked = ("--workers", "3", "--pace", "0.5", "--price", "2", "--start", "10", "--questions", "600")
    document = call("plan", "little", *asked, "--json")
    assert (document["workers"], document["questions"], document["checkpoints"]) == (3, 600, 40)
    assert [row["workers"] for row in document["schedules"]] == [1, 2, 3, 4]
    # 40 checkpoints of 300 s each: fourteen rounds on three.
    assert document["hours"] == pytest.approx((10 + 14 * 300) / 3_600)
    assert document["cost"] == pytest.approx(3 * 2 * document["hours"])
    assert "on 3 workers" in call("plan", "little", *asked)
    e2lm = call("plan", "little", "--workers", "8", "--pace", "0.5", "--fleet", "e2lm", "--json")
    assert (e2lm["checkpoints"], e2lm["cost"]) == (6 * 27, None)


def test_a_fleet_is_timed_by_earlier_runs(call: Cli, here: Settings) -> None:
    studio = open_studio(here)
    few = studio.catalogue.match_globs(["ladder-small-arch1/*"])[:3]
    studios.start_run(studio, "little", few, num_fewshot=1)
    worker.run_worker(studio, once=True)
    asked = ("--workers", "2", "--num-fewshot", "1", "--checkpoints")
    document = call("plan", "little", *asked, "ladder-small-arch1/*", "--json")
    assert document["checkpoints"] == 10
    assert document["hours"] > 0
    assert not document["schedules"][0]["estimated"]
    assert "an estimate" in call("plan", "little", *asked, "ladder-large-arch1/*")
