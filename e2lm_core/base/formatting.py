"""Formatting of numbers, durations, counts and short lists."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from e2lm_core.base.records import SHARES, NullDistribution
from e2lm_core.base.sentences import Sentence, joined

DASH = "–"
MAX_OF_A_SENTENCE = 300  # characters
MAX_OF_A_VALUE = 60


def with_minus(number: str) -> str:
    """A number as text, with the sign for minus, which is as wide as a plus, in place of the hyphen."""
    return number.replace("-", "\N{MINUS SIGN}")


def percent(value: float | None) -> str:
    """A share in percent, such as 41.2%; a dash for an unknown value."""
    return with_minus(f"{value:.1%}") if _known(value) else DASH


def score(value: float | None) -> str:
    """A score with three decimals, such as 0.830; a dash for an unknown value."""
    return with_minus(f"{value:.3f}") if _known(value) else DASH


def with_interval(value: Mapping[str, Any]) -> str:
    """A score of a document with its interval: 0.830 [0.780, 0.880]; a dash if it is undefined."""
    text = score(value["value"])
    if value["value"] is None or value["interval"] is None:
        return text
    return f"{text} {interval(*value['interval'])}"


def random_baseline(null: NullDistribution | None, share: bool = False) -> str:
    """Clause for the score of random answers, of shares in percent; empty if it is unknown.

    Example: random answers give 0.173, up to 0.324 in 95% of draws; p = 0.31.
    """
    if null is None:
        return ""
    said = percent if share else score
    return Sentence(
        "random answers give {mean}, up to {q95} in 95% of draws; {p}",
        mean=said(null.mean),
        q95=said(null.q95),
        p=p_value(null),
    )


def random_baseline_short(null: NullDistribution) -> str:
    """Short clause for the score of random answers: random answers give 0.173; p = 0.31."""
    return Sentence("random answers give {mean}; {p}", mean=score(null.mean), p=p_value(null))


def p_value(null: NullDistribution) -> str:
    """A p as text, such as p = 0.31; around 0.05 with the digit that says on which side it lies."""
    digits = 3 if f"{null.p:.2f}" == "0.05" else 2
    return "p < 0.01" if null.p < 0.01 else f"p = {null.p:.{digits}f}"


def interval(low: float, high: float, share: bool = False) -> str:
    """An interval as text: [0.780, 0.880], or [78.0%, 88.0%] for shares.

    Both ends have as many digits as the value itself, so that the rounded value lies within.
    """
    said = percent if share else score
    return f"[{said(low)}, {said(high)}]"


def metric_value(metric: str, value: float | None) -> str:
    """A metric's value: shares of questions in percent, other metrics with three decimals."""
    return percent(value) if metric in SHARES else score(value)


def difference(metric: str, value: float) -> str:
    """Size of a difference in the metric's unit, such as 2.1 points or 0.031."""
    return Sentence("{value} points", value=f"{100 * value:.2g}") if metric in SHARES else f"{value:.2g}"


def lead(metric: str, value: float, unit: bool = True) -> str:
    """Difference of two models: 2.1 points or 0.031; with the digits of its interval's ends."""
    value = round(value, 9)  # one difference, subtracted here and averaged there, is one number
    said = with_minus(f"{100 * value:.1f}" if metric in SHARES else f"{value:.3f}")
    return Sentence("{value} points", value=said) if unit and metric in SHARES else said


def tokens(count: float | None) -> str:
    """A number of tokens, such as 2.1 M or 206 B; a dash for an unknown number."""
    if not _known(count):
        return DASH
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            number = count / size
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.1f} {unit}"
    return f"{count:.0f}"


def checkpoint_position(step: int, tokens_seen: float | None) -> str:
    """Position of a checkpoint: 1.3 M tokens, or step 1,300 if the family records no tokens."""
    if _known(tokens_seen):
        return Sentence("{tokens} tokens", tokens=tokens(tokens_seen))
    return Sentence("step {step}", step=step)


