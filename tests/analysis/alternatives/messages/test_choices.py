"""Sentences on tried choices."""

from __future__ import annotations

import json

from e2lm_core.analysis.alternatives.messages import choices as messages
from tests.analysis.alternatives.test_distractors import DEAD, PULLED, SECOND, tried


def test_the_headline_says_what_to_take_or_keep() -> None:
    assert messages.headline(tried(DEAD, PULLED)) == (
        "Proposal for B: **t1**. It takes **71%** of the wrong answers; the choice as it stands takes 0%."
    )
    assert messages.headline(tried(PULLED, DEAD)).startswith("Keep B: it takes 71%")
    assert messages.headline(tried(DEAD, SECOND)).startswith("Nothing to propose in place of B")


def test_the_control_is_said_beside_the_gain() -> None:
    assert messages.control_sentence(tried(DEAD, PULLED)) is None
    said = messages.control_sentence(tried(DEAD, PULLED, *[DEAD] * 30))
    assert said is not None
    assert "random" in said


def test_table_and_document() -> None:
    found = tried(DEAD, SECOND, PULLED)
    rows = messages.rows(found)
    assert [row["proposal"] for row in rows] == ["as it is", "t2", "t1"]
    assert tuple(rows[0]) == messages.COLUMNS
    document = json.loads(json.dumps(messages.document(found), allow_nan=False))
    assert (document["choice"], document["proposal"]) == ("B", "t2")
    assert document["judged_on"] == ["ladder-large-arch1"]
