"""Parser of checkpoint names: step and tokens seen.

A name is described by a pattern: `{step}` stands for the step's number (`{step:07}` if it is padded),
`{tokens}` for the tokens seen, in units of the letter after it (`{tokens}B`: billions), `*` for anything but
a slash; everything else stands for itself. The rule for tokens is a fixed number per step, a ramp of batch
sizes, or the name itself (then it is as coarse as the name, mostly whole billions).
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_FIELD = re.compile(r"(?P<step>\{step(?::0\d{1,2})?\})|\{tokens\}(?P<unit>[KMBT]?)|(?P<any>\*)")


class Ramp(Record):
    """Batch size that grows in phases of equal length over the first `ramp_samples` sequences.

    Same as Megatron-LM's `--rampup-batch-size`.

    Attributes:
        sequence_length: Tokens per sequence.
        batches: Sequences per step in each phase; the last for all steps after the ramp.
        ramp_samples: Sequences in the ramp.
    """

    sequence_length: int
    batches: tuple[int, ...]
    ramp_samples: int

    def tokens_seen(self, step: int) -> int:
        """Tokens seen at a step: sequence_length · Σ batchᵢ · stepsᵢ.

        A phase of the ramp is ramp_samples / (len(batches) − 1) sequences.
        """
        phase = Fraction(self.ramp_samples, len(self.batches) - 1)
        read, left = Fraction(0), Fraction(step)
        for batch in self.batches[:-1]:
            if left <= phase / batch:
                return round(self.sequence_length * (read + left * batch))
            read += phase
            left -= phase / batch
        return round(self.sequence_length * (read + left * self.batches[-1]))


TokenRule = int | Ramp | Literal["name"] | None  # tokens per step, a ramp, in the name, unknown


def read_name(name: str, pattern: str, rule: TokenRule) -> tuple[int, int | None] | None:
    """(step, tokens seen) of a checkpoint's name; None if it does not fit the pattern.

    Args:
        name: Name of a branch or folder.
        pattern: Pattern of the names.
        rule: Tokens per step, a ramp, "name" for the tokens in the name, or None: then the tokens are None.

    Raises:
        CheckpointError: The pattern cannot be used.
    """
    expression, unit = _compiled(pattern)
    match = expression.fullmatch(name)
    if match is None:
        return None
    step = int(match["step"])
    if isinstance(rule, Ramp):
        return step, rule.tokens_seen(step)
    if rule == "name":
        return step, int(Decimal(match["tokens"]) * unit)
    return step, None if rule is None else step * rule


def check_pattern(pattern: str) -> None:
    """Check that a pattern can be used.

    Raises:
        CheckpointError: It is longer than 200 characters, has more than 3 stars or not exactly one `{step}`,
            or has more than one `{tokens}`.
    """
    if len(pattern) > 200 or pattern.count("*") > 3:  # with more stars a match may take for ever
        raise CheckpointError(
            Sentence(
                "The pattern {pattern} is too long: use at most 200 characters and 3 stars.",
                pattern=repr(pattern[:50]),
            )
        )
    _compiled(pattern)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> tuple[re.Pattern[str], int]:
    """The pattern as a regular expression, all literal text escaped, and the unit of its `{tokens}`."""
    parts: list[str] = []
    unit, end = 1, 0
    for field in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[end : field.start()]))
        end = field.end()
        if field["any"]:
            parts.append("[^/]*")
        elif field["step"]:
            parts.append(r"(?P<step>\d{1,15})")
        else:
            unit = _UNITS[field["unit"]]
            parts.append(r"(?P<tokens>\d{1,9}(?:\.\d{1,3})?)" + field["unit"])
    parts.append(re.escape(pattern[end:]))
    fields = [part[:9] for part in parts if part.startswith("(?P<")]
    if fields.count("(?P<step>") != 1 or fields.count("(?P<token") > 1:
        raise CheckpointError(
            Sentence(
                "The pattern {pattern} must say once where the step stands, as in step-{{step}}, and at most once "
                "where the tokens stand, as in step-{{step}}-tokens{{tokens}}B.",
                pattern=repr(pattern),
            )
        )
    return re.compile("".join(parts), re.ASCII), unit
