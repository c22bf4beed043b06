"""Tasks that the installed lm-evaluation-harness builds, in a process of its own."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.sets.folder.files import read_task, write_task
from e2lm_core.sets.folder.foreign import builder, harness_subprocess
from e2lm_core.sets.prompts.render import render_set
from tests.sets.folder.foreign.made import ARC, ARC_ROWS, LIMITS, opened, write

KNOWN = {
    "task": "t v1.1",
    "alias": None,
    "output_type": "multiple_choice",
    "num_fewshot": None,
    "delimiters": [" ", "\n\n"],
    "shown_delimiters": [" ", "\n\n"],
    "sampler": "default",
    "splits": ["test", None, None, "dev"],
    "samples": False,
    "version": "0.4.13",
    "own_results": False,
    "prefixed": False,
}
DOC = {"row": {"a": 1}, "description": "", "text": "Q", "choices": ["x", "y"], "target": "y"}


def told(
    known: dict[str, Any] | None = None, doc: dict[str, Any] | None = None, dev: Any = DOC
) -> list[dict[str, Any]]:
    return [KNOWN | (known or {}), {"test": DOC | (doc or {})}, {"dev": dev}]


def test_what_was_built_is_a_set_with_its_provenance() -> None:
    task, _ = harness_subprocess.build_set(told(), "t", LIMITS)
    assert (task.name, len(task.dev), task.zero_shot) == ("t_v1_1", 1, None)
    assert task.config.metadata == {"built_by": "lm_eval 0.4.13", "task": "t v1.1"}
    assert (task.questions[0].answer, task.questions[0].extra) == (1, {"a": 1})
    assert render_set(task, 1)[0].context == "Q y\n\nQ"


@pytest.mark.parametrize(
    ("known", "doc", "says"),
    [
        ({"output_type": "generate_until"}, {}, "multiple_choice only"),
        ({"prefixed": True}, {}, "gen_prefix"),
        ({"own_results": True}, {}, "t v1.1: process_results changes scores by code"),
        (
            {},
            {"target": [0, 2], "choices": ["ice", "fog", "rime"]},
            "several answers of a question for right",
        ),
        (
            {},
            {"target": [0, 1], "choices": ["ice", "rime"]},
            "every answer of a question for right: no wrong one",
        ),
        ({}, {"target": [0]}, "one target"),
        ({}, {"target": "z"}, "none of its choices"),
        ({}, {"choices": ["x"]}, "fewer than two"),
        ({}, {"text": 0, "target": 1}, "not one text"),
        ({}, {"text": 0, "target": ""}, "not one text"),
        ({}, {"text": 2}, "target 2 is none of its choices"),
    ],
)
def test_what_the_studio_cannot_keep_is_refused(known: dict, doc: dict, says: str) -> None:
    with pytest.raises(TaskError, match=says):
        harness_subprocess.build_set(told(known, doc), "t", LIMITS)


@pytest.mark.parametrize(
    ("known", "dev", "why"),
    [
        ({"sampler": "Balanced"}, DOC, "drawn by 'Balanced'"),
        ({"shown_delimiters": ["", "\n"]}, DOC, "shows its examples otherwise"),
        ({}, DOC | {"target": "z"}, "none of its choices"),
        ({}, 30_000, "more than a set may have"),
        ({"splits": ["test", None, None, None]}, builder.SHUFFLED, "shuffles its questions anew"),
        ({"splits": [None, "v", "t", None]}, DOC, "rows that stand twice"),
    ],
)
def test_examples_that_are_not_the_harness_s_are_left_out(known: dict, dev: Any, why: str) -> None:
    task, _ = harness_subprocess.build_set(told(known, dev=dev), "t", LIMITS)
    assert why in str(task.zero_shot)
    assert not task.dev


def test_rows_are_found_by_the_names_that_the_studio_looks_for(tmp_path: Path) -> None:
    write(tmp_path / "s", "x", {}, test=[{"a": 1}])
    assert builder.rows_in(tmp_path, "s", "test") == [{"a": 1}]
    assert builder.rows_in(tmp_path / "s", None, "test") == [{"a": 1}]
    assert builder.rows_in(tmp_path, None, "test") is None


class Built:
    """What the builder looks at of a task that the harness built."""

    def __init__(self, name: str, subset: str | None) -> None:
        self.config = SimpleNamespace(
            task=name, dataset_path="cais/mmlu", dataset_name=subset, test_split="test", validation_split=None
        )


def test_tasks_that_ask_for_different_rows_are_not_built_on_one_file(tmp_path: Path) -> None:
    write(tmp_path, "x.none", {}, test=[{"a": 1}])
    builder.require_separate_rows([Built("a", "x"), Built("b", "x")], tmp_path)
    with pytest.raises(
        ValueError, match=r"a and b would both read test\.jsonl; give each its own rows, as SUBSET/"
    ):
        builder.require_separate_rows([Built("a", "x"), Built("b", "y")], tmp_path)
    write(tmp_path / "y", "x.none", {}, test=[{"a": 1}])
    builder.require_separate_rows([Built("a", "x"), Built("b", "y")], tmp_path)


@pytest.mark.slow
def test_a_task_that_scores_by_code_is_refused_with_the_harness_too(tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    mc2 = {"choices": ["x", "y", "z", "w"], "labels": [1, 1, 0, 0]}
    rows = [
        {"question": f"q{n}", "mc2_targets": mc2, "mc1_targets": mc2 | {"labels": [1, 0, 0, 0]}}
        for n in range(3)
    ]
    write(tmp_path, "x.none", {}, validation=rows)
    with pytest.raises(TaskError, match="truthfulqa_mc2: process_results changes scores by code"):
        harness_subprocess.build_with_harness("truthfulqa_mc2", LIMITS, tmp_path)


@pytest.mark.slow
def test_files_beside_a_yaml_are_found(tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    keys = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "test.jsonl"}},
        "test_split": "test",
    }
    dropped = ("dataset_name", "training_split", "validation_split")
    own = {key: value for key, value in (ARC | keys | {"task": "beside"}).items() if key not in dropped}
    folder = write(tmp_path / "beside", "beside.yaml", own, test=ARC_ROWS)
    task, _ = harness_subprocess.build_with_harness(str(folder / "beside.yaml"), LIMITS)
    assert len(task.questions) == len(ARC_ROWS)


@pytest.mark.slow
def test_the_harness_builds_what_the_studio_does_not_run(tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    rows = tmp_path / "rows"
    write(rows, "x.none", {}, test=ARC_ROWS, train=ARC_ROWS[3:], validation=ARC_ROWS)
    keys = ARC | {"process_docs": "PLACE", "dataset_name": None}
    folder = write(tmp_path / "arc", "arc_easy.yaml", keys)
    text = (folder / "arc_easy.yaml").read_text().replace('"PLACE"', "!function utils.more")
    (folder / "arc_easy.yaml").write_text(text)
    code = "def more(data):\n    return data.map(lambda row: {'question': 'So: ' + row['question']})\n"
    (folder / "utils.py").write_text(code)
    task, _ = harness_subprocess.build_with_harness(str(folder / "arc_easy.yaml"), LIMITS, rows)
    assert [q.question for q in task.questions][:2] == [
        "Question: So: Which 0?\nAnswer:",
        "Question: So: Which 1?\nAnswer:",
    ]
    plain = write(tmp_path / "plain", "arc_easy.yaml", ARC, test=ARC_ROWS, train=ARC_ROWS[3:])
    for shots in (0, 2):
        ours = [
            doc.context.replace("Question: ", "Question: So: ")
            for doc in render_set(opened(plain).task, shots)
        ]
        assert [doc.context for doc in render_set(task, shots)] == ours
    write_task(task, tmp_path / "kept" / "arc_easy", LIMITS)
    again = read_task(tmp_path / "kept" / "arc_easy", LIMITS, strict=True).task
    assert render_set(again, 2) == render_set(task, 2)
    (folder / "utils.py").write_text("raise SystemExit('no')\n")
    with pytest.raises(TaskError, match="lm_eval could not build"):
        harness_subprocess.build_with_harness(str(folder / "arc_easy.yaml"), LIMITS, rows)


def test_a_python_that_is_none_is_said() -> None:
    with pytest.raises(StudioError, match="could not run lm_eval"):
        harness_subprocess.build_with_harness("arc_easy", LIMITS, python="/nowhere/python")
    with pytest.raises(StudioError, match="it said nothing"):
        harness_subprocess.build_with_harness(
            "arc_easy", LIMITS, python="/bin/true" if sys.platform != "win32" else "none"
        )


# --- without a network --------------------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def refusing() -> Iterator[str]:
    """A hub that answers, if only that it has no such page."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_whether_a_hub_answers_at_all(silent: str, closed: str, refusing: str) -> None:
    began = time.monotonic()
    assert not builder.is_reachable(silent, 0.2)
    assert not builder.is_reachable(closed, 5.0)
    assert not builder.is_reachable("http://no.such.host.invalid", 5.0)
    assert not builder.is_reachable("nothing", 5.0)
    assert builder.is_reachable(refusing, 5.0)
    assert time.monotonic() - began < 15


@pytest.mark.slow
@pytest.mark.parametrize("address", ["silent", "closed"])
def test_without_a_network_a_sentence_ends_it(
    address: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the harness's own requests would be made again five times, less and less often."""
    pytest.importorskip("lm_eval")
    endpoint = request.getfixturevalue(address)
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    folder = write(tmp_path / "tasks", "arc_easy.yaml", ARC)
    with pytest.raises(TaskError) as error:
        harness_subprocess.build_with_harness(str(folder / "arc_easy.yaml"), LIMITS)
    said = str(error.value)
    assert said.startswith("lm_eval could not build ")
    assert f"its data is not on this machine, and {endpoint} cannot be reached" in said
    assert "--rows DIR" in said
