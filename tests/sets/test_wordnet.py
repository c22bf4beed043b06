"""Nouns of the same kind, from a hand-made WordNet of eight words and from the real one."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from e2lm_core.sets import wordnet
from tests.conftest import needs

METAL, IRON, PIG_IRON, COPPER, TIN, WROUGHT_IRON = range(6)
SYNSETS = {  # words; pointers as (symbol, synset)
    METAL: (["metal"], [("~", IRON), ("~", COPPER), ("~", TIN), ("~", PIG_IRON)]),
    IRON: (["iron", "Fe"], [("@", METAL), ("~", WROUGHT_IRON)]),
    PIG_IRON: (["pig_iron", "iron"], [("@", METAL)]),
    COPPER: (["copper", "Cu"], [("@", METAL)]),
    TIN: (["tin"], [("@", METAL)]),
    WROUGHT_IRON: (["wrought_iron"], [("@", IRON)]),
}
SENSES = {  # noun: its synsets, and how many senses were marked in texts
    "copper": ([COPPER], 1),
    "cu": ([COPPER], 0),
    "fe": ([IRON], 0),
    "iron": ([IRON, PIG_IRON], 1),
    "metal": ([METAL], 1),
    "pig_iron": ([PIG_IRON], 0),
    "tin": ([TIN], 0),
    "wrought_iron": ([WROUGHT_IRON], 0),
}


@pytest.fixture
def hand_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    head = "  1 A licence.\n"
    offsets: dict[int, int] = {}
    for _ in range(2):  # the lines are as long with other offsets
        text = head
        for number, (words, pointers) in SYNSETS.items():
            offsets[number] = len(text)
            said = " ".join(f"{word} 0" for word in words)
            to = " ".join(f"{symbol} {offsets.get(at, 0):08d} n 0000" for symbol, at in pointers)
            text += f"{offsets[number]:08d} 27 n {len(words):02x} {said} {len(pointers):03d} {to} | words\n"
    (tmp_path / "data.noun").write_text(text)
    lines = [
        f"{noun} n {len(at)} 1 @ {len(at)} {marked} {' '.join(f'{offsets[one]:08d}' for one in at)}  \n"
        for noun, (at, marked) in SENSES.items()
    ]
    (tmp_path / "index.noun").write_text(head + "".join(lines))
    monkeypatch.setenv("WNSEARCHDIR", str(tmp_path))
    return tmp_path


def test_synonyms_and_other_senses_of_the_noun_are_no_siblings(hand_made: Path) -> None:
    assert wordnet.siblings("iron") == [
        "copper",
        "tin",
    ]  # copper is in common use; no pig iron, no wrought iron
    assert wordnet.siblings("tin", limit=2) == ["iron", "copper"]
    assert wordnet.siblings("copper") == ["iron", "pig iron", "tin"]  # pig iron is a synset of its own
    assert wordnet.siblings("metal") == []


@pytest.mark.parametrize(
    ("answer", "first"), [("Iron", "Copper"), ("the iron", "the copper"), ("An iron", "a copper")]
)
def test_a_sibling_is_written_as_the_answer_is(hand_made: Path, answer: str, first: str) -> None:
    assert wordnet.siblings(answer)[0] == first


@pytest.mark.parametrize(
    "answer", ["", "the", "42", "zzz", "aaa", "iron ore", "ir", "μέταλλο", "Fe\nCu", "  "]
)
def test_other_texts_have_none(hand_made: Path, answer: str) -> None:
    assert wordnet.siblings(answer) == []


def test_without_wordnet_or_with_broken_files_there_are_none(hand_made: Path) -> None:
    whole = (hand_made / "data.noun").read_bytes()
    for broken in (b"", b"x" * 300, whole[:60], whole.replace(b"000", b"0x0"), b"\xff" * 500):
        (hand_made / "data.noun").write_bytes(broken)
        assert wordnet.siblings("iron") == []
    (hand_made / "data.noun").unlink()
    assert wordnet.siblings("iron") == []


def test_every_noun_of_a_thousand_of_the_real_index_is_found() -> None:
    folder = Path(str(needs("wordnet")))
    lines = [line for line in (folder / "index.noun").read_text().splitlines() if not line.startswith(" ")]
    with (folder / "index.noun").open("rb") as index:
        for line in itertools.chain(lines[:3], lines[3:-3:117], lines[-3:]):
            assert wordnet._index_line(index, line.split()[0].replace("_", " ")) == line.split()
    assert "copper" in wordnet.siblings("iron")
    assert "carbon" in wordnet.siblings("oxygen")
