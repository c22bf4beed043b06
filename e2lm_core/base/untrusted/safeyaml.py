"""Untrusted YAML: plain values only; `!function` is read as a name and never run."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, NamedTuple

import yaml

from e2lm_core.base.errors import TaskError
from e2lm_core.base.sentences import Sentence

MAX_BYTES = 256 * 1024
MAX_PARTS = 20_000  # lines, commas and brackets, including those in texts: each may be a value
MAX_NUMBER = 10**40
_HALF = re.compile("[\ud800-\udfff]")


class FunctionName(NamedTuple):
    """Function named by `!function`, never run.

    Attributes:
        dotted: The dotted name, as text.
        base: Folder of the YAML file.
    """

    dotted: str
    base: str = ""

    @property
    def module(self) -> str:
        """Module part of the dotted name: everything before its last dot."""
        return self.dotted.rpartition(".")[0]


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses YAML which it would silently drop or expand.

    Attributes:
        twice: Receives the names of duplicate keys, which are then allowed; None refuses them.
    """

    twice: list[str] | None = None

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "it uses an alias (*name); write it out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen and self.twice is not None:
                self.twice.append(str(key))
            elif isinstance(key, Hashable) and key in seen:
                problem = f"the key {key!r} is there twice; keep one"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key) if isinstance(key, Hashable) else None
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        try:
            value = super().construct_yaml_int(node)
        except ValueError:  # the text is `0x`, or has thousands of digits
            value = MAX_NUMBER
        if abs(value) >= MAX_NUMBER:
            problem = "a whole number is none or too long; use at most 40 digits, or text in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return value

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        value = str(super().construct_scalar(node))
        if _HALF.search(value):  # only an escape can give one, because the file itself is UTF-8
            problem = "it holds a half character (a lone surrogate); write the character itself"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return value


def _function_name(loader: _Loader, node: yaml.Node) -> FunctionName:
    if not isinstance(node, yaml.ScalarNode):
        problem = "!function takes one name"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return FunctionName(str(loader.construct_scalar(node)))


_Loader.add_constructor("!function", _function_name)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def load_mapping(data: bytes, label: str, allow_duplicate_keys: list[str] | None = None) -> dict[str, Any]:
    """The YAML document as a mapping with text keys.

    Args:
        data: The document.
        label: Name of the document, for errors.
        allow_duplicate_keys: Receives the names of duplicate keys, whose last value counts; None refuses
            them.

    Raises:
        TaskError: The document is too large, not UTF-8, not readable YAML or no mapping with text keys; the
            text names the line.
    """
    if len(data) > MAX_BYTES:
        raise TaskError(
            Sentence(
                "{label} has {data} bytes; a task's YAML may have at most {max_bytes}.",
                label=label,
                data=len(data),
                max_bytes=MAX_BYTES,
            )
        )
    text = decode_utf8(data, label)
    if sum(map(text.count, "\n,[{")) > MAX_PARTS:
        raise TaskError(
            Sentence(
                "{label} has more than {max_parts} lines and values; put rows into a file of their own.",
                label=label,
                max_parts=MAX_PARTS,
            )
        )
    try:
        loader = _Loader(text)  # a SafeLoader
        loader.twice = allow_duplicate_keys
        value = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = Sentence(" (line {line})", line=str(error.problem_mark.line + 1)) if error.problem_mark else ""
        raise TaskError(
            Sentence(
                "{label} is not YAML that the studio reads{line}: {reason}.",
                label=label,
                line=line,
                reason=_problem(error),
            )
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise TaskError(
            Sentence(
                "{label} is not YAML that the studio reads: {reason}.", label=label, reason=_problem(error)
            )
        ) from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise TaskError(
            Sentence("{label} must be a mapping of keys such as task and doc_to_text to values.", label=label)
        )
    return value


def decode_utf8(data: bytes, where: str) -> str:
    """UTF-8 text of the bytes, without a byte-order mark.

    Raises:
        TaskError: A byte is not UTF-8; the text names the byte, its line and the remedy, and begins with
            `where`.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TaskError(
            Sentence(
                "{where} is not UTF-8 (byte {byte} in line {line}); save it as UTF-8.",
                where=where,
                byte=f"0x{data[error.start]:02x}",
                line=str(line),
            )
        ) from error


def quote_scalar(value: str | list[str]) -> str:
    """A text, or a list of texts, on one line of YAML in double quotes, with visible newlines and spaces."""
    text = yaml.safe_dump(
        value,
        default_style='"',
        default_flow_style=True,
        allow_unicode=True,
        width=float("inf"),
        sort_keys=False,
    )
    return text.removesuffix("...\n").strip()


class _Dumper(yaml.SafeDumper):
    """SafeDumper that puts texts with rare line breaks in double quotes.

    PyYAML writes these breaks unescaped elsewhere.
    """


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if any(mark in text for mark in "\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump_block(value: Any, indent: str = "  ") -> str:
    """A mapping or list as an indented block of YAML, in the given order."""
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, width=float("inf"), sort_keys=False)
    return "".join(f"{indent}{line}\n" for line in text.removesuffix("\n").split("\n"))


def _problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return Sentence("it is nested too deeply")
    text = getattr(error, "problem", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")[:200]
