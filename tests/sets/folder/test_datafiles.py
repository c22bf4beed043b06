"""Where a task's rows lie: beside its YAML, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2lm_core.sets.folder.files import read_task
from tests.sets.folder.sky import LIMITS, TASK, edit, refused


def test_a_json_dataset_beside_the_yaml(folder: Path) -> None:
    files = "dataset_path: json\ndataset_kwargs:\n  data_files: {test: rows/all.json, dev: dev.jsonl}\n"
    edit(folder, "custom_dataset: !function loader.load\n", files)
    assert "data_files: 'rows/all.json' is not beside the YAML" in refused(folder)
    (folder / "rows").mkdir()
    (folder / "rows" / "all.json").write_text(
        f"[{(folder / 'test.jsonl').read_text(encoding='utf-8')}]", encoding="utf-8"
    )
    assert read_task(folder, LIMITS).task == TASK
    for name in ("/etc/passwd", "../x.jsonl", "https://example.org/x.jsonl", "*.jsonl"):
        edit(folder, "rows/all.json", f'"{name}"')
        assert "must be a file beside the YAML" in refused(folder)
        edit(folder, f'"{name}"', "rows/all.json")
    (folder / "rows" / "all.json").unlink()
    (folder / "rows" / "all.json").symlink_to("/etc/passwd")
    assert "is not beside the YAML" in refused(folder)


def test_a_winner_s_set_with_its_rows_beside_it(tmp_path: Path) -> None:
    tasks = Path(pytest.importorskip("lm_eval").__file__).parent / "tasks" / "e2lmc"
    noor = tasks / "noor"
    folder = tmp_path / "noor_college_physics"
    folder.mkdir()
    for name in ("_noor_template", "noor_college_physics.yaml"):
        (folder / name).write_bytes((noor / name).read_bytes())
    assert "names the hub dataset 'mdahba/noor_final2', which is not fetched; put them beside it" in refused(
        folder
    )
    rows = json.dumps({"question": " q ", "choices": ["a", "b"], "answer": 1}) + "\n"
    (folder / "test.jsonl").write_text(rows)
    (folder / "dev.jsonl").write_text(rows * 5)
    task, warnings = read_task(folder, LIMITS)
    assert task.config.num_fewshot == 5
    assert task.config.fewshot_sampler == "first_n"
    assert task.config.doc_to_text == "Question: {{question.strip()}}\nAnswer:"
    assert any("is not fetched" in warning for warning in warnings)

    first = tmp_path / "mmlu_early_training"
    first.mkdir()
    for name in ("mmlu_early_training.yaml", "custom_metrics.py"):
        (first / name).write_bytes((tasks / "mmlu_early_training" / name).read_bytes())
    (first / "test.jsonl").write_text(rows)
    _, warnings = read_task(first, LIMITS)
    assert any("custom_metrics.loglikelihood_diff is the studio's margin" in warning for warning in warnings)
    (first / "custom_metrics.py").write_text("import os\n")
    _, warnings = read_task(first, LIMITS)
    assert any("custom_metrics.loglikelihood_diff, which is not run" in warning for warning in warnings)


def test_few_shot_rows_in_the_yaml_and_splits_of_one(folder: Path) -> None:
    samples = '  samples:\n  - {question: "s", choices: ["a", "b"], answer: 1}\n'
    edit(folder, "fewshot_split: dev\n", "")
    edit(folder, "  sampler: first_n\n", f"  sampler: first_n\n{samples}")
    assert [q.question for q in read_task(folder, LIMITS).task.dev] == ["s"]
    edit(folder, "test_split: test\n", "test_split: test\nfewshot_split: test\n")
    edit(folder, samples, "")
    task, warnings = read_task(folder, LIMITS)
    assert task.fewshot_pool == task.questions
    assert task.config.fewshot_leaves_out  # the question itself is left out
    assert warnings == ["sky.yaml: few-shot examples come from the test questions."]


def test_a_file_of_data_that_is_named_again_and_again_is_refused(folder: Path) -> None:
    many = ", ".join(["test.jsonl"] * 200)
    files = f"dataset_path: json\ndataset_kwargs:\n  data_files: {{test: [{many}], dev: dev.jsonl}}\n"
    edit(folder, "custom_dataset: !function loader.load\n", files)
    assert "data_files: 'test.jsonl' is named 200 times; name it once" in refused(folder)
