"""The facts that the ladder is taught: enough of them, well-formed, and telling relations apart."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from ladder.facts import Relation, fill, load_facts, load_relations, shared_subjects


@pytest.fixture(scope="module")
def relations() -> list[Relation]:
    return load_relations()


def test_there_are_enough(relations: list[Relation]) -> None:
    facts = Counter(f.domain for r in relations for f in r.facts)
    assert facts["science"] >= 400
    assert facts["general"] >= 200
    assert sum(r.domain == "science" for r in relations) >= 15
    assert len(load_facts()) == facts.total()


def test_a_fifth_of_the_subjects_stand_in_two_relations(relations: list[Relation]) -> None:
    for domain in ("science", "general"):
        told = [r for r in relations if r.domain == domain]
        subjects = {s for r in told for s in r.answers}
        assert len(shared_subjects(told)) >= len(subjects) / 5, domain


def test_each_subject_has_one_answer_and_three_others_to_choose_from(relations: list[Relation]) -> None:
    for relation in relations:
        assert all(len(answers) == 1 for answers in relation.answers.values()), relation.name
        assert len(relation.answers) == len(relation.facts), relation.name
        assert len({f.answer for f in relation.facts}) >= 5, relation.name


def test_no_subject_gives_its_answer_away(relations: list[Relation]) -> None:
    for fact in (f for r in relations for f in r.facts):
        subject, answer = f" {fact.subject.lower()} ", f" {fact.answer.lower()} "
        assert answer not in subject, fact
        assert subject not in answer, fact


def test_every_relation_has_many_wordings(relations: list[Relation]) -> None:
    for r in relations:
        counts = tuple(map(len, (r.statements, r.questions, r.scenarios, r.heldout)))
        assert all(n >= least for n, least in zip(counts, (6, 8, 3, 4), strict=True)), (r.name, counts)
        assert all(q.endswith("?") for q in (*r.questions, *r.scenarios, *r.heldout)), r.name
        assert all((r.about, r.field)), r.name


def test_fill_gives_sentences_their_capitals() -> None:
    assert fill("{s} is {a}.", "iron", "a metal") == "Iron is a metal."
    assert fill("Ann sees it. {s} is what?", "iron") == "Ann sees it. Iron is what?"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("relation: [", "not YAML"),
        ("relation: r\nfield: f\nfacts: []\n", "subject_label"),
        ("relation: r\nfield: f\nsubject_label: x\nfacts: [{subject: a, answer: b}]\n", "no statements"),
        (
            "relation: r\nfield: f\nsubject_label: x\nfacts: []\nstatements: ['{s} is.']\n"
            "questions: ['{s}?']\nheldout: ['{s}?']\n",
            "lacks {a}",
        ),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "science").mkdir()
    (tmp_path / "science" / "r.yaml").write_text(text)
    with pytest.raises(StudioError, match=says):
        load_relations(tmp_path)


def test_no_facts_at_all_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="holds no facts"):
        load_relations(tmp_path)
