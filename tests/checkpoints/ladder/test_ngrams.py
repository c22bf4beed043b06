"""The ladder's 13-grams: a small file that knows every run of words that its models read, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.checkpoints.ladder import ngrams
from e2lm_core.export import submission
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets.checks import text as text_checks
from e2lm_core.sets.collection import open_set
from tests.conftest import needs
from tests.support.ladder_fixtures import training_text


def test_what_was_packed_is_found_and_nothing_else(tmp_path: Path) -> None:
    grams = [f"gram number {n}" for n in range(1_000)]
    file = tmp_path / "grams.bin"
    file.write_bytes(ngrams.pack(grams))
    found = ngrams.read(file)
    assert len(found) == 1_000
    assert all(gram in found for gram in grams)
    assert not any(f"gram number {n}" in found for n in range(1_000, 3_000))
    assert 7 not in found


def test_the_same_grams_in_any_order_give_the_same_bytes() -> None:
    assert ngrams.pack(["b", "a", "a"]) == ngrams.pack(["a", "b"])
    assert ngrams.pack([]) == b""


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "none.bin").write_bytes(b"")
    assert "a" not in ngrams.read(tmp_path / "none.bin")


def test_a_missing_or_cut_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.bin cannot be read"):
        ngrams.read(tmp_path / "none.bin")
    (tmp_path / "cut.bin").write_bytes(b"123")
    with pytest.raises(CheckpointError, match=r"cut\.bin is cut short"):
        ngrams.read(tmp_path / "cut.bin")


def test_a_question_from_the_training_text_is_warned_of_and_ours_are_not(tmp_path: Path) -> None:
    needs("ladder")
    studio = open_studio(Settings(home=tmp_path))
    task = open_set(studio.settings, "ladder_science")
    told = Question(id="told", question=_a_training_question(), choices=("H", "O", "N", "C"), answer=0)
    found = submission.check_findings(studio, task.model_copy(update={"questions": (*task.questions, told)}))
    assert [f.question_id for f in found if f.code == "training_overlap"] == ["told"]


def _a_training_question() -> str:
    """A statement of the primer, long enough to hold 13 words in a row."""
    from ladder.facts import fill, load_relations

    grams = ngrams.read(ROOT / "ladder" / "ngrams.bin")
    for relation in load_relations():
        for template in relation.statements:
            for fact in relation.facts:
                text = fill(template, fact.subject, fact.answer)
                if any(gram in grams for gram in text_checks.ngrams(text)):
                    return text
    raise AssertionError("no statement has 13 words in a row in the file")


@pytest.mark.slow
def test_the_file_holds_every_run_of_the_training_text() -> None:
    needs("ladder")
    known = ngrams.read(ROOT / "ladder" / "ngrams.bin")
    seen: set[str] = set()
    for role in ("science", "web"):
        for text in training_text(role):
            seen |= text_checks.ngrams(text)
    assert len(seen) == len(known)
    assert all(gram in known for gram in seen)
