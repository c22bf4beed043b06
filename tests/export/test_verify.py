"""A bundle in the real harness: the same numbers, and what is told where it cannot be run."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from e2lm_core.base.errors import CheckpointError, StudioError, TaskError
from e2lm_core.base.records import RenderedDoc, TaskConfig, TaskSet
from e2lm_core.export import verify
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets.folder import bundle
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def packed(studio: Studio, task: TaskSet | None = None) -> bytes:
    return bundle.pack(task or studios.task(), studio.settings.limits)


def with_file(data: bytes, name: str, content: bytes) -> bytes:
    """The bundle with one of its files replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {file: archive.read(file) for file in archive.namelist()}
    return bundle.zip_files({**files, name: content})


def awkward() -> TaskSet:
    """A few questions of texts that break what reads lines, and a description of their own."""
    texts = (
        "one\u2028two\x85three",
        ' "quoted" ',
        "العربية",
        "{{ not_a_template }}",
        "line\nline\ttab",
        "🜛 e\u0301",
    )
    questions = tuple(
        studios.question(n, question=f"{text}? {n}", choices=(text, f"{n}", f"{n}.0", f" {n}x"), answer=n % 4)
        for n, text in enumerate(texts)
    )
    plain = studios.task(name="awkward_little", dev=3)
    config = TaskConfig(task="awkward_little", description="Answer.\n\n", num_fewshot=2)
    return plain.model_copy(update={"config": config, "questions": questions})


DOC = RenderedDoc(question_id="q", context="What?", continuations=(" a", " b"), choices=("a", "b"), gold=1)
SAMPLE: dict[str, Any] = {
    "doc_id": 0,
    "arguments": {
        "gen_args_0": {"arg_0": "What?", "arg_1": " a"},
        "gen_args_1": {"arg_0": "What?", "arg_1": " b"},
    },
    "filtered_resps": [["-1.0", "False"], ["-2.0", "True"]],
    "target": "1",
}

# A set as it is, and one whose choices are asked each before the question's text.
STYLES: tuple[dict[str, str], ...] = ({}, {"doc_to_text": "answer", "doc_to_target": "question"})


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES, ids=["cloze", "ending"])
def test_the_real_harness_gives_the_studios_numbers(tmp_path: Path, style: dict[str, str]) -> None:
    pytest.importorskip("lm_eval")
    settings = studios.settings(
        tmp_path, ladder=studios.real_ladder(tmp_path / "ladder", (100, 200), ("ladder-small-arch1",))
    )
    studio = open_studio(settings)
    task = awkward()
    task = task.model_copy(update={"config": task.config.model_copy(update=style)})
    document = verify.verify_bundle(studio, packed(studio, task), verify.smallest_checkpoint(studio))
    assert document["verified"], document
    assert (document["documents"], document["checkpoint"]) == (6, "ladder-small-arch1/iter_0000200")
    assert document["max_abs_difference"] < 1e-4
    assert [run["num_fewshot"] for run in document["runs"]] == [0, 2]
    assert set(document["aggregates"]) == {"0", "2"}
    for means in document["aggregates"].values():
        assert means["acc"]["studio"] == pytest.approx(means["acc"]["harness"], abs=1e-12)
        assert means["acc_norm"]["studio"] == pytest.approx(means["acc_norm"]["harness"], abs=1e-12)
    first = document["questions"]["0"][0]
    assert first["studio"] == pytest.approx(first["harness"], abs=1e-4)
    assert len(first["harness"]) == 4
    assert document["harness"]["lm_eval"]


def test_another_number_prompt_or_document_is_not_verified() -> None:
    docs, sample = [DOC], SAMPLE
    ours, means = np.array([[-1.0, -2.0]]), {"acc": 0.0, "acc_norm": 0.0}

    def compared(sample: dict, ours: np.ndarray = ours) -> dict:
        return verify._beside(0, docs, ours, {0: sample}, means)

    assert compared(sample)["verified"]
    assert compared(sample)["max_abs_difference"] == 0
    far = compared(sample, np.array([[-1.0, -2.1]]))
    assert (far["verified"], far["beyond"]) == (False, 1)
    assert far["max_abs_difference"] == pytest.approx(0.1)
    for change in ({"target": "0"}, {"filtered_resps": sample["filtered_resps"], "arguments": {}}):
        assert compared({**sample, **change})["other_prompts"] == 1
        assert not compared({**sample, **change})["verified"]
    assert not verify._beside(0, docs, ours, {}, means)["verified"]
    assert not compared(sample, np.array([[-1.0, np.nan]]))["verified"]


