"""What a grouping does, by hand and on measurements."""

from __future__ import annotations

import numpy as np

from e2lm_core.analysis.questions import groups
from tests.support.simulation import answered


def test_sizes_by_hand() -> None:
    found = groups.grouping_effect("answer", ["a", "a", "a", "b", "b", None, ""])
    assert (found.grouped, found.groups, found.largest, found.effect) == (5, 2, 3, None)
    assert groups.grouping_sentence(found, 7) == (
        "5 of 7 questions share an answer, in 2 groups: what that does to intervals is known after a run."
    )
    assert (
        groups.grouping_sentence(groups.grouping_effect("template", [None] * 7), 7)
        == "No questions share a template."
    )


def test_questions_that_answer_alike_count_once() -> None:
    measured = answered(40, taught=0.4)
    acc = np.mean([m["acc"][-1] for m in measured.per_question.values()], axis=0)
    order = np.argsort(acc)
    labels: list[str | None] = [None] * 40
    for place, at in enumerate(order):
        labels[at] = f"g{place // 8}"  # neighbours in difficulty
    found = groups.grouping_effect("template", labels, measured)
    assert found.effect is not None
    assert found.effect > 1.5
    assert found.correlation is not None
    assert 0.1 < found.correlation < 1
    assert "should be" in groups.grouping_sentence(found, 40)
    random = groups.grouping_effect("template", [f"g{n % 5}" for n in range(40)], measured)
    assert random.effect is not None
    assert random.effect < found.effect
