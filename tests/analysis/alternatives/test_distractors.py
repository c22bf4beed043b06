"""Tried choices by hand: two models of each half, two checkpoints, probabilities that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from e2lm_core.analysis.alternatives.distractors import Candidate, TriedChoices, evaluate_candidates
from e2lm_core.analysis.alternatives.halves import Halves
from e2lm_core.base.records import Checkpoint
from e2lm_core.scores.measurements import Measurements, ModelCurve
from tests.support.measured import LARGE, SMALL

HALVES = Halves((SMALL.name,), (LARGE.name,))
CHOICES = ("right", "as it is", "wrong", "other")
FINAL = {SMALL.name: 0.5, LARGE.name: 0.9}
# Probabilities of the four choices: young, grown. The text in the place of the second choice differs.
PULLED = [[0.2, 0.6, 0.1, 0.1], [0.9, 0.04, 0.03, 0.03]]
DEAD = [[0.5, 0.0001, 0.25, 0.2499], [0.9, 0.0001, 0.05, 0.0499]]
SECOND = [[0.2, 0.6, 0.1, 0.1], [0.2, 0.7, 0.05, 0.05]]


def measured(rows: Sequence[list[list[float]]]) -> Measurements:
    ll = np.log(np.array(rows)).transpose(1, 0, 2)  # [K, Q, C]
    curves = tuple(
        ModelCurve(
            model=model,
            checkpoints=tuple(Checkpoint(model=model, step=step) for step in (1, 2)),
            ll=ll,
        )
        for model in (SMALL, LARGE)
    )
    count = len(rows)
    return Measurements(
        task="t",
        question_ids=tuple(map(str, range(count))),
        subjects=("",) * count,
        gold=np.zeros(count, int),
        chars=np.full((count, 4), 5.0),
        gold_bytes=np.full(count, 5.0),
        curves=curves,
    )


def tried(*rows: list[list[float]], texts: Sequence[Candidate] = ()) -> TriedChoices:
    texts = texts or [Candidate(text=f"t{n}", origin="this set") for n in range(1, len(rows))]
    return evaluate_candidates(measured(rows), "q1", 1, CHOICES, texts, HALVES, FINAL)


def test_the_share_of_the_errors() -> None:
    found = tried(DEAD, PULLED)
    assert found.present.taken == pytest.approx(0.0002 / 0.6)
    best = found.proposal
    assert best is not None
    assert best.text == "t1"
    assert best.taken == best.judged == pytest.approx(0.64 / 0.9)
    assert (best.young, best.grown) == pytest.approx((0.6, 0.04))
    assert best.judged_gain == pytest.approx((0.9 - 0.2) - (0.9 - 0.5))
    assert best.preferred == 0


def test_a_second_right_answer_is_no_proposal() -> None:
    found = tried(DEAD, SECOND, PULLED)
    assert found.proposal is not None
    assert found.proposal.text == "t2"
    assert [one.text for one in found.tried] == ["t2", "t1"], "what has an objection comes last"
    assert found.tried[1].is_second_answer
    assert "100% of the grown models prefer it" in found.tried[1].objections[0]


def test_what_speaks_against_a_text() -> None:
    texts = [
        Candidate(text="a much longer text", origin="this set"),
        Candidate(text="same", origin="this set", same="C (wrong)"),
        Candidate(text="fact", origin="this set", fact="The mini models learned it."),
    ]
    found = tried(DEAD, PULLED, PULLED, PULLED, texts=texts)
    assert found.proposal is None
    said = {one.text: one.objections for one in found.tried}
    assert said["a much longer text"] == ("Longer than every other choice.",)
    assert said["same"] == ("The same as C (wrong).",)
    assert said["fact"] == ("A second right answer? The mini models learned it.",)
    assert [one.is_second_answer for one in found.tried if one.text == "fact"] == [True]


def test_random_right_answers() -> None:
    assert tried(DEAD, PULLED, PULLED).random == (), "two texts are too few"
    found = tried(DEAD, *[PULLED] * 3, *[DEAD] * 3)
    assert len(found.random) == 6
    assert found.p_value is not None
    assert 0 < found.p_value <= 1
    # By hand, a pulled text as the right answer and another as the choice, beside the question's own wrong answers
    # (0.25 and 0.2499, then 0.05 and 0.0499); as it stands the choice has 0.0001.
    with_it = 0.04 / (0.04 + 0.04 + 0.0999) - 0.6 / (0.6 + 0.6 + 0.4999)
    as_it_is = 0.04 / (0.04 + 0.0001 + 0.0999) - 0.6 / (0.6 + 0.0001 + 0.4999)
    assert found.random[0] == pytest.approx(with_it - as_it_is)


def test_nobody_judges_without_a_second_half() -> None:
    alone = evaluate_candidates(
        measured([DEAD, PULLED]),
        "q1",
        1,
        CHOICES,
        [Candidate(text="t1", origin="this set")],
        Halves((SMALL.name,), ()),
        FINAL,
    )
    assert alone.proposal is not None
    assert (alone.proposal.judged, alone.proposal.judged_gain, alone.p_value) == (None, None, None)
