"""The report: what it holds, that nothing of a user becomes HTML, and that it needs no network."""

from __future__ import annotations

import json
import re
from html import escape

import pytest

from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.score import messages
from e2lm_core.base import formatting
from e2lm_core.base.records import Question
from e2lm_core.checkpoints.folders import ModelRoles
from e2lm_core.export import html as report_html
from e2lm_core.export import report
from e2lm_core.runs import evaluate, fleets, results
from e2lm_core.runs.fleets import Fleet, OpenFleet
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.set_scores import SeedSpread
from tests.conftest import needs
from tests.support import studios

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Studio:
    return studios.studio(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def evaluated(studio):
    task = studios.task(name="little")
    first = task.questions[0].model_copy(update={"question": EVIL, "choices": (EVIL, "b", "c")})
    task = task.model_copy(
        update={"questions": (first.model_copy(update={"answer": 0}), *task.questions[1:])}
    )
    evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
    return task


@pytest.fixture(scope="module")
def document(studio, evaluated):
    return report.build_report(studio, evaluated, OpenFleet("", studio.catalogue.checkpoints))


@pytest.fixture(scope="module")
def html(document):
    return report_html.render(document)


def test_the_scores_are_those_of_the_command_line(studio, evaluated, document):
    measured = results.load_measurements(studio, evaluated, studio.catalogue.checkpoints)
    assert document["scores"] == Answers(measured).score_document()["metrics"]
    curve = document["curves"][0]
    assert curve["metrics"]["acc"]["values"] == measured.values(curve["model"]["name"], "acc").tolist()
    low, high = curve["metrics"]["acc"]["low"], curve["metrics"]["acc"]["high"]
    assert all(a <= v <= b for a, v, b in zip(low, curve["metrics"]["acc"]["values"], high, strict=True))


def test_it_says_where_its_numbers_come_from(studio, evaluated, document):
    about = document["provenance"]
    assert about["bootstrap"] == {"seed": 0, "resamples": 1000}
    assert len(about["set_sha256"]) == 64
    assert about["num_fewshot"] == 0
    assert len(about["checkpoints"]) == len(studio.catalogue.checkpoints)
    assert all(row["fingerprint"] for row in about["checkpoints"])
    assert {"torch", "transformers", "numpy"} <= set(about["libraries"])
    assert document["commands"][0] == "python -m e2lm_core evaluate little --json"


def test_the_commands_name_what_was_run(studio, evaluated):
    own = tuple(c for c in studio.catalogue.checkpoints if c.model.name == "ladder-small-arch1")
    document = report.build_report(
        studio,
        evaluated,
        OpenFleet("", (*own, *studio.catalogue.checkpoints_of("ladder-large-arch1")[:1]), 2),
    )
    assert document["commands"][1] == (
        "python -m e2lm_core score little --checkpoints 'ladder-small-arch1/*' "
        "--checkpoints ladder-large-arch1/iter_0000100 --num-fewshot 2 --json"
    )
    assert document["provenance"]["num_fewshot"] == 2


def test_the_commands_make_a_group_of_ones_own_with_its_roles(studio, evaluated):
    """Elsewhere, and in a home whose set has another group by then, they give the same numbers."""
    models = ("ladder-small-arch1", "ladder-large-arch1")
    named = tuple(c.name for model in models for c in studio.catalogue.checkpoints_of(model))
    roles = {"ladder-large-arch1": ModelRoles(size="big one", early_end_step=500)}
    fleets.save_fleet(studio, Fleet(name="my runs", checkpoints=named, roles=roles))
    opened = fleets.open_fleet(studio, fleets.find_fleet(studio, "my runs"))
    made, *others = report.build_report(studio, evaluated, opened)["commands"]
    assert made == (
        "python -m e2lm_core fleet make 'my runs' --checkpoints 'ladder-small-arch1/*' --checkpoints "
        "'ladder-large-arch1/*' --role 'ladder-large-arch1:size=big one' "
        "--role ladder-large-arch1:early_end_step=500"
    )
    assert others[1] == "python -m e2lm_core score little --fleet 'my runs' --json"
    unnamed = fleets.open_fleet(studio, Fleet(checkpoints=named, roles=roles))
    made, *others = report.build_report(studio, evaluated, unnamed)["commands"]
    assert made.startswith("python -m e2lm_core fleet make little --checkpoints")
    assert others[1] == "python -m e2lm_core score little --fleet little --json"
    fleets.delete_fleet(studio, "my runs")


def test_the_commands_name_a_built_in_group(studio, evaluated):
    opened = fleets.open_fleet(studio, fleets.find_fleet(studio, fleets.LADDER))
    commands = report.build_report(studio, evaluated, opened)["commands"]
    assert commands[1] == "python -m e2lm_core score little --fleet ladder --json"
    other = report.build_report(studio, evaluated, opened, rc_reading="first_place")["commands"]
    assert other[1:3] == [
        "python -m e2lm_core score little --fleet ladder --rc first_place --json",
        "python -m e2lm_core report little --fleet ladder --rc first_place --out little.html --json",
    ]


def test_what_a_sentence_beside_it_says_is_not_said_by_the_finding_again(studio, evaluated, monkeypatch):
    few = "The models know 3 of these 26 questions."
    fleet = OpenFleet("", studio.catalogue.checkpoints)
    monkeypatch.setattr(report.validity, "no_advice_reason", lambda *_: few)
    assert report.build_report(studio, evaluated, fleet)["finding"].endswith(f" {few}")
    about = {"questions": 3, "of": 26, "sentence": f"{few} Add larger models."}
    monkeypatch.setattr(report.validity, "known_facts_summary", lambda _: about)
    document = report.build_report(studio, evaluated, fleet)
    assert document["finding"]
    assert few not in document["finding"]
    assert report_html.render(document).split("<script", 1)[0].count(few) == 1
    assert report.report_summary(document).count(few) == 1


def test_relevance_that_was_not_asked_for_names_the_switch_and_the_option(document):
    why = document["relevance"]["why"]
    assert "the switch With scientific relevance" in why
    assert "report --relevance" in why


def test_text_of_users_stays_text(html):
    assert EVIL not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in html
    scripts = re.findall(r"<script[^>]*>", html)
    assert len(scripts) == 4, "the numbers, the figures, plotly and the page's own"
    assert "onerror=alert(1)>" not in html.replace("onerror=alert(1)&gt;", "")


def test_the_numbers_inside_are_the_document(html, document):
    inside = re.search(r'<script type="application/json" id="numbers">(.*?)</script>', html, re.S)
    assert inside is not None
    assert json.loads(inside[1]) == document


def test_nothing_is_fetched(html):
    page = html.split("<script>", 1)[0]
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert not re.findall(r"@import|url\(", page)


def test_every_metric_and_score_stands_in_the_page(html, document):
    for metric, own in document["scores"].items():
        found = re.search(rf'data-value="{metric}\.sq">([^<]*)<small>([^<]*)', html)
        assert found is not None
        value = own["sq"]["overall"]["value"]
        assert found[1] == ("–" if value is None else f"{value:.3f}")


def test_a_set_that_was_never_run_has_a_report(studio):
    task = studios.task(name="unrun", count=2)
    fresh = task.model_copy(
        update={"questions": tuple(q.model_copy(update={"question": f"New {q.id}?"}) for q in task.questions)}
    )
    document = report.build_report(studio, fresh, OpenFleet("", studio.catalogue.checkpoints))
    assert document["scores"] is None
    html = report_html.render(document)
    assert "There are no curves and no scores" in html
    assert len(html) < 300_000, "plotly is left out where nothing is drawn"


@pytest.mark.parametrize(
    ("count", "checkpoints"),
    [
        (0, 0),
        (0, 10),
        (1, 0),
        pytest.param(1, 1, marks=pytest.mark.slow),
        pytest.param(1, 10, marks=pytest.mark.slow),
    ],
)
def test_degenerate_sets_have_a_report(studio, checkpoints, count):
    task = studios.task(name="tiny", count=count)
    chosen = studio.catalogue.checkpoints_of("ladder-small-arch1")[:checkpoints]
    fresh = task.model_copy(
        update={
            "questions": tuple(q.model_copy(update={"question": f"Other {q.id}?"}) for q in task.questions)
        }
    )
    if count and checkpoints:
        evaluate.evaluate(studio, fresh, chosen)
    document = report.build_report(studio, fresh, OpenFleet("", chosen))
    json.dumps(document, allow_nan=False)
    html = report_html.render(document)
    assert "<h2>Questions</h2>" in html
    if count and checkpoints:
        assert document["scores"]["acc"]["rc"]["why"] in html


def test_thirty_choices_and_long_words_are_drawn(studio):
    wide = Question(id="w" * 300, question="x" * 2_000, choices=tuple(str(k) for k in range(26)), answer=25)
    task = studios.task(name="wide", count=1).model_copy(update={"questions": (wide,)})
    assert "Z. 25 ✓" in report_html.render(report.build_report(studio, task, OpenFleet("", ())))


@pytest.mark.slow
def test_a_browser_draws_it_in_both_themes_and_widths(tmp_path, html):
    from playwright.sync_api import sync_playwright

    chromium = needs("chromium")
    (tmp_path / "r.html").write_text(html, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        for theme in ("light", "dark"):
            for width in (1280, 390):
                context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
                page = context.new_page()
                said: list[str] = []
                asked: list[str] = []
                page.on("pageerror", lambda error, said=said: said.append(str(error)))
                page.on("console", lambda m, said=said: said.append(m.text) if m.type == "error" else None)
                page.on("dialog", lambda dialog, said=said: said.append(dialog.message))
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.goto((tmp_path / "r.html").as_uri())
                page.wait_for_selector("#curves .main-svg")
                page.click("[data-metric=bpb]")
                page.wait_for_function(
                    "document.querySelector('#curves').textContent.includes('bits per byte')"
                )
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert (said, len(asked)) == ([], 1)
                context.close()
        browser.close()


def test_a_dash_of_the_scores_has_its_reason_below_and_seeds_stand_beside_sq(html, document):
    text = re.sub(r"\s+", " ", html)
    assert document["scores"]["bpb"]["score"]["value"] is None
    assert re.search(r"<li>– Score of [^<:]*bpb: it needs [^<]*CS\.</li>", text)
    for metric, of_metric in document["scores"].items():
        spread = SeedSpread.model_validate(of_metric["sq"]["seeds"])
        assert spread.seeds["ladder-small-arch1"] == ("ladder-small-arch1", "ladder-small-arch1-seed2")
        assert escape(f"SQ of {metric} {messages.seed_clause(spread)}.") in text


def test_all_of_a_group_right_is_there_where_the_set_has_groups(studio, document, html):
    assert document["all_right"]["sentence"] is None
    assert "All of a group right" not in html
    task = studios.in_fours()
    evaluate.evaluate(studio, task, studio.catalogue.checkpoints)
    found = report.build_report(studio, task, OpenFleet("", studio.catalogue.checkpoints))
    written = report_html.render(found)
    assert "<h2>All of a group right</h2>" in written
    assert escape(found["all_right"]["sentence"], quote=False) in written
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', written, re.S)[1])
    drawn = figures["all_right"]["light"]["wide"]
    assert drawn["layout"]["yaxis"]["title"]["text"] == "all of a group right"
    lines = {t["name"] for t in drawn["data"] if t.get("mode") == "lines+markers"}
    assert lines == {name.removeprefix("ladder-") for name in studios.MODELS}
    own = found["all_right"]["models"]["ladder-large-arch1"]
    frame = report_html.curve_frame(found, "acc", found["all_right"]["models"])
    assert frame[frame["model"] == "ladder-large-arch1"]["value"].tolist() == own["values"]
    assert formatting.percent(own["end"]["interval"][1]) in written


def test_a_title_stands_above_the_name_and_stays_text(document):
    shown = report_html.render({**document, "title": "Über <b>Kräfte</b>"})
    assert "<h1>Über &lt;b&gt;Kräfte&lt;/b&gt;</h1>" in shown
    assert document["title"] is None


def test_why_nothing_can_be_said_stands_once(document):
    silent = document["taught"]["sentence"]
    assert silent
    said = document | {"finding": f"Over 2 models, mean accuracy is 25%. {silent}"}
    assert report.report_summary(said).count(silent) == 1
    assert report_html.render(said).split("<button")[0].count(escape(silent)) == 1
