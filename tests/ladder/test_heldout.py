"""The task sets' wordings are held out: no skeleton and no run of words stands in the training text."""

from __future__ import annotations

import json
import re

import pytest

from e2lm_core.base.settings import ROOT
from ladder import wordings
from ladder.facts import Relation, fill, load_relations
from ladder.unseen_wordings import Guard, runs, skeleton, words
from tests.support.ladder_fixtures import training_text

TASKS = ("ladder_science", "ladder_general", "ladder_school")


def asked() -> list[str]:
    return [
        json.loads(line)["question"]
        for task in TASKS
        for part in ("test", "dev")
        for line in (ROOT / "tasks" / task / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


class Runs:
    """The rule once more, without the code under test: min(6, length) words in a row, by plain counting."""

    def __init__(self, questions: list[str]) -> None:
        self.known: dict[int, set[tuple[str, ...]]] = {}
        for question in questions:
            tokens = self.tokens(question)
            size = min(6, len(tokens))
            for start in range(len(tokens) - size + 1):
                self.known.setdefault(size, set()).add(tuple(tokens[start : start + size]))

    @staticmethod
    def tokens(text: str) -> list[str]:
        return re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("\n", " ")).split()

    def inside(self, text: str) -> list[tuple[str, ...]]:
        tokens = self.tokens(text)
        return [
            run
            for size, known in self.known.items()
            for run in zip(*(tokens[i:] for i in range(size)), strict=False)
            if run in known
        ]


@pytest.fixture(scope="module")
def relations() -> list[Relation]:
    return load_relations()


def test_runs_and_skeletons_by_hand() -> None:
    assert runs("Which is it, then?") == {"which is it then"}
    assert runs("a b c d e f g") == {"a b c d e f", "b c d e f g"}
    assert runs("?!") == set()
    assert words("The cat's pH-value") == ["the", "cat's", "ph", "value"]
    assert skeleton("What is {s}, then?") == skeleton("what IS {s} then") == "what is subjectslot then"


def test_the_guard_knows_every_heldout_run(relations: list[Relation]) -> None:
    guard = Guard(relations)
    question = fill(relations[0].heldout[0], relations[0].facts[0].subject)
    assert guard.leaks(f"Teacher: {question} Pupil: yes.")
    assert guard.leaks("Nothing of the kind.") is None


def test_no_heldout_skeleton_is_a_training_template(relations: list[Relation]) -> None:
    trained = {skeleton(t) for r in relations for t in (*r.statements, *r.questions)} | {
        skeleton(t) for t in wordings.BARE
    }
    for relation in relations:
        for template in relation.heldout:
            assert skeleton(template) not in trained, (relation.name, template)


def test_no_run_of_a_question_stands_in_a_filled_template(relations: list[Relation]) -> None:
    known = Runs(asked())
    for relation in relations:
        for template in (*relation.statements, *relation.questions):
            for fact in relation.facts:
                text = fill(template, fact.subject, fact.answer)
                assert not known.inside(text), (relation.name, text)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["science", "web"])
def test_no_run_of_a_question_stands_in_the_whole_training_text(role: str) -> None:
    known = Runs(asked())
    for text in training_text(role):
        assert not known.inside(text), text
