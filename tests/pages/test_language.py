"""Two visitors of one server, one whose browser is German: each has pages in the own language, after each other too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from e2lm_core.analysis.curves import axes, smoothing
from e2lm_core.analysis.decisions import probability
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.base.records import METRICS
from e2lm_core.checkpoints.family_catalogue import FAMILIES
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.imported import saved_imports
from e2lm_core.runs import evaluate, fleets, start
from e2lm_core.runs.fleets import Fleet
from e2lm_core.sets import authoring, collection
from e2lm_core.ui import session
from e2lm_core.ui.base import chart_mode, language, page_cache, urls
from e2lm_core.ui.places import two_models
from e2lm_core.ui.places.models import add_model
from e2lm_core.ui.places.questions import alternatives
from e2lm_core.ui.places.sets import finding
from tests.conftest import ROOT
from tests.pages.test_alternatives import with_worker
from tests.pages.test_results import archive, give
from tests.support import drawn_texts, harness_files
from tests.support.fake_hub import FakeHub
from tests.support.german import ENGLISH_WORDS
from tests.support.hub_fixtures import E2LM, MODEL, fake
from tests.support.visits import OWN, Visit

__all__ = ["fake"]  # fixture

# English and German words of each view, of what is drawn once for all visitors too.
VIEWS = {
    "sets": (
        ("Sets", "that tell better"),
        ("Fragensätze", "bessere junge Sprachmodelle von schwächeren"),
    ),
    "write": (("Questions", "Edit a question to see"), ("Fragen", "Ändern Sie eine Frage")),
    "measured": (
        ("Questions", "Results for a single question"),
        ("Fragen", "Ergebnisse einer einzelnen Frage"),
    ),
    "overview": (("Result", "What to do next"), ("Ergebnis", "Wie es weitergeht")),
    "score": (("Result", "What would raise it most"), ("Ergebnis", "Was den Wert am meisten heben würde")),
}


@pytest.fixture(autouse=True)
def sorted_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few sets are sorted as well."""
    monkeypatch.setattr(finding, "ROW", 1)


@pytest.fixture
def german(done: Visit) -> Visit:
    """A second session with the same server as `done`, by a German browser."""
    return _beside(done).choose(OWN)


def _beside(english: Visit) -> Visit:
    """A German browser's session with the same server."""
    english.at.context = {"locale": "en-GB"}
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.context = {"locale": "de-DE"}
    at.run()
    assert not at.exception
    return Visit(at, english.studio)


@contextmanager
def _read_by(visit: Visit, monkeypatch) -> Iterator[None]:
    """AppTest asks for options' labels outside of the session, which then has no browser."""
    of_locale = language._of_locale
    with monkeypatch.context() as patch:
        session = visit.at.session_state
        own = session["language"] if "language" in session else visit.at.context["locale"]
        patch.setattr(language, "_of_locale", lambda locale: of_locale(own if locale is None else locale))
        yield


def _said(visit: Visit, view: str, monkeypatch) -> str:
    """What a view says, with the help of its numbers and the labels of its buttons."""
    with _read_by(visit, monkeypatch):
        at = visit.open(view)
        return "\n".join([visit.said, *(metric.help for metric in at.metric), *visit.labels()])


@pytest.mark.parametrize("first", ["english", "german"])
def test_each_visitor_has_the_own_language(done: Visit, german: Visit, first: str, monkeypatch) -> None:
    page_cache.clear()
    visits = {"english": done, "german": german}
    order = [first, *(visits.keys() - {first})]
    for view, (english_words, german_words) in VIEWS.items():
        for name in (*order, *order):  # each after the other's visit
            own, others = (
                (english_words, german_words) if name == "english" else (german_words, english_words)
            )
            said = _said(visits[name], view, monkeypatch)
            assert all(word in said for word in own), (view, name, said)
            assert others[1] not in said, (view, name)


def test_the_numbers_on_the_overview_are_explained_in_the_own_language(
    done: Visit, german: Visit, monkeypatch
) -> None:
    """The cards are drawn once for all sessions: the language is part of their key."""
    for _ in range(2):
        assert "Signal quality: how steadily" in _said(done, "overview", monkeypatch)
        assert "Signalqualität: wie stetig" in _said(german, "overview", monkeypatch)
    assert list(done.numbers.values()) == list(german.numbers.values())


