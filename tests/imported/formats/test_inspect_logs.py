"""Inspect's logs, as JSON and as .eval, and those that ended early."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Limits
from e2lm_core.imported import read_results
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import inspect_logs
from tests.support.harness_files import read


def log(status: str = "success", model_args: dict | None = None, **changes) -> dict:
    metric = {"accuracy": {"name": "accuracy", "value": 0.25}, "stderr": {"name": "stderr", "value": 0.1}}
    return {
        "version": 2,
        "status": status,
        "eval": {
            "task": "t",
            "model": "hf/EleutherAI/pythia-70m",
            "model_args": {"revision": "step1000"} if model_args is None else model_args,
            "created": "2026-01-02T03:04:05+00:00",
            "config": {"epochs": 2},
        },
        "results": {"completed_samples": 8, "scores": [{"name": "choice", "metrics": metric}]},
        **changes,
    }


def packed(content: dict | None, name: str = "header.json") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, json.dumps(content))
    return buffer.getvalue()


def test_an_uploaded_log_is_a_log_and_no_archive_of_others():
    found = read_results.import_uploads({"a.eval": packed(log())}, Limits())
    assert [seen.kind for seen in found.files] == ["Inspect log"]


def test_a_hub_models_revision_tells_the_step_and_epochs_are_no_questions():
    [curve] = read({"a.eval": packed(log()), "b.json": json.dumps(log()).encode()}).curves
    assert (curve.model.name, curve.steps, curve.scores, curve.questions) == (
        "pythia-70m",
        (1_000,),
        (0.25,),
        4,
    )


def test_a_run_that_ended_early():
    found = read({"a.json": json.dumps(log("error")).encode()})
    assert "ended as 'error', so of fewer questions" in found.problems[0]
    run = inspect_logs.read_log(log("cancelled", results=None), "a.json", CheckpointResolver())
    assert run.problems == ("a.json has no score: that run ended as 'cancelled'.",)


def test_a_model_without_a_step():
    run = inspect_logs.read_log(log(model_args={}), "a.json", CheckpointResolver())
    assert "names no checkpoint (hf/EleutherAI/pythia-70m)" in run.problems[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (packed(log(), "_journal/start.json"), "Inspect had not ended"),
        (packed(log())[:-30], "copy it again"),
        (packed({"no": "log"}), "copy it again"),
        (b"PK not a zip", "copy it again"),
        (packed({"x": "0" * 20_000_000}), "larger than any log's"),
    ],
    ids=["journal", "half", "other", "no-zip", "bomb"],
)
def test_what_is_no_log(data, says):
    with pytest.raises(TaskError, match=says):
        inspect_logs.header(data, "x.eval")


def test_a_scorers_standard_error_is_that_of_its_mean_and_a_system_message_is_another_curve():
    told = log(plan={"config": {"system_message": "Be brief."}})
    told["eval"]["task_version"] = 2
    found = read({"a.json": json.dumps(log()).encode(), "b.json": json.dumps(told).encode()})
    assert [(c.metric, c.scores, c.stderr) for c in found.curves] == [("acc", (0.25,), (0.1,))] * 2
    assert [c.setup.system_instruction for c in found.curves] == [None, "Be brief."]
    assert [c.setup.task_version for c in found.curves] == [None, "2"]
