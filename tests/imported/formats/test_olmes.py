"""OLMES, DataDecide's instances and olmo-eval, in the layouts of their writers; one row is published as it stands here."""

from __future__ import annotations

import json
import math

import pytest

from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import olmes
from e2lm_core.imported.join import curve_labels
from tests.support.harness_files import read

# allenai/DataDecide-eval-instances, dclm-baseline, 750M, seed-14, step-25000, arc_challenge: its first row, as far as the
# dataset's viewer shows it. Its first choice, "Planetary density will decrease.", has 32 characters; theirs count 33.
PUBLISHED = {
    "doc_id": 0,
    "native_id": "Mercury_7175875",
    "metrics": {"predicted_index_raw": 3, "correct_choice": 2, "acc_raw": 0, "acc_per_char": 0},
    "model_output": [
        {"sum_logits": -23.55691146850586, "num_chars": 33, "logits_per_byte": 1.029861798615096},
        {"sum_logits": -27.946788787841797, "num_chars": 36, "logits_per_byte": 1.1199637109172114},
        {"sum_logits": -26.21829605102539, "num_chars": 36, "logits_per_byte": 1.05069460259445},
        {"sum_logits": -23.19853401184082, "num_chars": 40, "logits_per_byte": 0.8367},
    ],
    "label": 2,
}


def metrics(
    task: str = "arc_easy", acc: float = 0.0, revision: str | None = "step1000-tokens4B", **changes
) -> dict:
    return {
        "task_name": task,
        "task_hash": "0a1b2c",
        "model_config": {"model": "olmo", "model_path": "allenai/OLMo-1B-hf", "revision": revision},
        "task_config": {"task_name": task, "num_shots": 5, "primary_metric": "acc_per_char"},
        "current_date": "2026-01-02 03:04:05 UTC",
        "num_instances": 2,
        "metrics": {
            "acc_raw": acc,
            "acc_per_char": 0.5,
            "margin": 0.125,
            "primary_score": 0.5,
            "extra_metrics": {"p": 1},
        },
        **changes,
    }


def prediction(number: int = 0, label: int = 1, **changes) -> dict:
    outputs = [
        {"sum_logits": -2.0, "num_chars": 5, "bits_per_byte": 2.0 / (5 * math.log(2))},
        {"sum_logits": -3.0, "num_chars": 4, "bits_per_byte": 3.0 / (4 * math.log(2))},
    ]
    return {"doc_id": number, "native_id": f"q{number}", "model_output": outputs, "label": label, **changes}


def lines(*rows: dict) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def scores(found) -> dict[str, tuple[float, ...]]:
    return {curve.metric: curve.scores for curve in found.curves}


def test_a_tasks_metrics_and_predictions_give_its_numbers_and_all_five_of_ours():
    found = read(
        {
            "run/task-000-arc_easy-metrics.json": json.dumps(metrics()).encode(),
            "run/task-000-arc_easy-predictions.jsonl": lines(prediction(0), prediction(1)),
            "run/task-000-arc_easy-requests.jsonl": lines(
                {"request_type": "loglikelihood", "request": {}, "doc_id": 0}
            ),
        }
    )
    got = scores(found)
    assert got["acc_raw"] == got["acc"] == (0.0,)
    assert got["acc_per_char"] == (0.5,)
    assert got["margin,olmes"] == (0.125,)  # between probabilities: another thing than ours
    assert got["margin"] == pytest.approx((-1.0,))
    assert got["norm_prob"] == pytest.approx((math.exp(-3) / (math.exp(-2) + math.exp(-3)),))
    assert got["bpb"] == pytest.approx((3.0 / (3 * math.log(2)),))  # three bytes without the space
    measured = found.measured["arc_easy"]
    assert measured.question_ids == ("q0", "q1")
    assert measured.chars[0].tolist() == [4.0, 3.0]
    [curve] = [c for c in found.curves if c.metric == "acc"]
    assert (curve.steps, curve.tokens_seen, curve.num_fewshot, curve.questions) == (
        (1_000,),
        (4_000_000_000,),
        5,
        2,
    )
    assert not any(seen.why for seen in found.files)


def test_what_is_written_three_times_counts_once():
    one, other = metrics(), metrics("boolq")
    whole = {"all_primary_scores": [], "model_config": one["model_config"], "metrics": [one, other]}
    found = read(
        {
            "run/metrics.json": json.dumps(whole).encode(),
            "run/metrics-all.jsonl": lines(one, other),
            "run/task-000-arc_easy-metrics.json": json.dumps(one).encode(),
            "run/task-001-boolq-metrics.json": json.dumps(other).encode(),
            "run/task-001-boolq-predictions.jsonl": lines(prediction(0), prediction(1)),
        }
    )
    assert not any("times" in problem for problem in found.problems)
    assert {curve.task for curve in found.curves} == {"arc_easy", "boolq"}
    assert list(found.measured) == ["boolq"]


def test_decides_published_row_and_folders():
    """The numbers of the row: lengths lose the space, and bytes follow from bits a byte."""
    [one] = olmes.read_predictions([PUBLISHED])
    assert list(one.chars)[:3] == [32, 35, 35]
    assert one.gold_bytes == 35
    found = read(
        {
            f"models/dclm-baseline/750M/seed-{seed}/step-25000/arc_challenge-predictions.jsonl": lines(
                PUBLISHED
            )
            for seed in (14, 6198)
        }
    )
    assert {(c.model.name, c.model.seed_of, c.steps) for c in found.curves} == {
        ("dclm-baseline-750M", None, (25_000,)),
        ("dclm-baseline-750M (seed 14)", "dclm-baseline-750M", (25_000,)),
    }
    assert scores(found)["acc"] == (0.0,)