def test_names_that_code_and_links_compare_with_stay_english(german: Visit, monkeypatch) -> None:
    with _read_by(german, monkeypatch):
        at = german.open("write")
        control = at.segmented_control(key="author_view")
        assert control.value == "Table"
        assert "Tabelle" in control.options
        control.set_value("Card").run()
        assert not at.exception
        assert at.session_state["author_view"] == "Card"
        assert at.segmented_control(key="tab_questions").value == "write"
        german.open("sets")
        assert "Sortieren: eigene zuerst" in at.selectbox(key="sets_order").options
        at.selectbox(key="sets_order").set_value("size").run()
        assert not at.exception


def test_a_language_is_chosen_in_the_sidebar_and_other_sessions_keep_theirs(done: Visit, monkeypatch) -> None:
    """The browser's language is English; a choice outdoes it, and the drawn cards of the other are not shown."""
    page_cache.clear()
    done.at.context = {"locale": "en-GB"}
    assert "Signal quality: how steadily" in _said(done, "overview", monkeypatch)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.context = {"locale": "en-US"}
    at.run()
    chooser = Visit(at, done.studio).choose(OWN)
    offered = {key: at.sidebar.button(key=key) for key in ("language_en", "language_de")}
    assert [button.label for button in offered.values()] == ["English", "Deutsch"]
    offered["language_de"].click().run()
    assert [one.value for one in at.title] == ["Fragensätze"]
    for _ in range(2):
        assert "Signalqualität: wie stetig" in _said(chooser, "overview", monkeypatch)
        assert "Signal quality: how steadily" in _said(done, "overview", monkeypatch)


# Every view of these places, with what a control of it shows.
VIEWS_IN_GERMAN = {
    "sets": [{}],
    "write": [{"author_view": view} for view in ("Table", "Card", "Prompt", "Import")],
    "problems": [{"problems_view": view} for view in ("Problems", "Judgements")],
    "measured": [{}],
    "map": [{"map_view": view} for view in ("Map", "Difficulty")],
    "suspects": [{}],
    "choosing": [{}],
    "alternatives": [{"alternatives_view": view} for view in alternatives.VIEWS],
    "known": [{}],
    "overview": [{}],
    "score": [{}],
    "published": [{}],
    "shelf": [{}],
    "share": [{"export_profile": profile} for profile in ("plain", "competition")],
    "accuracy": [{"curves_x": kind} for kind in axes.KINDS]
    + [{"curves_smooth": method} for method in smoothing.METHODS],
    "ranking": [{}],
    "one_by_one": [{}],
    "subjects": [{}],
    "run": [{}],
    "checkpoints": [
        *({"library_family": one.title} for one in FAMILIES),
        {"library_family": add_model.OTHER, "library_rule": "so many a step"},
    ],
    "results": [{}],
    "ahead": [{}],
    "compare": [{}],
    "plan": [{"plan_of": of} for of in planning.OF],
    "groups": [{}],
}
# What is the same in German, as whole texts, each with its reason.
KEPT = {
    "names of models, sets, sources, questions and checkpoints": r"(ladder-)?(small|large|dense)-[\w-]+(/iter_\d+)?|iter_\d+|(<b>|\*\*)?\w*(mine|little|blank)\w*(</b>|\*\*)?|q\d+|dev\d+|(<b>)?little(</b>)?",
    "names of metrics and scores, which documents quote": r"(acc|acc_norm|margin|norm_prob|bpb|SQ|RC|CS|SNR|Score|AC|ρ|α|p|E2LM|AI2|FineTasks|snr)([ ,·:].*)?",
    "values of the set": r"(\*\*q\d+\*\* · |\*\*)?(What is twice the number \d+|How much is twice one)\?.*|mathematics|\d+(, \d+)*",
    "names of formats, files, columns and settings": r"what ist scientific .*|OWNER/NAME|test|[\w.]+\.(csv|json|yaml|zip|txt)|\.\w+|(doc_to_text|num_fewshot)|step\{step\}|CSV|XLSX|JSONL?|GIFT|Aiken|QTI.*|Parquet|XML",
    "names of public benchmarks and their sources, as published": r"(anli|arc|bbh|boolq|drop|gpqa|gsm8k|hellaswag|ifeval|lambada|math|mmlu|musr|openbookqa|piqa|sciq|social|truthful|winogrande|wsc|logiqa|nq|triviaqa|copa|race|swag|webqs|score)\w*(-var)?( \(\d+-shot\))?|Pythia.*|DataDecide.*|.*NeurIPS 2025.*",
    "facts of the models' training text": r".* \*\*.*\*\* :gray\[.*\]|Symbols?",
    "digests": r"[0-9a-f]{16}",
    "names of files": r"(ahead|alternatives|card|compare|live|map|measured|overview|plan|score|shelf)(-[a-z]+)+",
    "names of prompt styles": r"Cloze|Letters|Ending",
    "commands": r"lm_eval --.*",
    "links": r"/result\?set=.*",
    "an example of a prompt, which models read in English": r"Question: .*|Which gas do plants take in\?.*|\{\{\w+\}\}.*",
    "names that scripts compare with, of traces and places on an axis that have other labels": r"learnt|never",
    "names of public models, as published": "|".join(
        re.escape(name)
        for one in FAMILIES
        for name in (one.title, *(name for model in one.models for name in (model.name, model.repo)))
    )
    + r"|EleutherAI__\S+|HuggingFaceTB/\S+|pythia-mmlu",
    "sizes and roles in cells, as checkpoints.json has them; the roles' column gives them German labels": r"small|large|science|web",
    "names of correlations": r"Spearman|signed AC",
    "a product's name": r"E2LM Task Studio",
    "the same word in both languages": r"Prompt|Format|Name|Version|Experte|Import|Plan|Text|Code|Link",
}
_QUOTED = re.compile(r"`[^`]*`|“[^”]*”|:material/\w+:|<[^>]*>|docs/\w+\.md|%?\{[^}]*\}")
_KEPT = re.compile("|".join(f"(?:{one})" for one in KEPT.values()), re.DOTALL)


