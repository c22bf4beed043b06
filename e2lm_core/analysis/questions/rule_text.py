"""Parser of selection rules such as `margin > 0 and subject = physics`.

No part of the text is executed: any other text is refused with a sentence on the allowed form.
"""

from __future__ import annotations

import re

from e2lm_core.analysis.questions.rules import COLUMNS, Condition, Where
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence

TEXTS = ("subject", "source")
FLAGS = ("digits", "taught")
LONGEST = 500
_CONDITION = re.compile(
    r"\s*([A-Za-z_]+)\s*(<=|>=|==|!=|<|>|=)\s*(\"[^\"]*\"|'[^']*'|[^\s\"'<>=]+)\s*(and\b|$)", re.IGNORECASE
)
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def parse_rule(text: str) -> Where:
    """Parse the text of a selection rule.

    Raises:
        StudioError: The text is longer than 500 characters, is not a list of comparisons joined by `and`, or
            compares a column that does not exist or with a sign or value that the column does not allow.
    """
    if len(text) > LONGEST:
        raise StudioError(
            Sentence(
                "The rule has {number} characters: write it with at most {longest}.",
                number=len(text),
                longest=LONGEST,
            )
        )
    conditions: list[Condition] = []
    at = 0
    while at < len(text) or not conditions:
        match = _CONDITION.match(text, at)
        if match is None:
            raise StudioError(
                Sentence(
                    "The rule cannot be read from {rest} on: write comparisons such as margin > 0 and "
                    'subject = "earth & space", joined by `and`.',
                    rest=f"{text[at : at + 30].strip()!r}",
                )
            )
        conditions.append(_condition(*match.group(1, 2, 3)))
        at = match.end()
        if match.group(4) and not text[at:].strip():
            raise StudioError(
                Sentence("The rule ends with `and`: write a comparison behind it, or leave it out.")
            )
    return Where(tuple(conditions))


def _condition(name: str, sign: str, value: str) -> Condition:
    column = name.lower()
    if column not in COLUMNS:
        raise StudioError(
            Sentence(
                "The rule names {name}, which is no column: use {columns}.",
                name=f"{name!r}",
                columns=", ".join(COLUMNS),
            )
        )
    sign = "=" if sign == "==" else sign
    plain = value.strip("\"'")
    if column in (*TEXTS, *FLAGS) and sign not in ("=", "!="):
        raise StudioError(
            Sentence(
                "The rule orders {column} with {sign}: it is equal or not, so use = or !=.",
                column=column,
                sign=sign,
            )
        )
    if column in TEXTS:
        return Condition(column, sign, plain)
    if column in FLAGS:
        if plain.lower() not in _YES:
            raise StudioError(
                Sentence(
                    "The rule compares {column} with {plain}: use yes or no.",
                    column=column,
                    plain=f"{plain!r}",
                )
            )
        return Condition(column, sign, _YES[plain.lower()])
    try:
        number = float(plain)
    except ValueError:
        number = float("nan")
    if number != number or number in (float("inf"), float("-inf")):
        raise StudioError(
            Sentence(
                "The rule compares {column} with {plain}: give a number.", column=column, plain=f"{plain!r}"
            )
        )
    return Condition(column, sign, number)
