"""`ranks` and `parting`: the numbers of the pages, and a sentence for what is wrong."""

from __future__ import annotations

import json

import pytest

from e2lm_core.analysis import validity
from e2lm_core.analysis.curves import noises, onsets
from e2lm_core.analysis.ranks import stability
from e2lm_core.base.settings import Settings
from e2lm_core.runs import evaluate, results, state
from e2lm_core.runs.studio import open_studio
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.support import studios


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("ranks")
    settings = studios.settings(folder, studios.real_ladder(folder / "ladder", steps=(100, 800, 900)))
    studios.write_example(settings)
    studio = open_studio(settings)
    evaluate.evaluate(studio, collection.open_set(settings, "little"), studio.catalogue.checkpoints)
    studio.store.database.close()
    return settings


def test_a_value_and_the_reason_against_its_interval_are_two_sentences(call: Cli, here: Settings) -> None:
    said = call("ranks", "little", "--metric", "norm_prob")
    assert "000. Intervals were studied" in said


def test_ranks_are_those_of_the_page(call: Cli, here: Settings) -> None:
    document = call("ranks", "little", "--metric", "norm_prob", "--json")
    assert list(document) == [
        *(
            "task",
            "metric",
            "assumption",
            "rc",
            "rc_reading",
            "rc_readings",
            "decision_accuracy",
            "models",
            "checkpoints",
        ),
        *("tau", "wins", "decisions", "questions", "questions_repeat", "questions_why", "above_the_next"),
        *("taught", "fleet"),
    ]
    studio = open_studio(here)
    task = collection.open_set(here, "little")
    measured = results.load_measurements(studio, task, studio.local_checkpoints)
    given = set_intervals.resample(measured, ("norm_prob",))
    scores = set_intervals.with_intervals(
        validity.scores_with_null(measured, "norm_prob"), set_intervals.score_intervals(given, "norm_prob")
    )
    order = stability.rank_stability(measured, given, "norm_prob")
    expected = stability.ranking_document(measured, order, scores, task) | {
        "taught": validity.known_facts_summary(measured),
        "fleet": state.fleet_of_set(studio, "little").document(),
    }
    above = document.pop("above_the_next")
    assert list(above) == sorted(above, key=expected["checkpoints"][-1]["ranks"].get)
    assert document == json.loads(json.dumps(expected))
    assert call("ranks", "little", "--metric", "norm_prob", "--at", "900", "--json")["wins"]["step"] == 900
    studio.store.database.close()


def test_parting_is_that_of_the_page(call: Cli, here: Settings) -> None:
    studio = open_studio(here)
    measured = results.load_measurements(
        studio, collection.open_set(here, "little"), studio.local_checkpoints
    )
    given = set_intervals.resample(measured, ("acc",))
    expected = onsets.onset_document(
        measured,
        "acc",
        onsets.onsets_above_chance(measured, given, "acc"),
        onsets.all_separations(measured, given, "acc"),
        noises.noise_components(measured, given, "acc"),
    )
    expected |= {"taught": validity.known_facts_summary(measured)}
    expected |= {"fleet": state.fleet_of_set(studio, "little").document()}
    assert call("parting", "little", "--json") == json.loads(json.dumps(expected))
    studio.store.database.close()


def test_the_answer_for_two_models_is_said(call: Cli) -> None:
    names = ("--model", "small-arch1", "--model", "ladder-large-arch1")
    for arguments, says in (
        ((), "On these checkpoints, "),
        (names, "For newly trained models of these kinds, "),
        ((*names, "--no-training-noise"), "Without training noise, "),
    ):
        assert says in call("parting", "little", "--metric", "norm_prob", *arguments).replace("\n", " ")


def test_tables_for_people(call: Cli) -> None:
    said = call("ranks", "little")
    assert "rank 1" in said
    assert (
        "The ranks are as measured, and mean nothing: the built-in mini models never learned these facts"
        in said
    )
    assert "ranks first" not in said
    assert "ladder-large-arch1 above chance" in call("parting", "little", "--metric", "bpb")
    document = call("parting", "little", "--metric", "bpb", "--json")
    assert document["chance"] is None
    assert all("no chance level" in since["why"] for since in document["above_chance"].values())


def test_one_model_has_no_order(call: Cli) -> None:
    only = ("--checkpoints", "ladder-small-arch1/*")
    document = call("ranks", "little", *only, "--json")
    assert document["models"] == []
    assert "Fewer than two models" in document["rc"]["why"]
    assert "Fewer than two models" in call("ranks", "little", *only)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ranks", "little", "--metric", "f1"), "The metric 'f1' does not exist"),
        (("parting", "little", "--metric", "f1"), "use one of acc"),
        (("ranks", "little", "--at", "7"), "these have: 100, 800, 900"),
        (("ranks", "little", "--num-fewshot", "2"), "no results yet"),
        (("parting", "nothing"), "nothing"),
        (("parting", "little", "--model", "nobody", "--model", "x"), "not among those of this run"),
        (("parting", "little", "--model", "ladder-small-arch1"), "give --model twice"),
    ],
)
def test_bad_input_is_one_sentence(call: Cli, arguments: tuple[str, ...], says: str) -> None:
    assert says in call(*arguments, code=2)


def test_every_metric_has_numbers(call: Cli) -> None:
    for metric in ("acc", "margin", "bpb"):
        assert call("ranks", "little", "--metric", metric, "--json")["metric"] == metric
