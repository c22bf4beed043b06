"""A task's YAML: what is read, ignored with a word, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import LETTERS_CHOICE, LETTERS_TEXT, TaskConfig, TaskSet
from e2lm_core.sets.folder.files import read_task, write_task
from e2lm_core.sets.prompts.render import render_set
from tests.sets.folder.sky import LIMITS, SKY, TASK, edit, refused


def test_the_yaml_is_readable_and_in_a_fixed_order(folder: Path) -> None:
    assert (folder / "sky.yaml").read_text(encoding="utf-8") == (
        "task: sky\n"
        "custom_dataset: !function loader.load\n"
        "output_type: multiple_choice\n"
        "test_split: test\n"
        "fewshot_split: dev\n"
        'doc_to_text: "Question: {{question}}\\nAnswer:"\n'
        'doc_to_choice: "{{choices}}"\n'
        'doc_to_target: "answer"\n'
        "num_fewshot: 1\n"
        "fewshot_config:\n  sampler: first_n\n"
        "metric_list:\n"
        "  - metric: acc\n    aggregation: mean\n    higher_is_better: true\n"
        "  - metric: acc_norm\n    aggregation: mean\n    higher_is_better: true\n"
        "metadata:\n  version: 1.0\n  author: Ö\n  list:\n  - 1\n  - a: null\n"
    )


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", "-x", "x" * 81, "a.b"])
def test_a_name_is_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(TaskError, match="cannot be a task's name"):
        write_task(TASK.model_copy(update={"config": TaskConfig(task=name)}), tmp_path / "x", LIMITS)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("task: sky", "task: [a, b]", "the group's task 'a' is not in the tree that was given"),
        ("task: sky", "task: 7", "task must be a name in text"),
        ("task: sky", "group: sky", "a group's task: must be names of tasks, not None"),
        (
            "loader.load",
            "evil.load",
            "custom_dataset is !function evil.load, which is not the studio's own loader",
        ),
        ("!function loader.load", "loader", "custom_dataset must be !function loader.load"),
        (
            'doc_to_text: "Question: {{question}}\\nAnswer:"',
            "doc_to_text: !function utils.text",
            "doc_to_text is !function utils.text",
        ),
        ("version: 1.0", "version: !function utils.v", "metadata is !function utils.v"),
        (
            "task: sky",
            "task: sky\ninclude: /etc/base.yaml",
            "include: '/etc/base.yaml' leaves the task's folder",
        ),
        ("task: sky", "task: sky\ninclude: ../base.yaml", "include: '../base.yaml' leaves the task's folder"),
        ("task: sky", "task: sky\ninclude: base.yaml", "include: 'base.yaml' is not in the task's folder"),
        ("task: sky", 'task: sky\ninclude: "a\\0b"', "is not in the task's folder"),
        ("task: sky", "task: sky\ninclude: [3]", "leaves the task's folder"),
        ("task: sky", "task: sky\ninclude: sky.yaml", "includes itself"),
        (
            "task: sky",
            "task: sky\nprocess_docs: !function utils.f",
            "process_docs is !function utils.f, and the studio runs no code",
        ),
        ("task: sky", "task: sky\ngen_prefix: So", "gen_prefix changes prompts"),
        ("task: sky", "task: sky\nformats: mcqa", "formats changes prompts as lm-eval 0.5 does"),
        ("task: sky", "task: sky\nformats: {mcqa: {}}", "formats changes prompts as lm-eval 0.5 does"),
        ("task: sky", "task: sky\nscorer: first_token", "scorer changes scores as lm-eval 0.5 does"),
        ("output_type: multiple_choice", "formats: mcqa", "formats changes prompts as lm-eval 0.5 does"),
        ("task: sky", "task: sky@mcqa", "task is 'sky@mcqa', which chooses a format of lm-eval 0.5"),
        (
            "multiple_choice",
            "generate_until",
            "output_type is 'generate_until'; the studio reads multiple_choice only",
        ),
        ("num_fewshot: 1", "num_fewshot: 33", "num_fewshot is 33; use a whole number from 0 to 32"),
        ("num_fewshot: 1", "num_fewshot: many", "num_fewshot is 'many'"),
        ("sampler: first_n", "sampler: 3", "sampler is 3; use first_n or default"),
        ('doc_to_choice: "{{choices}}"', "doc_to_choice: 3", "doc_to_choice must be a template"),
        ("version: 1.0", "version: 2024-01-01", "metadata may hold text, numbers, lists and mappings only"),
        ("test_split: test", "test_split: train", "the loader gives the splits test and dev, not 'train'"),
        ("custom_dataset: !function loader.load\n", "", "names no data"),
    ],
)
def test_yaml_that_is_refused(folder: Path, old: str, new: str, says: str) -> None:
    edit(folder, old, new)
    assert says in refused(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("task: sky", "task: sea\ntask: sky", "the key 'task' is there twice; its last value counts"),
        (
            "aggregation: mean",
            "aggregation: !function utils.agg",
            "metric_list names !function utils.agg, which is",
        ),
        ("task: sky", "task: sky v1.1", "the task is called sky_v1_1 here, since 'sky v1.1' is no name"),
    ],
)
def test_what_changes_no_prompt_is_said_on_import_and_refused_where_we_write(
    folder: Path, old: str, new: str, said: str
) -> None:
    edit(folder, old, new)
    refused(folder, strict=True)
    task, warnings = read_task(folder, LIMITS)
    assert task.questions == TASK.questions
    assert any(said in warning for warning in warnings)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("sampler: balanced", "its examples are drawn by 'balanced'"),
        ("sampler: !function utils.sampler", "its examples are drawn by 'utils.sampler'"),
        (
            'sampler: first_n\n  doc_to_text: "x"',
            "doc_to_text shows its examples otherwise than its questions",
        ),
        ('sampler: first_n\n  fewshot_delimiter: "x"', "fewshot_delimiter shows its examples otherwise"),
    ],
)
def test_examples_that_cannot_be_the_harness_s_are_refused_with_the_reason(
    folder: Path, new: str, why: str
) -> None:
    edit(folder, "sampler: first_n", new)
    assert refused(folder, strict=True)
    task = read_task(folder, LIMITS).task
    assert render_set(task, 0)
    with pytest.raises(TaskError, match="num_fewshot is 1, but") as refusal:
        render_set(task, 1)
    assert why in str(refusal.value)


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("leaves_out", [False, True])
def test_where_examples_come_from_is_read_back(tmp_path: Path, split: Any, leaves_out: bool) -> None:
    config = TASK.config.model_copy(update={"fewshot_split": split, "fewshot_leaves_out": leaves_out})
    task = TASK.model_copy(update={"config": config})
    write_task(task, tmp_path / "sky", LIMITS)
    assert read_task(tmp_path / "sky", LIMITS, strict=True).task == task


def test_includes_that_double_at_every_file_are_refused_at_once(folder: Path) -> None:
    for number in range(25):
        (folder / f"part{number}.yaml").write_text(
            f"include: [part{number + 1}.yaml, part{number + 1}.yaml]\n"
        )
    (folder / "part25.yaml").write_text("description: the last\n")
    edit(folder, "task: sky", "task: sky\ninclude: part0.yaml")
    assert "sky.yaml: more than 20 files are included; put them into fewer" in refused(folder)


def test_an_unknown_key_warns_on_import_and_is_an_error_where_we_write(folder: Path) -> None:
    edit(
        folder,
        "task: sky",
        "task: sky\ncolour: blue\ntask_alias: x\ndataset_kwargs: {trust_remote_code: true}",
    )
    assert "unknown key 'colour'; the keys are" in refused(folder, strict=True)
    task, warnings = read_task(folder, LIMITS)
    assert task == TASK
    assert warnings == [
        "sky.yaml: unknown key 'colour' is ignored.",
        "sky.yaml: task_alias has no use here and is dropped.",
        "sky.yaml: trust_remote_code is ignored; the studio runs no code of a data set.",
    ]


def test_letters_and_lists_keep_their_style(tmp_path: Path) -> None:
    config = TaskConfig(
        task="l", doc_to_text=LETTERS_TEXT, doc_to_choice=LETTERS_CHOICE, fewshot_sampler="default"
    )
    task = TaskSet(config=config, questions=(SKY,))
    write_task(task, tmp_path / "l", LIMITS)
    assert read_task(tmp_path / "l", LIMITS).task == task
