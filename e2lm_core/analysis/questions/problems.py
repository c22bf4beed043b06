"""Problems of a set as one list: findings of its checks, questions to check, questions that hurt the ranking."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np

from e2lm_core.analysis.questions.suspects.records import Kind, Suspect
from e2lm_core.analysis.ranks.question_influence import QuestionInfluence
from e2lm_core.base import formatting
from e2lm_core.base.records import Finding, Question, Record
from e2lm_core.base.sentences import Sentence, SentenceField, joined

HURTS = "hurts the ranking"
CHECKS_ALONE = Sentence(
    "These are the checks alone: a run of the set also shows questions that mislead models."
)
TITLES: dict[str, str] = {
    "error": "Error",
    "warning": "Warning",
    "wrong key": "Possibly wrong answer key",
    "two right answers": "Possibly two right answers",
    "twin answers": "Two choices alike",
    "giveaway": "Guessed without the question",
    "dead answer": "Wrong answer nobody picks",
    "dead": "Tells no models apart",
    HURTS: "Hurts the ranking",
}
_REASONS: dict[Kind, str] = {
    "wrong key": Sentence("{number} of {of} models prefer {about} to {right}, which is marked as right."),
    "two right answers": Sentence("Both {about} may be right: the models give them {share} together."),
    "twin answers": Sentence("The models take {about} for the same: {share} alike at every checkpoint."),
    "giveaway": Sentence("{number} of {of} models find {right} without reading the question."),
    "dead answer": Sentence("No model ever picks {about}: at most {share} at any checkpoint."),
    "dead": Sentence("Every model answers it wrong at every checkpoint."),
}
Fix = Literal["mark", "delete", "balance", "trim", "edit"]
_REPEATED = ("repeated_question", "near_duplicate")
_TAIL = 0.025  # share of questions below their 95% interval's lower end if none hurts the ranking


class Problem(Record):
    """A problem of a set, with its reason in plain words.

    Attributes:
        question_id: Id of the question; None for a problem of the whole set.
        kind: Code of the finding, kind of the suspect, or `HURTS`.
        title: Short name, a value of `TITLES`.
        reason: Sentence on what is wrong.
        fix: How it can be fixed: mark the choice `mark` as right, delete the question, balance the right answers,
            remove blanks around the choices, or edit the question; None for the whole set.
        mark: Index of the choice to mark as right; None for another fix.
        key: Digest of the kind and the question's content; it changes when the question does.
    """

    question_id: str | None
    kind: str
    title: str
    reason: SentenceField
    fix: Fix | None
    mark: int | None = None
    key: str


def list_problems(
    questions: Sequence[Question],
    findings: Sequence[Finding],
    suspects: Sequence[Suspect] = (),
    hurting: Mapping[str, str] | None = None,
    outdated: Collection[str] = (),
) -> list[Problem]:
    """List all problems of a set: errors, questions to check, questions that hurt the ranking, warnings.

    Args:
        questions: Questions of the set.
        findings: Findings of its checks.
        suspects: Questions to check.
        hurting: Reason by id of each question that hurts the ranking, see `hurting_questions`.
        outdated: Ids of the questions that were edited since the results; what these say of them is left out.
    """
    by_id = {question.id: question for question in questions}
    current = [one for one in suspects if one.question_id in by_id and one.question_id not in outdated]
    checked = {severity: [f for f in findings if f.severity == severity] for severity in ("error", "warning")}
    return [
        *(_of_finding(finding, by_id) for finding in checked["error"]),
        *(_of_suspect(suspect, by_id[suspect.question_id]) for suspect in current),
        *(
            _problem(by_id[name], HURTS, HURTS, reason, "edit")
            for name, reason in (hurting or {}).items()
            if name in by_id and name not in outdated
        ),
        *(_of_finding(finding, by_id) for finding in checked["warning"]),
    ]


def edited_questions(before: Sequence[Question], after: Sequence[Question]) -> frozenset[str]:
    """Ids of the questions whose text, choices or right answer differ between two versions, or that only one has."""
    was, now = ({question.id: _content(question) for question in of} for of in (before, after))
    return frozenset(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))


def hurting_questions(influence: QuestionInfluence | None, ids: Sequence[str]) -> dict[str, str]:
    """Questions that hurt the ranking, worst first, each with its reason.

    A question is named if its 95% interval lies below 0; none is where the influence is not repeatable on other models.

    Args:
        influence: Influence of the questions; None if single questions may not be named.
        ids: Ids of the questions [Q].
    """
    if influence is None or not influence.repeats.is_significant or influence.repeats.reach is None:
        return {}
    support, reach = influence.support, influence.repeats.reach
    by_chance = _TAIL * int(np.isfinite(support).sum())
    return {
        ids[q]: Sentence(
            "Early on, the models that end up better are behind on this question (support {support}, 95% interval {low} "
            "to {high}). By luck about {questions} of this set would look like that.",
            support=_signed(support[q]),
            low=_signed(support[q] - reach),
            high=_signed(support[q] + reach),
            questions=formatting.count(round(by_chance), "question"),
        )
        for q in np.argsort(support, kind="stable")
        if support[q] + reach < 0
    }


def _signed(value: float) -> str:
    return formatting.with_minus(f"{value:.2f}")


def suspect_reason(suspect: Suspect, question: Question) -> str:
    """Reason of a suspicion in plain words, with choices by their letters."""
    named = [choice_name(question, place) for place in suspect.about]
    about, right = formatting.join_words(named, len(named)), choice_name(question, suspect.gold)
    if suspect.kind == "dead" and suspect.evidence:
        return Sentence("Every model answers it right at every checkpoint.")
    return Sentence(
        _REASONS[suspect.kind],
        number=str(suspect.models),
        of=str(suspect.of),
        about=about,
        right=right,
        share=f"{suspect.evidence:.0%}",
    )


def choice_name(question: Question, place: int) -> str:
    """Name of a choice: its letter and text, such as "B (Mars)"."""
    return f"{formatting.choice_letter(place)} ({question.choices[place]})"


def lettered_choices(question: Question) -> str:
    """All choices in one line, the right one marked: "A Mars · B Venus (right)"."""
    choices = (
        Sentence(
            "{letter} {choice} (right)" if place == question.answer else "{letter} {choice}",
            letter=formatting.choice_letter(place),
            choice=choice,
        )
        for place, choice in enumerate(question.choices)
    )
    return joined(choices, " · ")


def headline(problems: Sequence[Problem], ignored: int) -> str:
    """Headline on the number of problems and of questions that have one."""
    if not problems and not ignored:
        return Sentence("**No problem was found.**")
    said = Sentence("**No problem is left.**")
    if problems:
        named = {problem.question_id for problem in problems if problem.question_id}
        of = Sentence(" in {number} question", " in {number} questions", number=len(named)) if named else ""
        if named and any(problem.question_id is None for problem in problems):
            of = Sentence("{questions} and in the set as a whole", questions=of)
        said = Sentence(
            "**{number} problem**{questions}: the gravest comes first.",
            "**{number} problems**{questions}: the gravest comes first.",
            number=len(problems),
            questions=of,
        )
    also = Sentence("{number} problem ignored.", "{number} problems ignored.", number=ignored)
    return joined((said, also)) if ignored else said


# --- within ---------------------------------------------------------------------------------------------------


def _of_finding(finding: Finding, by_id: Mapping[str, Question]) -> Problem:
    question = by_id.get(finding.question_id or "")
    if finding.code in _REPEATED and question is not None:
        fix: Fix | None = "delete"
    elif finding.code == "gold_position":
        fix = "balance"
    elif finding.code == "outer_blank" and question is not None:
        fix = "trim"
    else:
        fix = None if question is None else "edit"
    return _problem(question, finding.code, finding.severity, finding.sentence, fix)


def _of_suspect(suspect: Suspect, question: Question) -> Problem:
    mark = suspect.about[0] if suspect.kind == "wrong key" and len(suspect.about) == 1 else None
    fix: Fix = "edit" if mark is None else "mark"
    return _problem(question, suspect.kind, suspect.kind, suspect_reason(suspect, question), fix, mark)


def _problem(
    question: Question | None, kind: str, title: str, reason: str, fix: Fix | None, mark: int | None = None
) -> Problem:
    content = "" if question is None else f"{question.id}\n{_content(question)!r}"
    key = hashlib.sha256(f"{kind}\n{content}".encode()).hexdigest()[:32]
    return Problem(
        question_id=None if question is None else question.id,
        kind=kind,
        title=TITLES[title],
        reason=reason,
        fix=fix,
        mark=mark,
        key=key,
    )


def _content(question: Question) -> tuple[object, ...]:
    return question.question, question.choices, question.answer
