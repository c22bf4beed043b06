"""Search in the training facts: words, the nearest fact, a question about a fact."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from e2lm_core.base.records import Question
from e2lm_core.base.settings import ROOT
from e2lm_core.checkpoints.ladder.fact_search import FactIndex, open_index
from e2lm_core.checkpoints.ladder.training_facts import FactRelation, TrainingFact, TrainingFacts

ROWS = [
    ("lion", "mammals", "class", "Which class does the lion belong to?"),
    ("eagle", "birds", "class", "Which class does the eagle belong to?"),
    ("trout", "fish", "class", "Which class does the trout belong to?"),
    ("frog", "amphibians", "class", "Which class does the frog belong to?"),
    ("toad", "the amphibians", "class", "Which class does the toad belong to?"),
    ("lion", "zebras", "food", "What does the lion eat?"),
    ("eagle", "fish", "food", "What does the eagle eat?"),
    ("newton", "force", "quantity", "What does the newton measure?"),
]
RELATIONS = [
    FactRelation(name="class", about="classes of animals", field="biology"),
    FactRelation(name="food", about="food of animals", field="biology"),
    FactRelation(name="quantity", about="what units measure", field="physics"),
]


@pytest.fixture(scope="module")
def index() -> FactIndex:
    facts = [
        TrainingFact(subject=s, answer=a, relation=r, domain="science", question=q) for s, a, r, q in ROWS
    ]
    return FactIndex(TrainingFacts(facts, RELATIONS))


@pytest.fixture(scope="module")
def shipped() -> FactIndex:
    found = open_index(ROOT / "ladder" / "facts.json")
    assert found is not None
    return found


def named(facts: list[TrainingFact]) -> list[tuple[str, str]]:
    return [(fact.subject, fact.relation) for fact in facts]


@pytest.mark.parametrize(
    ("text", "relation", "field", "expected"),
    [
        ("lion", None, None, [("lion", "class"), ("lion", "food")]),
        ("Lions eat", None, None, [("lion", "food")]),
        ("LIO", None, None, [("lion", "class"), ("lion", "food")]),
        ("fish", None, None, [("eagle", "food"), ("trout", "class")]),
        ("fish", "food", None, [("eagle", "food")]),
        ("", None, "physics", [("newton", "quantity")]),
        ("unit", None, None, [("newton", "quantity")]),
        ("volt", None, None, []),
        ("?!", None, "physics", [("newton", "quantity")]),
    ],
)
def test_find(
    index: FactIndex, text: str, relation: str | None, field: str | None, expected: list[tuple[str, str]]
) -> None:
    assert named(index.find(text, relation, field)) == expected


def test_all_facts_without_words(index: FactIndex) -> None:
    assert set(index.find()) == set(index.facts.facts)
    subjects = [fact.subject for fact in index.find()]
    assert subjects == ["lion", "lion", "eagle", "eagle", "trout", "frog", "toad", "newton"]


def test_a_known_answer_is_its_own_fact(index: FactIndex) -> None:
    found = index.fact_for("Tell me what lions eat.", "zebra")
    assert found.known
    assert found.fact is not None
    assert (found.fact.subject, found.fact.answer) == ("lion", "zebras")


@pytest.mark.parametrize(
    ("text", "answer", "nearest"),
    [
        ("What do lions eat?", "grass", ("lion", "food")),  # "eat" decides between the two of the lion
        ("Which class is the lion in?", "", ("lion", "class")),
        ("What is measured in volts?", "force", ("newton", "quantity")),  # the answer counts
        ("How many legs has a frog?", "four", ("frog", "class")),
    ],
)
def test_the_nearest_fact_shares_the_rarest_words(
    index: FactIndex, text: str, answer: str, nearest: tuple[str, str]
) -> None:
    found = index.fact_for(text, answer)
    assert not found.known
    assert found.fact is not None
    assert (found.fact.subject, found.fact.relation) == nearest


def test_no_fact_shares_a_word(index: FactIndex) -> None:
    assert index.fact_for("Quod erat demonstrandum?", "") == (False, None)
    assert index.fact_for("", "") == (False, None)
    assert FactIndex(TrainingFacts([])).fact_for("lion", "") == (False, None)
    assert FactIndex(TrainingFacts([])).find("lion") == []


def test_common_words_say_nothing(shipped: FactIndex) -> None:
    assert shipped.fact_for("Which is the one and what does it do?", "a") == (False, None)
    near = shipped.fact_for("What does the lion drink?", "water").fact
    assert near is not None
    assert near.subject in ("lion", "water")


def test_a_question_about_a_fact(index: FactIndex) -> None:
    made = index.question_about(index.facts.facts[0])
    assert made.question == "Which class does the lion belong to?"
    assert made.choices[made.answer] == "mammals"
    assert sorted(made.choices) == ["amphibians", "birds", "fish", "mammals"]
    assert made.subject == "biology"


def test_wrong_answers_are_none_that_says_the_same(index: FactIndex) -> None:
    frog = index.question_about(index.facts.facts[3])
    assert sorted(frog.choices) == ["amphibians", "birds", "fish", "mammals"]
    newton = index.question_about(index.facts.facts[-1])
    assert newton.choices == ("force",)  # the only fact of its relation: the author writes the others


def test_a_fact_of_a_file_without_questions() -> None:
    fact = TrainingFact(subject="iron", answer="Fe", relation="element_symbol", domain="science")
    index = FactIndex(TrainingFacts([fact]))
    made = index.question_about(fact)
    assert (made.question, made.subject) == ("iron: element symbol?", None)


def test_every_shipped_fact_gives_a_whole_question_that_is_known(shipped: FactIndex) -> None:
    letters = Counter()
    for fact in shipped.facts.facts:
        made = shipped.question_about(fact)
        letters[made.answer] += 1
        assert len(set(made.choices)) == 4, fact
        question = Question(id="q", question=made.question, choices=made.choices, answer=made.answer)
        assert shipped.facts.is_known(question), fact
        wrong = [made.choices[i] for i in range(4) if i != made.answer]
        # No wrong answer is one that the models learned for this subject under this relation.
        right = {
            one.answer
            for one in shipped.facts.facts
            if (one.subject, one.relation) == (fact.subject, fact.relation)
        }
        assert not right & set(wrong)
    assert min(letters.values()) > 0.2 * len(shipped.facts.facts)


def test_every_shipped_fact_is_found_by_its_subject_and_answer(shipped: FactIndex) -> None:
    for fact in shipped.facts.facts[::7]:
        assert fact in shipped.find(f"{fact.subject} {fact.answer}"), fact


def test_a_text_is_looked_up_in_milliseconds(shipped: FactIndex) -> None:
    texts = [
        f"Which {word} does the lion of the class {n} eat and measure?" for n in range(50) for word in "ab"
    ]
    started = time.process_time()
    for text in texts:
        shipped.fact_for(text, "zebras or so")
    assert (time.process_time() - started) / len(texts) < 0.01
