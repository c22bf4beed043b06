"""A rule as text: what is read, and that nothing else ever is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2lm_core.analysis.questions import rule_text
from e2lm_core.analysis.questions.rules import Condition
from e2lm_core.base.errors import StudioError


def test_comparisons_joined_by_and() -> None:
    assert rule_text.parse_rule('margin > 0 AND slope>=-1.5e-1 and subject = "earth & space"').conditions == (
        Condition("margin", ">", 0.0),
        Condition("slope", ">=", -0.15),
        Condition("subject", "=", "earth & space"),
    )
    assert rule_text.parse_rule("taught == yes and digits != 1 and source != 'a and b'").conditions == (
        Condition("taught", "=", True),
        Condition("digits", "!=", True),
        Condition("source", "!=", "a and b"),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("margin", "cannot be read"),
        ("margin > 0 or slope > 0", "cannot be read from 'margin > 0 or"),
        ("margin > 0 and", "ends with `and`"),
        ("margn > 0", "'margn', which is no column: use slope, acc"),
        ("margin > zero", "give a number"),
        ("margin > nan", "give a number"),
        ("margin > inf", "give a number"),
        ("subject > physics", "use = or !="),
        ("taught = perhaps", "use yes or no"),
        ("subject = earth & space", "cannot be read"),
        ("__import__('os').system('true') > 0", "cannot be read"),
        ("margin > " + "0" * 600, "at most 500"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(StudioError) as refused:
        rule_text.parse_rule(text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    with contextlib.suppress(StudioError):
        assert rule_text.parse_rule(text).conditions
