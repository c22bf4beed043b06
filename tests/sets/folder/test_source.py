"""What a path leads to: a folder, a YAML among several, a bundle, tables of each kind; and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.people import accounts
from e2lm_core.sets import collection
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import read_task, task_digest
from e2lm_core.sets.folder.source import read_source, write_into
from e2lm_core.sets.formats.records import ReadOptions
from e2lm_core.sets.formats.tables.parquet import parquet_rows
from tests.support import studios

ROWS = [
    {"prompt": "Which is a metal?", "choices": ["iron", "wood"], "label": 0, "question": "not this"},
    {"prompt": "Which floats?", "choices": ["iron", "wood"], "label": 1, "question": "nor this"},
]
RENAMED = ReadOptions(roles={"prompt": "question", "label": "answer"})


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    return settings


def packed(rows: list[dict], **options: object) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), buffer, **options)
    return buffer.getvalue()


def test_a_folder_its_yaml_and_its_bundle_are_one_set(here: Settings, tmp_path: Path) -> None:
    task = studios.task()
    (tmp_path / "b.zip").write_bytes(bundle.pack(task, here.limits))
    for path in (here.tasks / "little", here.tasks / "little" / "little.yaml", tmp_path / "b.zip"):
        assert task_digest(read_source(here, str(path)).task) == task_digest(task)


def test_of_several_tasks_the_one_that_is_named_opens(here: Settings) -> None:
    folder = here.tasks / "little"
    text = (folder / "little.yaml").read_text().replace("task: little", "task: other")
    (folder / "other.yaml").write_text(text.replace("doc_to_text:", "description: Say.\ndoc_to_text:"))
    assert read_source(here, str(folder / "other.yaml")).task.config.description == "Say."
    assert read_source(here, str(folder / "little.yaml")).task.config.description == ""


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "csv"])
def test_tables_with_columns_of_other_names(here: Settings, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"My Table.{kind}"
    if kind == "parquet":
        path.write_bytes(packed(ROWS))
    elif kind == "csv":
        path.write_text(
            "prompt,question,A,B,label\n"
            + "".join(f"{r['prompt']},no,iron,wood,{r['label']}\n" for r in ROWS)
        )
    else:
        lines = [json.dumps(row) for row in ROWS]
        path.write_text("\n".join(lines) if kind == "jsonl" else f"[{','.join(lines)}]")
    task = read_source(here, str(path), RENAMED).task
    assert task.name == "my_table"
    assert [(q.question, q.choices, q.answer) for q in task.questions] == [
        (row["prompt"], tuple(row["choices"]), row["label"]) for row in ROWS
    ]
    assert not any(q.extra for q in task.questions)
    with pytest.raises(TaskError, match="no column 'nothing' to map"):
        read_source(here, str(path), ReadOptions(roles={"nothing": "question"}))


def test_rows_with_an_error_are_refused_or_left_out(here: Settings, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    good = {"question": "Which is a metal?", "choices": ["iron", "wood"], "answer": 0}
    path.write_text(f"{json.dumps(good)}\n{json.dumps(good | {'answer': 'tin'})}\n")
    with pytest.raises(TaskError, match=r"Row 2.*--skip-broken"):
        read_source(here, str(path))
    read = read_source(here, str(path), skip_broken=True)
    assert len(read.task.questions) == 1
    assert read.warnings[0].startswith("Left out: Row 2")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.csv", "There is no file or folder"),
        ("a.docx", "no set that can be imported"),
        ("a.arrow", "save it with Dataset.to_parquet and import that"),
        ("clone", "give the file that holds its questions"),
        ("x" * 400, "no file or"),
    ],
)
def test_what_is_no_source_is_a_sentence(here: Settings, tmp_path: Path, name: str, said: str) -> None:
    for file in ("a.docx", "a.arrow", "clone/data/test-00000-of-00001.parquet"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x")
    with pytest.raises(TaskError, match=said) as error:
        read_source(here, str(tmp_path / name))
    studios.sentence(error)
    with pytest.raises(TaskError, match="Only a table's columns"):
        read_source(here, str(here.tasks / "little"), RENAMED)


def test_a_file_in_anothers_workspace_is_not_read(here: Settings) -> None:
    ada = accounts.sign_in(here, "https://id.example", "ada", "Ada").id
    bob = accounts.sign_in(here, "https://id.example", "bob", "Bob").id
    hers = here.for_person(ada)
    collection.create_set(hers, "secret", studios.task().questions)
    folder = hers.sets / "secret"
    for path in (folder, folder / "secret.yaml", folder / "test.jsonl"):
        with pytest.raises(TaskError, match="that you may open"):
            read_source(here.for_person(bob), str(path))
        assert read_source(hers, str(path)).task.questions


def test_written_elsewhere_it_is_not_among_ones_own(here: Settings, tmp_path: Path) -> None:
    task, folder = write_into(here, studios.task(), tmp_path / "there", "guest")
    assert (task.name, folder) == ("guest", tmp_path / "there" / "guest")
    assert read_task(folder, here.limits).task == task
    assert [info.name for info in collection.list_sets(here)] == ["little"]
    with pytest.raises(TaskError, match="is there already"):
        write_into(here, studios.task(), tmp_path / "there", "guest")
    with pytest.raises(TaskError, match="cannot be a task's name"):
        write_into(here, studios.task(), tmp_path / "there", "../out")


def test_parquet_of_too_much_is_refused_before_it_is_read() -> None:
    rows = [{"question": f"{n}"} for n in range(30)]
    assert parquet_rows(packed(rows), "t", Limits()) == rows
    with pytest.raises(StudioError, match="30 rows"):
        parquet_rows(packed(rows), "t", Limits(max_questions=20))
    with pytest.raises(StudioError, match="more than 200 columns"):
        parquet_rows(packed([{f"c{n}": n for n in range(201)}]), "t", Limits())
    with pytest.raises(StudioError, match="unpacks to"):
        parquet_rows(packed([{"a": "x" * 5_000}]), "t", Limits(max_file_bytes=2_000))
    for data in (b"PAR1", packed(rows)[:-9], b"PAR1" + b"\xff" * 8 + b"PAR1"):
        with pytest.raises(StudioError):
            parquet_rows(data, "t", Limits())


@pytest.mark.slow
def test_an_installed_task_opens_by_its_name_with_rows_from_elsewhere(here: Settings, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    with pytest.raises(TaskError, match=r"names the hub dataset 'allenai/ai2_arc', which is not fetched"):
        read_source(here, "arc_easy")
    rows = [
        {
            "id": str(n),
            "question": f"q{n}",
            "choices": {"text": ["a", "b"], "label": ["A", "B"]},
            "answerKey": "A",
        }
        for n in range(3)
    ]
    (tmp_path / "rows" / "ARC-Easy").mkdir(parents=True)
    (tmp_path / "rows" / "ARC-Easy" / "test.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows)
    )
    read = read_source(here, "arc_easy", row_files=str(tmp_path / "rows"))
    assert (read.task.name, len(read.task.questions)) == ("arc_easy", 3)
    (tmp_path / "rows" / "ARC-Challenge").mkdir()
    (tmp_path / "rows" / "ARC-Challenge" / "test.jsonl").write_text(json.dumps(rows[0]) + "\n")
    both = read_source(here, "ai2_arc", row_files=str(tmp_path / "rows")).task
    assert (both.name, [q.subject for q in both.questions]) == ("ai2_arc", ["challenge", *["easy"] * 3])
    assert (
        "no examples can be shown: its examples are not beside the YAML as train.jsonl" in read.warnings[-1]
    )
    with pytest.raises(TaskError, match="nor an installed lm-eval's task, group or tag of that name"):
        read_source(here, "arc_hardest")
    with pytest.raises(TaskError, match="no folder 'nowhere' with rows"):
        read_source(here, "arc_easy", row_files="nowhere")


def test_the_yaml_that_is_named_by_its_path_is_the_set(here: Settings) -> None:
    folder = here.tasks / "little"
    text = (folder / "little.yaml").read_text().replace("task: little", "task: other")
    (folder / "other.yaml").write_text(text.replace("doc_to_text:", "description: Say.\ndoc_to_text:"))
    assert collection.open_set(here, str(folder / "other.yaml")).name == "other"
    assert collection.open_set(here, str(folder / "little.yaml")).name == "little"
