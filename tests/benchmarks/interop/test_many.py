"""Many questions in and out of every format: the benchmark's short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.interop import many


def test_no_two_questions_are_alike() -> None:
    asked = many.questions(50)
    assert len({q.question for q in asked}) == 50
    assert all(len(set(q.choices)) == 4 for q in asked)


@pytest.mark.slow
def test_every_path_takes_some_questions(tmp_path: Path) -> None:
    rows = list(many.paths(120, tmp_path))
    assert [(name, one.status) for name, one in rows if one.status] == []
    assert len(rows) == 2 * len(many.KINDS) + len(many.OTHERS) + 10
    assert max(one.mb for _, one in rows) < many.MAX_MB
