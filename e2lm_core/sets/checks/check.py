"""Findings on a set: errors and warnings before export.

Pure: the caller renders the prompts and counts their tokens. The choices-only baseline and near duplicates by
embedding need a model and are computed elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Sequence
from typing import Literal, NamedTuple

from e2lm_core.base import formatting
from e2lm_core.base.errors import TaskError
from e2lm_core.base.memory.memo import Each
from e2lm_core.base.records import Finding, Question, RenderedDoc, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.sets.checks import balance, groups, leaks, question_features
from e2lm_core.sets.checks import text as text_checks
from e2lm_core.sets.checks.context_window import PromptLengths, beyond_window
from e2lm_core.sets.prompts.docs import OPTIONAL

Profile = Literal["plain", "competition"]
SHOWN_OF_A_KIND = 50
_SOUND: Each[bool] = Each(question_features.KEPT)
_TRAINED: Each[str] = Each(question_features.KEPT)


_DOUBTS = {
    "repeated_question": Sentence("Question {n}: it repeats question {first}; keep one of them."),
    "near_duplicate": Sentence(
        "Question {n}: it has the words and the answer of question {first}; keep one."
    ),
    "near_copy": Sentence(
        "Question {n}: choices {first} and {second} are nearly the same ({text}). Make them clearly different."
    ),
    "outer_blank": Sentence(
        "Question {n}: choice {letter} begins or ends with a blank, which changes the models' answers. Remove it."
    ),
    "not_english": Sentence(
        "Question {n} may not be in English. The models know English only: translate it."
    ),
    "training_overlap": Sentence("Question {n} repeats 13 words from the training text ({text}). Reword it."),
}


class _Doubt(NamedTuple):
    """Warning about a question, light enough to make before the list of its kind is cut to 50."""

    code: str
    values: dict[str, str]
    question_id: str
    severity: Literal["warning"] = "warning"

    def finding(self) -> Finding:
        """The finding of this warning."""
        return _warning(self.code, Sentence(_DOUBTS[self.code], **self.values), self.question_id)


def structural_errors(
    questions: Sequence[Question], limits: Limits, label: str = "Question", names: Sequence[str] = ()
) -> list[Finding]:
    """Errors that make questions unusable, one finding for each, in question order.

    They are: right answer out of range; too few, too many, empty or repeated choices; no text; no id or a
    repeated one; a text that is too long or that UTF-8 cannot hold; too many questions.

    Args:
        questions: The questions to check.
        limits: Limits of questions, choices and characters.
        label: Noun for a question in the sentences; its number follows.
        names: Names of the questions in the sentences ("Row 7"), instead of label and number.
    """
    findings: list[Finding] = []
    if len(questions) > limits.max_questions:
        findings.append(
            _error(
                "too_many_questions",
                Sentence(
                    "The set has {number} questions; use at most {most}."
                    if label == "Question"
                    else "The set has {number} dev questions; use at most {most}.",
                    number=len(questions),
                    most=limits.max_questions,
                ),
            )
        )
    sound = _SOUND.values_of(limits, questions, lambda question: not any(_faults(question, "", limits)))
    if all(sound) and len({question.id for question in questions}) == len(questions):
        return findings
    called = names or [
        Sentence("Question {n}" if label == "Question" else "Dev question {n}", n=str(number))
        for number in range(1, len(questions) + 1)
    ]
    first_with: dict[str, str] = {}
    for where, question in zip(called, questions, strict=True):
        findings += [_error(code, text, question.id) for code, text in _faults(question, where, limits)]
        if question.id in first_with:
            sentence = Sentence(
                "{where}: its id {id} is that of {first} too; give each its own.",
                where=where,
                id=repr(question.id),
                first=first_with[question.id],
            )
            findings.append(_error("repeated_id", sentence, question.id))
        first_with.setdefault(question.id, where[:1].lower() + where[1:])
    return findings


def broken_places(questions: Sequence[Question], limits: Limits) -> tuple[int, ...]:
    """Indexes of the questions with a structural error of their own; of two with one id it is the later."""
    sound = _SOUND.values_of(limits, questions, lambda question: not any(_faults(question, "", limits)))
    first = {question.id: place for place, question in reversed(list(enumerate(questions)))}
    return tuple(
        place for place, question in enumerate(questions) if not sound[place] or first[question.id] != place
    )


def require_sound(task: TaskSet, limits: Limits) -> None:
    """Refuse a set with structural errors.

    Raises:
        TaskError: There is one; the sentence holds the first and the number of further ones.
    """
    errors = [
        *structural_errors(task.questions, limits),
        *structural_errors(task.dev, limits, "Dev question"),
    ]
    if errors:
        first, more = errors[0].sentence, str(len(errors) - 1)
        raise TaskError(
            Sentence("{sentence} ({more} more like this)", sentence=first, more=more) if errors[1:] else first
        )


def find_problems(
    task: TaskSet,
    rendered: Sequence[RenderedDoc],
    limits: Limits,
    profile: Profile = "plain",
    lengths: Sequence[PromptLengths] = (),
    training_ngrams: Container[str] | None = None,
) -> list[Finding]:
    """All findings about a set for an export under `profile`; errors stop the export.

    Of each kind of warning the first 50 are listed.

    Args:
        task: The set.
        rendered: Prompts of `task.questions` in order. Empty or partial if they cannot be rendered; the
            structural errors give the reason.
        limits: Limits of questions, choices and characters.
        profile: Rules of the export; "competition" turns the set's size and leaked answers into errors.
        lengths: Prompt lengths for each model that is to run them.
        training_ngrams: 13-grams of the models' training text, in the form of `text.ngrams`; None if unknown.

    Raises:
        ValueError: There is another number of token counts than of prompts.
    """
    structural = [
        *structural_errors(task.questions, limits),
        *structural_errors(task.dev, limits, "Dev question"),
    ]
    if structural:
        return [*structural, *_size(task, limits, profile)]
    every = question_features.question_features(task.questions)
    findings: list[Finding | _Doubt] = [
        *_size(task, limits, profile),
        *_in_dev(task),
        *(finding for one in lengths for finding in beyond_window(rendered, one)),
        *leaks.answers_in_prompts(task, rendered, "error" if profile == "competition" else "warning"),
        *_duplicates(task.questions, every),
        *balance.gold_habits(task.questions),
        *_near_copies(task.questions, every),
        *_not_english(task.questions, every),
        *(_outer_blanks(task.questions, every) if task.config.target_delimiter else ()),
        *_overlap(task.questions, training_ngrams),
        *groups.findings(task),
    ]
    place = {question.id: n for n, question in enumerate(task.questions)}
    findings.sort(key=lambda f: (f.severity == "warning", place.get(f.question_id or "", -1)))
    return _capped(findings)


def _faults(question: Question, where: str, limits: Limits) -> Iterable[tuple[str, str]]:
    """Structural errors of a single question as (code, sentence)."""
    if not question.id.strip():
        yield "empty_id", Sentence("{where}: it has no id; give it one.", where=where)
    if not question.question.strip():
        yield (
            "empty_question",
            Sentence("{where}: the question is empty; write it or delete the row.", where=where),
        )
    yield from _faults_of_choices(question, where, limits)
    texts = [question.id, question.question, *question.choices]
    texts += [text for name in OPTIONAL if (text := getattr(question, name)) is not None]
    longest = max(map(len, texts))
    if longest > limits.max_question_chars:
        yield (
            "too_long",
            Sentence(
                "{where}: one of its texts has {longest} characters; use at most {most}.",
                where=where,
                longest=longest,
                most=limits.max_question_chars,
            ),
        )
    if any(_has_surrogate(text) for text in texts):
        yield (
            "not_text",
            Sentence(
                "{where}: it holds a half character (a lone surrogate) that UTF-8 cannot store; retype the text.",
                where=where,
            ),
        )


def _faults_of_choices(question: Question, where: str, limits: Limits) -> Iterable[tuple[str, str]]:
    choices, gold = question.choices, question.answer
    has = formatting.count(len(choices), "choice")
    least, most = str(limits.min_choices), str(limits.max_choices)
    if len(choices) < limits.min_choices:
        few = Sentence(
            "{where}: it has {has}; give it {least} to {most}.", where=where, has=has, least=least, most=most
        )
        yield "few_choices", few
    if len(choices) > limits.max_choices:
        yield (
            "many_choices",
            Sentence("{where}: it has {has}; use at most {most}.", where=where, has=has, most=most),
        )
    if choices and not 0 <= gold < len(choices):
        outside = Sentence(
            "{where}: gold is {gold}, but it has {has} (use 0–{last}).",
            where=where,
            gold=str(gold),
            has=has,
            last=str(len(choices) - 1),
        )
        yield "gold_range", outside
    for position, choice in enumerate(choices):
        if not choice.strip():
            yield (
                "empty_choice",
                Sentence(
                    "{where}: choice {letter} is empty. Write it, or remove it.",
                    where=where,
                    letter=formatting.choice_letter(position),
                ),
            )
    seen: dict[str, int] = {}
    for position, choice in enumerate(choices):
        if choice.strip() and choice.strip() in seen:
            yield (
                "repeated_choice",
                Sentence(
                    "{where}: choices {first} and {second} are the same ({text}). Change one.",
                    where=where,
                    first=formatting.choice_letter(seen[choice.strip()]),
                    second=formatting.choice_letter(position),
                    text=_excerpt(choice),
                ),
            )
        seen.setdefault(choice.strip(), position)


def _size(task: TaskSet, limits: Limits, profile: Profile) -> list[Finding]:
    low, high = limits.competition_questions
    count = len(task.questions)
    if count == 0:
        return [_error("no_questions", Sentence("The set has no questions; add some."))]
    if low <= count <= high:
        return []
    sentence = Sentence(
        "The set has {questions}; the competition takes {low} to {high}.",
        questions=formatting.count(count, "question"),
        low=low,
        high=high,
    )
    return [
        Finding(
            severity="error" if profile == "competition" else "warning",
            code="competition_size",
            sentence=sentence,
        )
    ]


def _in_dev(task: TaskSet) -> list[Finding]:
    shown: defaultdict[str, list[tuple[int, Question]]] = defaultdict(list)
    for number, question in enumerate(task.dev, start=1):
        shown[text_checks.normalise_text(question.question)].append((number, question))
    findings = []
    for number, question in enumerate(task.questions if shown else (), start=1):
        for dev_number, dev in shown.get(text_checks.normalise_text(question.question), ()):
            if _gold_text(dev) == _gold_text(question) or _choice_set(dev) == _choice_set(question):
                sentence = Sentence(
                    "Question {n} is also an example question ({dev}), so its answer may appear in the prompt. Remove one.",
                    n=str(number),
                    dev=str(dev_number),
                )
                findings.append(_error("in_dev", sentence, question.id))
                break
    return findings


def _duplicates(
    questions: Sequence[Question], every: Sequence[question_features.QuestionFeatures]
) -> list[_Doubt]:
    exact: dict[tuple[str, frozenset[str]], int] = {}
    loose: dict[str, int] = {}
    findings = []
    for number, (question, of_it) in enumerate(zip(questions, every, strict=True), start=1):
        first = exact.setdefault((of_it.text, of_it.choices), number)
        alike = loose.setdefault(of_it.loose, number)
        if first != number:
            values = {"n": str(number), "first": str(first)}
            findings.append(_Doubt("repeated_question", values, question.id))
        elif alike != number:
            values = {"n": str(number), "first": str(alike)}
            findings.append(_Doubt("near_duplicate", values, question.id))
    return findings


def duplicate_key(question: Question) -> tuple[str, frozenset[str]]:
    """Key that repeated questions share: text and set of choices, ignoring case and width."""
    return text_checks.normalise_text(question.question), _choice_set(question)


def _near_copies(
    questions: Sequence[Question], every: Sequence[question_features.QuestionFeatures]
) -> list[_Doubt]:
    return [
        _Doubt(
            "near_copy",
            {
                "n": str(number),
                "first": formatting.choice_letter(first),
                "second": formatting.choice_letter(position),
                "text": _excerpt(question.choices[position]),
            },
            question.id,
        )
        for number, (question, of_it) in enumerate(zip(questions, every, strict=True), start=1)
        for first, position in of_it.near
    ]


def _not_english(
    questions: Sequence[Question], every: Sequence[question_features.QuestionFeatures]
) -> list[_Doubt]:
    return [
        _Doubt(
            "not_english",
            {
                "n": str(number),
            },
            question.id,
        )
        for number, (question, of_it) in enumerate(zip(questions, every, strict=True), start=1)
        if not of_it.english
    ]


def _outer_blanks(
    questions: Sequence[Question], every: Sequence[question_features.QuestionFeatures]
) -> list[_Doubt]:
    return [
        _Doubt(
            "outer_blank",
            {"n": str(number), "letter": formatting.choice_letter(features.ragged)},
            question.id,
        )
        for number, (question, features) in enumerate(zip(questions, every, strict=True), start=1)
        if features.ragged is not None
    ]


def _overlap(questions: Sequence[Question], training: Container[str] | None) -> list[_Doubt]:
    if training is None:
        return []

    def shared(question: Question) -> str:
        text = f"{question.question} {question.choices[question.answer]}"
        return min((gram for gram in text_checks.ngrams(text) if gram in training), default="")

    known = training if isinstance(training, Hashable) else object()
    return [
        _Doubt(
            "training_overlap",
            {
                "n": str(number),
                "text": _excerpt(gram),
            },
            question.id,
        )
        for number, (question, gram) in enumerate(
            zip(questions, _TRAINED.values_of(known, questions, shared), strict=True), start=1
        )
        if gram
    ]


def _capped(findings: Sequence[Finding | _Doubt]) -> list[Finding]:
    """All errors; of each kind of warning the first 50, then one with the number of further ones."""
    kinds = Counter(f.code for f in findings if f.severity == "warning")
    shown: Counter[str] = Counter()
    kept = []
    for found in findings:
        if found.severity == "warning":
            shown[found.code] += 1
            if shown[found.code] > SHOWN_OF_A_KIND + 1:
                continue
        finding = found if isinstance(found, Finding) else found.finding()
        if shown[found.code] == SHOWN_OF_A_KIND + 1 and found.severity == "warning":
            have = Sentence(
                "{number} more question has the same: {sentence}",
                "{number} more questions have the same: {sentence}",
                number=kinds[found.code] - SHOWN_OF_A_KIND,
                sentence=finding.sentence,
            )
            finding = _warning(found.code, have)
        kept.append(finding)
    return kept


def _gold_text(question: Question) -> str:
    return text_checks.normalise_text(question.choices[question.answer])


def _choice_set(question: Question) -> frozenset[str]:
    return frozenset(map(text_checks.normalise_text, question.choices))


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:59] + "…")


def _error(code: str, sentence: str, question_id: str | None = None) -> Finding:
    return Finding(severity="error", code=code, sentence=sentence, question_id=question_id)


def _warning(code: str, sentence: str, question_id: str | None = None) -> Finding:
    return Finding(severity="warning", code=code, sentence=sentence, question_id=question_id)
