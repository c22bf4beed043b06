"""Prompts against lm-evaluation-harness itself: contexts, continuations and gold, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2lm_core.base.records import LETTERS_CHOICE, LETTERS_TEXT, Question, TaskConfig, TaskSet
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder import bundle
from e2lm_core.sets.folder.files import read_task, write_task
from e2lm_core.sets.prompts.render import render_set
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
LIMITS = Limits()

QUESTIONS = tuple(
    Question(id=f"q{i}", question=text, choices=choices, answer=gold, subject=subject, extra=extra)
    for i, (text, choices, gold, subject, extra) in enumerate(
        [
            ("Which metal is liquid?", ("mercury", "iron", "gold", "tin"), 0, "chemistry", {"level": 1}),
            ("  Spaces around?  ", ("yes ", " no", "perhaps"), 1, None, {"level": 2.5}),
            (
                "Größe der 温度 🌡?\nSecond line",
                ("273 K", "‘quoted’", 'double "quotes"', "back\\slash"),
                3,
                "π",
                {},
            ),
            (
                "{{not_a_template}} {% raw %}",
                ("{{x}}", "it's", "both ' and \""),
                2,
                "x",
                {"tags": ["a", "b"]},
            ),
            (
                "Line\u2028separator and tab\t?",
                ("a\tb", "c\nd", "e\u2028f"),
                0,
                "x",
                {"nested": {"k": [1, None]}},
            ),
            ("Numbers?", ("10", "2", "33", "4"), 2, "maths", {"level": "three"}),
        ]
    )
)
DEV = tuple(
    Question(
        id=f"d{i}", question=f"Example {i}? ", choices=(f"one{i}", f"two{i} ", "é"), answer=i % 3, subject="s"
    )
    for i in range(7)
)
CONFIGS = {
    "cloze": TaskConfig(task="cloze", metadata={"version": 1.0}),
    "letters": TaskConfig(task="letters", doc_to_text=LETTERS_TEXT, doc_to_choice=LETTERS_CHOICE),
    "described": TaskConfig(
        task="described",
        description="Answer these about {{subject}}.\n\n",
        doc_to_text="{{question.strip()}}:  ",
    ),
    "columns": TaskConfig(
        task="columns",
        description="Plain. ",
        doc_to_text="question",
        doc_to_choice="choices",
        target_delimiter="",
    ),
    "delimiters": TaskConfig(task="delimiters", target_delimiter="\n-> ", fewshot_delimiter="\n###\n"),
    "listed": TaskConfig(
        task="listed", doc_to_choice=("A", "B", "C"), doc_to_target="{{['A', 'B', 'C', 'C'][answer]}}"
    ),
    "target_text": TaskConfig(task="target_text", doc_to_target="{{choices[answer]|string}}"),
    "target_template": TaskConfig(task="target_template", doc_to_target="{{answer}}"),
    "extra": TaskConfig(
        task="extra",
        doc_to_text="{{level}} {{tags}} {{nested}} {{question|regex_replace('[aeiou]', '_')}}"
        "{% for i in range(3) %}{{ i ~ subject }}{% endfor %}\n",
    ),
    "ending": TaskConfig(task="ending", doc_to_text="answer", doc_to_target="question"),
    "ending_described": TaskConfig(
        task="ending_described",
        description="About {{subject}}: ",
        doc_to_text="answer",
        doc_to_choice="choices",
        doc_to_target="{{subject}} {{question}}",
        target_delimiter="",
    ),
    "choices_template": TaskConfig(task="choices_template", doc_to_choice="{{choices|map('upper')|list}}"),
}


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory):
    from lm_eval.tasks import TaskManager

    root = tmp_path_factory.mktemp("tasks")
    for name, config in CONFIGS.items():
        questions = tuple(q for q in QUESTIONS if name != "listed" or len(q.choices) <= 4)
        if name == "target_text":  # a number in text is an index to the harness
            questions = tuple(q for q in questions if not q.choices[q.answer].isdigit())
        for sampler in ("first_n", "default"):
            task = f"{name}_{sampler}"
            changed = config.model_copy(update={"task": task, "fewshot_sampler": sampler})
            write_task(TaskSet(config=changed, questions=questions, dev=DEV), root / task, LIMITS)
    return root, TaskManager(include_defaults=False, include_path=str(root))


def _theirs(manager, task: str, shots: int):
    loaded = manager.load_task_or_group(task)[task]
    loaded.set_config(key="num_fewshot", value=shots)
    loaded.set_fewshot_seed(seed=1234)
    loaded.build_all_requests(limit=None, rank=0, world_size=1)
    by_doc: dict[int, list[tuple[str, str]]] = {}
    for instance in loaded.instances:
        by_doc.setdefault(instance.doc_id, []).append(instance.args)
    docs = list(loaded.eval_docs)
    gold = []
    for doc in docs:
        target = loaded.doc_to_text(doc) if loaded.multiple_input else loaded.doc_to_target(doc)
        choices = loaded.doc_to_choice(doc)
        gold.append(target if isinstance(target, int) else choices.index(target))
    return [by_doc[i] for i in range(len(docs))], gold, [loaded.doc_to_choice(doc) for doc in docs]


@pytest.mark.parametrize("sampler", ["first_n", "default"])
@pytest.mark.parametrize("name", CONFIGS)
def test_prompts_are_the_harness_s_byte_for_byte(harness, name: str, sampler: str) -> None:
    root, manager = harness
    task = read_task(root / f"{name}_{sampler}", LIMITS).task
    for shots in (0, 1, 5):
        ours = render_set(task, shots)
        requests, gold, choices = _theirs(manager, task.name, shots)
        assert [list(doc.requests) for doc in ours] == requests
        assert all((doc.ending is not None) is name.startswith("ending") for doc in ours)
        assert [doc.gold for doc in ours] == gold
        assert [list(doc.choices) for doc in ours] == choices


def test_a_bundle_loads_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import zipfile

    from lm_eval.tasks import TaskManager

    task = TaskSet(config=TaskConfig(task="packed", num_fewshot=2), questions=QUESTIONS, dev=DEV)
    with zipfile.ZipFile(io.BytesIO(bundle.pack(task, LIMITS))) as archive:
        archive.extractall(tmp_path / "elsewhere")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    manager = TaskManager(include_defaults=False, include_path=str(tmp_path / "elsewhere"))
    requests, _, _ = _theirs(manager, "packed", 2)
    assert [[(d.context, c) for c in d.continuations] for d in render_set(task)] == requests
    assert os.listdir(tmp_path / "here") == []


def test_a_json_dataset_beside_the_yaml_reads_as_in_the_harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lm_eval.tasks import TaskManager

    task = TaskSet(config=TaskConfig(task="beside"), questions=QUESTIONS[:3], dev=DEV)
    folder = tmp_path / "beside"
    write_task(task, folder, LIMITS)
    text = (folder / "beside.yaml").read_text(encoding="utf-8")
    files = "dataset_path: json\ndataset_kwargs:\n  data_files:\n    test: test.jsonl\n    dev: dev.jsonl\n"
    (folder / "beside.yaml").write_text(
        text.replace("custom_dataset: !function loader.load\n", files), encoding="utf-8"
    )
    (folder / "loader.py").unlink()
    monkeypatch.chdir(folder)  # the harness looks for data_files in the working directory
    manager = TaskManager(include_defaults=False, include_path=str(tmp_path))
    requests, _, _ = _theirs(manager, "beside", 1)
    ours = render_set(read_task(folder, LIMITS).task, 1)
    assert [[(d.context, c) for c in d.continuations] for d in ours] == requests


@pytest.mark.parametrize("name", ["ladder_science", "ladder_general", "ladder_school"])
def test_the_example_sets_prompts(name: str) -> None:
    from lm_eval.tasks import TaskManager

    task = read_task(ROOT / "tasks" / name, LIMITS).task
    manager = TaskManager(include_defaults=False, include_path=str(ROOT / "tasks"))
    for shots in (0, 5):
        requests, gold, _ = _theirs(manager, name, shots)
        ours = render_set(task, shots)
        assert [[(doc.context, c) for c in doc.continuations] for doc in ours] == requests
        assert [doc.gold for doc in ours] == gold
