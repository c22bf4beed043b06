"""The sets that the wording benchmark runs: the same facts and keys in other texts."""

from __future__ import annotations

from pathlib import Path

from benchmarks.wording import texts
from e2lm_core.base.settings import Settings
from e2lm_core.sets.collection import open_set
from ladder.facts import load_facts


def test_every_text_keeps_its_choices_and_key_and_a_relations_set_has_its_answers_alone(
    tmp_path: Path,
) -> None:
    sets = texts.sets_of_texts(open_set(Settings(home=tmp_path), texts.SET))
    written = sets.pop("as written")
    assert len(written.questions) == 4 * texts.GROUPS
    of_one_relation = sets.pop("subject alone, among one relation's answers")
    for other in sets.values():
        assert [(q.choices, q.answer) for q in other.questions] == [
            (q.choices, q.answer) for q in written.questions
        ]
        assert all(a.question != b.question for a, b in zip(other.questions, written.questions, strict=True))
    answers = {(fact.relation, fact.answer) for fact in load_facts()}
    subjects = {(fact.relation, fact.subject): fact.answer for fact in load_facts()}
    assert len(of_one_relation.questions) > 100
    for q in of_one_relation.questions:
        relation = q.id.removeprefix("otherwise ").split("-")[0]
        assert {(relation, choice) for choice in q.choices} <= answers
        assert len(set(q.choices)) == 4
        assert subjects[relation, q.question.rstrip("?")] == q.choices[q.answer]
