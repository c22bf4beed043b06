"""Tasks of any columns: opened with the prompts of their own templates, editable where they can be, refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.sets.folder.files import read_task, write_task
from e2lm_core.sets.prompts.render import render_set
from tests.sets.folder.foreign.made import ARC, ARC_ROWS, LIMITS, opened, write

TRAIN = [row | {"id": f"T{n}"} for n, row in enumerate(ARC_ROWS[:4])]
YES_NO = {
    "task": "boolq",
    "dataset_path": "aps/super_glue",
    "output_type": "multiple_choice",
    "training_split": "train",
    "validation_split": "validation",
    "doc_to_text": "{{passage}}\nQuestion: {{question}}?\nAnswer:",
    "doc_to_target": "label",
    "doc_to_choice": ["no", "yes"],
}


def test_choices_of_texts_and_labels_open_and_can_be_edited(tmp_path: Path) -> None:
    task, warnings = opened(write(tmp_path / "arc", "arc_easy.yaml", ARC, test=ARC_ROWS, train=TRAIN))
    first = task.questions[0]
    assert (first.id, first.question, first.choices, first.answer) == ("M0", "Which 0?", ("iron", "wood"), 0)
    assert first.extra["choices_raw"] == {"text": ["iron", "wood"], "label": ["A", "B"]}
    assert task.questions[1].choices == ("iron", "wood", "n1")  # as many as the row has
    doc = render_set(task, 0)[1]
    assert (doc.context, doc.continuations) == ("Question: Which 1?\nAnswer:", (" iron", " wood", " n1"))
    assert (doc.gold, len(task.dev), task.zero_shot) == (1, 4, None)
    assert warnings == [
        "arc_easy.yaml: the rows beside it are read; the dataset 'allenai/ai2_arc' is not fetched."
    ]
    edited = first.model_copy(update={"question": "What?", "choices": ("tin", "oak"), "answer": 1})
    changed = task.model_copy(update={"questions": (edited,)})
    assert render_set(changed, 0)[0].context == "Question: What?\nAnswer:"
    write_task(changed, tmp_path / "mine" / "arc_easy", LIMITS)
    again = read_task(tmp_path / "mine" / "arc_easy", LIMITS, strict=True).task
    assert render_set(again, 2) == render_set(changed, 2)


def test_where_the_harness_draws_one_more_so_do_we(tmp_path: Path) -> None:
    rows = [{"passage": f"P{n}", "question": f"q{n}", "label": n % 2, "idx": n} for n in range(9)]
    task = opened(write(tmp_path / "b", "b.yaml", YES_NO, validation=rows[:4], train=rows[4:])).task
    assert (task.config.fewshot_leaves_out, task.config.fewshot_split) == (True, "dev")
    assert task.questions[0].question == "q0"
    assert task.questions[0].choices == ("no", "yes")
    assert render_set(task, 1)[0].context.endswith("P0\nQuestion: q0?\nAnswer:")
    with pytest.raises(TaskError, match="5 dev questions to show and draws one more than it shows"):
        render_set(task, 5)
    twice = opened(write(tmp_path / "b", "b.yaml", YES_NO, validation=rows[:4], train=rows[3:])).task
    assert render_set(twice, 0)
    with pytest.raises(TaskError, match="rows that stand twice"):
        render_set(twice, 1)


def test_a_text_of_several_columns_is_the_question_as_it_is_rendered(tmp_path: Path) -> None:
    keys = YES_NO | {
        "doc_to_text": "{% if a %}{{a}} and {{b}}{% endif %}",
        "doc_to_choice": "{{[x, y|upper]}}",
    }
    rows: list[dict[str, Any]] = [{"a": "A", "b": "B" * 9, "x": "1", "y": "z", "label": True}]
    task = opened(write(tmp_path / "t", "t.yaml", keys, validation=rows)).task
    assert render_set(task, 0)[0].context == "A and " + "B" * 9
    assert (task.questions[0].choices, task.questions[0].answer) == (("1", "Z"), 1)


def test_a_task_that_asks_nothing_can_be_kept(tmp_path: Path) -> None:
    keys = YES_NO | {"doc_to_text": "", "doc_to_choice": "{{[good, bad]}}", "doc_to_target": 0}
    rows = [{"good": f"Cats sleep {n}.", "bad": f"Cats sleeps {n}."} for n in range(3)]
    task = opened(write(tmp_path / "blimp", "blimp.yaml", keys, validation=rows)).task
    write_task(task, tmp_path / "kept" / "boolq", LIMITS)
    doc = render_set(opened(tmp_path / "kept" / "boolq").task, 0)[0]
    assert (doc.context, doc.continuations) == ("", (" Cats sleep 0.", " Cats sleeps 0."))
    assert "nothing is asked" in task.questions[0].question


def test_parquet_and_a_subset_s_own_folder(tmp_path: Path) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    folder = write(tmp_path / "arc", "arc_easy.yaml", ARC)
    (folder / "ARC-Easy").mkdir()
    parquet.write_table(arrow.Table.from_pylist(ARC_ROWS), folder / "ARC-Easy" / "test.parquet")
    assert [q.id for q in opened(folder).task.questions] == [f"M{n}" for n in range(8)]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"answerKey": "Z"}, "doc_to_target cannot be rendered at row 2 of test.jsonl"),
        ({"choices": {"text": ["iron"], "label": ["B"]}}, "fewer than two choices"),
        ({"choices": "none"}, "the column 'choices' holds values of several kinds"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    folder = write(tmp_path / "arc", "arc.yaml", ARC, test=[ARC_ROWS[0], ARC_ROWS[1] | row])
    with pytest.raises(TaskError, match=says):
        opened(folder)


def test_examples_that_cannot_be_shown_leave_the_questions(tmp_path: Path) -> None:
    folder = write(tmp_path / "arc", "arc.yaml", ARC, test=ARC_ROWS)
    assert "not beside the YAML as train.jsonl" in str(opened(folder).task.zero_shot)
    (folder / "train.jsonl").write_text(json.dumps(ARC_ROWS[0] | {"answerKey": "Z"}) + "\n")
    task = opened(folder).task
    assert "its examples cannot be shown" in str(task.zero_shot)
    assert render_set(task, 0)
    with pytest.raises(TaskError, match="num_fewshot is 2, but its examples cannot be shown"):
        render_set(task, 2)


def test_rows_in_our_own_columns_stay_as_they_are(tmp_path: Path) -> None:
    rows = [{"question": " q ", "choices": ["a", "b"], "answer": 1, "subject": "x", "more": ["1"]}]
    keys = ARC | {"doc_to_text": "Q: {{question}}", "doc_to_choice": ["A", "B"], "doc_to_target": "answer"}
    task = opened(write(tmp_path / "own", "own.yaml", keys, test=rows)).task
    assert task.questions == (
        Question(id="q1", question=" q ", choices=("a", "b"), answer=1, subject="x", extra={"more": ["1"]}),
    )
    assert task.config.doc_to_choice == ("A", "B")


def test_nested_columns_keep_the_harness_s_own_text(tmp_path: Path) -> None:
    rows = [{"question": "q", "choices": ["a", "b"], "answer": 0, "k": {"n": [1, 0]}}]
    keys = ARC | {"doc_to_text": "{{k}} {{question}}", "doc_to_choice": "choices", "doc_to_target": "answer"}
    task = opened(write(tmp_path / "n", "n.yaml", keys, test=rows)).task
    assert render_set(task, 0)[0].context == "{'n': [1, 0]} q"


def test_choices_before_one_ending_open_where_the_text_is_a_column_of_indices(tmp_path: Path) -> None:
    """As wsc273 is written, without lm-eval."""
    keys = ARC | {"doc_to_text": "label", "doc_to_target": "rest", "doc_to_choice": "{{[one, two]}}"}
    rows = [{"one": f"a {n}", "two": f"b {n}", "rest": f"ends {n}", "label": n % 2} for n in range(4)]
    task = opened(write(tmp_path / "ends", "ends.yaml", keys, test=rows, train=rows[2:])).task
    assert (task.config.style, task.questions[1].question, task.questions[1].answer) == (
        "ending",
        "ends 1",
        1,
    )
    doc = render_set(task, 0)[1]
    assert doc.requests == (("a 1", " ends 1"), ("b 1", " ends 1"))
    write_task(task, tmp_path / "kept" / task.name, LIMITS)
    assert render_set(read_task(tmp_path / "kept" / task.name, LIMITS, strict=True).task) == render_set(task)


def test_dates_of_a_json_file_are_refused_where_the_prompt_uses_them(tmp_path: Path) -> None:
    keys = {
        "task": "dated",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "test.jsonl"}},
        "output_type": "multiple_choice",
        "test_split": "test",
        "doc_to_text": "{{question}} ({{when}})",
        "doc_to_choice": "choices",
        "doc_to_target": "answer",
    }
    rows = [
        {"question": "q", "choices": ["a", "b"], "answer": n % 2, "when": f"2010-01-1{n}"} for n in range(3)
    ]
    folder = write(tmp_path / "dated", "dated.yaml", keys, test=rows)
    with pytest.raises(TaskError) as refused:
        opened(folder)
    assert str(refused.value) == (
        "test.jsonl: the column 'when' holds dates alone, such as '2010-01-10', which lm_eval's reader of JSON turns "
        "into times; change it, or leave it out of the prompt."
    )
    write(folder, "dated.yaml", keys | {"doc_to_text": "{{question}}"})
    assert opened(folder).task.questions[1].extra == {"when": "2010-01-11"}
    write(folder, "dated.yaml", keys | {"dataset_path": "somebody/dated"})
    assert render_set(opened(folder).task, 0)[0].context == "q (2010-01-10)"


def test_ids_that_repeat_make_way_for_the_studio_s(tmp_path: Path) -> None:
    keys = {
        "task": "twice",
        "dataset_path": "somebody/twice",
        "output_type": "multiple_choice",
        "test_split": "test",
        "doc_to_text": "Q: {{question}}",
        "doc_to_choice": "choices",
        "doc_to_target": "answer",
    }
    rows = [{"id": "same", "question": f"q{n}", "choices": ["a", "b"], "answer": n % 2} for n in range(3)]
    task = opened(write(tmp_path / "twice", "twice.yaml", keys, test=rows)).task
    assert [(q.id, q.extra) for q in task.questions] == [(f"q{n}", {"id_raw": "same"}) for n in (1, 2, 3)]
    assert [doc.context for doc in render_set(task, 0)] == ["Q: q0", "Q: q1", "Q: q2"]