def _drawn(visit: Visit, view: str, states: list[dict[str, str]], monkeypatch) -> set[str]:
    found: set[str] = set()
    with _read_by(visit, monkeypatch):
        for state in states:
            for key, value in state.items():
                visit.at.session_state[key] = value
            found |= drawn_texts.texts(visit.open(view))
    return found


def _left_in_english(english: Visit, german: Visit, view: str, monkeypatch) -> set[str]:
    """Texts of a view that a German visitor reads in English, whole or in part."""
    states = VIEWS_IN_GERMAN[view]
    drawn = _drawn(german, view, states, monkeypatch)
    same = drawn & _drawn(english, view, states, monkeypatch)
    left = {text for text in same if re.search(r"[^\W\d_]{2}", text)}
    left |= {text for text in drawn if ENGLISH_WORDS.search(re.sub(_QUOTED, "", text))}
    return {text for text in left if not _KEPT.fullmatch(text.strip())}


@pytest.mark.parametrize("view", VIEWS_IN_GERMAN)
def test_a_german_visitor_reads_no_english(done: Visit, german: Visit, view: str, monkeypatch) -> None:
    said = _left_in_english(done, german, view, monkeypatch)
    assert not said, "\n".join(sorted(said))


@pytest.mark.parametrize("metric", METRICS)
def test_nor_on_curves_of_models_that_learn(taught: Visit, metric: str, monkeypatch) -> None:
    german = _beside(taught).choose(OWN)
    for visit in (taught, german):
        visit.at.session_state[urls.HELD["metric"]] = metric
    said = {
        text
        for view in ("accuracy", "ranking", "one_by_one", "subjects", "score")
        for text in _left_in_english(taught, german, view, monkeypatch)
    }
    assert not said, "\n".join(sorted(said))


@pytest.mark.parametrize("metric", ["acc", "bpb"])
@pytest.mark.parametrize("view", ["ahead", "compare", "plan", "groups"])
def test_nor_on_decisions_between_models_that_learn(
    taught: Visit, view: str, metric: str, monkeypatch
) -> None:
    monkeypatch.setattr(probability, "MAX_SIZE_RATIO", 12.0)  # the visit's two sizes are nine times apart
    some = taught.studio.catalogue.match_globs(["ladder-small-*/*"])
    fleets.save_fleet(taught.studio, Fleet(name="little", checkpoints=tuple(one.name for one in some)))
    said: set[str] = set()
    for pair in (("small-arch1", "small-arch1-seed2"), ("small-arch1", "large-arch1")):
        german = _beside(taught).choose(OWN)
        for visit in (taught, german):
            visit.at.session_state[urls.HELD["metric"]] = metric
            visit.at.session_state[chart_mode.KEY] = True  # a picture's texts are compressed
            for key, name in zip((two_models.ONE, two_models.OTHER), pair, strict=True):
                visit.at.session_state[key] = f"ladder-{name}"
        said |= _left_in_english(taught, german, view, monkeypatch)
    assert not said, "\n".join(sorted(said))


