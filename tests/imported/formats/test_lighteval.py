"""lighteval's results and details, in the layouts of its writer."""

from __future__ import annotations

import io
import json

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import frames, lighteval
from e2lm_core.imported.join import curve_labels
from tests.support.harness_files import read


def results(name: str = "EleutherAI/pythia-70m", revision: str | None = "step1000", **tasks) -> bytes:
    return json.dumps(
        {
            "config_general": {
                "model_config": {"model_name": name, "revision": revision},
                "model_name": name,
                "max_samples": None,
            },
            "results": tasks or {"arc:easy|0": {"acc": 0.5, "acc_stderr": 0.1}, "all": {"acc": 0.5}},
            "versions": {},
            "config_tasks": {},
        }
    ).encode()


def details(
    gold: object = 0, logprobs: object = (-1.0, -2.0), choices: object = (" iron", " tin"), n: int = 2
) -> bytes:
    rows = [
        {
            "doc": {"id": str(k), "choices": list(choices), "gold_index": gold, "query": "Q"},
            "metric": {"acc": 1},
            "model_response": {"logprobs": list(logprobs), "text": []},
        }
        for k in range(n)
    ]
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


DATE = "2026-01-02T03-04-05.678901"


@pytest.mark.parametrize(
    ("key", "task", "shots"),
    [
        ("arc:easy|0", "arc:easy", 0),
        ("leaderboard|arc:challenge|25", "arc:challenge", 25),
        ("leaderboard|arc:challenge|25|0", "arc:challenge", 25),
        ("custom", "custom", None),
        ("custom|²", "custom", None),
    ],
)
def test_how_tasks_were_named(key, task, shots):
    assert lighteval.task_of(key) == (task, shots)


def test_a_mean_over_tasks_is_no_task():
    found = read(
        {
            "results/x.json": results(
                **{"mmlu:a|5": {"acc": 0.25}, "mmlu:_average|5": {"acc": 0.25}, "all": {"acc": 0.25}}
            )
        }
    )
    assert [(c.task, c.num_fewshot, c.tokens_seen) for c in found.curves] == [("mmlu:a", 5, (2_097_152_000,))]


def test_details_are_joined_by_their_date():
    files = {
        f"results/EleutherAI/pythia-70m/results_{DATE}.json": results(**{"m|0": {"acc": 1.0}}),
        f"details/EleutherAI/pythia-70m/{DATE}/details_m|0_{DATE}.parquet": details(),
    }
    found = read(files)
    assert "margin" in {c.metric for c in found.curves}
    assert found.measured["m"].question_ids == ("0", "1")
    assert found.measured["m"].chars[0].tolist() == [4.0, 3.0]  # without the space before each


def test_another_runs_details_are_left_aside():
    files = {
        f"results/EleutherAI/pythia-70m/results_{DATE}.json": results(**{"m|0": {"acc": 0.0}}),
        f"details/EleutherAI/pythia-70m/{DATE}/details_m|0_{DATE}.parquet": details(),
    }
    found = read(files)
    assert [c.scores for c in found.curves] == [(0.0,)]
    assert any("acc is 1.0000 by the details but 0.0000" in problem for problem in found.problems)


def test_an_acc_norm_that_counts_the_space_keeps_a_name_of_its_own():
    """By length 4 and 3 the first is right; lighteval's, with the space counted, may say otherwise."""
    files = {
        f"results/p/pythia-70m-step1000/results_{DATE}.json": results(
            **{"m|0": {"acc": 1.0, "acc_norm": 0.0, "acc_norm_stderr": 0.1}}
        ),
        f"details/p/pythia-70m-step1000/{DATE}/details_m|0_{DATE}.parquet": details(),
    }
    found = {c.metric: (c.scores, c.stderr) for c in read(files).curves}
    assert found["acc_norm"] == ((1.0,), ())
    assert found["acc_norm,lighteval"] == ((0.0,), (0.1,))


def test_details_alone_are_of_the_checkpoint_that_their_folders_name():
    found = read({f"details/EleutherAI/pythia-70m-step1000/{DATE}/details_m|3_{DATE}.parquet": details()})
    assert {(c.model.name, c.steps, c.num_fewshot) for c in found.curves} == {("pythia-70m", (1_000,), 3)}


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"gold": [0, 1]}, "several right answers"),
        ({"logprobs": []}, "2 choices and 0 log-probabilities"),
        ({"choices": [" iron"], "logprobs": [-1.0]}, "no multiple-choice task"),
        ({"choices": [" ", " tin"]}, "a choice is empty"),
    ],
)
def test_details_that_give_means_alone(made, says):
    with pytest.raises(StudioError, match=says):
        lighteval.read_details(details(**made), "d.parquet")


def test_details_of_before_are_said_to_be_so():
    buffer = io.BytesIO()
    parquet.write_table(arrow.table({"example": ["a"], "predictions": ["[1]"]}), buffer)
    with pytest.raises(StudioError, match=r"since 0\.10"):
        lighteval.read_details(buffer.getvalue(), "d.parquet")


def test_half_a_file_and_one_of_too_many_values(monkeypatch):
    with pytest.raises(StudioError, match="copy it again"):
        lighteval.read_details(details()[:-20], "d.parquet")
    monkeypatch.setattr(frames, "MAX_CELLS", 3)
    with pytest.raises(LimitError):
        lighteval.read_details(details(), "d.parquet")


def test_a_model_without_a_step_is_said():
    run = lighteval.read_results(json.loads(results("gpt2", "main")), "results_x.json", CheckpointResolver())
    assert run.evaluations == ()
    assert "names no checkpoint (gpt2, main)" in run.problems[0]


def test_standard_errors_and_how_a_run_was_made_are_read():
    plain = json.loads(results())
    plain["versions"] = {"arc:easy|0": 1}
    bits = json.loads(json.dumps(plain))
    bits["config_general"]["model_config"] |= {"dtype": "4bit", "override_chat_template": True}
    tuned = json.loads(results("me/lora-step1000", None))
    tuned["config_general"]["model_config"] |= {
        "base_model": "EleutherAI/pythia-70m",
        "adapter_weights": True,
    }
    files = {
        f"results_2026-01-0{k + 1}T03-04-05.1.json": json.dumps(one).encode()
        for k, one in enumerate((plain, bits, tuned))
    }
    imported = read(files)
    assert [curve.stderr for curve in imported.curves] == [(0.1,)] * 3
    assert curve_labels(imported.curves) == [
        "pythia-70m",
        "pythia-70m, with the chat template of the tokenizer, quantized (quantization=4bit)",
        "lora, with the adapter on EleutherAI/pythia-70m",
    ]
