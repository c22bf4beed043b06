"""Task folders: what is written is read back, and what may not be read is refused in one sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import LETTERS_CHOICE, LETTERS_TEXT, Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder.datafiles import LOADER
from e2lm_core.sets.folder.files import read_task, task_digest, write_task
from tests.conftest import ROOT

LIMITS = Limits()
SKY = Question(
    id="sky",
    question="Why is the sky blue?\n(π, 水)",
    choices=("Rayleigh scattering", "the “sea” "),
    answer=0,
    subject="physics",
    extra={"level": 2, "tags": ["a", "b"], "nested": {"k": [1, None, 2.5]}},
)
DEV = Question(id="tree", question="What is an oak?", choices=("a tree", "a fish"), answer=0)
TASK = TaskSet(
    config=TaskConfig(
        task="sky", num_fewshot=1, metadata={"version": 1.0, "author": "Ö", "list": [1, {"a": None}]}
    ),
    questions=(SKY,),
    dev=(DEV,),
    readme="# Sky\n",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_task(TASK, tmp_path / "sky", LIMITS)
    return tmp_path / "sky"


def edit(folder: Path, old: str, new: str, name: str = "sky.yaml") -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def refused(folder: Path, **more: Any) -> str:
    with pytest.raises(TaskError) as refusal:
        read_task(folder, LIMITS, **more)
    assert "\n" not in str(refusal.value)
    assert str(folder) not in str(refusal.value)
    return str(refusal.value)


def test_a_set_is_read_back_as_it_was_written(folder: Path) -> None:
    assert read_task(folder, LIMITS, strict=True) == (TASK, [])
    assert sorted(os.listdir(folder)) == ["README.md", "dev.jsonl", "loader.py", "sky.yaml", "test.jsonl"]
    assert (folder / "loader.py").read_bytes() == LOADER
    row = json.loads((folder / "test.jsonl").read_text(encoding="utf-8"))
    assert list(row) == ["id", "question", "choices", "answer", "subject", "level", "tags", "nested"]


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


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FILLED = TEXT.filter(str.strip)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(FILLED, min_size=2, max_size=4, unique_by=str.strip), min_size=1, max_size=3),
    FILLED,
    TEXT,
    TEXT,
    st.dictionaries(st.sampled_from(["extra", "ü b"]), st.integers() | TEXT | st.booleans(), max_size=2),
)
def test_whatever_is_sound_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    choices: list[list[str]],
    text: str,
    description: str,
    delimiter: str,
    extra: dict[str, Any],
) -> None:
    questions = tuple(
        Question(
            id=f"{n}", question=text, choices=tuple(own), answer=len(own) - 1, note=description, extra=extra
        )
        for n, own in enumerate(choices)
    )
    config = TaskConfig(
        task="t",
        description=description,
        target_delimiter=delimiter,
        fewshot_delimiter=delimiter,
        doc_to_choice=tuple(choices[0]),
    )
    task = TaskSet(config=config, questions=questions)
    folder = tmp_path_factory.mktemp("sets") / "t"
    write_task(task, folder, LIMITS)
    assert read_task(folder, LIMITS, strict=True).task == task


def test_an_empty_set_can_be_kept(tmp_path: Path) -> None:
    task = TaskSet(config=TaskConfig(task="new"), questions=())
    write_task(task, tmp_path / "new", LIMITS)
    assert read_task(tmp_path / "new", LIMITS).task == task


def test_the_digest_is_of_what_is_scored() -> None:
    assert task_digest(TASK) == task_digest(TASK.model_copy(update={"readme": "other"}))
    assert task_digest(TASK) != task_digest(TASK.model_copy(update={"dev": ()}))
    assert len(task_digest(TASK)) == 64


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer": 2}, "Question 1: gold is 2, but it has 2 choices (use 0–1)."),
        ({"choices": ("one",)}, "Question 1: it has 1 choice; give it 2 to 26."),
        ({"choices": ("same", "same")}, "Question 1: choices 0 and 1 are equal ('same'); make them differ."),
        ({"question": ""}, "Question 1: the question is empty; write it or delete the row."),
        ({"extra": {"answer": 1}}, "no column named like one of the studio's"),
        ({"extra": {"when": float("nan")}}, "holds a value that its files cannot store"),
        ({"extra": {"half": "\ud800"}}, "holds a value that its files cannot store"),
        ({"extra": {"object": object()}}, "holds a value that its files cannot store"),
    ],
)
def test_what_is_unsound_is_never_saved(folder: Path, change: dict[str, Any], says: str) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    bad = TASK.model_copy(update={"questions": (SKY.model_copy(update=change),)})
    with pytest.raises(TaskError) as refusal:
        write_task(bad, folder, LIMITS)
    assert says in str(refusal.value)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b", "-x", "x" * 81, "a.b"])
def test_a_name_is_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(TaskError, match="cannot be a task's name"):
        write_task(TASK.model_copy(update={"config": TaskConfig(task=name)}), tmp_path / "x", LIMITS)


def test_a_full_disk_leaves_the_set_unharmed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TaskError) as refusal:
        write_task(TASK.model_copy(update={"dev": ()}), folder, LIMITS)
    assert str(refusal.value) == (
        "sky could not be saved: the disk is full; free some space and save again "
        "(what was saved before is unharmed)."
    )
    assert read_task(folder, LIMITS).task == TASK


def test_other_files_stay_and_another_name_replaces_the_yaml(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    renamed = TASK.model_copy(update={"config": TASK.config.model_copy(update={"task": "heaven"})})
    write_task(renamed, folder, LIMITS)
    assert not (folder / "sky.yaml").exists()
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert read_task(folder, LIMITS).task == renamed


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("task: sky", "task: sky\ntask: sea", "the key 'task' is there twice"),
        ("task: sky", "task: [a, b]", "is not one task"),
        ("task: sky", "task: 7", "task must be a name in text"),
        ("task: sky", "group: sky", "is not one task"),
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
        (
            "  sampler: first_n",
            "  sampler: !function utils.sampler",
            "fewshot_config is !function utils.sampler",
        ),
        ("aggregation: mean", "aggregation: !function utils.agg", "metric_list names !function utils.agg"),
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
            "process_docs changes prompts or scores by code",
        ),
        ("task: sky", "task: sky\ngen_prefix: So", "gen_prefix changes prompts"),
        (
            "multiple_choice",
            "generate_until",
            "output_type is 'generate_until'; the studio reads multiple_choice only",
        ),
        ("num_fewshot: 1", "num_fewshot: 33", "num_fewshot is 33; use a whole number from 0 to 32"),
        ("num_fewshot: 1", "num_fewshot: many", "num_fewshot is 'many'"),
        ("sampler: first_n", "sampler: balanced", "sampler is 'balanced'; use first_n or default"),
        (
            "sampler: first_n",
            'sampler: first_n\n  doc_to_text: "x"',
            "fewshot_config: doc_to_text is not supported",
        ),
        ('doc_to_choice: "{{choices}}"', "doc_to_choice: 3", "doc_to_choice must be a template"),
        ("version: 1.0", "version: 2024-01-01", "metadata may hold text, numbers, lists and mappings only"),
        ("test_split: test", "test_split: train", "the loader gives the splits test and dev, not 'train'"),
        ("custom_dataset: !function loader.load\n", "", "names no data"),
    ],
)
def test_yaml_that_is_refused(folder: Path, old: str, new: str, says: str) -> None:
    edit(folder, old, new)
    assert says in refused(folder)


def test_a_changed_loader_is_not_ours(folder: Path) -> None:
    (folder / "loader.py").write_bytes(LOADER + b"\nprint('mine')\n")
    assert "is not the studio's own loader" in refused(folder)


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


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (b'{"question": "caf\xe9"}\n', "test.jsonl is not UTF-8 (byte 0xe9 in line 1); save it as UTF-8."),
        (b"\n{]\n", "test.jsonl, line 2 is not valid JSON"),
        (b'{"a": NaN}\n', "test.jsonl, line 1 is not valid JSON (NaN is not JSON)"),
        (b"[1]\n", "test.jsonl, line 1 is a list; each line must be one JSON object."),
        (b'{"question": "q"}\n', "test.jsonl, row 1 lacks choices and answer"),
        (b'{"question": 3, "choices": ["a", "b"], "answer": 0}\n', "question must be text, not a number"),
        (b'{"question": "q", "choices": "ab", "answer": 0}\n', "choices must be a list of texts"),
        (b'{"question": "q", "choices": ["a", 1], "answer": 0}\n', "choices must be a list of texts"),
        (
            b'{"question": "q", "choices": ["a", "b"], "answer": "A"}\n',
            "answer must be the right choice's index",
        ),
        (b'{"question": "q", "choices": ["a", "b"], "answer": true}\n', "index, from 0, not true or false"),
        (
            b'{"question": "q", "choices": ["a", "b"], "answer": 0, "subject": []}\n',
            "subject must be text, not a list",
        ),
        (
            b'{"question": "q", "choices": ["a", "b"], "answer": 0, "x": ' + b"[" * 99 + b"]" * 99 + b"}\n",
            "'x' is nested more than 16 levels",
        ),
        (b"[" * 100_000 + b"\n", "test.jsonl, line 1 is not valid JSON"),
        (b"{}\n" * 200_000, "test.jsonl has 200,000 rows; a set may have at most 20,000 questions"),
    ],
)
def test_rows_that_are_refused(folder: Path, rows: bytes, says: str) -> None:
    (folder / "test.jsonl").write_bytes(rows)
    assert says in refused(folder)


def test_a_file_that_is_too_large(folder: Path) -> None:
    (folder / "test.jsonl").write_bytes(b"x" * 5_001)
    with pytest.raises(TaskError, match=r"test\.jsonl has 5,001 bytes; a file may have at most 5,000 bytes"):
        read_task(folder, Limits(max_file_bytes=5_000))


def test_folders_that_are_none(tmp_path: Path) -> None:
    assert "There is no task folder 'nowhere'" in refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no empty.yaml" in refused(tmp_path / "empty")
    for name in ("one", "two"):
        (tmp_path / "empty" / f"{name}.yaml").write_text("task: x\n")
    assert "holds several tasks (one.yaml, two.yaml)" in refused(tmp_path / "empty")


def test_wrong_golds_are_read_so_that_checks_can_name_them_all(folder: Path) -> None:
    row = {"question": "q", "choices": ["a", "b"], "answer": 5}
    (folder / "test.jsonl").write_text(
        f"{json.dumps(row)}\n{json.dumps(row | {'id': 'q1'})}\n", encoding="utf-8"
    )
    questions = read_task(folder, LIMITS).task.questions
    assert [(q.id, q.answer) for q in questions] == [("q1_", 5), ("q1", 5)]


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
    assert "the studio runs no code from a task" in refused(first)


def test_letters_and_lists_keep_their_style(tmp_path: Path) -> None:
    config = TaskConfig(
        task="l", doc_to_text=LETTERS_TEXT, doc_to_choice=LETTERS_CHOICE, fewshot_sampler="default"
    )
    task = TaskSet(config=config, questions=(SKY,))
    write_task(task, tmp_path / "l", LIMITS)
    assert read_task(tmp_path / "l", LIMITS).task == task


def test_few_shot_rows_in_the_yaml_and_splits_of_one(folder: Path) -> None:
    samples = '  samples:\n  - {question: "s", choices: ["a", "b"], answer: 1}\n'
    edit(folder, "fewshot_split: dev\n", "")
    edit(folder, "  sampler: first_n\n", f"  sampler: first_n\n{samples}")
    assert [q.question for q in read_task(folder, LIMITS).task.dev] == ["s"]
    edit(folder, "test_split: test\n", "test_split: test\nfewshot_split: test\n")
    edit(folder, samples, "")
    task, warnings = read_task(folder, LIMITS)
    assert task.dev == ()
    assert warnings == [
        "sky.yaml: few-shot examples would come from the test questions; only 0-shot is possible."
    ]


@pytest.mark.parametrize("name", ["ladder_science", "ladder_general"])
def test_the_example_sets_are_read_strictly(name: str) -> None:
    task, warnings = read_task(ROOT / "tasks" / name, LIMITS, strict=True)
    assert warnings == []
    assert len(task.dev) == 5


def test_the_loader_s_bytes_are_stable() -> None:
    """Sets that were exported before must stay known: a change here needs the old hash to be kept."""
    assert (
        hashlib.sha256(LOADER).hexdigest()
        == "2c558d45692ad24ea0f12b79a361a96a7ee8ced881157e7d6846c90250ee9cf7"
    )


def test_a_reader_sees_one_set_or_the_other_while_they_change(folder: Path) -> None:
    other = TASK.model_copy(update={"questions": (SKY.model_copy(update={"answer": 1}),), "dev": ()})
    done = threading.Event()

    def write() -> None:
        for n in range(30):
            write_task((TASK, other)[n % 2], folder, LIMITS)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set():
        try:
            assert read_task(folder, LIMITS).task in (TASK, other)
            seen += 1
        except TaskError as error:
            assert "keeps changing" in str(error)  # noqa: PT017
    writer.join()
    assert seen > 0
    assert os.listdir(folder.parent) == ["sky"]
