"""The JSON that `evaluate` prints."""

from __future__ import annotations

import json

import pytest

from e2lm_core.base.records import METRICS
from e2lm_core.commands import runs as run_commands
from e2lm_core.runs import evaluate, results
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection
from tests.support import studios


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return studios.studio(tmp_path_factory.mktemp("documents"))


def evaluation(studio: Studio, **options) -> dict:
    task = collection.open_set(studio.settings, "little")
    result = evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
    return run_commands.evaluation(studio, task, studio.catalogue.checkpoints, None, result, **options)


def test_its_shape(here: Studio) -> None:
    document = evaluation(here)
    assert list(document) == ["task", "taught", "curves", "sq", "seconds", "computed", "reused"]
    assert set(document["curves"]) == set(document["sq"]) == set(studios.MODELS)
    for own in document["curves"].values():
        assert list(own) == ["steps", "tokens_seen", *METRICS]
        assert own["steps"] == list(studios.STEPS)
        assert {len(values) for values in own.values()} == {10}
        assert all(isinstance(n, int) for n in own["tokens_seen"])
    for qualities in document["sq"].values():
        assert list(qualities) == list(METRICS)
        for quality in qualities.values():
            assert set(quality) == {"rho", "autocorrelation", "sq", "points"}
            assert quality["points"] == 8
    assert document["computed"] + document["reused"] == 6 * 40
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_loglikelihoods_of_each_choice_by_checkpoint(here: Studio) -> None:
    document = evaluation(here, with_questions=True)
    task = collection.open_set(here.settings, "little")
    measured = results.load_measurements(here, task, here.catalogue.checkpoints)
    assert [q["id"] for q in document["questions"]] == [q.id for q in task.questions]
    for place, found in enumerate(document["questions"]):
        assert list(found) == ["id", "loglikelihoods"]
        for model, by_checkpoint in found["loglikelihoods"].items():
            assert by_checkpoint == measured.curve_of(model).ll[:, place].tolist()
