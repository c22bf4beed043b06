"""Normalises a foreign task to question, choices and answer with equal prompts.

The task's own templates are rendered for every row, which gives each document's text, choices and target. Of
the forms with the same prompt for every row, the one is taken that leaves its author most to edit: the task's
own templates; its own `doc_to_text` over a column that is the question; the rendered text as the question.
Other values of a row stay in columns of their own.

Tested in tests/sets/folder/foreign/test_open_task.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import CLOZE_CHOICE, ENDING_TARGET, ENDING_TEXT, Question, TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.folder.foreign.columns import Row
from e2lm_core.sets.prompts.docs import OPTIONAL, harness_rows
from e2lm_core.sets.prompts.render import RenderedParts, render_parts
from e2lm_core.sets.prompts.sandbox import names_in
from e2lm_core.sets.rows import extra_columns

DESCRIPTION = "described"
NOTHING = "(nothing is asked: each choice is scored alone)"  # question of a task without a text
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class Documents(NamedTuple):
    """Rows of a task with their rendered parts.

    Attributes:
        test: Scored rows.
        dev: Rows of few-shot examples.
        of_test: Rendered parts of each row in `test`.
        of_dev: Rendered parts of each row in `dev`.
    """

    test: Sequence[Row]
    dev: Sequence[Row]
    of_test: Sequence[RenderedParts]
    of_dev: Sequence[RenderedParts]


class StudioForm(NamedTuple):
    """Form of a set: its prompt, and the source of each question's text.

    Attributes:
        config: Configuration with the prompt.
        column: Column that holds the question; None if the rendered text is the question.
        own: Whether a row keeps its own choices and answer.
        described: Whether the rendered description is kept in a column.
    """

    config: TaskConfig
    column: str | None = None
    own: bool = False
    described: bool = False


def render_documents(config: TaskConfig, test: Sequence[Row], dev: Sequence[Row], where: str) -> Documents:
    """Render a task's rows with its own templates.

    Args:
        config: The task's configuration.
        test: Scored rows.
        dev: Rows of few-shot examples.
        where: Source of the rows, for error sentences.

    Raises:
        TaskError: A template fails on a row, or gives a scored row a target that is none of its choices; the
            sentence names the row.
    """
    if config.doc_to_choice == CLOZE_CHOICE:  # rendered as in the harness, whatever the column holds
        config = config.model_copy(update={"doc_to_choice": "{{ choices }}"})
    labels = [f"row {n} of {where}" for n in range(1, len(test) + 1)]
    of_test = render_parts(config, test, labels)
    for part, label in zip(of_test, labels, strict=True):
        if part.gold < 0:
            raise TaskError(
                Sentence(
                    "doc_to_target gives {target} at {label}, which is none of its {choices} choices: take the row "
                    "out, or change the template.",
                    target=repr(part.target)[:60],
                    label=label,
                    choices=len(part.choices),
                )
            )
    of_dev = render_parts(config, dev, [f"example {n} of {where}" for n in range(1, len(dev) + 1)])
    return Documents(test, dev, of_test, of_dev)


def has_studio_columns(rows: Sequence[Row]) -> bool:
    """Whether every row has the studio's own columns, with values of the studio's own types."""
    return all(
        isinstance(row.get("question"), str)
        and isinstance(row.get("choices"), list)
        and all(isinstance(choice, str) for choice in row["choices"])
        and isinstance(row.get("answer"), int)
        and not isinstance(row["answer"], bool)
        for row in rows
    )


def to_studio_form(config: TaskConfig, documents: Documents) -> TaskSet:
    """Set with the prompts of a task's documents, in the form that leaves most to edit.

    Raises:
        TaskError: No form has equal prompts.
    """
    if _endings(documents):
        return rendered_form(config, documents)
    varied = len({part.description for part in (*documents.of_test, *documents.of_dev)}) > 1
    for form in _forms(config, documents):
        forms = [form]
        if varied:  # the description may be several tasks', or a template of lost columns
            described = form.config.model_copy(update={"description": DESCRIPTION})
            forms.append(form._replace(config=described, described=True))
        for candidate in forms:
            if _is_equal(task := write_form(candidate, documents), documents):
                return task
    return rendered_form(config, documents)


def rendered_form(config: TaskConfig, documents: Documents) -> TaskSet:
    """Set with the rendered texts of a task's documents as questions and description.

    Raises:
        TaskError: Its prompts would differ from the documents'.
    """
    said = {part.description for part in (*documents.of_test, *documents.of_dev)}
    is_one = len(said) == 1 and not _CODE.search(min(said)) and "{#" not in min(said)
    description = min(said) if is_one else DESCRIPTION
    ours = _ours(config, "question", description)
    if _endings(documents):
        ours = ours.model_copy(update={"doc_to_text": ENDING_TEXT, "doc_to_target": ENDING_TARGET})
    task = write_form(StudioForm(ours, described=not is_one), documents)
    if not _is_equal(task, documents):
        raise TaskError(
            Sentence(
                "{task}: its prompts cannot be written in the studio's form, so it stays closed.",
                task=config.task,
            )
        )
    return task


def _endings(documents: Documents) -> bool:
    """Whether each choice is asked before one ending, which is then the question."""
    return any(isinstance(part.text, int) for part in (*documents.of_test, *documents.of_dev))


def write_form(form: StudioForm, documents: Documents) -> TaskSet:
    """Set of a task's documents in a form, whether or not its prompts are equal."""
    rows = [*documents.test, *documents.dev]
    names = [*(f"q{n + 1}" for n in range(len(documents.test))), *(f"dev{n + 1}" for n in range(len(rows)))]
    known = [str(row["id"]) for row in rows if isinstance(row.get("id"), str | int)]
    names = known if len(set(known)) == len(rows) else names
    every = [
        _question(form, row, part, name)
        for row, part, name in zip(rows, (*documents.of_test, *documents.of_dev), names, strict=False)
    ]
    test = len(documents.test)
    return TaskSet(config=form.config, questions=tuple(every[:test]), dev=tuple(every[test:]))


