"""The facts that the ladder is taught: enough of them, well-formed, and told apart by a question's words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from e2lm_core.base.errors import StudioError
from ladder.check_facts import faults
from ladder.facts import Relation, by_kind, fill, load_facts, load_relations
from tests.support.ladder_kind import KIND, cli, write_kind

EDITS = [
    # what is changed in the file, and what the check says of it
    (("iron: {symbol: Fe,", "iron: {symbol: transition metals,"), "'transition metals' answers two relations"),
    (("iron: {symbol: Fe,", "iron: {symbol: alkali metals,"), "an answer of element_family and of element_symbol"),
    (("sodium: {symbol: Na, family: alkali metals}", "sodium: {symbol: Fe, family: transition metals}"), "sodium and iron have the same"),
    (("iron: {symbol: Fe,", "iron: {symbol: iron sign,"), "element_symbol is given away by its answer"),
    (("What symbol do chemists use for {s}?", "By what is {s} known?"), "has no telling word: known"),
    (("What symbol do chemists use for {s}?", "In what family of symbols is {s} known?"), "family (in another relation too)"),
    (("What symbol do chemists use for {s}?", "Which symbol stands for {s}?"), "holds the run 'which symbol stands for iron'"),
    (('"How is {s} written?", ', ""), "5 questions, at least 6"),
    (("How is {s} written?", "How do chemists write {s}?"), "stands twice"),
    (("How is {s} written?", "How is {s} written"), "does not end as a sentence"),
    (("How is {s} written?", "Is {s} {a}?"), "holds its answer"),
    (("How is {s} written?", "How is {s} written, {x}?"), "holds {x}"),
]  # fmt: skip


@pytest.fixture(scope="module")
def relations() -> list[Relation]:
    return load_relations()


def test_there_are_enough(relations: list[Relation]) -> None:
    facts = Counter(f.domain for r in relations for f in r.facts)
    assert facts["science"] >= 1_000
    assert facts["general"] >= 200
    assert len(load_facts()) == facts.total()


def test_nothing_is_wrong_with_them(relations: list[Relation]) -> None:
    assert faults(relations) == []


def test_every_subject_stands_in_all_relations_of_its_kind(relations: list[Relation]) -> None:
    for kind, told in by_kind(relations).items():
        assert len(told) >= 3, kind
        assert len({tuple(f.subject for f in relation.facts) for relation in told}) == 1, kind


def test_every_relation_says_what_it_is_about(relations: list[Relation]) -> None:
    assert all(r.about and r.field for r in relations)


def test_the_check_finds_nothing_in_a_good_file(tmp_path: Path) -> None:
    write_kind(tmp_path, KIND)
    assert faults(load_relations(tmp_path)) == []


@pytest.mark.parametrize(("edit", "says"), EDITS, ids=[says[:40] for _, says in EDITS])
def test_the_check_finds_each_fault(tmp_path: Path, edit: tuple[str, str], says: str) -> None:
    assert edit[0] in KIND
    write_kind(tmp_path, KIND.replace(*edit))
    assert any(says in fault for fault in faults(load_relations(tmp_path))), faults(load_relations(tmp_path))


def test_a_subject_of_two_kinds_is_found(tmp_path: Path) -> None:
    write_kind(tmp_path, KIND)
    write_kind(tmp_path, KIND.replace("kind: element", "kind: metal"), "metal")
    assert any(
        "iron: a subject of element and of metal" in fault for fault in faults(load_relations(tmp_path))
    )


def test_the_command_counts_groups_and_fails_on_faults(tmp_path: Path) -> None:
    write_kind(tmp_path, KIND)
    done = CliRunner().invoke(cli("check_facts"), ["--facts", str(tmp_path)])
    assert (
        done.exit_code,
        "element: 4 subjects × 2 relations = 8 facts, 2 groups of four" in done.output,
    ) == (0, True)
    write_kind(tmp_path, KIND.replace("symbol: Fe, ", ""))
    done = CliRunner().invoke(cli("check_facts"), ["--facts", str(tmp_path)])
    assert (done.exit_code, "iron: symbol is a relation or an answer without" in done.output) == (1, True)


def test_fill_gives_sentences_their_capitals_and_articles() -> None:
    assert fill("{s} is {a}.", "iron", "a metal") == "Iron is a metal."
    assert fill("Ann sees it. {s} is what?", "iron") == "Ann sees it. Iron is what?"
    assert fill("A baby {s} is a {a}.", "owl", "owlet") == "A baby owl is an owlet."
    assert fill("A {s} is a {a}.", "unit", "oar") == "A unit is an oar."


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("relations:", "relations: ["), "not YAML"),
        (("field: chemistry", ""), "needs kind, field"),
        (("iron: {symbol: Fe,", "iron: {sign: Fe,"), "sign, symbol is a relation or an answer without the other"),
        (("  sodium:", "  iron:"), "'iron' stands twice"),
        (("The symbol of {s} is {a}.", "The symbol of {s}."), "lacks {a}"),
        (('heldout: ["In which family would you find {s}?", ', "held: ["), "heldout"),
        (("kind: element", "kind: metal"), "name the file metal.yaml"),
    ],
)  # fmt: skip
def test_bad_files_are_one_sentence(tmp_path: Path, edit: tuple[str, str], says: str) -> None:
    assert edit[0] in KIND
    write_kind(tmp_path, KIND.replace(*edit, 1))
    with pytest.raises(StudioError, match=says):
        load_relations(tmp_path)


def test_no_facts_at_all_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="holds no facts"):
        load_relations(tmp_path)
