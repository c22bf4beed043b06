"""Worker process of the template sandbox.

Tested in tests/sets/prompts/test_sandbox.py.

`sandbox.py` runs this file as a script for every template that is not bounded by its form: the process has
its own memory, processor time and output, so no template can harm or slow down the studio. It imports nothing
of the studio, so that it starts in a fraction of a second.

Standard input: one line of JSON with `sources`, `max_chars`, `max_total_chars`, `doc_seconds`,
`total_seconds`, `max_bytes`; then one document (an object) a line. Standard output: one list of strings a
document, or, last, an object with `error`, `template` and `message`.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
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
    """One word for the error that stopped a template, which the parent process turns into a sentence."""
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


def _bound_process(max_bytes: int, total_seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's clock remains
        return
    bounds = (
        (resource.RLIMIT_AS, max_bytes),
        (resource.RLIMIT_CPU, total_seconds + 2),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    for what, bound in bounds:
        try:
            resource.setrlimit(what, (bound, bound))
        except (ValueError, OSError):  # macOS refuses some; the parent's clock remains
            continue


def _out_of_time(*_: object) -> None:
    raise OutOfTime


class Clock:
    """Context manager that raises OutOfTime after `seconds` of processor time in its block.

    A regular expression that backtracks without end never handles signals, so a second timer with twice the
    time, whose signal keeps its default action, ends the process itself.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds if hasattr(signal, "setitimer") else 0.0
        if self.seconds:
            signal.signal(signal.SIGPROF, _out_of_time)

    def __enter__(self) -> None:
        if self.seconds:
            signal.setitimer(signal.ITIMER_PROF, self.seconds)
            signal.setitimer(signal.ITIMER_VIRTUAL, 2 * self.seconds)

    def __exit__(self, *_: object) -> None:
        if self.seconds:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)


def _answer(sources: Sequence[str], order: Mapping[str, Any]) -> None:
    env = environment()
    clock = Clock(order["doc_seconds"])
    left = order["max_total_chars"]
    at = 0
    try:
        templates: list[Template] = []
        for source in sources:
            at = len(templates)
            with clock:
                templates.append(env.from_string(source))
        for line in sys.stdin.buffer:
            if time.process_time() > order["total_seconds"]:
                raise OutOfAllTime
            doc = json.loads(line)
            rendered: list[str] = []
            for template in templates:
                at = len(rendered)
                with clock:
                    rendered.append(render_text(template, doc, min(order["max_chars"], left)))
                left -= len(rendered[-1])
            print(json.dumps(rendered), flush=True)
    except Exception as error:
        message = " ".join(str(error)[:300].split())
        print(json.dumps({"error": kind_of(error), "template": at, "message": message}), flush=True)


def main() -> None:
    """Render the documents of standard input, within the limits of its first line."""
    order = json.loads(sys.stdin.buffer.readline())
    _bound_process(order["max_bytes"], order["total_seconds"])
    _answer(order["sources"], order)


if __name__ == "__main__":
    main()
