"""Other wrong answers for one choice of a question: candidates, the trial that scores them, its evidence, and the "
"edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from e2lm_core.analysis.alternatives.distractors import Candidate, TriedChoices, evaluate_candidates
from e2lm_core.analysis.alternatives.halves import split_models
from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Checkpoint, Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.ladder.training_facts import TrainingFacts, forms_of, open_facts, words_of
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials.trial import Trial
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import authoring, wordnet
from e2lm_core.sets.candidates import (
    MAX_CANDIDATES,
    OWN_LIST,
    THIS_SET,
    candidates_of_set,
    own_candidates,
    plain,
)
from e2lm_core.sets.collection import require_question
from e2lm_core.sets.variants import Variant, fewshot_alone, shows_choices
from e2lm_core.sets.written_with import add_note

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STUDIO = "the studio from tried answers"  # whose proposal a candidate of the set or of the author's list is


class ChoiceTrial(NamedTuple):
    """Trial of other texts in place of one choice.

    Attributes:
        question: The question.
        place: Index of the choice.
        candidates: The texts.
        trial: The trial, to be computed.
    """

    question: Question
    place: int
    candidates: tuple[Candidate, ...]
    trial: Trial


def plan_choice_trial(
    studio: Studio,
    task: TaskSet,
    question_id: str,
    place: int,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None = None,
    own: Sequence[str] = (),
    from_set: bool = True,
    proposed: Mapping[str, str] | None = None,
    from_wordnet: bool = False,
) -> ChoiceTrial:
    """Prepare a trial of other texts in place of a wrong answer; nothing is computed.

    Args:
        studio: Store, catalogue and backend.
        task: The set.
        question_id: Id of the question.
        place: Index of the choice that they are to replace.
        checkpoints: Checkpoints to run on.
        num_fewshot: Number of few-shot examples; None for the set's own.
        own: Texts of the author's.
        from_set: Whether to try answers of the set's other questions.
        proposed: Texts that a language model proposed, with its name.
        from_wordnet: Whether to try nouns of the right answer's kind, where WordNet is installed.

    Raises:
        TaskError: There is no such question or choice, the choice is the right answer, or there is nothing to try.
    """
    question = require_question(task, question_id)
    if not 0 <= place < len(question.choices):
        last = LETTERS[len(question.choices) - 1]
        raise TaskError(
            Sentence(
                "Question {question_id} has no such choice: name one from A to {last}.",
                question_id=question_id,
                last=last,
            )
        )
    if place == question.answer:
        raise TaskError(
            Sentence(
                "{letter} is the right answer of {question_id}: other texts are tried in place of a wrong one.",
                letter=LETTERS[place],
                question_id=question_id,
            )
        )
    facts = open_facts(studio.catalogue.taught_file) if any(c.packed for c in checkpoints) else None
    listed = dict.fromkeys(own_candidates(own), OWN_LIST)
    for text, model in (proposed or {}).items():
        listed.setdefault(text, f"proposed by {model}")
    if from_wordnet:
        taken = {plain(text) for text in (*listed, *question.choices)}
        siblings = wordnet.siblings(question.choices[question.answer])
        listed |= {text: wordnet.ORIGIN for text in siblings if plain(text) not in taken}
    found = [text for text in candidates_of_set(task, question, place) if text not in listed]
    texts = [*listed.items(), *((text, THIS_SET) for text in found if from_set)]
    texts = texts[:MAX_CANDIDATES]  # the author's own come first, then those that were asked for
    if not texts:
        raise TaskError(
            Sentence(
                "{name} has no other answer to try in {question_id}: write further questions or give your own list.",
                name=task.name,
                question_id=question_id,
            )
        )
    candidates = tuple(
        Candidate(
            text=text,
            origin=origin,
            fact=_repeats_answer(question, text) or fact_against(facts, question, text),
            same=_repeated(question, text, place),
        )
        for text, origin in texts
    )
    rows = [question.choices, *(_with(question, place, c.text) for c in candidates)]
    variant = Variant(
        label="choices",
        questions=tuple(
            question.model_copy(update={"id": str(row), "choices": choices})
            for row, choices in enumerate(rows)
        ),
        num_fewshot=fewshot_alone(task, num_fewshot),
    )
    trial = Trial(studio, task, [variant], checkpoints, num_fewshot)
    return ChoiceTrial(question, place, candidates, trial)


def judge_choice_trial(planned: ChoiceTrial, final: dict[str, float]) -> TriedChoices:
    """Evidence of a computed trial.

    Args:
        planned: The trial, computed.
        final: Last accuracy of each model on the whole set, which tells grown models from others.
    """
    (tried,) = planned.trial.measurements()
    return evaluate_candidates(
        tried,
        planned.question.id,
        planned.place,
        planned.question.choices,
        planned.candidates,
        split_models([curve.model for curve in tried.curves]),
        final,
        shows_choices(planned.trial.task),
    )


def final_accuracy(measurements: Measurements) -> dict[str, float]:
    """Accuracy of each model at its last complete checkpoint; models without one are left out."""
    found = {}
    for curve in measurements.curves:
        known = [value for value in measurements.values(curve.model.name, "acc").tolist() if value == value]
        if known:
            found[curve.model.name] = known[-1]
    return found


def take_choice(
    settings: Settings, address: str, question: Question, place: int, text: str, by: str = STUDIO
) -> TaskSet:
    """Put a proposed text in place of a choice: one edit, which one undo takes back.

    The question's column `written_with` says which choice was proposed, so that it goes with the set.

    Args:
        settings: The caller's settings.
        address: Name of an own set, or OWNER/NAME of a shared one.
        question: The question as it was tried.
        place: Index of the choice.
        text: The text.
        by: Whose proposal it is: the name of a language model, or the studio.

    Returns:
        The set as it was saved.

    Raises:
        TaskError: The question was changed since, the set is an example, or the caller may not edit it.
    """
    saved = authoring.merge_edits(
        settings,
        address,
        {
            question.id: {
                "choices": list(_with(question, place, text)),
                "answer": question.answer,
                "extra": add_note(question.extra, f"choice {LETTERS[place]} proposed", by),
            }
        },
        {
            question.id: {
                "choices": list(question.choices),
                "answer": question.answer,
                "extra": question.extra,
            }
        },
    )
    if saved.clashes:
        raise TaskError(
            Sentence("Question {id} was changed meanwhile: try its choices again.", id=question.id)
        )
    return saved.task


def fact_against(facts: TrainingFacts | None, question: Question, text: str) -> str | None:
    """Sentence on a text that answers a question by the training facts; None for any other text.

    Of a question with a known right answer, only another answer under the same relation counts: a subject has
    answers under several relations. Of any other question, every fact counts that its words may ask for.

    Args:
        facts: The training facts; None where no mini model is among the checkpoints.
        question: The question.
        text: The text.
    """
    if facts is None:
        return None
    known, found = facts.fact_for(question), facts.fact_answering(question.question, text)
    if found is None or (known is not None and known.relation != found.relation):
        return None
    return f"The mini models learned it as an answer: {found.subject} → {found.answer}."


def _repeats_answer(question: Question, text: str) -> str | None:
    answer = question.choices[question.answer]
    return f"It is the right answer in other words ({answer})." if _is_same(text, answer) else None


def _repeated(question: Question, text: str, place: int) -> str | None:
    """The other wrong answer that a text repeats, up to case, article and plural; None for none."""
    for index, choice in enumerate(question.choices):
        if index not in (place, question.answer) and _is_same(text, choice):
            return f"{LETTERS[index]} ({choice})"
    return None


def _is_same(text: str, other: str) -> bool:
    return not set(forms_of(words_of(text))).isdisjoint(forms_of(words_of(other)))


def _with(question: Question, place: int, text: str) -> tuple[str, ...]:
    return (*question.choices[:place], text, *question.choices[place + 1 :])
