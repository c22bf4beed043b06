"""The two task sets that go with the ladder: fair choices, balanced, and as the recipe writes them."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import ROOT
from ladder.build_tasks import build
from ladder.distractors import balanced_facts, distractors
from ladder.facts import Fact, Relation, load_relations
from ladder.unseen_wordings import words

Row = dict[str, Any]
DOMAINS = ("science", "general")


def rows(domain: str, part: str) -> list[Row]:
    path = ROOT / "tasks" / f"ladder_{domain}" / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def toy(answers: list[str]) -> Relation:
    facts = tuple(
        Fact(subject=f"s{i}", answer=a, relation="toy", field="f", domain="science")
        for i, a in enumerate(answers)
    )
    return Relation(
        name="toy",
        domain="science",
        field="f",
        subject_label="s",
        about="",
        facts=facts,
        statements=("{s} {a}",),
        questions=("{s}?",),
        scenarios=(),
        heldout=("{s}!",),
    )


def test_distractors_of_a_one_to_one_relation_are_exactly_balanced() -> None:
    relation = toy(list("abcde"))
    drawn = distractors(relation.facts, relation, relation.answers, random.Random(0))
    assert Counter(a for wrong in drawn for a in wrong) == dict.fromkeys("abcde", 3)
    assert all(f.answer not in wrong for f, wrong in zip(relation.facts, drawn, strict=True))


def test_too_common_answers_are_thinned() -> None:
    kept = balanced_facts(toy(list("aaaaaabbccdd")).facts, random.Random(0))
    assert Counter(f.answer for f in kept) == dict.fromkeys("abcd", 2)


def test_too_few_answers_are_one_sentence() -> None:
    relation = toy(list("abc"))
    with pytest.raises(StudioError, match="only 2 wrong answers"):
        distractors(relation.facts, relation, relation.answers, random.Random(0))


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_sets_on_disk_are_what_the_facts_give(domain: str) -> None:
    assert build(load_relations(), domain) == (rows(domain, "test"), rows(domain, "dev"))


@pytest.mark.parametrize(("domain", "least"), [("science", 300), ("general", 100)])
def test_sizes_and_form(domain: str, least: int) -> None:
    test, dev = rows(domain, "test"), rows(domain, "dev")
    assert len(test) >= least
    assert len(dev) == 5
    for row in test + dev:
        assert len(set(row["choices"])) == 4
        assert row["answer"] in range(4)
        assert row["subject"]
        assert row["license"] == "CC0-1.0"
    assert len({row["id"] for row in test + dev}) == len(test) + 5
    assert not {row["question"] for row in test} & {row["question"] for row in dev}


@pytest.mark.parametrize("domain", DOMAINS)
def test_gold_positions_are_balanced(domain: str) -> None:
    test = rows(domain, "test")
    assert Counter(row["answer"] for row in test) == dict.fromkeys(range(4), len(test) // 4)


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_question_holds_its_answer(domain: str) -> None:
    for row in rows(domain, "test") + rows(domain, "dev"):
        answer = f" {' '.join(words(row['choices'][row['answer']]))} "
        assert answer not in f" {' '.join(words(row['question']))} ", row["id"]


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_wrong_choice_is_wrong(domain: str) -> None:
    right: dict[str, set[str]] = {}
    for relation in load_relations(domains=(domain,)):
        for fact in relation.facts:
            right.setdefault(fact.subject, set()).add(fact.answer)
    by_id = {
        f"{r.name}-{s.lower().replace(' ', '-')}": s
        for r in load_relations(domains=(domain,))
        for s in r.answers
    }
    for row in rows(domain, "test"):
        if row["id"] in by_id:
            wrong = [c for i, c in enumerate(row["choices"]) if i != row["answer"]]
            assert not set(wrong) & right[by_id[row["id"]]], row["id"]


def argmax(values: list[float]) -> int:
    return max(range(len(values)), key=lambda i: values[i])


def guesses(test: list[Row], pick: Any) -> float:
    return sum(pick(row) == row["answer"] for row in test) / len(test)


@pytest.mark.parametrize("domain", DOMAINS)
def test_choices_alone_are_at_chance(domain: str) -> None:
    """Guessers that see the choices and not the question: by length, and by how often a choice is right."""
    test = rows(domain, "test")
    error = (0.25 * 0.75 / len(test)) ** 0.5

    for sign in (1, -1):  # the longest choice, the shortest choice
        share = guesses(test, lambda row, sign=sign: argmax([sign * len(c) for c in row["choices"]]))
        assert abs(share - 0.25) <= 3 * error
    shares = []
    for fold in range(5):  # learnt on four fifths, asked of the fifth
        known = [row for i, row in enumerate(test) if i % 5 != fold]
        asked = [row for i, row in enumerate(test) if i % 5 == fold]
        right = Counter(row["choices"][row["answer"]] for row in known)
        seen = Counter(choice for row in known for choice in row["choices"])

        rates = {
            choice: (right[choice] + 1) / (seen[choice] + 4) for row in test for choice in row["choices"]
        }
        shares.append(guesses(asked, lambda row, rates=rates: argmax([rates[c] for c in row["choices"]])))
    assert sum(shares) / 5 <= 0.25 + 2 * error


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_loader_is_the_same_bytes(domain: str) -> None:
    ours = (ROOT / "e2lm_core" / "sets" / "folder" / "loader.py").read_bytes()
    assert (ROOT / "tasks" / f"ladder_{domain}" / "loader.py").read_bytes() == ours


@pytest.mark.parametrize("name", ["ladder_science", "ladder_general"])
def test_the_harness_may_choose_the_number_of_examples(name: str) -> None:
    """Its own default, 0, written in the YAML makes it ignore --num_fewshot."""
    folder = ROOT / "tasks" / name
    assert "num_fewshot" not in (folder / f"{name}.yaml").read_text(encoding="utf-8")
