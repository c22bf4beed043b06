"""lm-evaluation-harness's samples: every metric by hand, other layouts, and why some give none."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import harness_results, harness_samples
from tests.support import harness_files


def evaluation():
    return harness_results.read_results(
        json.loads(harness_files.results()), "results_x.json", CheckpointResolver()
    ).evaluations[0]


def rows(**changes):
    return [json.loads(line) for line in harness_files.samples(**changes).splitlines()]


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


def numbered(targets, golds, **changes):
    """Samples of the choices 1 to 4 with their own accuracy, the likeliest choice being the second."""
    likelihoods = ((-3.0, -1.0, -2.0, -4.0),) * len(targets)
    made = rows(likelihoods=likelihoods, choices=("1", "2", "3", "4"))
    return [
        row | {"target": target, "acc": float(gold == 1), "acc_norm": float(gold == 1)} | changes
        for row, target, gold in zip(made, targets, golds, strict=True)
    ]


@pytest.mark.parametrize(
    ("targets", "golds"),
    [
        (("2", "3", "1"), (1, 2, 0)),  # texts, which the accuracy tells
        (("2", "1", "3"), (2, 1, 3)),  # indices, which the accuracy tells
        (("4", "3", "3"), (3, 2, 2)),  # there is no fifth choice
        (("0", "3", "3"), (0, 3, 3)),  # there is no choice "0"
    ],
)
def test_a_number_as_the_target_is_an_index_or_a_text_in_all_samples(targets, golds):
    made = [harness_samples.slim(row) for row in numbered(targets, golds)]
    acc = sum(gold == 1 for gold in golds) / 3
    before = harness_results.read_results(
        json.loads(harness_files.results(acc=acc)), "results_x.json", CheckpointResolver()
    ).evaluations[0]
    one, why = harness_samples.add_samples(before, made, " ")
    assert why is None
    assert one.questions is not None
    assert one.questions.gold.tolist() == list(golds)


@pytest.mark.parametrize(
    ("targets", "golds", "changes"),
    [
        (("3", "3", "3"), (2, 2, 2), {}),  # wrong either way
        (("2", "3", "1"), (1, 2, 0), {"acc": None, "acc_norm": None}),
        (("2", "3", "1"), (0, 0, 0), {}),  # of another run
        (("0", "4", "3"), (0, 3, 2), {}),  # neither is whole
    ],
)
def test_a_number_as_the_target_that_nothing_decides_is_left_aside(targets, golds, changes):
    before = evaluation()
    after, why = harness_samples.add_samples(before, numbered(targets, golds, **changes), " ")
    assert after is before
    assert why is not None
    assert "numbers that may be places or texts, and its accuracy does not tell" in why


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


# lm_eval 0.5.0.dev1: answers one list deeper, and lengths that count the delimiter. By them the first question of the
# three is answered -1/5 -2/5 -3/4, right; -2.5/5 -1.5/5, wrong; -3/5 -2/5 -1/4, wrong.
@pytest.mark.parametrize(("acc_norm", "why"), [(1 / 3, None), (2 / 3, "acc_norm,delimiter is 0.3333")])
def test_samples_of_the_next_version_are_read_and_its_acc_norm_is_another_metric(acc_norm, why):
    results = {"metals": {"acc,none": 1 / 3, "acc_norm,none": acc_norm, "acc_norm_stderr,none": 0.2}}
    deeper = [[[str(ll), "False"]] for ll in harness_files.LIKELIHOODS[0]]
    lines = [json.loads(line) for line in harness_files.samples().splitlines()]
    lines = [{**row, "filtered_resps": [[one] for one in row["filtered_resps"]]} for row in lines]
    assert lines[0]["filtered_resps"] == deeper
    imported = harness_files.read(
        {
            f"results_{harness_files.stamp(1)}.json": harness_files.results(
                results=results, lm_eval_version="0.5.0.dev1"
            ),
            f"samples_metals_{harness_files.stamp(1)}.jsonl": "".join(
                json.dumps(row) + "\n" for row in lines
            ).encode(),
        }
    )
    theirs = harness_files.the(imported, "acc_norm,delimiter")
    assert (theirs.scores, theirs.stderr) == ((acc_norm,), (0.2,))
    assert any("whose acc_norm counts the delimiter" in said for said in imported.problems)
    if why is None:
        assert harness_files.the(imported, "acc_norm").scores == (pytest.approx(1 / 3),)
        assert list(imported.measured) == ["metals"]
    else:
        assert not imported.measured
        assert any(why in said for said in imported.problems)


def test_points_of_two_versions_are_no_one_curve_of_acc_norm():
    results = {"metals": {"acc,none": 0.3, "acc_norm,none": 0.4}}
    files = [
        harness_files.one(k, revision=f"step{k}000", results=results, lm_eval_version=version)
        for k, version in ((1, "0.4.13"), (2, "0.5.0.dev1"))
    ]
    imported = harness_files.read(dict(files))
    steps = {curve.metric: curve.steps for curve in imported.curves}
    assert steps == {"acc": (1000, 2000), "acc_norm": (1000,), "acc_norm,delimiter": (2000,)}


def test_of_filters_without_a_plain_one_the_first_counts():
    strict, other = rows(filter="strict"), rows(filter="other", likelihoods=((-9.0, -1.0, -1.0),) * 3)
    for samples in (strict, strict + other):
        one, why = harness_samples.add_samples(evaluation(), samples, " ")
        assert why is None
        assert one.scores["margin"] == pytest.approx((1.5 + 0.25 - 1.5) / 3)
