"""Sentences with named values: English text that the interface can say in another language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from string import Formatter
from typing import Annotated, Any

from pydantic import WrapValidator


class Sentence(str):
    """An English text that keeps its template and its values; commands, files and reports read it as any text.

    Attributes:
        template: Text with `{names}`, for the number 1 if it has a plural.
        plural: Template for other values of `number`; "" without one.
        values: Values by name; whole numbers get their thousands set apart, sentences are translated as well.
    """

    template: str
    plural: str
    values: dict[str, Any]

    def __new__(cls, template: str, plural: str = "", /, **values: Any) -> Sentence:
        """Fill a template."""
        said = plural if plural and values["number"] != 1 else template
        shown = {name: f"{value:,}" if type(value) is int else value for name, value in values.items()}
        sentence = super().__new__(cls, said.format(**shown) if values else said)
        sentence.template, sentence.plural, sentence.values = str(template), str(plural), values
        return sentence

    def __reduce__(self) -> tuple[Callable[..., Sentence], tuple[object, ...]]:
        """Pickle the template with its values, for worker processes."""
        return unpickled, (self.template, self.plural, self.values)


class _Embedded(Sentence):
    """A sentence within another one, whose English differs by a letter or a full stop from its template."""

    def __new__(cls, sentence: Sentence, english: str) -> _Embedded:
        embedded = str.__new__(cls, english)
        embedded.template, embedded.plural, embedded.values = (
            sentence.template,
            sentence.plural,
            sentence.values,
        )
        return embedded

    def __reduce__(self) -> tuple[Callable[..., Sentence], tuple[object, ...]]:
        return _Embedded, (unpickled(self.template, self.plural, self.values), str(self))


def after_colon(text: str) -> str:
    """A sentence after a colon: its English begins with a small letter, a translation as it does elsewhere."""
    return _embedded(text, text[:1].lower() + text[1:])


def at_start(text: str) -> str:
    """A name at the start of a sentence: its English begins with a capital, a translation as it does elsewhere."""
    return _embedded(text, text[:1].upper() + text[1:])


def before_colon(text: str) -> str:
    """A sentence before a colon: its English has no full stop, a translation ends as it does elsewhere."""
    return _embedded(text, text.rstrip("."))


def _embedded(text: str, english: str) -> str:
    return _Embedded(text, english) if isinstance(text, Sentence) else english


def unpickled(template: str, plural: str, values: dict[str, Any]) -> Sentence:
    """A sentence of another process, whose templates only name values and reach into none.

    Raises:
        ValueError: A template has more than names in its braces.
    """
    for _, name, form, conversion in chain(*map(Formatter().parse, (template, plural) if values else ())):
        if form or conversion or not (name is None or name.isidentifier()):
            raise ValueError(f"no template of the studio's: {template!r}")
    return Sentence(template, plural, **values)


def joined(parts: Iterable[str], separator: str = " ") -> Sentence:
    """One text of several, each of which keeps its template."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    return Sentence(separator.join(f"{{{name}}}" for name in values), **values)


def recognised(text: str, templates: Iterable[str]) -> str:
    """The sentence that a plain text is, of templates with one name each; the text if it is of none."""
    for template in templates:
        start, _, rest = template.partition("{")
        name, _, end = rest.partition("}")
        if text.startswith(start) and text.endswith(end):
            return Sentence(template, **{name: text[len(start) : len(text) - len(end)]})
    return text


NONE = Sentence("none", "none", number=0)  # a plural, which tells it from the "none" of other translations


def _as_it_is(value: Any, validate: Callable[[Any], str]) -> str:
    return value if isinstance(value, Sentence) else validate(value)


SentenceField = Annotated[str, WrapValidator(_as_it_is)]  # a record's text field, which keeps a `Sentence`
