"""Judgements given by a person, withdrawn, and imported from a judge model's file; each is one version of the set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.judgements import (
    LABELS,
    MAX_COMMENT_CHARS,
    MAX_JUDGE_CHARS,
    MAX_JUDGEMENTS,
    VALUES,
    By,
    Judgement,
    What,
    has_judgements,
    judged_digest,
    judgements_of,
    with_judgements,
)
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.base.settings import Settings
from e2lm_core.base.titles import clean_title
from e2lm_core.sets import authoring
from e2lm_core.sets.formats import judgement_files
from e2lm_core.sets.formats.judgement_files import JudgementRow

MAX_JUDGES = 20  # of a set


class ImportedJudgements(NamedTuple):
    """Outcome of an import.

    Attributes:
        task: The set after it.
        judgements: Number of judgements that it took.
        judges: Names of their judges.
        refused: A sentence for each row that it left out.
    """

    task: TaskSet
    judgements: int
    judges: tuple[str, ...]
    refused: tuple[str, ...]


def judge_questions(
    settings: Settings,
    name: str,
    question_ids: Collection[str],
    values: Mapping[What, str],
    comment: str = "",
    judge: str = "",
) -> TaskSet:
    """Judge questions as a person; an earlier judgement of the same aspect by the same person is replaced.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        question_ids: Ids of the questions.
        values: Value of each aspect that is judged; "" withdraws the person's judgement of it.
        comment: Comment that stands with each of the values.
        judge: Name of the person; where people sign in it is always the caller.

    Returns:
        The set after the edit.

    Raises:
        StudioError: No question, no value or no name is given, or a text is too long.
        TaskError: A question or a value does not exist, or the set has too many judges.
    """
    person = settings.person or clean_title(judge)
    if not person:
        raise StudioError(Sentence("A judgement needs the name of its judge: write yours."))
    if not values:
        raise StudioError(Sentence("Nothing is judged yet: choose a value."))
    _require_length(person, comment)
    for what, value in values.items():
        if what not in VALUES or (value and value not in VALUES[what]):
            raise TaskError(
                Sentence(
                    "{value} is no value of {what}: use {what2}.",
                    value=quote(value),
                    what=quote(what),
                    what2=_values_of(what),
                )
            )
    given = [(what, value, clean_title(comment)) for what, value in values.items()]
    wanted = dict.fromkeys(question_ids, given)
    return _save(settings, name, wanted, person, f"judge {count(len(wanted), 'question')}")


def import_judgements(settings: Settings, name: str, data: bytes, filename: str) -> ImportedJudgements:
    """Import the judgements of judge models from a CSV, TSV, JSON or JSONL file; each is shown as a model's.

    Rows that cannot be taken are left out, each with a sentence.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        data: Content of the file.
        filename: Its name, which tells the format.

    Raises:
        TaskError: The file cannot be read, no row can be taken, or the set would have too many judges.
        LimitError: Reading the file takes too much memory or time.
    """
    rows = judgement_files.read_confined(data, filename, settings.limits)
    refused: list[str] = []
    taken: list[JudgementRow] = []

    def changed(questions: Sequence[Question]) -> Sequence[Question]:
        taken[:], refused[:] = _accepted(rows, {q.id for q in questions}, name)
        if not taken:
            raise TaskError(
                Sentence(
                    "{file} brings no judgement that can be taken: {problem}"
                    if refused
                    else "{file} has no rows: one row is one judgement.",
                    file=PurePath(filename).name[:80] or Sentence("The file"),
                    problem=refused[0] if refused else "",
                )
            )
        by_id: dict[str, list[JudgementRow]] = {}
        for row in taken:
            by_id.setdefault(row.id, []).append(row)
        made = [_judged(q, by_id[q.id], "model") if q.id in by_id else q for q in questions]
        _require_few_judges(made)
        return made

    task = authoring.change_questions(settings, name, changed, "import judgements")
    judges = tuple(dict.fromkeys(row.judge for row in taken))
    return ImportedJudgements(task, len(taken), judges, tuple(refused))


def remove_judge(settings: Settings, name: str, judge: str, by: By) -> TaskSet:
    """Remove all judgements of one judge from a set.

    Raises:
        TaskError: The set has no judgement of that judge.
    """

    def removed(questions: Sequence[Question]) -> list[Question]:
        found = [_without(question, judge, by) for question in questions]
        if all(a is b for a, b in zip(found, questions, strict=True)):
            raise TaskError(Sentence("{name} has no judgement by {judge}.", name=name, judge=quote(judge)))
        return found

    return authoring.change_questions(settings, name, removed, f"remove the judgements by {judge}")


# --- within -------------------------------------------------------------------------------------------


def _save(
    settings: Settings,
    name: str,
    wanted: Mapping[str, Sequence[tuple[What, str, str]]],
    person: str,
    action: str,
) -> TaskSet:
    if not wanted:
        raise StudioError(Sentence("No question is chosen: choose at least one."))

    def changed(questions: Sequence[Question]) -> list[Question]:
        if missing := set(wanted) - {q.id for q in questions}:
            raise TaskError(
                Sentence(
                    "There is no question {missing} in {name}: it may have been deleted.",
                    missing=quote(min(missing)),
                    name=name,
                )
            )
        made = [
            _judged(q, [JudgementRow("", q.id, person, *one) for one in wanted[q.id]], "person")
            if q.id in wanted
            else q
            for q in questions
        ]
        _require_few_judges(made)
        return made

    return authoring.change_questions(settings, name, changed, action)


def _judged(question: Question, rows: Sequence[JudgementRow], by: By) -> Question:
    """Question with judgements in place of the same judges' earlier ones.

    Raises:
        TaskError: The question would have too many.
    """
    replaced = {(row.judge, row.what) for row in rows}
    kept = [one for one in judgements_of(question) if one.by != by or (one.judge, one.what) not in replaced]
    of = judged_digest(question)
    new = [
        Judgement(judge=row.judge, by=by, what=row.what, value=row.value, comment=row.comment, of=of)
        for row in rows
        if row.value
    ]
    if len(kept) + len(new) > MAX_JUDGEMENTS:
        raise TaskError(
            Sentence(
                "Question {id} would have more than {most} judgements: remove a judge first.",
                id=quote(question.id),
                most=MAX_JUDGEMENTS,
            )
        )
    return with_judgements(question, [*kept, *new])


def _accepted(
    rows: Sequence[JudgementRow], known: Collection[str], name: str
) -> tuple[list[JudgementRow], list[str]]:
    """Rows that can be taken, and a sentence for each other one."""
    taken: dict[tuple[str, str, str], tuple[int, JudgementRow]] = {}
    refused: list[str] = []
    for number, row in enumerate(rows, start=1):
        if (reason := _refusal(row, known, name)) is not None:
            refused.append(joined((row.at, reason), ": "))
        elif (key := (row.id, row.judge, row.what)) in taken:
            refused.append(
                Sentence(
                    "{where}: row {number} has this judge's {what} of {id} already.",
                    where=row.at,
                    number=str(taken[key][0]),
                    what=row.what,
                    id=quote(row.id),
                )
            )
        else:
            taken[key] = number, row
    return [row for _, row in taken.values()], refused


def _refusal(row: JudgementRow, known: Collection[str], name: str) -> str | None:
    if row.id not in known:
        return Sentence(
            "{name} has no question {id}; give the ids of its questions.", name=name, id=quote(row.id)
        )
    if not row.judge or len(row.judge) > MAX_JUDGE_CHARS:
        return Sentence("judge must be a name of 1 to {most} characters.", most=MAX_JUDGE_CHARS)
    if row.what not in VALUES or row.what == "review":
        return Sentence(
            "what is {what}; a judge's file has scientific, key or difficulty.", what=quote(row.what)
        )
    if row.value not in VALUES[row.what]:
        return Sentence(
            "{value} is no value of {what}; use {values}.",
            value=quote(row.value),
            what=row.what,
            values=_values_of(row.what),
        )
    if len(row.comment) > MAX_COMMENT_CHARS:
        return Sentence(
            "the comment has {number} characters; at most {most} are kept.",
            number=len(row.comment),
            most=str(MAX_COMMENT_CHARS),
        )
    return None


def _values_of(what: str) -> str:
    values = VALUES.get(what)  # type: ignore[call-overload]
    if values is None:
        return Sentence("one of the aspects {aspects}", aspects=", ".join(LABELS))
    return Sentence("{names} or {last}", names=", ".join(values[:-1]), last=values[-1])


def _require_length(judge: str, comment: str) -> None:
    if len(judge) > MAX_JUDGE_CHARS:
        raise StudioError(
            Sentence(
                "The judge's name has {judge} characters; use at most {max_judge_chars}.",
                judge=len(judge),
                max_judge_chars=MAX_JUDGE_CHARS,
            )
        )
    if len(comment) > MAX_COMMENT_CHARS:
        raise StudioError(
            Sentence(
                "The comment has {comment} characters; use at most {max_comment_chars}.",
                comment=len(comment),
                max_comment_chars=MAX_COMMENT_CHARS,
            )
        )


def _require_few_judges(questions: Sequence[Question]) -> None:
    if not has_judgements(questions):
        return
    judges = {(one.judge, one.by) for question in questions for one in judgements_of(question)}
    if len(judges) > MAX_JUDGES:
        raise TaskError(
            Sentence(
                "The set would have {judges} judges; at most {max_judges} are kept: remove one first.",
                judges=len(judges),
                max_judges=MAX_JUDGES,
            )
        )


def _without(question: Question, judge: str, by: By) -> Question:
    own = judgements_of(question)
    kept = [one for one in own if (one.judge, one.by) != (judge, by)]
    return question if len(kept) == len(own) else with_judgements(question, kept)
