"""Sandboxed rendering of Jinja templates.

The form of the template decides between two ways. A template that only puts columns into text (names, a few
methods and filters that do not grow their input, conditions, one loop over the choices) is bounded by its
form and is rendered in this process. Any other runs in a process of `base/untrusted/sandbox.py` with limits
on memory, processor time and output. Both use the same sandboxed environment (`sandbox_worker.py`); a
template that accesses private attributes or other templates is refused before it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import meta, nodes

from e2lm_core.base.errors import TaskError
from e2lm_core.base.sentences import Sentence, recognised
from e2lm_core.base.untrusted import sandbox
from e2lm_core.sets.prompts import sandbox_worker

MAX_TEMPLATE_CHARS = 20_000
MAX_RENDERED_CHARS = 1_000_000
MAX_TOTAL_CHARS = 200_000_000
MAX_PLAIN_NODES = 200
MAX_DEPTH = 200  # chained or nested operations: Python's compiler takes no more nested brackets
# Beginnings of a doc's name in messages.
_LABELS = (
    Sentence("Question {n}"),
    Sentence("question {n}"),
    Sentence("Dev question {n}"),
    Sentence("example {n}"),
)
DOC_SECONDS = 1.0
TOTAL_SECONDS = 60
MAX_BYTES = 768 * 2**20
INTERPRETER_BYTES = 32 * 2**20  # of these, for Python and Jinja

PLAIN_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Filter,
    nodes.Call,
    nodes.For,
    nodes.List,
    nodes.Tuple,
)
PLAIN_FILTERS = frozenset(
    {"trim", "length", "count", "list", "upper", "lower", "capitalize", "first", "last"}
)
PLAIN_METHODS = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "capitalize", "removeprefix", "removesuffix"}
)
LOOP_ATTRIBUTES = frozenset({"index", "index0", "first", "last", "length"})
REFUSED_NODES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)

_ENVIRONMENT = sandbox_worker.environment()
_places = threading.BoundedSemaphore(sandbox.AT_ONCE)


@dataclass(frozen=True)
class Template:
    """A template that was parsed and accepted.

    Attributes:
        source: Text of the template.
        where: Name of its field in messages ("doc_to_text").
        compiled: The compiled template; None if it needs the sandbox's process.
    """

    source: str
    where: str
    compiled: jinja2.Template | None


@lru_cache(maxsize=256)
def compile_template(source: str, where: str) -> Template:
    """Parse a template without running any of it.

    Args:
        source: Text of the template.
        where: Name of its field in messages ("doc_to_text").

    Raises:
        TaskError: It is not valid Jinja, too long, too deeply nested, or accesses private attributes or other
            templates.
    """
    if len(source) > MAX_TEMPLATE_CHARS:
        raise TaskError(
            Sentence(
                "{field} has {number} characters; a template may have at most {most}.",
                field=where,
                number=len(source),
                most=MAX_TEMPLATE_CHARS,
            )
        )
    try:
        tree = _ENVIRONMENT.parse(source)
    except jinja2.TemplateSyntaxError as error:
        raise TaskError(
            Sentence(
                "{field} is not a valid template (line {line}: {problem}).",
                field=where,
                line=str(error.lineno),
                problem=_short(error),
            )
        ) from error
    except RecursionError as error:
        raise _too_deep(where) from error
    except (ValueError, OverflowError) as error:
        raise TaskError(
            Sentence("{field} is not a valid template: {problem}.", field=where, problem=_short(error))
        ) from error
    _refuse_reaching(tree, where)
    try:
        return Template(source, where, _ENVIRONMENT.from_string(tree) if _is_plain(tree) else None)
    except (RecursionError, SyntaxError, MemoryError) as error:  # Python's limits of nesting
        raise _too_deep(where) from error


def names_in(source: str) -> set[str]:
    """Columns that a template names; empty for a text that is no template."""
    try:
        return meta.find_undeclared_variables(_ENVIRONMENT.parse(source))
    except (jinja2.TemplateError, RecursionError, ValueError, OverflowError):
        return set()


class TemplateRefused(TaskError):
    """Raised when a template exceeds a limit, reaches beyond the columns, or cannot be rendered.

    Attributes:
        rendered: Rows completed before, `[document][template]`.
    """

    def __init__(self, text: object = "", rendered: Sequence[list[str]] = ()) -> None:
        super().__init__(text)
        self.rendered = rendered


def render_all(
    templates: Sequence[Template], docs: Sequence[Mapping[str, Any]], labels: Sequence[str]
) -> list[list[str]]:
    """Render every template for every document.

    Args:
        templates: The templates.
        docs: The documents.
        labels: Name of each document in messages ("Question 7").

    Returns:
        The texts, `[document][template]`.

    Raises:
        TemplateRefused: A template cannot be rendered, takes too long, gives too much text, or accesses
            something other than a column; it carries the rows completed before.
        TaskError: All texts together have more than `MAX_TOTAL_CHARS` characters, or other templates keep the
            sandbox busy for longer than `sandbox.WAIT_S` seconds.
    """
    outside = [template for template in templates if template.compiled is None]
    rendered: list[list[str]] = []
    total = 0
    with closing(_render_outside(outside, docs, labels)) as answers:
        for doc, label in zip(docs, labels, strict=True):
            try:
                theirs = iter(next(answers) if outside else ())
                row = [
                    next(theirs) if template.compiled is None else _render_here(template, doc, label)
                    for template in templates
                ]
            except TemplateRefused as error:
                error.rendered = rendered
                raise
            total += sum(map(len, row))
            if total > MAX_TOTAL_CHARS:
                raise TaskError(
                    Sentence(
                        "The prompts have more than {most} characters together, reached at {place}; shorten the "
                        "templates or use fewer questions.",
                        most=MAX_TOTAL_CHARS,
                        place=place_of(label),
                    )
                )
            rendered.append(row)
    return rendered


def _render_here(template: Template, doc: Mapping[str, Any], label: str) -> str:
    assert template.compiled is not None
    try:
        return sandbox_worker.render_text(template.compiled, doc, MAX_RENDERED_CHARS)
    except Exception as error:
        raise _refusal(template, sandbox_worker.kind_of(error), str(error), doc, label) from error


def _render_outside(
    templates: Sequence[Template], docs: Sequence[Mapping[str, Any]], labels: Sequence[str]
) -> Generator[list[str], None, None]:
    """Yield each document's texts from the sandbox's process; raises as `render_all` does."""
    sources = [template.source for template in templates]
    arguments = (sources, list(docs), MAX_RENDERED_CHARS, DOC_SECONDS, TOTAL_SECONDS)
    memory = MAX_BYTES - INTERPRETER_BYTES
    policy = sandbox.Policy(memory, memory, seconds=TOTAL_SECONDS + 2, clock_s=2 * TOTAL_SECONDS + 10)
    with closing(sandbox.iterate_replies(sandbox_worker.render_rows, arguments, policy, _places)) as replies:
        for doc, label, reply in zip(docs, labels, replies, strict=False):
            if reply.kind == sandbox.BUSY:
                raise TaskError(
                    Sentence(
                        "{field} waits behind other templates that take long to render; try again in a minute.",
                        field=templates[0].where,
                    )
                )
            if reply.kind != sandbox.PIECE:
                kind = "memory" if reply.kind == sandbox.NO_MEMORY else "time"
                raise _refusal(templates[0], kind, "", {}, label)
            if isinstance(reply.value, dict):
                failure = reply.value
                template = templates[failure["template"]]
                raise _refusal(template, failure["error"], failure["message"], doc, label)
            yield reply.value


def _refusal(
    template: Template, kind: str, message: str, doc: Mapping[str, Any], label: str
) -> TemplateRefused:
    field, at = template.where, Sentence(" at {place}", place=place_of(label)) if label else ""
    if kind == "time":
        most = f"{DOC_SECONDS:g}"
        said = Sentence(
            "{field} takes longer than {most} second{at}; make its loops shorter.",
            field=field,
            most=most,
            at=at,
        )
    elif kind == "total":
        said = Sentence(
            "{field} takes longer than {most} seconds for all questions together, reached{at}; make it simpler.",
            field=field,
            most=TOTAL_SECONDS,
            at=at,
        )
    elif kind == "memory":
        said = Sentence(
            "{field} needs more than {most} MB of memory{at}; make its texts and loops smaller.",
            field=field,
            most=str(MAX_BYTES // 2**20),
            at=at,
        )
    elif kind == "output":
        said = Sentence(
            "{field} gives more than {most} characters{at}; make it shorter.",
            field=field,
            most=MAX_RENDERED_CHARS,
            at=at,
        )
    elif kind == "range":
        said = Sentence(
            "{field} counts too far{at}; a range may have at most {most} numbers.",
            field=field,
            most=100_000,
            at=at,
        )
    elif kind == "depth":
        said = Sentence("{field} calls itself too deeply{at}; take the recursion out.", field=field, at=at)
    elif kind == "security":
        said = Sentence(
            "{field} reaches for something that is not a column{at} ({problem}); use the columns only.",
            field=field,
            at=at,
            problem=_short(message),
        )
    else:
        columns: str = ""
        if doc and "undefined" in message:
            columns = Sentence("; the columns are {columns}", columns=", ".join(doc))
        said = Sentence(
            "{field} cannot be rendered{at}: {problem}{columns}.",
            field=field,
            at=at,
            problem=_short(message),
            columns=columns,
        )
    return TemplateRefused(said)


def place_of(label: str) -> str:
    """Name of a doc for an error, by its label: every doc has one, and hardly any has an error."""
    return recognised(label, _LABELS)


def _too_deep(where: str) -> TaskError:
    return TaskError(
        Sentence(
            "{field} is not a valid template: it chains or nests more than {most} operations; use fewer.",
            field=where,
            most=MAX_DEPTH,
        )
    )


def _short(message: object) -> str:
    text = " ".join(str(message).split()).rstrip(".")
    return text if len(text) <= 200 else text[:199] + "…"


def _refuse_reaching(tree: nodes.Template, where: str) -> None:
    for node in _nodes(tree, where):
        if not isinstance(node, (nodes.Getattr, nodes.Getitem, *REFUSED_NODES)):
            continue
        if isinstance(node, REFUSED_NODES):
            raise TaskError(
                Sentence(
                    "{field} loads another template (line {line}); write everything into one template.",
                    field=where,
                    line=str(node.lineno),
                )
            )
        name: object = node.attr if isinstance(node, nodes.Getattr) else None
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            name = node.arg.value
        if isinstance(name, str) and name.startswith("_"):
            raise TaskError(
                Sentence(
                    "{field} reaches for the attribute {name} (line {line}); use the columns of a question, filters "
                    "and tests only.",
                    field=where,
                    name=repr(name),
                    line=str(node.lineno),
                )
            )


def _nodes(tree: nodes.Template, where: str) -> Iterator[nodes.Node]:
    """Every node, level by level; raises TaskError for too many levels."""
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        yield from level
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        raise _too_deep(where)


def _is_plain(tree: nodes.Template) -> bool:
    """Whether the template's form bounds time, memory and output, see the module's docstring."""
    count = 0
    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        count += 1
        if count > MAX_PLAIN_NODES or not isinstance(node, PLAIN_NODES) or not _is_plain_node(node):
            return False
        waiting.extend(node.iter_child_nodes())
    return True


def _is_plain_node(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Name):
        return node.name not in _ENVIRONMENT.globals
    if isinstance(node, nodes.Filter):
        return node.name in PLAIN_FILTERS and not (
            node.args or node.kwargs or node.dyn_args or node.dyn_kwargs
        )
    if isinstance(node, nodes.Call):
        method = node.node
        return (
            isinstance(method, nodes.Getattr)
            and method.attr in PLAIN_METHODS
            and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
            and all(isinstance(arg, nodes.Const) for arg in node.args)
        )
    if isinstance(node, nodes.Getattr):
        of_loop = isinstance(node.node, nodes.Name) and node.node.name == "loop"
        return node.attr in (LOOP_ATTRIBUTES if of_loop else PLAIN_METHODS)
    if isinstance(node, nodes.For):
        over_choices = isinstance(node.iter, nodes.Name) and node.iter.name == "choices"
        nested = any(True for part in (*node.body, *node.else_) for _ in _loops(part))
        return over_choices and not nested and not node.recursive and isinstance(node.target, nodes.Name)
    return True


def _loops(node: nodes.Node) -> list[nodes.Node]:
    itself: list[nodes.Node] = [node] if isinstance(node, nodes.For) else []
    return itself + list(node.find_all(nodes.For))
