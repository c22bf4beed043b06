"""Opens a foreign task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.folder import data_rows
from e2lm_core.sets.folder.config import ParsedConfig, column_of
from e2lm_core.sets.folder.foreign import normalise
from e2lm_core.sets.folder.foreign.columns import Row, require_same_as_datasets, same, typed
from e2lm_core.sets.prompts.docs import harness_rows
from e2lm_core.sets.prompts.sandbox import names_in
from e2lm_core.sets.rows import to_questions

WRONG = (
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    SyntaxError,
    RecursionError,
    MemoryError,
)
MIXED = "the harness leaves out examples that equal the question, and there are rows that stand twice"


class TaskRows(NamedTuple):
    """Rows of a task as the harness gives them to templates, after the task's functions.

    Attributes:
        test: Scored rows.
        dev: Rows of few-shot examples.
        where: Names of the files of the scored rows.
        zero_shot: Reason why no example can be shown; None if they can.
    """

    test: list[Row]
    dev: list[Row]
    where: str
    zero_shot: str | None


def open_task(files: Mapping[str, bytes], parsed: ParsedConfig, yaml: str, limits: Limits) -> TaskSet:
    """Open the set that a YAML and the rows beside it make.

    Args:
        files: Files of the tree by their paths.
        parsed: The YAML as it was read.
        yaml: Path of the YAML in the tree.
        limits: Bounds on rows and bytes.

    Raises:
        TaskError: The rows cannot be read or rendered, or their prompts have no form in the studio.
    """
    rows = read_rows(files, parsed, yaml, limits)
    config = parsed.config
    ids = [str(row["id"]) for row in (*rows.test, *rows.dev) if row.get("id") is not None]
    if (
        not parsed.functions
        and len(set(ids)) == len(ids)
        and normalise.has_studio_columns([*rows.test, *rows.dev])
    ):
        questions = to_questions(rows.test, rows.where, "q")
        dev = to_questions(rows.dev, rows.where, "dev")
        if _is_flat(rows, harness_rows(questions, dev)):
            return TaskSet(config=config, questions=questions, dev=dev, zero_shot=rows.zero_shot)
    documents, zero_shot = render_rows(parsed, rows)
    task = normalise.to_studio_form(config, documents)
    return task.model_copy(update={"zero_shot": zero_shot})


def render_rows(parsed: ParsedConfig, rows: TaskRows) -> tuple[normalise.Documents, str | None]:
    """Render a task's rows, and find the reason why no example can be shown.

    Returns:
        The documents, and the reason; None if examples can be shown.

    Raises:
        TaskError: The scored rows cannot be rendered.
    """
    zero_shot = rows.zero_shot
    try:
        documents = normalise.render_documents(parsed.config, rows.test, rows.dev, rows.where)
    except TaskError as error:
        if not rows.dev:
            raise
        documents = normalise.render_documents(parsed.config, rows.test, [], rows.where)
        zero_shot = zero_shot or f"its examples cannot be shown: {str(error).rstrip('.')}"
    for number, part in enumerate(documents.of_dev, start=1):
        if part.gold < 0:
            zero_shot = zero_shot or f"the answer of its example {number} is none of its choices"
            documents = documents._replace(dev=[], of_dev=[])
    return documents, zero_shot


def read_rows(
    files: Mapping[str, bytes], parsed: ParsedConfig, yaml: str, limits: Limits, shown: bool = True
) -> TaskRows:
    """Read the rows beside a YAML as the harness gives them to templates.

    Args:
        files: Files of the tree by their paths.
        parsed: The YAML as it was read.
        yaml: Path of the YAML in the tree.
        limits: Bounds on rows and bytes.
        shown: Whether few-shot examples are read too.

    Raises:
        TaskError: The scored rows cannot be read, none is left, or a column holds values that the harness
            would read differently. A missing or unreadable file of examples only sets `zero_shot`.
    """
    plan, zero_shot = parsed.data, parsed.data.zero_shot
    if plan.json_reader:
        _require_as_read(files, parsed, limits)
    raw, where = data_rows.read_test_rows(files, plan, yaml, limits)
    examples: list[Row] = []
    try:
        examples = data_rows.read_dev_rows(files, plan, limits)[0] if shown else []
        if plan.dev and not examples:
            file = PurePosixPath(plan.dev[-1]).with_suffix(".jsonl").name
            zero_shot = zero_shot or f"its examples are not beside the YAML as {file}"
    except TaskError as error:
        zero_shot = zero_shot or f"its examples cannot be read: {str(error).rstrip('.')}"
    if plan.dev_rows is None:
        both = typed([*raw, *examples], where)
        test, dev = both[: len(raw)], both[len(raw) :]
    else:
        test, dev = typed(raw, where), examples
    test = _made(parsed.functions, test, where, processed=True)
    if not test:
        raise TaskError(
            Sentence("{where} holds no row that the task asks for; put its rows there.", where=where)
        )
    try:
        dev = _made(parsed.functions, dev, where, processed=plan.dev_rows is None)
    except TaskError as error:
        zero_shot, dev = zero_shot or f"its examples cannot be made: {str(error).rstrip('.')}", []
    if plan.leaves_out and zero_shot is None and are_mixed(test, dev, plan.pool == "test"):
        zero_shot = MIXED
    return TaskRows(test, dev, where, zero_shot)


def are_mixed(test: Sequence[Row], dev: Sequence[Row], within: bool) -> bool:
    """Whether the harness would take an example for the question, though it is another row."""
    known = [same(row) for row in test]
    return len(set(known)) < len(known) if within else not set(known).isdisjoint(map(same, dev))


def _require_as_read(files: Mapping[str, bytes], parsed: ParsedConfig, limits: Limits) -> None:
    """Raise TaskError if the JSON reader of `datasets` changes a column that the prompts may use."""
    config = parsed.config
    choices = config.doc_to_choice
    templates = [config.doc_to_text, config.doc_to_target, config.description]
    templates += [choices] if isinstance(choices, str) else choices
    used = {name for template in templates for name in (template, *names_in(template))}
    for file in dict.fromkeys((*data_rows.find_test_files(files, parsed.data), *parsed.data.dev)):
        if file in files:
            rows, is_list = data_rows.read_row_file(files, file, limits)
            require_same_as_datasets(
                rows, None if parsed.functions else used, PurePosixPath(file).name, is_list
            )


def _made(
    functions: Mapping[str, Callable[[Any], Any]], rows: list[Row], where: str, processed: bool
) -> list[Row]:
    """Rows after `process_docs`, with a column for the result of each other function."""
    if (process := functions.get("process_docs")) is not None and processed:
        try:
            rows = process(rows)
        except WRONG as error:
            raise TaskError(
                Sentence("{where} lacks what process_docs needs ({error}).", where=where, error=_short(error))
            ) from error
    for key, function in functions.items():
        if key == "process_docs":
            continue
        made = []
        for number, row in enumerate(rows, start=1):
            try:
                made.append(row | {column_of(key): function(row)})
            except WRONG as error:
                raise TaskError(
                    Sentence(
                        "{where}, row {number}, lacks what {key} needs ({error}).",
                        where=where,
                        number=number,
                        key=key,
                        error=_short(error),
                    )
                ) from error
        rows = made
    return rows


def _is_flat(rows: TaskRows, ours: tuple[list[Any], list[Any]]) -> bool:
    """Whether the rows as the studio writes them equal, in every column, those of the harness."""
    theirs = [*rows.test, *rows.dev]
    return all(
        repr(doc.get(name)) == repr(value) or (name == "id" and str(value) == doc["id"])
        for doc, row in zip((*ours[0], *ours[1]), theirs, strict=True)
        for name, value in row.items()
    )


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:120]
