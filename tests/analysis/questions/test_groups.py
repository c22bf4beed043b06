"""What a grouping does, by hand and on measurements."""

from __future__ import annotations

import numpy as np

from e2lm_core.analysis.questions import groups
from tests.support import german
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


def test_one_group_says_nothing_of_its_effect_and_few_say_it_with_reserve() -> None:
    measured = answered(40, taught=0.4)
    one = groups.grouping_effect("template", ["g"] * 40, measured)
    assert (one.effect, one.of_differences, one.correlation) == (None, None, None)
    assert groups.grouping_sentence(one, 40) == (
        "40 of 40 questions share a template, in 1 group: how many questions they count as cannot be told."
    )
    few = groups.GroupingEffect(kind="template", grouped=40, groups=9, largest=8, effect=1.1)
    assert groups.grouping_sentence(few, 40).endswith(
        "(design effect 1.10), as far as so few groups can tell."
    )
    with_one_more = groups.grouping_sentence(few, 41)
    assert with_one_more.endswith("(design effect 1.10), so it matters little.")
    for sentence in (groups.grouping_sentence(one, 40), groups.grouping_sentence(few, 40)):
        german.translated(sentence)
