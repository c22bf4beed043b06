"""A set's own results handed on as lm-evaluation-harness's files, and read back: equal to the last bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS
from e2lm_core.export.results import every_eval, harness, outgoing
from e2lm_core.runs import evaluate
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.studio import Studio
from e2lm_core.sets import collection, selection_origin
from tests.support import harness_files, studios

WHEN = 1_767_323_045.0


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def gathered(here: Studio, shots: int = 2) -> outgoing.CompleteResults:
    task = collection.open_set(here.settings, "little")
    evaluate.evaluate(here, task, here.local_checkpoints, shots)
    return outgoing.collect_results(here, task, OpenFleet("", here.local_checkpoints, shots))


def test_what_is_written_is_read_back_to_the_last_bit(here: Studio) -> None:
    own = gathered(here)
    files = harness.files(own, WHEN)
    assert len(files) == 2 * len(here.local_checkpoints)
    found = harness_files.import_files(files, here.catalogue.checkpoints, "x")
    assert not any(seen.why for seen in found.files)
    by_place = {(one.checkpoint.model.name, one.checkpoint.step): one for one in own.results}
    for curve in found.curves:
        assert (curve.num_fewshot, curve.questions) == (2, 6)
        assert curve.lower_is_better == (curve.metric == "bpb")
        for step, tokens, score in zip(curve.steps, curve.tokens_seen, curve.scores, strict=True):
            one = by_place[curve.model.name, step]
            assert score == one.means[curve.metric]
            assert tokens == one.checkpoint.tokens_seen
    assert {curve.metric for curve in found.curves} == set(METRICS)
    for curve in found.measured["little"].curves:
        for checkpoint, ll in zip(curve.checkpoints, curve.ll, strict=True):
            assert np.array_equal(ll, by_place[curve.model.name, checkpoint.step].ll)


def test_a_sample_says_what_was_asked_and_a_file_what_ran(here: Studio) -> None:
    own = gathered(here)
    files = harness.files(own, WHEN)
    name = next(name for name in files if "/samples_little_2026-01-02T03-04-05.000000" in name)
    first = json.loads(files[name].split(b"\n")[0])
    doc = own.docs[0]
    assert [one["arg_0"] for one in first["arguments"].values()] == [doc.context] * len(doc.choices)
    assert [one["arg_1"] for one in first["arguments"].values()] == list(doc.continuations)
    assert first["doc"]["id"] == own.task.questions[0].id
    results = json.loads(next(data for name, data in files.items() if "/results_" in name))
    assert results["config"]["model_args"] == "pretrained=ladder-small-arch1,subfolder=iter_0000100"
    assert "lm_eval_version" not in results  # it computed nothing of this
    assert results["results"]["little"]["acc_stderr,none"] == own.results[0].errors["acc"]


def test_a_hubs_checkpoint_is_named_as_on_the_hub(here: Studio) -> None:
    own = gathered(here)
    changed = own.results[0].checkpoint.model_copy(
        update={"repo": "a/b", "revision": "step1000", "subfolder": None}
    )
    one = outgoing.CheckpointResult(
        changed, own.results[0].ll, own.results[0].values, own.results[0].means, own.results[0].errors
    )
    assert harness.arguments(one) == "pretrained=a/b,revision=step1000"


def test_half_a_run_is_left_out_and_no_run_refused(here: Studio) -> None:
    task = collection.open_set(here.settings, "little")
    with pytest.raises(StudioError, match="no complete results: run it first"):
        outgoing.collect_results(here, task, OpenFleet("", here.local_checkpoints))
    evaluate.evaluate(here, task, here.local_checkpoints[:1], 0)
    own = outgoing.collect_results(here, task, OpenFleet("", here.local_checkpoints[:2], 0))
    assert [one.checkpoint for one in own.results] == [here.local_checkpoints[0]]
    assert own.sentence == f"Not every question was run at {here.local_checkpoints[1].name}: left out."


def test_results_of_a_chosen_set_name_the_rule(here: Studio) -> None:
    own = gathered(here)
    origin = selection_origin.origin_of_selection(own.task, "margin > 0", None, [])
    kept = own.task.model_copy(
        update={
            "config": own.task.config.model_copy(
                update={"metadata": selection_origin.origin_metadata(origin)}
            ),
            "questions": own.task.questions[:5],
        }
    )
    for task, named in ((own.task, False), (kept, True)):
        outgoing_results = replace(own, task=task, docs=own.docs[: len(task.questions)])
        name, data = next(iter(harness.files(outgoing_results, WHEN).items()))
        settings = json.loads(data)["configs"]["little"]
        assert ("metadata" in settings) is named, name
        written = b"".join(every_eval.files(outgoing_results, WHEN).values())
        assert (b'\\"rule\\":\\"margin > 0\\"' in written) is named
    assert settings["metadata"]["chosen_by"]["rule"] == "margin > 0"
