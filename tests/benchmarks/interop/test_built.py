"""Tasks that the installed harness builds of rows that stand in, in the short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.interop import built, standins
from e2lm_core.sets.folder.foreign import harness_subprocess
from tests.sets.folder.foreign.made import ARC, write


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        ("KeyError: 'sol1'", "sol1"),
        ("KeyError: \"Column 'sol1' doesn't exist.\"", "sol1"),
        ('KeyError: "Column test not in the dataset. Current columns in the dataset: []"', "test"),
        ("UndefinedError: 'goal' is undefined", "goal"),
        ("ValueError: 'x' is not in list", None),
    ],
)
def test_what_code_misses_is_read_from_its_error(error: str, missing: str | None) -> None:
    assert built._missing([{"error": error}]) == missing
    assert built._missing([{"test": {}}]) is None


def test_a_column_is_a_list_an_answer_or_a_text() -> None:
    assert [built.column("label", 1, style) for style in range(4)] == [1, "B", 1, "2"]
    assert len(built.column("options", 0, 0)) == 4
    assert isinstance(built.column("goal", 0, 0), str)


def test_its_table_counts_makes_and_configurations() -> None:
    came = {"how": "opened", "why": "", "0": "equal", "2": "refused with the reason"}
    said = built.table(
        [
            ("a", 3, came),
            ("b", 1, {"how": "refused", "why": "b: gen_prefix changes prompts."}),
            ("c", 1, {"how": "not stood in", "why": "ValueError: no"}),
        ]
    )
    assert "| opened | 1 | 3 |" in said
    assert "| prompts, 0-shot: equal | 1 | 3 |" in said
    assert "| refused: gen_prefix changes prompts | 1 | 1 |" in said
    assert said.endswith("| not stood in | 1 | 1 |")


@pytest.mark.parametrize(
    ("changes", "sound"),
    [
        ({}, True),
        ({"target": "b"}, True),
        ({"target": [0, 1]}, True),
        ({"text": 1, "target": "ends."}, True),
        ({"text": 1, "target": 0}, False),
        ({"target": 2}, False),
        ({"target": None}, False),
        ({"choices": ["a"]}, False),
        ({"choices": ["a", ""]}, False),
    ],
)
def test_a_document_is_sound_that_has_one_text_choices_and_a_target(changes: dict, sound: bool) -> None:
    doc = {"text": "Q", "choices": ["a", "b"], "target": 1} | changes
    assert built.is_sound([{"task": "t"}, {"test": doc}]) is sound
    assert not built.is_sound([{"test": doc}, {"error": "KeyError: 'x'"}])


@pytest.mark.slow
def test_rows_get_what_the_tasks_code_asks_for(tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    datasets = pytest.importorskip("datasets")
    real = datasets.load_dataset
    keys = {"doc_to_text": "{{asked}}", "doc_to_choice": "{{[sol1, sol2]}}", "doc_to_target": "right"}
    keys |= {"task": "goals", "dataset_name": None, "process_docs": "PLACE"}
    folder = write(tmp_path / "goals", "goals.yaml", ARC | keys)
    yaml = folder / "goals.yaml"
    yaml.write_text(yaml.read_text().replace('"PLACE"', "!function utils.more"))
    code = "def more(data):\n    return data.map(lambda r: {'asked': r['goal'], 'right': r['label']})\n"
    (folder / "utils.py").write_text(code)
    rows = {
        f"{split}.jsonl": [{"n": k, "sol1": "a", "sol2": f"b{k}"} for k in range(4)]
        for split in ("train", "validation", "test")
    }
    tried, told = built.stood_in(yaml, rows, standins.Columns())
    assert built.is_sound(told), told[-1]
    assert {"goal", "label"} <= set(tried["test.jsonl"][0])
    assert "goal" not in rows["test.jsonl"][0]
    assert datasets.load_dataset is real  # others in this process load their own


@pytest.mark.slow
def test_some_tasks_open_with_the_harness_s_prompts() -> None:
    if harness_subprocess.find_harness_tasks() is None:
        pytest.skip("lm-evaluation-harness is not installed")
    found = list(built.sweep(every=1_000))
    assert not [path for path, _, came in found if "different" in came.values()]
    stood = [(path, came) for path, _, came in found if came["how"] in ("opened", "refused")]
    assert len(stood) >= 0.8 * len(found)
    assert not [path for path, came in stood if came["how"] == "refused"]