@pytest.mark.parametrize("deeper", range(3))
def test_answers_that_lie_deeper_are_read(deeper: int) -> None:
    """lm_eval 0.5.0.dev1 writes each answer in a list of its own."""
    responses: list[Any] = SAMPLE["filtered_resps"]
    for _ in range(deeper):
        responses = [[response] for response in responses]
    ours = np.array([[-1.0, -2.0]])
    run = verify._beside(
        0, [DOC], ours, {0: {**SAMPLE, "filtered_resps": responses}}, {"acc": 0.0, "acc_norm": 0.0}
    )
    assert run["verified"]
    assert run["questions"][0]["harness"] == [-1.0, -2.0]


@pytest.mark.parametrize(
    "change",
    [
        {"filtered_resps": [[], []]},
        {"filtered_resps": [{"ll": -1.0}, {"ll": -2.0}]},
        {"filtered_resps": [["one", "False"], ["-2.0", "True"]]},
        {"filtered_resps": None},
        {"filtered_resps": [["-1.0", "False"]]},
        {"arguments": [["What?", " a"], ["What?", " b"]]},
        {"arguments": {"gen_args_0": {"context": "What?"}}},
        {"arguments": {"gen_args_0": None}},
        {"target": ...},
    ],
)
def test_samples_in_a_layout_that_is_not_known_are_a_sentence(change: dict[str, Any]) -> None:
    sample = {key: value for key, value in {**SAMPLE, **change}.items() if value is not ...}
    with pytest.raises(StudioError, match="wrote its samples in a layout that the studio does not read"):
        verify._beside(0, [DOC], np.array([[-1.0, -2.0]]), {0: sample}, {"acc": 0.0, "acc_norm": 0.0})


@pytest.mark.parametrize("content", ["", "[]", '{"results": {}}', "{"])
def test_results_in_a_layout_that_is_not_known_are_a_sentence(tmp_path: Path, content: str) -> None:
    """A harness that ends well and writes something else."""
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != --output_path ]; do shift; done; mkdir -p "$2/x"\n'
        f"printf '%s' '{content}' > \"$2/x/results_1.json\"; printf '{{}}' > \"$2/x/samples_little_1.jsonl\"\n"
    )
    python.chmod(0o755)
    with pytest.raises(StudioError, match=r"wrote its \w+ in a layout that the studio does not read"):
        verify._harness(str(python), tmp_path, "little", tmp_path, "float32", 0, None)


def test_what_the_studio_does_not_write_so_is_not_run(here: Studio) -> None:
    data = with_file(packed(here), "little/loader.py", b"raise SystemExit('run')\n")
    with pytest.raises(TaskError):
        verify.verify_bundle(here, data, verify.smallest_checkpoint(here))
    yaml = packed(here)
    with zipfile.ZipFile(io.BytesIO(yaml)) as archive:
        text = archive.read("little/little.yaml")
    with pytest.raises(TaskError, match=r"little\.yaml in the bundle is not as the studio writes it"):
        verify.verify_bundle(
            here, with_file(yaml, "little/little.yaml", text + b"# mine\n"), verify.smallest_checkpoint(here)
        )


def test_a_number_of_examples_that_cannot_be_is_refused_before_any_run(here: Studio) -> None:
    said: list[str] = []
    for shots, why in ((-3, "num_fewshot is -3"), (30, "30")):
        with pytest.raises(TaskError, match=why):
            verify.verify_bundle(
                here, packed(here), verify.smallest_checkpoint(here), shots, report_progress=said.append
            )
    assert not said


def test_without_the_harness_the_remedy_is_told(here: Studio, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(StudioError, match=r"pip install 'lm_eval\[hf\]'"):
        verify.verify_bundle(here, packed(here), verify.smallest_checkpoint(here), python=str(bare))
    with pytest.raises(StudioError, match="is no Python that runs"):
        verify.verify_bundle(
            here, packed(here), verify.smallest_checkpoint(here), python=str(tmp_path / "none")
        )


def test_the_smallest_embedded_model_runs_it(here: Studio) -> None:
    assert verify.smallest_checkpoint(here).name == f"ladder-small-arch1/iter_{studios.STEPS[-1]:07d}"
    with pytest.raises(CheckpointError, match="no checkpoint on this machine"):
        verify.smallest_checkpoint(type("Bare", (), {"local_checkpoints": ()})())
