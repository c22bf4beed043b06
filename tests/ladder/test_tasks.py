"""The example sets that go with the ladder: fair groups of four, balanced, and as the recipe writes them."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.checkpoints.ladder.training_facts import known_answers
from e2lm_core.sets.collection import open_set
from ladder.build_tasks import MAX_GROUPS, Wordings, build, row_id, school
from ladder.facts import answers_of, by_kind, fill, load_relations
from ladder.groups import groups_of
from ladder.unseen_wordings import words
from tests.support.ladder_kind import KIND, write_kind

Row = dict[str, Any]
DOMAINS = ("science", "general")
NAMES = ("ladder_science", "ladder_general", "ladder_school")


def rows(name: str, part: str) -> list[Row]:
    path = ROOT / "tasks" / name / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def asked(domain: str) -> dict[str, tuple[str, str]]:
    """{id: (subject, relation)} of everything that a domain's set may ask."""
    return {row_id(f): (f.subject, r.name) for r in load_relations(domains=(domain,)) for f in r.facts}


def grouped(domain: str) -> list[list[Row]]:
    test = rows(f"ladder_{domain}", "test")
    return [list(part) for _, part in itertools.groupby(test, key=lambda row: row["group"])]


def test_groups_by_hand(tmp_path: Path) -> None:
    write_kind(tmp_path, KIND.replace("family: actinides", "family: transition metals"))
    for seed in range(20):
        groups = groups_of(load_relations(tmp_path), random.Random(seed))
        pairs = {frozenset(f.subject for f in g.facts) for g in groups}
        assert len(groups) == len(pairs) == 2
        assert frozenset(("iron", "nobelium")) not in pairs  # they share a family
        for group in groups:
            (one, two, three, four), choices = group.facts, group.choices
            assert (one.subject, three.subject) == (two.subject, four.subject)
            assert (one.relation, two.relation) == (three.relation, four.relation)
            assert len(set(choices)) == 4


def test_too_few_groups_are_one_sentence(tmp_path: Path) -> None:
    write_kind(tmp_path, KIND)
    with pytest.raises(StudioError, match="give 2 groups of four; 3 are needed"):
        build(load_relations(tmp_path), "science", limit=2)


def test_a_wording_that_holds_a_choice_is_passed_over(tmp_path: Path) -> None:
    write_kind(tmp_path, KIND.replace("By which symbol", "Among noble gases too, by which symbol"))
    relations = load_relations(tmp_path)
    fact = relations[0].facts[0]
    for seed in range(6):
        heldout = Wordings(relations, random.Random(seed))
        said = {heldout.question(fact, ("noble gases", "Fe")) for _ in range(3)}
        assert said == {fill(wording, "iron") for wording in relations[0].heldout[:2]}
    with pytest.raises(StudioError, match="every held-out wording about iron holds one of the choices"):
        heldout.question(fact, ("symbol", "write"))


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_sets_on_disk_are_what_the_facts_give(domain: str) -> None:
    name = f"ladder_{domain}"
    assert build(load_relations(), domain) == (rows(name, "test"), rows(name, "dev"))


def test_the_school_set_on_disk_is_what_its_file_gives() -> None:
    assert school() == (rows("ladder_school", "test"), rows("ladder_school", "dev"))


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_form(name: str) -> None:
    test, dev = rows(name, "test"), rows(name, "dev")
    assert len(test) == {"ladder_science": 400, "ladder_general": 160, "ladder_school": 30}[name]
    assert len(dev) == 5
    for row in test + dev:
        assert len(set(row["choices"])) == 4
        assert row["answer"] in range(4)
        assert row["subject"]
        assert row["license"] == "CC0-1.0"
    assert len({row["id"] for row in test + dev}) == len(test) + 5
    assert not {row["question"] for row in test} & {row["question"] for row in dev}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_group_is_two_subjects_in_two_relations(domain: str) -> None:
    of = asked(domain)
    groups = grouped(domain)
    assert len(groups) == MAX_GROUPS[domain]
    for group in groups:
        facts = [of[row["id"]] for row in group]
        assert len(set(facts)) == 4
        assert [len(set(part)) for part in zip(*facts, strict=True)] == [2, 2]
        assert len({tuple(row["choices"]) for row in group}) == 1
        assert sorted(row["answer"] for row in group) == [0, 1, 2, 3]


