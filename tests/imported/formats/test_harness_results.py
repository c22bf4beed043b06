"""lm-evaluation-harness's results and samples, new and old layouts, whole and broken."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from e2lm_core.imported.formats import harness_results, harness_samples
from e2lm_core.imported.places import Places
from tests.support import harness_files


def read(data: bytes, file: str = "results_x.json"):
    return harness_results.read_results(json.loads(data), file, Places())


def evaluation():
    return read(harness_files.results()).evaluations[0]


def rows(**changes):
    return [json.loads(line) for line in harness_files.samples(**changes).splitlines()]


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


# --- samples ------------------------------------------------------------------------------------------


def test_samples_give_every_metric_by_hand():
    """Gold is the first of three choices of 4, 4 and 3 characters."""
    one, why = harness_samples.add_samples(evaluation(), rows(), " ")
    assert why is None
    assert one.questions is not None
    assert one.questions.ids == ("q0", "q1", "q2")
    assert one.scores["acc"] == 1 / 3  # the file's own, to the last bit
    # By character: -1/4 -2/4 -3/3, right; -2.5/4 -1.5/4, wrong; -3/4 -2/4 -1/3, wrong.
    assert one.scores["acc_norm"] == pytest.approx(1 / 3)
    assert one.scores["margin"] == pytest.approx((1.5 + 0.25 - 1.5) / 3)
    softmax = [math.exp(own[0]) / sum(map(math.exp, own)) for own in harness_files.LIKELIHOODS]
    assert one.scores["norm_prob"] == pytest.approx(sum(softmax) / 3)
    assert one.scores["bpb"] == pytest.approx((1.0 + 2.5 + 3.0) / 3 / (4 * math.log(2)))


def test_the_delimiter_is_no_part_of_a_choice():
    spaced, _ = harness_samples.add_samples(evaluation(), rows(), " ")
    bare, _ = harness_samples.add_samples(evaluation(), rows(delimiter=""), "")
    assert spaced.questions is not None
    assert bare.questions is not None
    assert spaced.questions.same_as(bare.questions)


def test_an_older_layout_of_samples():
    old = []
    for row in rows():
        arguments = [[a["arg_0"], a["arg_1"]] for a in row["arguments"].values()]
        old.append(
            row
            | {
                "arguments": arguments,
                "filtered_resps": [[float(a), False] for a, _ in row["filtered_resps"]],
            }
        )
    one, why = harness_samples.add_samples(evaluation(), old, " ")
    assert why is None
    np.testing.assert_array_equal(one.ll, np.array(harness_files.LIKELIHOODS))


def test_a_target_may_be_the_choice_itself():
    one, why = harness_samples.add_samples(evaluation(), [r | {"target": "iron"} for r in rows()], " ")
    assert why is None
    assert one.questions is not None
    assert one.questions.gold.tolist() == [0, 0, 0]


def test_choices_scored_without_the_question_too_are_cut_off():
    twice = []
    for row in rows():
        more = {
            f"gen_args_{3 + k}": {"arg_0": "", "arg_1": f" {c}"} for k, c in enumerate(harness_files.CHOICES)
        }
        twice.append(
            row | {"arguments": row["arguments"] | more, "filtered_resps": row["filtered_resps"] * 2}
        )
    one, why = harness_samples.add_samples(evaluation(), twice, " ")
    assert why is None
    assert one.ll is not None
    assert one.ll.shape == (3, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"filtered_resps": ["a word"], "arguments": {"gen_args_0": {"arg_0": "Q", "arg_1": "{}"}}},
            "no multiple-choice",
        ),
        ({"target": "copper"}, "'copper' is none of them"),
        ({"target": "[0, 1]"}, "none of them"),
        ({"arguments": None}, "not logged"),
        (
            {"arguments": {f"g{k}": {"arg_0": f"Q{k}", "arg_1": " a"} for k in range(3)}},
            "stand in the prompt",
        ),
    ],
)
def test_samples_of_another_kind_say_so(change, said):
    before = evaluation()
    after, why = harness_samples.add_samples(before, [r | change for r in rows()], " ")
    assert after is before
    assert why is not None
    assert said in why


def test_samples_of_another_run_are_left_aside():
    one, why = harness_samples.add_samples(evaluation(), rows(gold=1), " ")
    assert why is None  # by chance the same acc
    _, why = harness_samples.add_samples(evaluation(), rows(likelihoods=((-1.0, -2.0, -3.0),) * 3), " ")
    assert why is not None
    assert "acc is 1.0000 by the samples but 0.3333 in the results file" in why
    assert one.questions is not None


def test_too_few_samples_are_said():
    after, why = harness_samples.add_samples(evaluation(), rows()[:2], " ")
    assert after.questions is None
    assert why is not None
    assert "2 of 3 questions" in why
