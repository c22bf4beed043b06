"""Prompts equal to lm-evaluation-harness 0.4.13.

    context      = description + Σ over shots (text + target_delimiter + target + fewshot_delimiter) + text
    continuation = target_delimiter + choice, for each choice

If `doc_to_text` names a column of indices, the harness scores one text after each choice in turn:

    context      = description
                   + Σ over shots (right choice + target_delimiter + target + fewshot_delimiter) + choice
    continuation = target_delimiter + target, the same for each choice

`doc_to_text`, `doc_to_choice` and `doc_to_target` are a column's name or a Jinja template, as in the harness.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from sys import getsizeof
from typing import NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.memory.memo import Each, Memo
from e2lm_core.base.records import CLOZE_CHOICE, Question, RenderedDoc, TaskConfig, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.prompts.docs import Doc, columns_of_set, harness_rows, to_docs
from e2lm_core.sets.prompts.sandbox import (
    MAX_TOTAL_CHARS,
    Template,
    TemplateRefused,
    compile_template,
    place_of,
    render_all,
)
from e2lm_core.sets.prompts.shots import check_shots, draw_examples

# (templates, repr of the doc): all inputs of a doc's parts
_Key = tuple[tuple[str | tuple[str, ...], ...], str]


class RenderedParts(NamedTuple):
    """Rendered templates of one doc, before they are joined to a prompt.

    Attributes:
        description: Text before the few-shot examples.
        text: Text of the question; an integer is the right choice's index, for choices in the context.
        choices: The choices.
        target: Index or text of the right choice; if `text` is an integer, the ending that is scored.
        rendered: Number of characters that the templates gave.
    """

    description: str
    text: str | int
    choices: tuple[str, ...]
    target: int | str
    rendered: int

    @property
    def gold(self) -> int:
        if isinstance(self.text, int):
            return self.text if 0 <= self.text < len(self.choices) else -1
        if isinstance(self.target, int):
            return self.target if 0 <= self.target < len(self.choices) else -1
        return self.choices.index(self.target) if self.target in self.choices else -1


def _bytes_of(key: _Key, parts: RenderedParts) -> int:
    return _BYTES_OF_ENTRY + sum(map(getsizeof, (key[1], parts.description, parts.text, *parts.choices)))


# The cache keeps each process from rendering more than the edited questions of an edited set.
_BYTES_OF_ENTRY = 500
_RENDERED: Memo[_Key, RenderedParts] = Memo(64 * 2**20, _bytes_of)
# Keyed by the question itself, this cache finds unedited questions without making their docs.
_PARTS: Each[RenderedParts] = Each(40_000)
_JOINED: Each[RenderedDoc] = Each(
    48 * 2**20, lambda doc: 700 + sum(map(getsizeof, (doc.context, *doc.continuations)))
)
# Refusals (sentence, question) expire, because the machine may be less busy some minutes later.
REFUSED_S = 600.0
_REFUSED: Memo[tuple[_Key, int], tuple[str, str]] = Memo(4 * 2**20, lambda key, _: getsizeof(key[0][1]))


def render(config: TaskConfig, question: Question, shots: Sequence[Question] = ()) -> RenderedDoc:
    """Render one question after few-shot examples, in their order.

    Args:
        config: Configuration of the set.
        question: The question.
        shots: The examples.

    Raises:
        TaskError: A template, or the right answer, cannot be used.
    """
    docs, dev = harness_rows([question], shots)
    label = f"question {question.id!r}"
    parts = render_parts(config, [*docs, *dev], [label, *(f"example {shot.id!r}" for shot in shots)])
    return _join(config, question.id, parts[0], "".join(_turn(config, shot) for shot in parts[1:]), label)


def render_set(task: TaskSet, num_fewshot: int | None = None) -> list[RenderedDoc]:
    """Render all test questions of a set, in order.

    `shots.draw_examples` says which examples precede which question.

    Args:
        task: The set.
        num_fewshot: Number of few-shot examples; None for the set's own.

    Raises:
        TaskError: There are fewer examples than `num_fewshot`, a template or a right answer cannot be used,
            or the prompts have more than `MAX_TOTAL_CHARS` characters together.
    """
    config = task.config
    shots = config.num_fewshot if num_fewshot is None else num_fewshot
    check_shots(task, shots)
    questions, columns = task.questions, columns_of_set(task.questions, task.dev)
    chosen = draw_examples(config, len(questions), len(task.fewshot_pool), shots)
    used = 1 + max((max(indices) for indices in chosen), default=-1) if shots else 0
    of_test = config.fewshot_split == "test"
    examples = () if of_test else task.dev[:used]
    of_examples = [f"Dev question {n}" for n in range(1, len(examples) + 1)]

    def made(places: Sequence[int]) -> list[RenderedParts]:
        docs = to_docs([*(questions[place] for place in places), *examples], columns)
        return render_parts(config, docs, [*map(_label, places), *of_examples])[: len(places)]

    depends_on = (_fields(config), columns)
    parts = _PARTS.of_all(depends_on, questions, made)
    of_shown = render_parts(config, to_docs(examples, columns), of_examples) if examples else []
    if sum(part.rendered for part in (*parts, *of_shown)) > MAX_TOTAL_CHARS:
        made(range(len(questions)))  # raises with the question that exceeds the limit
    turns = [_turn(config, part) for part in (parts[:used] if of_test else of_shown)]

    def joined(places: Sequence[int]) -> list[RenderedDoc]:
        return [
            _join(
                config,
                questions[place].id,
                parts[place],
                "".join(turns[i] for i in chosen[place]),
                _label(place),
            )
            for place in places
        ]

    if of_test or config.fewshot_sampler != "first_n":  # every question has its own examples
        rendered = joined(range(len(questions)))
    else:
        same = "".join(turns[i] for i in chosen[0]) if chosen else ""
        rendered = _JOINED.of_all((depends_on, config.target_delimiter, same), questions, joined)
    total = 0
    for place, doc in enumerate(rendered):
        total += len(doc.context)
        if total > MAX_TOTAL_CHARS:
            raise TaskError(
                Sentence(
                    "The prompts have more than {most} characters together, reached at {place}; use fewer or shorter "
                    "few-shot examples.",
                    most=MAX_TOTAL_CHARS,
                    place=place_of(_label(place)),
                )
            )
    return rendered


def _label(place: int) -> str:
    return f"Question {place + 1}"


def _fields(config: TaskConfig) -> tuple[str | tuple[str, ...], ...]:
    return (config.description, config.doc_to_text, config.doc_to_choice, config.doc_to_target)


def render_parts(config: TaskConfig, docs: Sequence[Doc], labels: Sequence[str]) -> list[RenderedParts]:
    """Rendered parts of every doc; only docs that are not in this process's cache are rendered.

    Args:
        config: Configuration of the set.
        docs: The docs.
        labels: Name of each doc in messages ("Question 7").

    Raises:
        TemplateRefused: A template takes too long, gives too much text, or accesses something other than a
            column.
        TaskError: A template is invalid or gives the wrong kind of value.
    """
    written = _templates(config, docs)
    fields = _fields(config)
    # `repr` distinguishes 1 from 1.0 and True, and two surrogates from the character that they encode.
    keys = [(fields, repr(doc)) for doc in docs]
    parts = {place: known for place, key in enumerate(keys) if (known := _RENDERED.get(key))}
    new = [place for place in range(len(docs)) if place not in parts]
    templates = list(written.values())
    rows: list[list[str]] = [[] for _ in new]
    if templates and new:
        for place in new:
            _refuse_again(keys[place], labels[place])
        try:
            rows = render_all(templates, [docs[place] for place in new], [labels[place] for place in new])
        except TemplateRefused as refusal:
            for place, row in zip(new, refusal.rendered, strict=False):
                with suppress(TaskError):
                    part = _from(config, docs[place], dict(zip(written, row, strict=True)), labels[place])
                    _RENDERED.put(keys[place], part)
            for place in new[len(refusal.rendered) :][:1]:
                _REFUSED.put((keys[place], _period()), (refusal.sentence, labels[place]))
            raise
    total = sum(known.rendered for known in parts.values()) + sum(len(text) for row in rows for text in row)
    if total > MAX_TOTAL_CHARS:
        render_all(templates, docs, labels)  # raises with the doc that exceeds the limit
    for place, row in zip(new, rows, strict=True):
        parts[place] = _from(config, docs[place], dict(zip(written, row, strict=True)), labels[place])
        _RENDERED.put(keys[place], parts[place])
    return [parts[place] for place in range(len(docs))]


def _period() -> int:
    return int(time.monotonic() // REFUSED_S)


def _refuse_again(key: _Key, label: str) -> None:
    """Raise a recent refusal again, so that a slow template does not cost its second at every check."""
    if (known := _REFUSED.get((key, _period()))) is not None:
        sentence, at = known
        if isinstance(sentence, Sentence):
            there = Sentence(" at {place}", place=place_of(label))
            raise TemplateRefused(Sentence(sentence.template, **{**sentence.values, "at": there}))
        raise TemplateRefused(sentence.replace(f" at {at}", f" at {label}", 1))


def _templates(config: TaskConfig, docs: Sequence[Doc]) -> dict[str, Template]:
    """Compiled templates of the configuration, without fields that name a column or are empty."""
    columns = docs[0].keys() if docs else ()
    fields = {
        "description": config.description,
        "doc_to_text": config.doc_to_text,
        "doc_to_target": config.doc_to_target,
    }
    if isinstance(config.doc_to_choice, str) and config.doc_to_choice != CLOZE_CHOICE:
        fields["doc_to_choice"] = config.doc_to_choice
    return {
        name: compile_template(source, name)
        for name, source in fields.items()
        if source not in columns and source
    }


def _from(config: TaskConfig, doc: Doc, text: Mapping[str, str], label: str) -> RenderedParts:
    """Parts of a doc from the texts that its templates gave, by field."""
    parts = RenderedParts(
        _column_text(config.description, doc, text.get("description"), "description", label),
        _text(config.doc_to_text, doc, text.get("doc_to_text"), label),
        _choices(config.doc_to_choice, doc, text.get("doc_to_choice"), label),
        _target(config.doc_to_target, doc, text.get("doc_to_target"), label),
        rendered=sum(map(len, text.values())),
    )
    if isinstance(parts.text, int) and (not isinstance(parts.target, str) or not parts.target):
        raise TaskError(
            Sentence(
                "doc_to_text names a column of indices, so each choice is asked before the text of doc_to_target, and "
                "at {place} that gives none: name a text column, such as question.",
                place=place_of(label),
            )
        )
    return parts


def _column_text(source: str, doc: Doc, rendered: str | None, where: str, label: str) -> str:
    if rendered is not None:
        return rendered
    value = doc[source] if source else ""
    if not isinstance(value, str):
        raise TaskError(
            Sentence(
                "{field} names the column {column}, which holds no text at {place}; use a text column.",
                field=where,
                column=repr(source),
                place=place_of(label),
            )
        )
    return value


def _text(source: str, doc: Doc, rendered: str | None, label: str) -> str | int:
    if rendered is not None and rendered.isdigit():
        raise TaskError(
            Sentence(
                "doc_to_text gives the bare number {number} at {place}, which the harness takes for a choice's index; "
                "add a word to the template.",
                number=repr(rendered[:20]),
                place=place_of(label),
            )
        )
    if rendered is None and source and isinstance(value := doc[source], int) and not isinstance(value, bool):
        return value
    return _column_text(source, doc, rendered, "doc_to_text", label)


def _choices(source: str | tuple[str, ...], doc: Doc, rendered: str | None, label: str) -> tuple[str, ...]:
    value: object
    if isinstance(source, tuple):
        value = source
    elif rendered is not None:
        value = _literal(rendered)
    else:
        value = doc["choices" if source == CLOZE_CHOICE else source]
    if not isinstance(value, list | tuple) or not all(isinstance(choice, str) for choice in value):
        raise TaskError(
            Sentence(
                "doc_to_choice does not give a list of texts at {place}; use {{{{choices}}}}, a list in the YAML, or a "
                "template that prints a Python list of strings.",
                place=place_of(label),
            )
        )
    if len(value) < 2 or not all(value):
        raise TaskError(
            Sentence(
                "doc_to_choice gives fewer than two choices or an empty one at {place}; use 2 or more.",
                place=place_of(label),
            )
        )
    return tuple(value)


def _target(source: str, doc: Doc, rendered: str | None, label: str) -> int | str:
    value = doc[source] if rendered is None and source else rendered
    if rendered is not None:
        if rendered.isdigit():
            value = _literal(rendered)
        elif rendered.startswith("[") and rendered.endswith("]") and len(rendered) > 1:
            value = _literal(rendered)
            value = rendered if value is None else value
    if isinstance(value, bool):  # the harness takes it for an index
        value = int(value)
    if not isinstance(value, int | str):
        raise TaskError(
            Sentence(
                "doc_to_target gives neither one index nor one text at {place}; use a column such as answer.",
                place=place_of(label),
            )
        )
    return value


def _literal(text: str) -> object:
    """Value that the harness gets from `ast.literal_eval`; None for a text that is no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _turn(config: TaskConfig, shot: RenderedParts) -> str:
    """One few-shot example with its answer; a target that is text is shown unchanged, as in the harness."""
    if shot.target == "":
        return str(shot.text)
    index = shot.text if isinstance(shot.text, int) else shot.target
    if isinstance(index, int) and shot.gold < 0:
        raise TaskError(
            Sentence(
                "An example's gold is {gold}, but it has {choices} choices (use 0–{last}).",
                gold=str(index),
                choices=str(len(shot.choices)),
                last=str(len(shot.choices) - 1),
            )
        )
    text = shot.choices[shot.text] if isinstance(shot.text, int) else shot.text
    answer = shot.choices[shot.target] if isinstance(shot.target, int) else shot.target
    return f"{text}{config.target_delimiter}{answer}{config.fewshot_delimiter}"


def _join(config: TaskConfig, question_id: str, part: RenderedParts, shots: str, label: str) -> RenderedDoc:
    ending = str(part.target) if isinstance(part.text, int) else None
    if part.gold < 0:
        raise TaskError(
            Sentence(
                "{where}: gold is {gold}, but it has {choices} choices (use 0–{last} or a choice's text).",
                where=place_of(f"{label[0].upper()}{label[1:]}"),
                gold=repr(part.target if ending is None else part.text),
                choices=str(len(part.choices)),
                last=str(len(part.choices) - 1),
            )
        )
    scored = part.choices if ending is None else (ending,) * len(part.choices)
    return RenderedDoc(
        question_id=question_id,
        context=part.description + shots + (part.text if isinstance(part.text, str) else ""),
        continuations=tuple(config.target_delimiter + text for text in scored),
        choices=part.choices,
        gold=part.gold,
        ending=ending,
    )
