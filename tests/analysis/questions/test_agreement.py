"""Krippendorff's alpha by hand and by the package of that name; agreement with relevance and suspects."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest

from e2lm_core.analysis.questions import agreement
from e2lm_core.analysis.questions.suspects.records import Suspect, SuspectList
from e2lm_core.base.judgements import VALUES, Judgement, judged_digest, with_judgements
from tests.support import studios

NAN = np.nan
# Krippendorff's own example (2011): four observers, twelve units, missing data; nominal .743, interval .849.
TEXTBOOK = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)


@pytest.mark.parametrize(("scale", "value"), [("nominal", 0.743), ("interval", 0.849)])
def test_alpha_of_the_textbook_example(scale, value):
    assert agreement.krippendorff_alpha(TEXTBOOK, scale).value == pytest.approx(value, abs=5e-4)


def test_alpha_by_hand():
    # Five questions, two judges, one disagreement: D_o = 2 of 10, D_e = 2 * 5 * 5 / (10 * 9); alpha = 1 - .2 * 9 / 5.
    codes = np.array([[0, 0, 1, 1, 1.0], [0, 0, 1, 1, 0]])
    assert agreement.krippendorff_alpha(codes).value == pytest.approx(1 - 0.2 * 90 / 50)
    assert agreement.agreement(codes).share == pytest.approx(0.8)


@pytest.mark.parametrize("scale", ["nominal", "interval"])
@pytest.mark.parametrize("seed", range(20))
def test_alpha_is_that_of_the_package(scale, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, rng.integers(2, 6), (rng.integers(2, 6), 40)).astype(float)
    codes[1] = np.where(rng.random(40) < 0.6, codes[0], codes[1])
    codes[rng.random(codes.shape) < 0.3] = NAN
    theirs = krippendorff.alpha(reliability_data=codes, level_of_measurement=scale)
    assert agreement.krippendorff_alpha(codes, scale).value == pytest.approx(theirs, abs=1e-12)


def test_alpha_of_answers_at_random_is_near_0_however_often_they_are_equal():
    rng = np.random.default_rng(1)
    yes_sayers = (rng.random((2, 4000)) < 0.05).astype(float)
    found = agreement.agreement(yes_sayers)
    assert found.share > 0.88
    assert abs(found.alpha.value) < 0.05


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        (np.empty((0, 9)), "two judges"),
        (np.array([[0.0] * 9, [NAN] * 9]), "two judges"),
        (
            np.array([[0, 1, 0, 1, NAN, 1.0], [0, 1, 0, 1, 1, NAN]]),
            "4 questions with two judgements; 5 are needed",
        ),
        (np.zeros((2, 9)), "one and the same answer"),
    ],
)
def test_alpha_is_undefined_with_its_reason(codes, why):
    found = agreement.krippendorff_alpha(codes)
    assert found.value is None
    assert why in found.why


def judged(*rows):
    """Questions with judgements, each row (judge, by, what, values of q1, q2, …; None for none)."""
    questions = [studios.question(n) for n in range(1, len(rows[0][3]) + 1)]
    made = []
    for place, question in enumerate(questions):
        given = [
            Judgement(judge=j, by=by, what=what, value=values[place], of=judged_digest(question))
            for j, by, what, values in rows
            if values[place]
        ]
        made.append(with_judgements(question, given))
    return made


def test_judgements_become_codes_and_those_of_an_earlier_text_do_not_count():
    questions = judged(
        ("gpt", "model", "key", ["right", "wrong", None]),
        ("ada", "person", "key", ["right", "right", "wrong"]),
        ("ada", "person", "difficulty", ["1", None, "5"]),
    )
    questions[2] = questions[2].model_copy(update={"question": "Another?"})
    found = agreement.collect_judgements(questions)
    assert [judge.name for judge in found.judges] == ["ada", "gpt"]
    assert found.codes["key"].tolist()[0][:2] == [0, 0]
    assert found.codes["key"].tolist()[1][:2] == [0, 1]
    assert found.codes["difficulty"][0, 0] == 1
    assert np.isnan(found.codes["key"][:, 2]).all()
    assert (found.number, found.outdated) == (2, 2)
    assert [found.counts(place) for place in (0, 1)] == [2, 2]
    assert agreement.disagreements(found).tolist() == [False, True, False]


def test_difficulties_disagree_from_two_steps_on():
    found = agreement.collect_judgements(
        judged(
            ("a", "person", "difficulty", ["1", "1", "2", None]),
            ("b", "person", "difficulty", ["2", "3", "2", "5"]),
        )
    )
    assert agreement.disagreements(found).tolist() == [False, True, False, False]
    assert agreement.scale_of("difficulty") == "interval"
    assert set(agreement.judges_agreement(found)) == {"difficulty"}


def test_no_judgement_is_no_disagreement():
    found = agreement.collect_judgements([studios.question(1)])
    assert (found.judges, found.number, found.outdated) == ((), 0, 0)
    assert agreement.disagreements(found).tolist() == [False]
    assert agreement.judges_agreement(found) == {}
    assert set(found.codes) == set(VALUES)


def test_each_judge_is_set_beside_relevance_and_suspects():
    questions = judged(
        ("a", "person", "scientific", ["yes", "yes", "no", "no", "yes", "no"]),
        ("a", "person", "key", ["wrong", *["right"] * 5]),
        ("m", "model", "key", ["right"] * 6),
    )
    found = agreement.collect_judgements(questions)
    verdicts = agreement.relevance_verdicts(np.array([0.9, 0.5, 0.1, 0.2, 0.8, 0.7]), 0.5)
    with_relevance = agreement.agreement_with(found, "scientific", verdicts)
    assert with_relevance[0].share == pytest.approx(5 / 6)
    assert with_relevance[1].shared == 0
    assert with_relevance[1].alpha.value is None
    doubted = Suspect(question_id="q1", kind="wrong key", gold=0, about=(1,), evidence=0.9, models=3, of=3)
    listed = SuspectList(listed=(doubted,), knowledge=0.9)
    ids = [question.id for question in questions]
    keys = agreement.suspect_verdicts(listed, ids)
    assert keys.tolist() == [1, 0, 0, 0, 0, 0]
    with_suspects = agreement.agreement_with(found, "key", keys)
    assert with_suspects[0].alpha.value == pytest.approx(1)
    assert with_suspects[1].share == pytest.approx(5 / 6)
    untold = agreement.suspect_verdicts(listed, ids, [True] * 5 + [False])
    assert np.isnan(untold[5])
    silent = agreement.suspect_verdicts(SuspectList(listed=(), knowledge=None, why="Too little."), ids)
    assert np.isnan(silent).all()


def test_the_latest_review_of_the_current_text_counts():
    question = studios.question(1)
    of = judged_digest(question)
    given = [
        Judgement(judge="a", by="person", what="review", value="asked", of=of),
        Judgement(judge="b", by="person", what="review", value="sent back", of=of),
    ]
    kept = with_judgements(question, given)
    edited = kept.model_copy(update={"question": "Another?"})
    assert agreement.reviews([question, kept, edited]) == ["", "sent back", ""]