def duration(seconds: float | None) -> str:
    """A duration, such as about 20 s or about 3 min; a dash for an unknown one."""
    if not _known(seconds):
        return DASH
    if seconds < 1.5:
        return Sentence("about {number} s", number="1")
    if seconds < 90:
        step = 1 if seconds < 10 else 5
        return Sentence("about {number} s", number=f"{max(step, round(seconds / step) * step):.0f}")
    if seconds < 5400:
        return Sentence("about {number} min", number=f"{seconds / 60:.0f}")
    return Sentence("about {number} h", number=f"{seconds / 3600:.1f}")


_STARTING = {
    "th": Sentence("The {number}th"),
    "st": Sentence("The {number}st"),
    "nd": Sentence("The {number}nd"),
    "rd": Sentence("The {number}rd"),
}
_WITHIN = {
    "th": Sentence("the {number}th"),
    "st": Sentence("the {number}st"),
    "nd": Sentence("the {number}nd"),
    "rd": Sentence("the {number}rd"),
}


def ordinal(number: int, starts: bool = True) -> str:
    """An ordinal at the start of a sentence, or within it: The 1st, the 22nd, The 113th."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return Sentence((_STARTING if starts else _WITHIN)[ending], number=number)


def choice_letter(position: int) -> str:
    """Letter of a choice by its place from 0: A to Z, from the 27th on its number from 1."""
    return chr(ord("A") + position) if position < 26 else str(position + 1)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: 1 question, 300 questions."""
    return Sentence(f"{{number}} {noun}", f"{{number}} {plural or noun + 's'}", number=number)


def join_words(names: Sequence[str], max_items: int = 3) -> str:
    """A list in words: a, b and c, or a, b, c and 4 more."""
    if len(names) <= 1:
        return names[0] if names else ""
    if len(names) <= max_items:
        return Sentence("{names} and {last}", names=joined(names[:-1], ", "), last=names[-1])
    return Sentence(
        "{names} and {more} more", names=joined(names[:max_items], ", "), more=str(len(names) - max_items)
    )


def size(count: float | None) -> str:
    """A size in bytes, such as 35 MB, 1.2 GB or 3.7 TB; a dash for an unknown one."""
    if count is None:
        return DASH
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            number = count / unit
            return f"{number:.0f} {name}" if number >= 10 else f"{number:.1f}".removesuffix(".0") + f" {name}"
    return f"{count:.0f} bytes"


def quote(value: object, max_chars: int = MAX_OF_A_VALUE) -> str:
    """A value from a user in quotes, its middle replaced by an ellipsis if it is long."""
    return repr(_shortened(str(value), max_chars))


def one_line(text: str, max_chars: int = MAX_OF_A_SENTENCE) -> str:
    """A sentence on one line of limited length, whatever values it contains.

    Long values lose their middle first, then the sentence itself: its beginning tells the problem, its end
    the remedy. Unprintable characters are written as their escapes. A `Sentence` that is one line stays one.
    """
    line = " ".join(escape_control_characters(text).split())
    if len(line) > max_chars:
        line = re.sub(r"\S{61,}", lambda word: _shortened(word[0], MAX_OF_A_VALUE), line)
    said = _shortened(line, max_chars, tail=max_chars // 3)
    return text if said == text else said


def escape_control_characters(text: str) -> str:
    """The text with spaces for other white space, and escapes for control characters and surrogates."""
    return "".join(c if c.isprintable() else " " if c.isspace() else ascii(c)[1:-1] for c in text)


def escape_markdown(text: object) -> str:
    """Text on one line, with all signs of Markdown, HTML and tables escaped."""
    return re.sub(
        r"([\\`*_{}\[\]<>()#|~!&])", r"\\\1", " ".join(escape_control_characters(str(text)).split())
    )


def _shortened(text: str, most: int, tail: int = 15) -> str:
    return text if len(text) <= most else f"{text[: most - tail - 1]}…{text[len(text) - tail :]}"


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)
