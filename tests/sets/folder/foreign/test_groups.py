"""Groups, tags and folders of tasks as one set with subjects."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.settings import Settings
from e2lm_core.sets.folder.files import write_task
from e2lm_core.sets.folder.source import read_source
from e2lm_core.sets.prompts.render import render_set
from tests.sets.folder.foreign.made import ARC, ARC_ROWS, LIMITS, opened, write

MMLU = ARC | {"doc_to_choice": "choices", "doc_to_target": "answer", "fewshot_split": "dev"}
ROWS = [{"question": f"q{n}", "choices": ["a", f"b{n}"], "answer": n % 2} for n in range(3)]


def tree(top: Path) -> Path:
    """tasks/mmlu with a template above two tasks, a tag, and a group in a group; rows in folders of their own."""
    mmlu = top / "tasks" / "mmlu"
    for name in ("anatomy", "zoology"):
        keys = {"include": "../_template", "task": f"mmlu_{name}", "tag": "life", "dataset_name": name}
        write(mmlu / "part", f"mmlu_{name}.yaml", keys | {"description": f"About {name}.\n\n"})
        write(
            mmlu / "part" / name,
            "x.none",
            {},
            test=[row | {"question": f"{name} {row['question']}"} for row in ROWS],
        )
    template = {key: value for key, value in MMLU.items() if key not in ("task", "dataset_name")}
    write(mmlu, "_template", template)
    write(mmlu, "_mmlu.yaml", {"group": "mmlu", "task": [{"group": "inner", "task": ["life"]}]})
    return mmlu


def test_a_group_is_one_set_with_its_tasks_as_subjects(tmp_path: Path) -> None:
    task, _ = opened(tree(tmp_path))
    assert task.name == "mmlu"
    assert [q.subject for q in task.questions] == ["anatomy"] * 3 + ["zoology"] * 3
    assert [q.id for q in task.questions][:2] == ["anatomy-1", "anatomy-2"]
    docs = render_set(task, 0)
    assert docs[0].context == "About anatomy.\n\nQuestion: anatomy q0\nAnswer:"
    assert docs[5].context == "About zoology.\n\nQuestion: zoology q2\nAnswer:"
    assert task.questions[0].question == "anatomy q0"  # its own template stays
    with pytest.raises(
        TaskError, match="num_fewshot is 2, but its subjects draw their examples each from its own"
    ):
        render_set(task, 2)
    write_task(task.model_copy(update={"zero_shot": None}), tmp_path / "mine", LIMITS)
    assert render_set(opened(tmp_path / "mine").task, 0) == docs


def test_a_rows_own_subject_stays_beside_its_tasks(tmp_path: Path) -> None:
    folder = write(tmp_path / "arc", "arc_easy.yaml", ARC)
    write(folder, "arc_challenge.yaml", ARC | {"task": "arc_challenge", "dataset_name": "ARC-Challenge"})
    rows = [row | {"subject": subject} for row, subject in zip(ARC_ROWS, ("easy", "optics"), strict=False)]
    for subset in ("ARC-Easy", "ARC-Challenge"):
        write(folder / subset, "x.none", {}, test=rows)
    found = {q.id: (q.subject, q.extra.get("subject_raw")) for q in opened(folder).task.questions}
    assert found == {
        "easy-1": ("easy", None),
        "easy-2": ("easy", "optics"),
        "challenge-1": ("challenge", "easy"),
        "challenge-2": ("challenge", "optics"),
    }


def test_the_yaml_that_is_named_opens_and_its_include_is_above_it(tmp_path: Path) -> None:
    mmlu = tree(tmp_path)
    task = opened(mmlu / "part", "mmlu_zoology.yaml").task
    assert (task.name, len(task.questions)) == ("mmlu_zoology", 3)
    assert render_set(task, 0)[0].context.startswith("About zoology.")


def test_a_folder_of_tasks_without_a_group_is_one_set(tmp_path: Path) -> None:
    folder = write(tmp_path / "arc", "arc_easy.yaml", ARC)
    write(folder, "arc_challenge.yaml", ARC | {"task": "arc_challenge", "dataset_name": "ARC-Challenge"})
    for subset in ("ARC-Easy", "ARC-Challenge"):
        write(folder / subset, "x.none", {}, test=ARC_ROWS)
    task = opened(folder).task
    assert [q.subject for q in task.questions] == ["challenge"] * 8 + ["easy"] * 8
    assert {q.id for q in task.questions} >= {"easy-1", "challenge-8"}


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ({"task": ["nowhere"]}, "the group's task 'nowhere' is not in the tree"),
        ({"task": ["mmlu"]}, "the group 'mmlu' contains itself|contain each other"),
        ({"task": [3]}, "must be names of tasks, not 3"),
        (
            {"task": [{"task": "mmlu_anatomy", "target_delimiter": ""}, "mmlu_zoology"]},
            "different target_delimiters",
        ),
    ],
)
def test_groups_that_cannot_be_joined(tmp_path: Path, group: dict, says: str) -> None:
    mmlu = tree(tmp_path)
    write(mmlu, "_mmlu.yaml", {"group": "mmlu", **group})
    with pytest.raises(TaskError, match=says):
        opened(mmlu)


LAYOUTS = {
    "a folder each": {"anatomy/test.jsonl": "a", "zoology/test.jsonl": "z"},
    "a name each": {"anatomy_test.jsonl": "a", "zoology_test.jsonl": "z"},
    "one of each": {"anatomy/test.jsonl": "a", "zoology_test.jsonl": "z", "test.jsonl": "none"},
    "one for both": {"test.jsonl": "both"},
}


@pytest.mark.parametrize("same", [False, True], ids=["two configurations", "one configuration"])
@pytest.mark.parametrize("beside", [False, True], ids=["--rows", "beside the YAMLs"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tasks_that_ask_for_different_rows_do_not_read_one_file(
    here: Settings, tmp_path: Path, layout: str, beside: bool, same: bool
) -> None:
    folder = tmp_path / "tasks" / "mmlu"
    for name in ("anatomy", "zoology"):
        keys = MMLU | {"task": f"mmlu_{name}", "dataset_name": "anatomy" if same else name}
        write(folder, f"mmlu_{name}.yaml", keys)
    write(folder, "_mmlu.yaml", {"group": "mmlu", "task": ["mmlu_anatomy", "mmlu_zoology"]})
    rows = folder if beside else tmp_path / "rows"
    for path, word in LAYOUTS[layout].items():
        (rows / path).parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(row | {"question": f"{word} {row['question']}"}) + "\n" for row in ROWS]
        (rows / path).write_text("".join(lines))
    source, given = str(folder / "_mmlu.yaml"), None if beside else str(rows)
    if layout == "one for both" and not same:
        with pytest.raises(TaskError) as refused:
            read_source(here, source, row_files=given)
        assert re.fullmatch(
            r"mmlu_anatomy and mmlu_zoology would both read .*test\.jsonl, but ask for allenai/ai2_arc anatomy test and "
            r"allenai/ai2_arc zoology test; give each its own rows, as SUBSET/test\.jsonl\.",
            str(refused.value),
        )
        return
    task = read_source(here, source, row_files=given).task
    words = ["both", "both"] if layout == "one for both" else ["a", "a" if same else "z"]
    assert [q.question.split()[0] for q in task.questions] == [word for word in words for _ in ROWS]


def test_a_group_gives_its_tasks_keys(tmp_path: Path) -> None:
    mmlu = tree(tmp_path)
    write(mmlu, "_mmlu.yaml", {"group": "mmlu", "task": [{"task": "mmlu_anatomy", "description": "Say.\n"}]})
    assert render_set(opened(mmlu).task, 0)[0].context == "Say.\nQuestion: anatomy q0\nAnswer:"


def test_groups_that_double_at_every_level_are_refused_at_once(tmp_path: Path) -> None:
    mmlu = tree(tmp_path)
    for n in range(18):
        write(mmlu / "many", f"g{n}.yaml", {"group": f"g{n}", "task": [f"g{n + 1}", f"g{n + 1}"]})
    write(mmlu / "many", "g18.yaml", {"group": "g18", "task": ["mmlu_anatomy"]})
    with pytest.raises(TaskError, match="more than 500 tasks"):
        opened(mmlu / "many", "g0.yaml")