@pytest.mark.parametrize("domain", DOMAINS)
def test_who_reads_a_part_of_the_question_is_never_right_in_a_whole_group(domain: str) -> None:
    """The best that a knower of every fact can do who sees the subject alone, or the relation alone."""
    of = asked(domain)
    for part in (0, 1):
        right = [
            sum(1 for _ in {of[row["id"]][part] for row in group})  # one answer to all that looks alike
            for group in grouped(domain)
        ]
        assert (sum(right) / (4 * MAX_GROUPS[domain]), max(right)) == (0.5, 2)


@pytest.mark.parametrize("domain", DOMAINS)
def test_kinds_relations_and_wordings_are_asked_alike(domain: str) -> None:
    relations = load_relations(domains=(domain,))
    of = asked(domain)
    test = rows(f"ladder_{domain}", "test")
    share = len(test) / sum(len(r.facts) for r in relations)
    for kind, told in by_kind(relations).items():
        names = {r.name for r in told}
        count = sum(of[row["id"]][1] in names for row in test)
        assert count == pytest.approx(share * sum(len(r.facts) for r in told), rel=0.35, abs=4), kind
        for relation in told:
            own = [row for row in test if of[row["id"]][1] == relation.name]
            filled = {
                fill(wording, f.subject): wording for wording in relation.heldout for f in relation.facts
            }
            used = Counter(filled[row["question"]] for row in own)
            # One may be passed over for a choice that is a word of it ("A", the sign of the ampere).
            assert len(used) >= min(len(relation.heldout), len(own)) - 1, relation.name


@pytest.mark.parametrize("name", NAMES)
def test_gold_positions_are_balanced(name: str) -> None:
    test = rows(name, "test")
    positions = Counter(row["answer"] for row in test)
    assert max(positions.values()) - min(positions[i] for i in range(4)) <= len(test) % 4


@pytest.mark.parametrize("name", NAMES)
def test_no_question_holds_its_answer(name: str) -> None:
    for row in rows(name, "test") + rows(name, "dev"):
        answer = f" {' '.join(words(row['choices'][row['answer']]))} "
        assert answer not in f" {' '.join(words(row['question']))} ", row["id"]


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_wrong_choice_is_wrong(domain: str) -> None:
    of = asked(domain)
    right = {
        subject: set(row.values())
        for told in by_kind(load_relations(domains=(domain,))).values()
        for subject, row in answers_of(told).items()
    }
    for row in rows(f"ladder_{domain}", "test"):
        subject, relation = of[row["id"]]
        others = {c for i, c in enumerate(row["choices"]) if i != row["answer"]} & right[subject]
        assert len(others) == 1, row["id"]  # its answer to the group's other relation
        assert relation in row["source"]


def test_the_ladder_was_taught_24_of_the_school_questions(tmp_path: Path) -> None:
    task = open_set(Settings(home=tmp_path), "ladder_school")
    taught = known_answers(ROOT / "ladder" / "facts.json", task)
    assert taught is not None
    assert sum(taught.values()) == 24


def argmax(values: list[float]) -> int:
    return max(range(len(values)), key=lambda i: values[i])


def guesses(test: list[Row], pick: Any) -> float:
    return sum(pick(row) == row["answer"] for row in test) / len(test)


@pytest.mark.parametrize("name", NAMES)
def test_choices_alone_are_at_chance(name: str) -> None:
    """Guessers that see the choices and not the question: by length, and by how often a choice is right."""
    test = rows(name, "test")
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


@pytest.mark.parametrize("name", NAMES)
def test_the_loader_is_the_same_bytes(name: str) -> None:
    ours = (ROOT / "e2lm_core" / "sets" / "folder" / "loader.py").read_bytes()
    assert (ROOT / "tasks" / name / "loader.py").read_bytes() == ours


@pytest.mark.parametrize("name", NAMES)
def test_the_harness_may_choose_the_number_of_examples(name: str) -> None:
    """Its own default, 0, written in the YAML makes it ignore --num_fewshot."""
    folder = ROOT / "tasks" / name
    assert "num_fewshot" not in (folder / f"{name}.yaml").read_text(encoding="utf-8")
