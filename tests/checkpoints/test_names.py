"""Steps and tokens seen, from a checkpoint's name."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.names import Ramp, check_pattern, read_name


def test_a_ramp_by_hand():
    # 2 phases of 6 sequences each, in batches of 1 and 2, then 3: 6 + 3 steps, then 3 sequences a step.
    ramp = Ramp(sequence_length=10, batches=(1, 2, 3), ramp_samples=12)
    assert [ramp.tokens_seen(s) for s in (1, 6, 7, 9, 10, 20)] == [10, 60, 80, 120, 150, 450]


@pytest.mark.parametrize(
    ("pattern", "rule", "name", "expected"),
    [
        ("ckpt-{step}", 1_000, "ckpt-20", (20, 20_000)),
        ("ckpt-{step}", None, "ckpt-20", (20, None)),
        ("{tokens}M/step_{step}", "name", "1.5M/step_3", (3, 1_500_000)),
        ("run*/{step}-{tokens}", "name", "run-a/7-90", (7, 90)),
        ("a.b{step}", None, "axb3", None),
        ("run*-{step}", None, "run/x-3", None),
    ],
)
def test_patterns(pattern, rule, name, expected):
    assert read_name(name, pattern, rule) == expected


@pytest.mark.parametrize("pattern", ["step", "{step}-{step}", "{step}-{tokens}-{tokens}", "{step}" + "*" * 4])
def test_a_pattern_that_cannot_be_used(pattern):
    with pytest.raises(CheckpointError):
        check_pattern(pattern)
