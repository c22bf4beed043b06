"""README of a published data set.

Tested in tests/deploy/dataset/test_publishing.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from e2lm_core.base.formatting import count, escape_markdown
from e2lm_core.base.records import ORIGIN_KEY, Question, TaskSet
from e2lm_core.base.version import VERSION
from e2lm_core.sets.folder.files import task_digest
from e2lm_core.sets.selection_origin import origin_of_set

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))


def render_card(
    task: TaskSet, files: Mapping[str, str], digests: Mapping[str, str], measurements_section: str = ""
) -> str:
    """README of a published set.

    Args:
        task: The set.
        files: Path of the table by split.
        digests: SHA-256 of every file by path.
        measurements_section: Sections of Markdown on the set's results.
    """
    from huggingface_hub import DatasetCardData

    size = len(task.questions)
    front = DatasetCardData(
        pretty_name=task.config.title or task.name,
        license=common_licence(task),
        task_categories=["multiple-choice", "question-answering"],
        size_categories=next((name for most, name in _SIZES if size < most), None),
        tags=["e2lm-task-studio", "lm-evaluation-harness"],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": s, "path": path} for s, path in files.items()],
            }
        ],
    )
    return f"---\n{front.to_yaml()}\n---\n\n{_body(task, digests, measurements_section)}"


def common_licence(task: TaskSet) -> str | None:
    """Licence of all questions in the hub's spelling; None if they have several or none."""
    found = {question.license for question in (*task.questions, *task.dev)}
    only = found.pop() if len(found) == 1 else None
    return only.lower() if only else None


def _body(task: TaskSet, digests: Mapping[str, str], measured: str) -> str:
    subjects = dict.fromkeys(question.subject for question in task.questions if question.subject)
    title = task.config.title
    lines = [
        (task.readme or f"# {escape_markdown(title) if title else task.name}\n").rstrip(),
        "",
        "## What is here",
        "",
        f"{count(len(task.questions), 'question')} in the split test, {count(len(task.dev), 'example')} for prompts in dev"
        + (f"; {count(len(subjects), 'subject')}: {', '.join(list(subjects)[:20])}." if subjects else "."),
        "",
        "| column | what |",
        "|---|---|",
        "| `question`, `choices`, `answer` | the text, its choices, and the right one's index from 0 |",
        "| `id` | a name that stays |",
        *(f"| `{name}` | {what} |" for name, what in _MORE.items() if _has(task, name)),
        *([f"| `{ORIGIN_KEY}` | the rule that chose these questions |"] if origin_of_set(task) else []),
        "",
        *([measured.rstrip(), ""] if measured else []),
        "## Where it is from",
        "",
        f"Written by E2LM Task Studio {VERSION} from the set `{task.name}` (sha256 `{task_digest(task)}`). In "
        "lm-evaluation-harness:",
        "",
        "```yaml",
        f"task: {task.name}",
        "dataset_path: OWNER/NAME  # this data set",
        "output_type: multiple_choice",
        "test_split: test",
        "fewshot_split: dev",
        *_prompt(task),
        "```",
        "",
        "| file | sha256 |",
        "|---|---|",
        *(f"| `{path}` | `{digest}` |" for path, digest in digests.items()),
        "",
    ]
    return "\n".join(lines)


_MORE = {
    "subject": "what it is about",
    "source": "where it was taken from",
    "license": "its licence",
    "note": "its author's note",
    "group": "similar questions",
}


def _has(task: TaskSet, name: str) -> bool:
    asked: tuple[Question, ...] = (*task.questions, *task.dev)
    return any(getattr(question, name) is not None for question in asked)


def _prompt(task: TaskSet) -> list[str]:
    import json

    config = task.config
    choice = config.doc_to_choice if isinstance(config.doc_to_choice, str) else list(config.doc_to_choice)
    return [
        f"doc_to_text: {json.dumps(config.doc_to_text, ensure_ascii=False)}",
        f"doc_to_choice: {json.dumps(choice, ensure_ascii=False)}",
        f"doc_to_target: {json.dumps(config.doc_to_target, ensure_ascii=False)}",
    ]
