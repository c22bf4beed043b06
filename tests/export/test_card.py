"""The card's sections about a set's results, and its picture: the report's numbers, and the same bytes each time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html import escape

import pytest

from e2lm_core.base import formatting
from e2lm_core.base.judgements import Judgement, judged_digest, with_judgements
from e2lm_core.base.records import NullDistribution, TaskSet
from e2lm_core.export import html as report_html
from e2lm_core.export import report
from e2lm_core.export.card import picture, sections
from e2lm_core.runs import evaluate
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.uncertainty.null import LEVEL
from e2lm_core.sets.folder import bundle
from tests.support import studios

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return studios.studio(tmp_path_factory.mktemp("card"))


@pytest.fixture(scope="module")
def task(studio: Studio) -> TaskSet:
    plain = studios.task()
    first = plain.questions[0].model_copy(update={"license": "CC0-1.0", "source": "a|b"})
    task = plain.model_copy(update={"questions": (first, *plain.questions[1:])})
    evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
    return task


@pytest.fixture(scope="module")
def card(studio: Studio, task: TaskSet) -> sections.CardSections:
    return sections.build_sections(
        studio, task, OpenFleet("", studio.catalogue.checkpoints), with_relevance=False
    )


def test_it_has_the_reports_numbers(studio: Studio, task: TaskSet, card: sections.CardSections) -> None:
    document = report.build_report(studio, task, OpenFleet("", studio.catalogue.checkpoints))
    own = document["scores"]["acc"]
    assert "random answers give" in card.text
    for part in ("rc", "cs", "score", "snr", "decision_accuracy"):
        assert formatting.score(own[part]["value"]) in card.text
    assert "![Accuracy of each model as it is trained](curves.svg)" in card.text
    for row in document["provenance"]["checkpoints"]:
        assert row["fingerprint"] in card.text
    for command in document["commands"]:
        assert command in card.text


def test_a_score_that_random_answers_reach_is_said_to_be_one_and_others_are_not(
    studio: Studio, task: TaskSet, card: sections.CardSections
) -> None:
    """As on pages and in the report; what random answers do not reach stands with its interval."""
    document = report.build_report(
        studio, task, OpenFleet("", studio.catalogue.checkpoints), with_relevance=False
    )
    own = document["scores"]["acc"]
    said = {}
    for name, label in sections.SCORE_LABELS.items():
        value = own["sq"]["overall"] if name == "sq" else own[name]
        if value["value"] is None or value["null"] is None:
            continue
        said[name] = value["null"]["p"] > LEVEL
        beside = formatting.random_baseline(NullDistribution(**value["null"]))
        within = f"*{formatting.score(value['value'])}* | not distinguishable from random answers: {beside}"
        alone = f"*{formatting.score(value['value'])}*" if own["silent"] else formatting.with_interval(value)
        row = within if said[name] else f"{alone} | {beside}"
        assert f"| {label} | {row} |" in card.text
    assert any(said.values())
    reached = {
        "value": 0.9,
        "interval": [0.85, 0.93],
        "why": None,
        "null": {"mean": 0.2, "q95": 0.3, "p": 0.001},
    }
    assert sections._value(reached, silent=False) == "0.900 [0.850, 0.930]"
    assert sections._value(reached, silent=True) == "*0.900*", "of a set that means nothing"
    assert sections._random(reached).startswith("random answers give 0.200")


def test_it_says_licences_waivers_and_what_was_not_asked(card: sections.CardSections) -> None:
    assert "| CC0-1.0 | 1 |" in card.text
    assert "| not said | 7 |" in card.text
    assert "1 question of 8 name 1 source" in card.text
    found = re.search(r"Waived by its author: (\d+) finding", card.text)
    assert found is not None
    waived = card.text.split("## What the checks say")[1].split("##")[0]
    assert waived.count("\n- ") == int(found[1])
    assert "It was not judged." in card.text


def test_the_same_set_gives_the_same_bytes(
    studio: Studio, task: TaskSet, card: sections.CardSections
) -> None:
    assert (
        sections.build_sections(
            studio, task, OpenFleet("", studio.catalogue.checkpoints), with_relevance=False
        )
        == card
    )


def test_a_set_that_was_not_run_has_no_picture(studio: Studio) -> None:
    found = sections.build_sections(
        studio, studios.unknown(), OpenFleet("", studio.catalogue.checkpoints), with_relevance=False
    )
    assert found.files == {}
    assert "curves.svg" not in found.text
    assert "No checkpoint is complete" in found.text


def test_one_checkpoint_of_a_model_is_no_curve(studio: Studio, task: TaskSet) -> None:
    fleet = OpenFleet("", studio.catalogue.checkpoints[-1:])
    found = sections.build_sections(studio, task, fleet, with_relevance=False)
    assert found.files == {}
    assert "at its one checkpoint, so there is no curve" in found.text
    html = report_html.render(report.build_report(studio, task, fleet))
    assert "No curve is drawn: each model of this group has one checkpoint here." in html
    assert 'id="curves"' not in html
    assert "Plotly" not in html


def test_the_picture_has_every_model_chance_and_the_window(card: sections.CardSections) -> None:
    drawing = ElementTree.fromstring(card.files[sections.PICTURE])
    said = [text.text for text in drawing.iter(f"{SVG}text")]
    named = {name for name in studios.MODELS if not studios.MODELS[name][5]}
    assert named <= set(said)
    assert {"early window", "tokens seen"} <= set(said)
    assert any(text and text.startswith("chance ") for text in said)
    assert len(list(drawing.iter(f"{SVG}polyline"))) == len(studios.MODELS)
    assert len(list(drawing.iter(f"{SVG}polygon"))) == len(named)
    for line in drawing.iter(f"{SVG}polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= picture.LAYOUT.plot_width
            assert 0 <= y <= picture.LAYOUT.height


@pytest.mark.slow
def test_relevance_is_told_by_field(studio: Studio, task: TaskSet) -> None:
    found = sections.build_sections(studio, task, OpenFleet("", studio.catalogue.checkpoints))
    assert "% of the questions, each with its right answer, for science" in found.text


def test_a_sign_of_markdown_is_text() -> None:
    assert formatting.escape_markdown("a|b <img> *c*\nd") == r"a\|b \<img\> \*c\* d"


def test_a_model_name_is_text(studio: Studio, task: TaskSet) -> None:
    document = report.build_report(studio, task, OpenFleet("", studio.catalogue.checkpoints))
    document["curves"][0]["model"]["name"] = "</svg><script>"
    drawn = picture.curves(document)
    assert drawn is not None
    assert b"<script>" not in drawn


def test_all_of_a_group_right_is_there_where_the_set_has_groups(
    studio: Studio, card: sections.CardSections
) -> None:
    assert "all of a group right" not in card.text
    task, fleet = studios.in_fours(), OpenFleet("", studio.catalogue.checkpoints)
    evaluate.evaluate(studio, task, fleet.checkpoints)
    found = report.build_report(studio, task, fleet)["all_right"]
    text = sections.build_sections(studio, task, fleet, with_relevance=False).text
    assert found["proves"] in text
    for name, own in found["models"].items():
        end = own["end"]
        between = formatting.interval(*end["interval"], share=True)
        row = f"| {formatting.escape_markdown(name)} | {formatting.percent(end['value'])} {between} | random answers give "
        assert row in text


def judged(task: TaskSet) -> TaskSet:
    """The set with judgements of all questions by a person and by a model with a name of markup."""
    questions = []
    for place, question in enumerate(task.questions):
        of = judged_digest(question)
        one = Judgement(judge="ada", by="person", what="key", value="right" if place else "wrong", of=of)
        other = Judgement(judge="<b>gpt</b>|*", by="model", what="key", value="right", of=of)
        questions.append(with_judgements(question, [one, other]))
    return task.model_copy(update={"questions": tuple(questions)})


def test_judgements_stand_in_card_and_report_and_move_no_number(studio: Studio, task: TaskSet) -> None:
    fleet = OpenFleet("", studio.catalogue.checkpoints)
    before = report.build_report(studio, task, fleet)
    assert before["judgements"] is None
    document = report.build_report(studio, judged(task), fleet)
    assert document["scores"] == before["scores"]
    assert document["curves"] == before["curves"]
    found = document["judgements"]
    assert found["judged"] == 6
    assert found["agreement"]["key"]["alpha"] == pytest.approx(0)
    assert found["sentence"] == (
        "6 of 6 questions judged by 1 person and 1 model. Krippendorff's α: answer key 0.000."
    )
    text = sections.build_sections(studio, judged(task), fleet, with_relevance=False).text
    assert "## Judgements" in text
    assert "6 of 6 questions judged by 1 person and 1 model" in text
    assert "<b>" not in text
    assert "## Judgements" not in sections.build_sections(studio, task, fleet, with_relevance=False).text
    page = report_html.render(document)
    assert escape(found["sentence"], quote=False) in page.replace("&#39;", "'")
    assert "&lt;b&gt;gpt&lt;/b&gt;|* (model), 6 judged" in page


def test_what_a_model_wrote_stands_in_card_report_provenance_and_bundle(
    studio: Studio, task: TaskSet
) -> None:
    fleet = OpenFleet("", studio.catalogue.checkpoints)
    before = report.build_report(studio, task, fleet, with_relevance=False)
    assert before["provenance"]["written_with"] == {}
    assert "Proposed texts" not in sections.build_sections(studio, task, fleet, with_relevance=False).text
    notes = (
        "choice B proposed by org/writer-1",
        "question in other words by org/writer-1",
        "x by <b>odd</b>|*",
    )
    written = [
        question.model_copy(update={"extra": {"written_with": note}})
        for question, note in zip(task.questions, notes, strict=False)
    ]
    marked = task.model_copy(update={"questions": (*written, *task.questions[3:])})
    document = report.build_report(studio, marked, fleet, with_relevance=False)
    assert document["provenance"]["written_with"] == {"org/writer-1": 2, "<b>odd</b>|*": 1}
    assert document["scores"] == before["scores"]
    text = sections.build_sections(studio, marked, fleet, with_relevance=False).text
    assert "## Proposed texts" in text
    assert "org/writer-1 in 2 questions and" in text
    assert "<b>" not in text
    page = report_html.render(document)
    assert "org/writer-1 in 2 questions" in page
    assert "<b>odd" not in page.partition("<script")[0]
    again = bundle.unpack(bundle.pack(marked, studio.settings.limits), studio.settings.limits)
    assert [q.extra.get("written_with") for q in again.questions[:4]] == [*notes, None]
