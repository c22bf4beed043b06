"""Relevance of a set, the questions of a file, and what the embedded models were told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.ladder import training_facts
from e2lm_core.relevance import judge, tables
from e2lm_core.relevance.classifier import FIELDS
from e2lm_core.relevance.embeddings import WORDS, load_exemplars
from e2lm_core.relevance.judge import Relevance
from e2lm_core.sets import collection
from tests.relevance.made import judged
from tests.support import studios


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    return settings


def found() -> Relevance:
    return judged([0.9, 0.2, 0.5], ["physics", "none", "physics"])


def test_half_is_accepted() -> None:
    assert found().accepted_share == pytest.approx(2 / 3)
    empty = judged([], [])
    assert empty.accepted_share is None


def test_the_least_scientific_come_first() -> None:
    frame = tables.question_frame(found(), studios.task(count=3))
    assert frame["id"].tolist() == ["b", "c", "a"]
    fields = tables.field_frame(found())
    assert fields.to_dict("records") == [
        {"field": "physics", "questions": 2, "mean_probability": 0.7},
        {"field": "none", "questions": 1, "mean_probability": 0.2},
    ]


def test_the_nearest_exemplars_say_why() -> None:
    frame = tables.question_frame(found(), studios.task(count=3))
    assert frame["nearest is"].tolist() == ["rejected", "accepted", "accepted"]
    rows = tables.exemplar_frame(found(), 1)
    assert rows["exemplar"].tolist() == ["What rhymes with cat?", "Why <b>does</b> it fall?"]
    assert rows["likeness"].tolist() == [0.75, 0.25]
    assert judge.nearest_exemplars(found(), 0)[0] == {
        "question": "Why <b>does</b> it fall?",
        "accepted": True,
        "field": "physics",
        "likeness": 0.75,
    }


def test_reliability_counts_the_exemplars_by_tenths() -> None:
    frame = tables.reliability_frame(found())
    assert frame["rows"].tolist() == [0, 0, 1, 0, 1, 0, 0, 1, 0, 1]
    assert frame["accepted"].dropna().tolist() == [0, 0, 1, 1]


def test_what_two_embedders_judge_most_differently_comes_first() -> None:
    other = judged([0.8, 0.9, 0.5], ["physics"] * 3, embedder="words")
    frame = tables.compared_frame(found(), other, studios.task(count=3))
    assert frame["id"].tolist() == ["b", "a", "c"]
    assert list(frame) == ["id", "probability", "words", "question"]


def test_a_map_holds_no_markup_of_a_strangers_text() -> None:
    task = studios.task(count=3)
    bad = task.questions[0].model_copy(update={"question": "<img src=x onerror=alert(1)> " + "x" * 200})
    questions, exemplars = tables.map_frames(
        found(), task.model_copy(update={"questions": (bad, *task.questions[1:])})
    )
    labels = [*questions["label"], *exemplars["label"]]
    assert not any("<" in label or ">" in label for label in labels)
    assert max(map(len, questions["label"])) <= 70
    assert exemplars["label"].tolist()[0] == "Why ‹b›does‹/b› it fall? (physics)"


def test_a_line_needs_only_its_question(here: Settings, tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    rows = [
        {"question": "First?"},
        {"id": 7, "question": "Second?", "choices": ["a", 2], "answer": 1, "more": None},
        {"id": None, "question": "Third\u2028line?"},
        {"question": "First?"},
    ]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")
    questions = judge.read_questions(here, str(file))
    assert [q.id for q in questions] == ["1", "7", "3", "4"]  # same order, nothing dropped
    assert questions[1].choices == ("a", "2")
    assert questions[2].question == "Third\u2028line?"


def test_a_task_is_read_by_name(here: Settings) -> None:
    assert judge.read_questions(here, "little") == studios.task().questions
    with pytest.raises(TaskError, match="no question set"):
        judge.read_questions(here, "nothing")


def test_whether_the_embedded_models_were_told(here: Settings) -> None:
    questions = (
        studios.question(
            1, id="told", question="What is the symbol of iron?", choices=("Fe", "Ir"), answer=0
        ),
        studios.question(
            2, id="other", question="What is the symbol of iron?", choices=("Fe", "Ir"), answer=1
        ),
        studios.question(3, id="never"),
    )
    task: TaskSet = studios.task().model_copy(update={"questions": questions})
    assert training_facts.known_answers(open_catalogue(here).taught_file, task) == {
        "told": True,
        "other": False,
        "never": False,
    }
    none = here.model_copy(update={"ladder": here.home / "none"})
    assert training_facts.known_answers(open_catalogue(none).taught_file, task) is None


@pytest.mark.slow
def test_relevance_of_a_set_with_the_real_model(here: Settings) -> None:
    science_question = studios.question(
        1, question="Which organelle makes most of a cell's ATP?", choices=("mitochondrion", "nucleus")
    )
    chat = studios.question(2, question="Which word rhymes with cat?", choices=("hat", "dog"))
    result = judge.judge_relevance(here, [science_question, chat])
    assert result.probability[0] > 0.5 > result.probability[1]
    assert set(result.fields) <= set(FIELDS)
    assert result.map.shape == (2, 2)
    assert len(result.exemplars) == len(result.exemplar_map) > 100
    assert result.nearest.shape == (2, judge.NEAREST)
    assert (np.diff(result.likeness, axis=1) <= 0).all()
    assert judge.missing_texts(here, [science_question, chat]) == []
    again = judge.judge_relevance(here, [science_question, chat])
    assert np.array_equal(again.probability, result.probability)
    nothing = judge.judge_relevance(here, [])
    assert nothing.ids == ()
    assert nothing.map.shape == (0, 2)
    assert judge.assess(here, [])["accepted_share"] is None
    assert collection.open_set(here, "little").questions == studios.task().questions


def test_words_alone_judge_without_a_model(here: Settings) -> None:
    question = studios.question(1, question="Which particle carries the electric current in a copper wire?")
    missing = judge.missing_texts(here, [question], WORDS)
    # The exemplars and the question, each with its right answer and with all choices.
    assert len(missing) == 2 * (len(load_exemplars("train")) + 1)
    judge.embed(here, missing[-2:], WORDS)
    assert judge.missing_texts(here, [question], WORDS) == missing[:-2]


def test_three_wrong_answers_do_not_turn_a_verdict(here: Settings) -> None:
    """The verdict is the same to the bit whatever the wrong answers are; the judgement of the whole is not."""
    asked = studios.question(
        1, question="Which gas do plants take in?", choices=("CO2", "argon", "helium", "neon"), answer=0
    )
    silly = asked.model_copy(update={"id": "silly", "choices": ("CO2", "pizza", "my uncle", "football")})
    found = judge.judge_relevance(here, [asked, silly], WORDS)
    assert found.probability[0] == found.probability[1]
    assert found.whole_probability[0] != found.whole_probability[1]
    assert found.fields[0] == found.fields[1]


def test_where_the_two_judgements_differ() -> None:
    two = judged([0.9, 0.2, 0.5], ["physics", "none", "physics"], whole_probability=np.array([0.4, 0.3, 0.6]))
    assert two.turned.tolist() == [True, False, False]
    assert two.whole_accepted_share == pytest.approx(1 / 3)
    assert tables.question_frame(two, studios.task(count=3))[tables.WHOLE].tolist() == [0.3, 0.6, 0.4]
