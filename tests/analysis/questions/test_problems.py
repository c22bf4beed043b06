"""All problems of a set as one list: their order, reasons in plain words, what fixes them, and what is out of date."""

from __future__ import annotations

import numpy as np
import pytest

from e2lm_core.analysis.questions import problems
from e2lm_core.analysis.questions.repeatability import Repeatability
from e2lm_core.analysis.questions.suspects.records import KINDS, Suspect
from e2lm_core.analysis.ranks.question_influence import QuestionInfluence
from e2lm_core.base.records import Finding, Question

QUESTION = Question(id="q1", question="Which is a planet?", choices=("Sirius", "Mars", "Vega"), answer=0)
OTHER = Question(id="q2", question="Which is a star?", choices=("Sirius", "Mars"), answer=0)


def suspect(kind: str, about: tuple[int, ...] = (1,)) -> Suspect:
    return Suspect(question_id="q1", kind=kind, gold=0, about=about, evidence=0.75, models=5, of=6)


def finding(severity: str, code: str, question_id: str | None) -> Finding:
    return Finding(severity=severity, code=code, sentence=f"About {code}.", question_id=question_id)


def influence(support: list[float], reach: float | None, low: float | None) -> QuestionInfluence:
    values = np.array(support)
    return QuestionInfluence(
        values, values, values, Repeatability(correlation=0.5, low=low, high=0.9, reach=reach)
    )


def test_errors_come_first_then_what_models_say_then_warnings():
    found = problems.list_problems(
        [QUESTION, OTHER],
        [finding("warning", "gold_position", None), finding("error", "in_dev", "q2")],
        [suspect("wrong key"), suspect("dead")],
        {"q2": "It hurts."},
    )
    assert [one.kind for one in found] == ["in_dev", "wrong key", "dead", problems.HURTS, "gold_position"]
    assert [one.fix for one in found] == ["edit", "mark", "edit", "edit", "balance"]
    assert found[1].mark == 1
    assert found[1].reason == "5 of 6 models prefer B (Mars) to A (Sirius), which is marked as right."
    said = "**5 problems** in 2 questions and in the set as a whole: the gravest comes first."
    assert problems.headline(found, 0) == said
    assert problems.headline(found[:-1], 0) == "**4 problems** in 2 questions: the gravest comes first."
    assert problems.headline([], 2) == "**No problem is left.** 2 problems ignored."
    assert problems.headline([], 0) == "**No problem was found.**"
    assert problems.headline(found[-1:], 0) == "**1 problem**: the gravest comes first."


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_suspect_has_a_title_and_a_reason_with_letters(kind):
    about = () if kind == "dead" else (0, 1)
    reason = problems.suspect_reason(suspect(kind, about), QUESTION)
    assert problems.TITLES[kind]
    assert reason.endswith(".")
    assert ("B (Mars)" in reason) == (kind not in ("dead", "giveaway"))


def test_what_results_say_of_an_edited_question_is_left_out():
    edited = QUESTION.model_copy(update={"answer": 1})
    outdated = problems.edited_questions([QUESTION, OTHER], [edited, OTHER])
    assert outdated == {"q1"}
    warning = finding("warning", "near_copy", "q1")
    found = problems.list_problems([edited, OTHER], [warning], [suspect("wrong key")], {"q1": "!"}, outdated)
    assert [one.kind for one in found] == ["near_copy"]
    noted = QUESTION.model_copy(update={"note": "look here", "subject": "space"})
    assert problems.edited_questions([QUESTION], [noted]) == frozenset()
    assert problems.edited_questions([QUESTION], []) == {"q1"}


def test_a_problem_is_another_once_its_question_is_edited():
    (before,) = problems.list_problems([QUESTION], [], [suspect("dead answer")])
    (same,) = problems.list_problems([QUESTION, OTHER], [], [suspect("dead answer")])
    (other,) = problems.list_problems([QUESTION], [], [suspect("twin answers", (0, 1))])
    edited = QUESTION.model_copy(update={"question": "Which one is a planet?"})
    (after,) = problems.list_problems([edited], [], [suspect("dead answer")])
    assert before.key == same.key
    assert len({before.key, other.key, after.key}) == 3


def test_repeated_questions_are_deleted_and_findings_of_unknown_questions_have_no_fix():
    repeated, dev = problems.list_problems(
        [QUESTION], [finding("warning", "repeated_question", "q1"), finding("warning", "near_copy", "dev1")]
    )
    assert (repeated.fix, dev.fix, dev.question_id) == ("delete", None, None)


def test_blanks_around_choices_are_removed_in_one_step():
    (blank,) = problems.list_problems([QUESTION], [finding("warning", "outer_blank", "q1")])
    assert blank.fix == "trim"


def test_only_questions_whose_interval_lies_below_0_hurt_the_ranking_worst_first():
    found = problems.hurting_questions(
        influence([0.3, -0.2, -0.05, -0.4, float("nan")], 0.1, 0.2), list("abcde")
    )
    assert list(found) == ["d", "b"]
    assert "support −0.40, 95% interval −0.50 to −0.30" in found["d"]
    assert "By luck about 0 questions of this set would look like that." in found["d"]


@pytest.mark.parametrize(("reach", "low"), [(0.1, -0.1), (None, 0.2), (0.1, None)])
def test_what_does_not_repeat_on_other_models_names_no_question(reach, low):
    assert problems.hurting_questions(influence([-0.9, 0.5], reach, low), ["a", "b"]) == {}
    assert problems.hurting_questions(None, ["a", "b"]) == {}


def test_choices_are_named_by_letter():
    assert problems.lettered_choices(QUESTION) == "A Sirius (right) · B Mars · C Vega"
