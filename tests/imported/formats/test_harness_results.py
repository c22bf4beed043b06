"""lm-evaluation-harness's results, new and old layouts, whole and broken."""

from __future__ import annotations

import json

import pytest

from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import harness_results
from e2lm_core.imported.records import Setup
from tests.support import harness_files


def read(data: bytes, file: str = "results_x.json"):
    return harness_results.read_results(json.loads(data), file, CheckpointResolver())


def test_a_results_file_gives_its_scores_as_they_are():
    run = read(harness_files.results(acc=0.26842105263157895))
    [one] = run.evaluations
    assert (one.model.name, one.step, one.tokens_seen) == ("pythia-70m", 1_000, 2_097_152_000)
    assert dict(one.scores) == {"acc": 0.26842105263157895}
    assert (one.num_fewshot, one.n, one.when) == (0, 3, 1_700_000_000.0)
    assert run.problems == ()


def test_arguments_may_be_an_object_and_the_task_may_know_the_model():
    arguments = {"pretrained": "EleutherAI/pythia-70m", "revision": "step2000"}
    [one] = read(harness_files.results(config={"model_args": arguments})).evaluations
    assert one.step == 2_000
    metadata = {"metals": {"metadata": {"pretrained": "EleutherAI/pythia-70m", "revision": "step3000"}}}
    [one] = read(harness_files.results(config={}, configs=metadata)).evaluations
    assert one.step == 3_000


def test_the_older_layout_names_metrics_without_a_filter():
    content = {"metals": {"acc": 0.5, "acc_stderr": 0.1, "word_perplexity": 9.0}}
    [one] = read(harness_files.results(results=content, higher_is_better={})).evaluations
    assert dict(one.scores) == {"acc": 0.5, "word_perplexity": 9.0}
    assert one.lower == {"word_perplexity"}


def test_another_filter_stays_in_the_name():
    content = {"metals": {"exact_match,strict-match": 0.5, "exact_match,flexible-extract": 0.6}}
    [one] = read(harness_files.results(results=content)).evaluations
    assert set(one.scores) == {"exact_match,strict-match", "exact_match,flexible-extract"}


@pytest.mark.parametrize("value", [float("nan"), None, "N/A", True])
def test_what_is_no_number_is_dropped_and_named(value):
    run = read(harness_files.results(acc=value))
    assert run.evaluations == ()
    assert run.problems == (
        "pythia-70m at step1000 has no number for acc on metals (results_x.json): that point is left out.",
    )


def test_a_model_without_a_step_is_no_point_of_a_curve():
    run = read(harness_files.results(revision=None))
    assert run.spot is None
    assert "names no checkpoint (EleutherAI/pythia-70m)" in run.problems[0]


def test_a_limited_run_is_said():
    run = read(
        harness_files.results(config={"model_args": "pretrained=a/pythia-70m,revision=step1000", "limit": 10})
    )
    assert "--limit 10" in run.problems[0]


def test_standard_errors_stay_with_their_points():
    content = {
        "metals": {
            "acc,none": 0.5,
            "acc_stderr,none": 0.1,
            "f1,strict": 0.2,
            "f1_stderr,strict": 0.02,
            "bleu": 3.0,
        },
        "rocks": {"acc,none": 0.5, "acc_stderr,none": "N/A"},
    }
    metals, rocks = read(harness_files.results(results=content)).evaluations
    assert dict(metals.scores) == {"acc": 0.5, "f1,strict": 0.2, "bleu": 3.0}
    assert dict(metals.stderr) == {"acc": 0.1, "f1,strict": 0.02}
    assert dict(rocks.stderr) == {}
    assert read(harness_files.results(results=content)).problems == ()


def test_how_a_run_was_made_is_read_from_arguments_of_either_kind():
    text = "pretrained=EleutherAI/pythia-70m,revision=step1000,peft=me/lora,load_in_4bit=True,autogptq=False"
    listed = {
        "pretrained": "EleutherAI/pythia-70m",
        "revision": "step1000",
        "peft": "me/lora",
        "load_in_4bit": True,
    }
    long = "Answer in one word and never explain yourself, whatever the question may be about."
    for arguments in (text, listed):
        [one] = read(
            harness_files.results(
                config={"model_args": arguments, "model_dtype": "torch.float16"},
                versions={"metals": "Yaml"},
                system_instruction=long,
            )
        ).evaluations
        assert (one.setup.adapter, one.setup.quantization, one.dtype) == (
            "me/lora",
            "load_in_4bit",
            "float16",
        )
        assert one.setup.system_instruction is not None
        assert one.setup.system_instruction.startswith("Answer in one word")
        assert one.setup.task_version is None
    [plain] = read(harness_files.results()).evaluations
    assert plain.setup == Setup(task_version="1")
