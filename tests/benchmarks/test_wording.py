"""The study of edits: its pairs are well made, and those that raise a question are told right on the built-in mini models."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.wording import edits
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio


def test_the_pairs_are_forty_of_each_kind_with_distinct_choices() -> None:
    pairs = edits.read_pairs()
    assert [sum(pair["kind"] == kind for pair in pairs) for kind in edits.VERDICTS] == [40, 40]
    for pair in pairs:
        assert len(set(pair["choices"])) == 4
        assert pair["before"] != pair["after"]
    task = edits.set_of_pairs(pairs, "after")
    assert all(
        q.choices[q.answer] == pair["choices"][0] for q, pair in zip(task.questions, pairs, strict=True)
    )
    assert len({q.answer for q in task.questions}) == 4


@pytest.mark.slow
def test_edits_of_both_kinds_are_told_apart(tmp_path: Path) -> None:
    studio = open_studio(Settings(home=tmp_path))
    pairs = edits.read_pairs()
    told = [one for one in edits.told_edits(studio, studio.catalogue.checkpoints, pairs) if one.rises]
    for kind in edits.VERDICTS:
        of_kind = [one for one in told if one.kind == kind]
        assert len(of_kind) >= 20
        assert sum(one.is_right for one in of_kind) >= 0.8 * len(of_kind)
