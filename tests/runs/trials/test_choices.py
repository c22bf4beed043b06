"""Other wrong answers: candidates, trial, evidence, and the edit with its undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question
from e2lm_core.checkpoints.ladder.training_facts import TrainingFact, TrainingFacts
from e2lm_core.runs import evaluate, results
from e2lm_core.runs.studio import Studio
from e2lm_core.runs.trials import choices as alternatives
from e2lm_core.sets import authoring, collection, versions, wordnet
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    opened = studios.studio(tmp_path)
    collection.copy_set(opened.settings, "little", "mine")
    return opened


def wrong(question: Question) -> int:
    return (question.answer + 1) % len(question.choices)


def test_each_candidate_is_one_more_request_and_nothing_is_stored(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "mine"), here.catalogue.checkpoints
    evaluate.evaluate(here, task, checkpoints)
    computed = here.backend.computed  # type: ignore[attr-defined]
    question = task.questions[0]
    planned = alternatives.plan_choice_trial(
        here, task, question.id, wrong(question), checkpoints, own=["seven", "nine"], from_set=False
    )
    planned.trial.compute()
    assert here.backend.computed - computed == 2 * len(checkpoints)  # type: ignore[attr-defined]
    own = results.load_measurements(here, task, checkpoints)
    found = alternatives.judge_choice_trial(planned, alternatives.final_accuracy(own))
    assert {one.text for one in found.tried} == {"seven", "nine"}
    assert {one.origin for one in found.tried} == {"your list"}
    assert found.present.text == question.choices[planned.place]
    again = alternatives.plan_choice_trial(
        here, task, question.id, wrong(question), checkpoints, own=["seven"], from_set=False
    )
    again.trial.compute()
    assert here.backend.computed - computed == 3 * len(checkpoints), "it was not stored"  # type: ignore[attr-defined]


def test_nouns_of_wordnet_come_after_the_authors_own_and_before_the_sets(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, checkpoints = collection.open_set(here.settings, "mine"), here.catalogue.checkpoints
    question = task.questions[0]
    asked: list[str] = []

    def siblings(answer: str) -> list[str]:
        asked.append(answer)
        return ["copper", "the seven", question.choices[wrong(question)], "tin"]

    monkeypatch.setattr(wordnet, "siblings", siblings)
    tried = [
        alternatives.plan_choice_trial(
            here, task, question.id, wrong(question), checkpoints, own=["seven"], from_wordnet=given
        ).candidates
        for given in (True, False)
    ]
    assert asked == [question.choices[question.answer]]
    assert [(one.text, one.origin) for one in tried[0][:4]] == [
        ("seven", "your list"),
        ("copper", "WordNet"),
        ("tin", "WordNet"),
        (tried[1][1].text, "this set"),
    ]
    assert "WordNet" not in {one.origin for one in tried[1]}


def test_in_a_prompt_that_shows_the_choices_each_candidate_has_its_own(here: Studio) -> None:
    authoring.update_config(here.settings, "mine", doc_to_text="{{question}} {{choices|join(', ')}}:")
    task, checkpoints = collection.open_set(here.settings, "mine"), here.catalogue.checkpoints
    planned = alternatives.plan_choice_trial(
        here, task, "q1", wrong(task.questions[0]), checkpoints, own=["seven", "nine"], from_set=False
    )
    assert len({doc.context for doc in planned.trial.prompts()}) == 3
    planned.trial.compute()
    assert alternatives.judge_choice_trial(planned, {}).random == ()


def test_one_edit_takes_a_choice_and_one_undo_takes_it_back(here: Studio) -> None:
    before = collection.open_set(here.settings, "mine")
    question = before.questions[0]
    place = wrong(question)
    taken = alternatives.take_choice(here.settings, "mine", question, place, "seven").questions[0]
    assert taken.choices[place] == "seven"
    assert taken.choices[taken.answer] == question.choices[question.answer]
    letter = alternatives.LETTERS[place]
    assert taken.extra["written_with"] == f"choice {letter} proposed by the studio from tried answers"
    again = alternatives.take_choice(here.settings, "mine", taken, place, "nine").questions[0]
    assert again.extra == taken.extra, "it is said once"
    versions.undo(here.settings, "mine")
    versions.undo(here.settings, "mine")
    assert collection.open_set(here.settings, "mine").questions == before.questions


def test_a_question_that_was_changed_meanwhile_keeps_its_change(here: Studio) -> None:
    question = collection.open_set(here.settings, "mine").questions[0]
    place = wrong(question)
    theirs = tuple("theirs" if i == place else text for i, text in enumerate(question.choices))
    authoring.update_questions(here.settings, "mine", {question.id: {"choices": theirs}})
    with pytest.raises(TaskError, match="was changed meanwhile"):
        alternatives.take_choice(here.settings, "mine", question, place, "seven")
    assert collection.open_set(here.settings, "mine").questions[0].choices == theirs


def test_bad_input_gets_one_sentence(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "mine"), here.catalogue.checkpoints
    with pytest.raises(TaskError, match="has no question 'x'"):
        alternatives.plan_choice_trial(here, task, "x", 0, checkpoints)
    right = task.questions[0].answer
    with pytest.raises(TaskError, match="is the right answer of q1"):
        alternatives.plan_choice_trial(here, task, "q1", right, checkpoints)
    with pytest.raises(TaskError, match="name one from A to D"):
        alternatives.plan_choice_trial(here, task, "q1", 4, checkpoints)
    with pytest.raises(TaskError, match="no other answer to try"):
        alternatives.plan_choice_trial(here, task, "q1", (right + 1) % 4, checkpoints, from_set=False)


def test_facts_against_a_text() -> None:
    def fact(relation: str, answer: str) -> TrainingFact:
        return TrainingFact(subject="cat", answer=answer, relation=relation, domain="science")

    facts = TrainingFacts([fact("young", "kitten"), fact("class", "mammals")])
    asked = Question(id="q", question="How is a young cat called?", choices=("kitten", "x"), answer=0)
    assert alternatives.fact_against(facts, asked, "mammals") is None, "an answer to another question"
    unknown = asked.model_copy(update={"choices": ("kitty", "x")})
    assert "cat → kitten" in str(alternatives.fact_against(facts, unknown, "the kittens"))
    assert alternatives.fact_against(facts, unknown, "puppy") is None
    assert alternatives.fact_against(None, unknown, "kitten") is None


def test_a_rewording_of_the_right_answer_is_no_proposal(here: Studio) -> None:
    task, checkpoints = collection.open_set(here.settings, "mine"), here.catalogue.checkpoints
    question = task.questions[0]
    right, other = question.choices[question.answer], question.choices[(question.answer + 2) % 4]
    planned = alternatives.plan_choice_trial(
        here,
        task,
        question.id,
        wrong(question),
        checkpoints,
        own=[f"the {right}", f"The {other}"],
        from_set=False,
    )
    first, second = planned.candidates
    assert first.fact == f"It is the right answer in other words ({right})."
    assert second.same == f"{alternatives.LETTERS[(question.answer + 2) % 4]} ({other})"
