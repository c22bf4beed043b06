"""Task folders as other people make them: a YAML and its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder.files import ReadTask, read_task

LIMITS = Limits()
ARC = {
    "task": "arc_easy",
    "dataset_path": "allenai/ai2_arc",
    "dataset_name": "ARC-Easy",
    "output_type": "multiple_choice",
    "training_split": "train",
    "validation_split": "validation",
    "test_split": "test",
    "doc_to_text": "Question: {{question}}\nAnswer:",
    "doc_to_target": "{{choices.label.index(answerKey)}}",
    "doc_to_choice": "{{choices.text}}",
}
ARC_ROWS = [
    {
        "id": f"M{n}",
        "question": f"Which {n}?",
        "choices": {"text": ["iron", "wood", f"n{n}"][: 2 + n % 2], "label": ["A", "B", "C"][: 2 + n % 2]},
        "answerKey": "AB"[n % 2],
    }
    for n in range(8)
]


def write(folder: Path, name: str, keys: dict[str, Any], **splits: list[dict[str, Any]]) -> Path:
    """A YAML (JSON is YAML) and its rows, split by split."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(keys, ensure_ascii=False, indent=1), encoding="utf-8")
    for split, rows in splits.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return folder


def opened(folder: Path, yaml: str | None = None) -> ReadTask:
    return read_task(folder, LIMITS, yaml=yaml)
