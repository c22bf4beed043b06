"""Rendering of templates within the sandbox.

Tested in tests/sets/prompts/test_sandbox.py.

The sandbox's process (`base/untrusted/sandbox_worker.py`) runs `render_rows` for every template that is not
bounded by its form. This module imports nothing of the studio, so that the process starts in a fraction of a
second.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError


class OutOfTime(Exception):
    """Raised when a document takes longer than its limit."""


class OutOfAllTime(Exception):
    """Raised when all documents together take longer than their limit."""


class TooLong(Exception):
    """Raised when a document renders to more characters than its limit."""


def _regex_replace(string: str, pattern: str, repl: str, count: int = 0) -> str:
    return re.sub(pattern, repl, string, count=count)


def environment() -> ImmutableSandboxedEnvironment:
    """Sandboxed environment with the harness's settings (lm_eval/utils.py), without random functions."""
    env = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    env.filters["regex_replace"] = _regex_replace
    del env.filters["random"]
    del env.globals["lipsum"]
    return env


def render_text(template: Template, doc: Mapping[str, Any], max_chars: int) -> str:
    """Text of a template with a document's columns.

    Raises:
        TooLong: The text has more than `max_chars` characters.
        Exception: Any error that the template raises.
    """
    parts, length = [], 0
    for part in template.generate(doc):
        length += len(part)
        if length > max_chars:
            raise TooLong
        parts.append(part)
    return "".join(parts)


def kind_of(error: Exception) -> str:
    """One word for the error that stopped a template, which the studio turns into a sentence."""
    for kind, classes in (
        ("time", OutOfTime),
        ("total", OutOfAllTime),
        ("output", TooLong),
        ("memory", MemoryError),
        ("security", SecurityError),
        ("range", OverflowError),
        ("depth", RecursionError),
    ):
        if isinstance(error, classes):
            return kind
    return "template"


def _out_of_time(*_: object) -> None:
    raise OutOfTime


def _require_time(ends: float) -> None:
    if time.process_time() >= ends:
        raise OutOfAllTime


class Clock:
    """Context manager that raises OutOfTime after `seconds` of processor time in its block.

    A regular expression that backtracks without end never handles signals, so a second timer with twice the
    time, whose signal keeps its default action, ends the process itself.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        signal.signal(signal.SIGPROF, _out_of_time)

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, self.seconds)
        signal.setitimer(signal.ITIMER_VIRTUAL, 2 * self.seconds)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)


def render_rows(
    sources: Sequence[str],
    docs: Sequence[Mapping[str, Any]],
    max_chars: int,
    doc_seconds: float,
    total_seconds: int,
) -> Iterator[list[str] | dict[str, Any]]:
    """Yield the texts of each document, `[template]`, until an error.

    Args:
        sources: The templates' texts.
        docs: The documents.
        max_chars: Limit on the characters of a text.
        doc_seconds: Limit on the processor time of a text.
        total_seconds: Limit on the processor time of all.

    Returns:
        For each document its texts or, last, an object with `error` (see `kind_of`), the number of the
        `template` and the error's `message`.
    """
    env = environment()
    clock = Clock(doc_seconds)
    ends = time.process_time() + total_seconds
    at = 0
    try:
        templates: list[Template] = []
        for source in sources:
            at = len(templates)
            with clock:
                templates.append(env.from_string(source))
        for doc in docs:
            _require_time(ends)
            rendered: list[str] = []
            for template in templates:
                at = len(rendered)
                with clock:
                    rendered.append(render_text(template, doc, max_chars))
            yield rendered
    except Exception as error:
        message = " ".join(str(error)[:300].split())
        yield {"error": kind_of(error), "template": at, "message": message}