def _forms(config: TaskConfig, documents: Documents) -> Iterator[StudioForm]:
    rows = [*documents.test, *documents.dev]
    if not any(part.text for part in (*documents.of_test, *documents.of_dev)):
        yield StudioForm(_ours(config, ""))
    if has_studio_columns(rows):
        yield StudioForm(config, "question", own=True)
    texts = [name for name in rows[0] if all(isinstance(row.get(name), str) for row in rows)] if rows else []
    if config.doc_to_text in texts:
        yield StudioForm(_ours(config, "question"), config.doc_to_text)
    elif "question" in texts:
        yield StudioForm(_ours(config, config.doc_to_text), "question")
    else:
        for name in _likely(config.doc_to_text, texts, rows):
            yield StudioForm(_ours(config, _renamed(config.doc_to_text, name)), name)
    yield StudioForm(_ours(config, "question"))


def _ours(config: TaskConfig, text: str, description: str | None = None) -> TaskConfig:
    update = {"doc_to_text": text, "doc_to_choice": CLOZE_CHOICE, "doc_to_target": "answer"}
    return config.model_copy(update=update | ({} if description is None else {"description": description}))


def _likely(template: str, texts: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """At most one column of a template: the most like a question, by its name, then by its length."""
    used = names_in(template) & set(texts)
    length: Callable[[str], int] = lambda name: sum(len(row[name]) for row in rows)  # noqa: E731
    return sorted(used, key=lambda name: ("question" not in name.lower(), -length(name), name))[:1]


def _renamed(template: str, name: str) -> str:
    """Template with `question` for the column's name; only rendering shows whether it is equivalent."""
    word = re.compile(rf"(?<![\w.'\"]){re.escape(name)}(?![\w'\"])")
    return _CODE.sub(lambda code: word.sub("question", code[0]), template)


def _question(form: StudioForm, row: Row, part: RenderedParts, name: str) -> Question:
    if isinstance(part.text, int):
        question: Any = part.target
    elif form.column is None:
        question = part.text if form.config.doc_to_text else NOTHING
    else:
        question = row[form.column]
    fields: dict[str, Any] = {"id": name, "question": question}
    if form.own:
        fields |= {"choices": tuple(row["choices"]), "answer": row["answer"]}
    else:
        fields |= {"choices": part.choices, "answer": part.gold}
    for column in OPTIONAL:
        value = row.get(column)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            fields[column] = str(value)
    kept = {column: value for column, value in row.items() if not column.startswith("__")}
    for column, mine in (*fields.items(), *((column, None) for column in OPTIONAL if column not in fields)):
        value = kept.pop(column, None)
        mine = list(mine) if isinstance(mine, tuple) else mine
        if value is not None and value != mine and str(value) != mine and column != form.column:
            kept[f"{column}_raw"] = value
    if form.column is not None and form.column != "question":
        kept.pop(form.column, None)  # its text is the question now
    if form.described:
        kept[DESCRIPTION] = part.description
    return Question(**fields, extra=extra_columns(kept, f"{name}"))


def _is_equal(task: TaskSet, documents: Documents) -> bool:
    """Whether the set's prompts are those of the task's own templates, row for row."""
    docs, dev = harness_rows(task.questions, task.dev)
    theirs = (*documents.of_test, *documents.of_dev)
    try:
        ours = render_parts(task.config, [*docs, *dev], [f"row {n + 1}" for n in range(len(theirs))])
    except TaskError:
        return False
    return all(_said(one) == _said(other) for one, other in zip(ours, theirs, strict=True))


def _said(part: RenderedParts) -> tuple[object, ...]:
    """Parts of a document that a prompt depends on."""
    shown = part.target if isinstance(part.target, str) else ""
    if 0 <= part.gold < len(part.choices):
        shown = part.choices[part.gold]
    ending = part.target if isinstance(part.text, int) else None
    return part.description, part.text, part.choices, part.gold, shown, ending
