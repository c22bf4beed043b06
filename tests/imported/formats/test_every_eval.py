"""every_eval_ever's schema, as its converters write it."""

from __future__ import annotations

import json

import pytest

from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import every_eval
from tests.support.harness_files import read


def record(identity: str = "EleutherAI/pythia-70m", metric: dict | None = None, **details) -> dict:
    config = {"lower_is_better": False, "score_type": "continuous", "min_score": 0, "max_score": 1}
    return {
        "schema_version": "0.3.0",
        "evaluation_id": "t/EleutherAI/pythia-70m/1",
        "retrieved_timestamp": "1767323045",
        "source_metadata": {},
        "eval_library": {"name": "lm_eval", "version": "0.4.9"},
        "model_info": {"name": "pythia", "id": identity, "additional_details": details},
        "evaluation_results": [
            {
                "evaluation_name": "arc_easy",
                "metric_config": {**config, **(metric or {"metric_id": "accuracy"})},
                "score_details": {"score": 0.5, "uncertainty": {"num_samples": 20}},
                "generation_config": {"additional_details": {"num_fewshot": "5"}},
            },
            {
                "evaluation_name": "arc_easy",
                "metric_config": {"lower_is_better": True, "evaluation_description": "bpb"},
                "score_details": {"score": 1.5, "uncertainty": {"num_samples": 20}},
                "generation_config": {"additional_details": {"num_fewshot": "5"}},
            },
        ],
    }


def test_a_record_gives_its_means():
    sample = {"schema_version": "0.3.0", "evaluation_id": "x", "sample_id": "1"}
    found = read(
        {
            "a.json": json.dumps(record(revision="step1000")).encode(),
            "a_samples.jsonl": (json.dumps(sample) + "\n").encode(),
        }
    )
    assert [
        (c.metric, c.scores, c.steps, c.num_fewshot, c.questions, c.lower_is_better) for c in found.curves
    ] == [
        ("acc", (0.5,), (1_000,), 5, 20, False),
        ("bpb", (1.5,), (1_000,), 5, 20, True),
    ]
    assert not any(seen.why for seen in found.files)


@pytest.mark.parametrize(
    "details", [{"step": "1000"}, {"checkpoint": "step1000"}, {"model_revision": "step1000"}]
)
def test_where_a_record_says_the_step(details):
    run = every_eval.read_record(record(**details), "a.json", CheckpointResolver())
    assert [one.step for one in run.evaluations] == [1_000]


@pytest.mark.parametrize(
    ("stamp", "when"), [("1767323045", 1767323045.0), ("yesterday", 0.0), ("-1", 0.0), ("1e99", 0.0)]
)
def test_of_two_records_the_newer_counts_and_one_without_a_date_is_the_oldest(stamp, when):
    run = every_eval.read_record(
        record(revision="step1000") | {"evaluation_timestamp": stamp}, "a.json", CheckpointResolver()
    )
    assert [one.when for one in run.evaluations] == [when]


def test_a_record_without_a_step_or_a_number():
    run = every_eval.read_record(record(), "a.json", CheckpointResolver())
    assert "names no checkpoint (EleutherAI/pythia-70m)" in run.problems[0]
    broken = record(revision="step1000")
    broken["evaluation_results"][0]["score_details"] = {"score": None}
    run = every_eval.read_record(broken, "a.json", CheckpointResolver())
    assert [sorted(one.scores) for one in run.evaluations] == [["bpb"]]
    assert "without a name or a number" in run.problems[0]


def test_a_records_standard_error_stays_with_its_score():
    content = record(revision="step1000")
    content["evaluation_results"][0]["score_details"]["uncertainty"]["standard_error"] = {"value": 0.1}
    found = read({"a.json": json.dumps(content).encode()})
    assert {c.metric: c.stderr for c in found.curves} == {"acc": (0.1,), "bpb": ()}
