"""The study of sets that measure nothing: shares by hand, and parts of measured sets."""

from __future__ import annotations

import numpy as np

from benchmarks.coverage import meaningless
from tests.support.simulation import answered


def test_a_taught_set_stands_out_and_a_meaningless_one_does_not_always():
    taught = meaningless.shares((answered(60, seed=s, taught=0.4) for s in range(3)), "norm_prob")
    assert taught["score"] == (1.0, 1.0, 3)
    nothing = meaningless.shares(meaningless.simulated(12), "norm_prob")
    assert nothing["score"][0] <= 0.5
    assert nothing["score"][2] < 12, "there is no Score where the science curve does not rise"


def test_a_part_has_its_questions_own_results():
    whole = answered(20)
    part = meaningless.part(whole, np.array([3, 7]))
    assert part.question_ids == ("q3", "q7")
    assert (part.gold == whole.gold[[3, 7]]).all()
    assert (part.curves[2].ll == whole.curves[2].ll[:, [3, 7]]).all()


def test_the_table_has_a_row_a_score():
    table = meaningless.markdown({"acc": {"sq": (0.05, 0.06, 2000)}})
    assert table.splitlines()[-1] == "| acc | sq | 5.0% | 6.0% | 2,000 |"
