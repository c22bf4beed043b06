"""A set's own results as every_eval_ever's records: read back equal, and in the schema's own words."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from e2lm_core.base.records import METRICS
from e2lm_core.export.results import every_eval
from tests.export.results.test_harness import WHEN, gathered
from tests.support import harness_files, studios

# Of `detailed_evaluation_results.file_path`, as the schema has it.
PLACE = re.compile(
    r"data/[^/]+/[^/]+/[^/]+/[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}_samples\.jsonl"
)


@pytest.fixture
def written(tmp_path: Path):
    here = studios.studio(tmp_path)
    own = gathered(here)
    return here, own, every_eval.files(own, WHEN)


def test_the_means_are_read_back(written) -> None:
    here, own, files = written
    found = harness_files.import_files(files, here.catalogue.checkpoints, "x")
    assert not any(seen.why for seen in found.files)
    by_place = {(one.checkpoint.model.name, one.checkpoint.step): one.means for one in own.results}
    assert {curve.metric for curve in found.curves} == set(METRICS)
    for curve in found.curves:
        assert curve.scores == tuple(by_place[curve.model.name, step][curve.metric] for step in curve.steps)
        assert (curve.num_fewshot, curve.questions, curve.lower_is_better) == (2, 6, curve.metric == "bpb")


def test_records_and_samples_lie_where_the_datastore_has_them_and_name_each_other(written) -> None:
    _, own, files = written
    records = {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}
    assert len(records) == len(own.results) == len({record["evaluation_id"] for record in records.values()})
    for name, record in records.items():
        told = record["detailed_evaluation_results"]
        assert PLACE.fullmatch(told["file_path"])
        assert told["file_path"] == name.replace(".json", "_samples.jsonl")
        data = files[told["file_path"]]
        assert hashlib.sha256(data).hexdigest() == told["checksum"]
        rows = [json.loads(line) for line in data.splitlines()]
        assert told["total_rows"] == len(rows) == 6
        assert {row["evaluation_id"] for row in rows} == {record["evaluation_id"]}
        assert {row["model_id"] for row in rows} == {record["model_info"]["id"]}
        texts = record["model_info"]["additional_details"]
        assert all(isinstance(value, str) for value in texts.values())
        for result in record["evaluation_results"]:
            assert {"lower_is_better", "score_type", "min_score", "max_score"} <= set(result["metric_config"])


def test_a_sample_is_the_likeliest_choice_with_its_loglikelihoods(written) -> None:
    _, own, files = written
    data = next(data for name, data in sorted(files.items()) if name.endswith("jsonl"))
    for line, doc in zip(data.splitlines(), own.docs, strict=True):
        row = json.loads(line)
        lls = json.loads(row["metadata"]["loglikelihoods_nats"])
        assert row["output"]["raw"] == [doc.choices[lls.index(max(lls))]]
        assert row["evaluation"]["is_correct"] == (row["output"]["raw"] == row["input"]["reference"])