@pytest.mark.parametrize(
    "view",
    [
        "sets",
        "write",
        "measured",
        "suspects",
        "choosing",
        "overview",
        "score",
        "accuracy",
        "ranking",
        "share",
        "run",
        "checkpoints",
        "results",
        "ahead",
        "compare",
        "plan",
        "groups",
    ],
)
def test_nor_of_a_set_that_was_never_run(visit: Visit, view: str, monkeypatch) -> None:
    german = _beside(visit).choose("little")
    said = _left_in_english(visit.choose("little"), german, view, monkeypatch)
    assert not said, "\n".join(sorted(said))


def test_nor_of_an_empty_set(visit: Visit, monkeypatch) -> None:
    collection.create_set(visit.studio.settings, "blank")
    german = _beside(visit).choose("blank")
    visit.choose("blank")
    views = ("sets", "write", "problems", "measured", "overview", "score", "accuracy", "share")
    said = {
        text
        for view in (*views, "run", "checkpoints", "ahead", "compare", "plan", "groups")
        for text in _left_in_english(visit, german, view, monkeypatch)
    }
    assert not said, "\n".join(sorted(said))


def test_nor_of_an_edit_and_of_the_history(done: Visit, monkeypatch) -> None:
    done.open("write")
    done.edit({0: {"question": "How much is twice one?"}})
    task = collection.open_set(done.studio.settings, OWN)
    evaluate.evaluate(done.studio, task, done.studio.catalogue.checkpoints)
    authoring.delete_questions(done.studio.settings, OWN, [task.questions[-1].id])
    german = _beside(done).choose(OWN)
    said = _left_in_english(done, german, "write", monkeypatch)
    said |= _left_in_english(done, german, "sets", monkeypatch)
    said |= _left_in_english(done, german, "compare", monkeypatch)
    assert not said, "\n".join(sorted(said))


def test_nor_of_a_run_that_waits_or_stopped(done: Visit, german: Visit, monkeypatch) -> None:
    task = collection.open_set(done.studio.settings, "little")
    jobs = done.studio.jobs
    for visit in (done, german):
        visit.choose("little")
    job = start.submit_run(done.studio, task, done.studio.catalogue.checkpoints, recompute=True)
    said = _left_in_english(done, german, "run", monkeypatch)
    jobs.cancel(job)
    said |= _left_in_english(done, german, "run", monkeypatch)
    assert not said, "\n".join(sorted(said))


def test_nor_of_models_of_a_hub(fake: FakeHub, done: Visit, monkeypatch) -> None:
    monkeypatch.setenv("E2LM_HUB_ENDPOINT", fake.endpoint)
    st.cache_resource.clear()
    done.open("checkpoints")
    hub.add_checkpoints(session.studio().settings, E2LM, MODEL)
    german = _beside(done).choose(OWN)
    said = _left_in_english(done, german, "checkpoints", monkeypatch)
    said |= _left_in_english(done, german, "run", monkeypatch)
    with _read_by(german, monkeypatch):
        german.at.session_state["library_family"] = E2LM.title
        german.open("checkpoints").button(key="library_ask").click().run()
        assert not german.at.exception
    said |= _left_in_english(done, german, "checkpoints", monkeypatch)
    assert not said, "\n".join(sorted(said))


def test_nor_of_imported_results(done: Visit, german: Visit, monkeypatch) -> None:
    """Their files are read in another process, whose sentences keep their templates."""
    with _read_by(german, monkeypatch):
        german.open("results")
        give(german, archive(harness_files.folder() | {"readme.txt": b"x"}))
    opened = german.at.session_state["results_shown"]
    done.at.session_state["results_shown"] = opened
    saved_imports.save_import(done.studio.settings, "mine", opened.imported)
    said = _left_in_english(done, german, "results", monkeypatch)
    assert not said, "\n".join(sorted(said))


def test_nor_in_the_cells_of_a_trial(done: Visit, german: Visit, monkeypatch) -> None:
    with _read_by(german, monkeypatch):
        at = german.open("alternatives")
        at.text_area(key="alternatives_own").set_value("a choice that is longer than every other one").run()
        with_worker(german, lambda: german.click("Andere Antworten ausprobieren"))
        cells = [cell for cell in at.dataframe[0].value["against"] if isinstance(cell, str)]
        assert cells
        at.segmented_control(key="alternatives_view").set_value("Question format").run()
        with_worker(german, lambda: german.click("Diese Formate ausprobieren"))
        cells += list(at.dataframe[0].value["told apart"])
    assert any(" von " in cell for cell in cells), cells
    assert not [cell for cell in cells if ENGLISH_WORDS.search(cell)], cells