def test_olmo_evals_metrics_and_predictions():
    """Metrics have a scorer each; texts stand in the predictions, whose names end on the task's hash."""
    content = {
        "timestamp": "2026-06-12T01:02:03",
        "config": {
            "name": "default",
            "provider": {"model": "allenai/OLMo-1B-hf", "revision": "step2000-tokens8B"},
        },
        "tasks": [
            {
                "task": "arc_easy:3shot",
                "metrics": {
                    "accuracy": {"logprob": 0.0, "logprob_per_char": 1.0},
                    "bits_per_byte": {"bits_per_byte": 1.5},
                },
                "num_instances": 1,
                "config": {"num_fewshot": 3},
            }
        ],
        "summary": {},
    }
    outputs = [{"text": " Eisen", "sum_logits": -2.0}, {"text": " Öl", "sum_logits": -3.0}]
    found = read(
        {
            "x/metrics.json": json.dumps(content).encode(),
            "x/predictions/OLMo/arc_easy_3shot_0a1b2c-predictions.jsonl": lines(
                prediction(0, model_output=outputs)
            ),
        }
    )
    got = scores(found)
    assert (got["accuracy,logprob"], got["accuracy,logprob_per_char"], got["bits_per_byte"]) == (
        (0.0,),
        (1.0,),
        (1.5,),
    )
    assert got["bpb"] == pytest.approx((3.0 / (3 * math.log(2)),))  # Öl has three bytes
    assert {(c.steps, c.num_fewshot) for c in found.curves} == {((2_000,), 3)}


def test_several_models_in_one_file():
    content = {
        "config": {
            "models": {
                "a": {"model": "allenai/OLMo-1B-hf", "revision": "step1000-tokens4B"},
                "b": {"model": "gpt2"},
            }
        },
        "tasks": [
            {"task": "t", "model": "a", "metrics": {"f1": {"f1": 0.5}}, "num_instances": 1},
            {"task": "t", "model": "b", "metrics": {"f1": {"f1": 0.5}}, "num_instances": 1},
        ],
        "summary": {},
    }
    runs, problems = olmes.read_metrics(content, "metrics.json", CheckpointResolver())
    assert [run.evaluation.step for run in runs] == [1_000]
    assert problems == [problems[0]]
    assert "names no checkpoint (gpt2)" in problems[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_output": [{"sum_logits": -1.0}]}, "no multiple-choice task"),
        ({"model_output": [{"sum_logits": None}, {"sum_logits": -1.0}]}, "no multiple-choice task"),
        ({"label": "Paris"}, "none of them"),
        ({"label": 7}, "none of them"),
        ({"model_output": [{"sum_logits": -1.0}] * 201}, "more than 200 choices"),
    ],
)
def test_predictions_that_give_means_alone(changes, says):
    assert says in str(olmes.read_predictions([prediction(**changes)]))


def test_predictions_of_another_run_and_without_their_metrics():
    files = {
        "run/task-000-arc_easy-metrics.json": json.dumps(metrics(acc=1.0)).encode(),
        "run/task-000-arc_easy-predictions.jsonl": lines(prediction(0), prediction(1)),
        "lost/task-000-arc_easy-predictions.jsonl": lines(prediction(0)),
    }
    found = read(files)
    assert not found.measured
    assert any(
        "acc_raw is 0.0000 by the predictions but 1.0000 in the metrics file" in p for p in found.problems
    )
    assert any("its metrics are not beside it" in p for p in found.problems)


def test_runs_of_another_version_or_in_8_bits_are_curves_of_their_own():
    plain, bits, other = metrics(acc=0.1), metrics(acc=0.2), metrics(acc=0.3)
    bits["model_config"] = {**bits["model_config"], "load_in_8bit": True}
    other["task_config"] = {**other["task_config"], "version": 2}
    files = {
        f"{k}/task-000-arc_easy-metrics.json": json.dumps(one).encode()
        for k, one in enumerate((plain, bits, other))
    }
    found = read(files)
    assert {c.scores for c in found.curves if c.metric == "acc_raw"} == {(0.1,), (0.2,), (0.3,)}


def test_runs_with_a_chat_format_are_curves_of_their_own_and_say_so():
    plain, formatted, chat = metrics(acc=0.1), metrics(acc=0.2), metrics(acc=0.3)
    formatted["task_config"] = {**formatted["task_config"], "use_chat_format": True}
    chat["model_config"] = {**chat["model_config"], "chat_model": True, "chat_template": "tulu"}
    off = metrics("boolq")
    off["task_config"] = {**off["task_config"], "use_chat_format": False, "num_shots": 0}
    files = {
        f"{k}/task-000-{one['task_name']}-metrics.json": json.dumps(one).encode()
        for k, one in enumerate((plain, formatted, chat, off))
    }
    curves = [curve for curve in read(files).curves if curve.metric == "acc_raw"]
    assert {(c.task, *c.scores): label for c, label in zip(curves, curve_labels(curves), strict=True)} == {
        ("arc_easy", 0.1): "OLMo-1B-hf",
        ("arc_easy", 0.2): "OLMo-1B-hf, with the chat template of the tokenizer",
        ("arc_easy", 0.3): "OLMo-1B-hf, with the chat template tulu",
        ("boolq", 0.0): "OLMo-1B-hf",
    }
    assert [curve.num_fewshot for curve in curves] == [5, 5, 5, 0]
