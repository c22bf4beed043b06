"""Ten tasks of a teacher and ten of a researcher, done in a browser by what its controls are called.

    python -m benchmarks.tasks [--only TITLE …] [--write]

Each begins at home on a server of its own home, with the examples' included results. A control is found by the name
that it shows, never by a key of the code, so that a task that cannot be done by reading fails. Counted are clicks (a
text that is typed or a file that is chosen is one), views, and the words beside tables and charts of every view on
the way. `--write` puts the table into docs/studies/tasks.md. Exit status 1 where a task failed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from playwright.sync_api import Browser, Error, Locator, Page, expect, sync_playwright

from benchmarks import study_pages
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import FLAGS, server, settle
from tests.support import looking
from tests.support.browser import RUN_MS

EXAMPLE, OWN = "ladder_science", "my_school"
ROWS = "\n".join(f"Which number comes after {n}?\t{n + 1}\t{n + 2}\t{n + 3}\tA" for n in range(20))
TABLE = "Frage;Antwort 1;Antwort 2;Lösung\n" + "".join(
    f"Was folgt auf {n}?;{n + 1};{n + 2};1\n" for n in range(5)
)


class Person:
    """Somebody in front of the studio: clicks what has a name, types, reads, and is counted."""

    def __init__(self, page: Page, settings: Settings, folder: Path) -> None:
        self.page, self.settings, self.folder = page, settings, folder
        self.clicks = self.views = self.words = 0
        self._seen = ""
        self.read()

    def read(self) -> None:
        """Wait for the page to be at rest; count its words if it is another view."""
        settle(self.page)
        place = "".join(self.page.get_by_role("heading", level=1).all_inner_texts())
        view = place + re.sub(r".*?(tab=\w+)?$", r"\1", self.page.url)
        if view != self._seen:
            self._seen = view
            self.views += 1
            self.words += len(looking.words(self.page))

    def click(
        self, name: str, role: str = "button", within: Locator | None = None, exact: bool = False
    ) -> None:
        """Click what shows a name."""
        (within or self.page).get_by_role(role, name=name, exact=exact).first.click()  # type: ignore[arg-type]
        self._counted()

    def go(self, place: str, tab: str | None = None) -> None:
        """Go to a place by the navigation, and to one of its tabs."""
        self.page.get_by_test_id("stSidebarNavLink").filter(has_text=place).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(place)
        self._counted()
        if tab is not None:
            self.choose(tab)

    def choose(self, name: str) -> None:
        """Choose an option that is shown: a tab, a view, a metric."""
        self.page.get_by_role("radio", name=name, exact=True).first.click()
        self._counted()

    def type(self, label: str, text: str, within: Locator | None = None) -> None:
        """Type a text into the field of a name, and press Enter."""
        field = (within or self.page).get_by_role("textbox", name=label).first
        field.fill(text)
        field.press("Enter")
        self._counted()

    def pick(self, label: str, option: str) -> None:
        """Pick an option of a list by its name."""
        self.page.get_by_role("combobox", name=label).first.click()
        self.page.keyboard.type(option)
        self.page.get_by_role("option", name=option).first.click()
        self._counted()

    def sees(self, text: str | re.Pattern[str], timeout: float = 60_000) -> None:
        """Expect a text on the page."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=timeout)

    def takes(self, name: str) -> Path:
        """Download what the button of a name gives."""
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name=name).first.click()
        self._counted()
        return download.value.path()

    def opens_set(self, name: str, by: str = "Questions") -> None:
        """Open a set by a button of its card."""
        card = self.page.get_by_test_id("stMain").locator("[class*=st-key-card_]").filter(has_text=name)
        self.click(by, within=card.first)

    def copies_example(self) -> None:
        """Copy an example into a set of one's own."""
        self.opens_set("ladder_school")
        self.click("Copy this set")
        body = self.page.get_by_test_id("stPopoverBody")
        body.get_by_role("textbox").first.fill(OWN)
        self.click("Copy", within=body, exact=True)
        assert len(self.questions()) == 30

    def questions(self) -> list[Question]:
        """Questions of the set of one's own, as they are on the disk."""
        return list(collection.open_set(self.settings, OWN).questions)

    def _counted(self) -> None:
        self.clicks += 1
        self.read()


# --- ten of a teacher -------------------------------------------------------------------------------------


def write_a_question(me: Person) -> None:
    me.click("Write", exact=True)
    me.type("Title", OWN)
    me.click("Create")
    me.click("Add a question")
    form = me.page.get_by_role("form", name="A new question")
    for label, text in (("text", "What do bees make?"), ("A", "honey"), ("B", "milk")):
        name = "The new question's text" if label == "text" else f"Choice {label} of the new question"
        form.get_by_role("textbox", name=name).fill(text)
        me.clicks += 1
    me.click("A is right", "radio", within=form)
    me.click("Add the question", within=form)
    me.sees("1 question")
    [question] = me.questions()
    assert question.choices[question.answer] == "honey"


def paste_rows(me: Person) -> None:
    me.copies_example()
    me.choose("Import, paste")
    me.page.evaluate("text => navigator.clipboard.writeText(text)", ROWS)
    me.page.get_by_role("textbox", name="Paste rows").click()
    me.page.keyboard.press("Control+V")
    me.page.keyboard.press("Control+Enter")
    me.read()
    me.click("Add 20 questions")
    assert len(me.questions()) == 50


def import_a_file(me: Person) -> None:
    me.copies_example()
    me.choose("Import, paste")
    file = me.folder / "colleague.csv"
    file.write_text(TABLE, encoding="utf-8")
    me.page.locator("input[type=file]").first.set_input_files(file)
    me.read()
    me.click("Add 5 questions")
    assert [q.choices[q.answer] for q in me.questions()[30:]] == [str(n + 1) for n in range(5)]


def mend_a_text(me: Person) -> None:
    me.copies_example()
    me.page.locator('.qt-row[aria-rowindex="1"]').get_by_role("gridcell").nth(1).click()
    me.page.keyboard.type(" Please say")
    me.page.keyboard.press("Enter")
    me.clicks += 1
    me.sees(re.compile(r"Saved \d"))
    assert me.questions()[0].question.endswith("Please say")


def balance_the_answers(me: Person) -> None:
    me.copies_example()
    me.page.get_by_role("checkbox", name="Choose question 1", exact=True).click()
    me.page.locator(".qt-list").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    me.page.get_by_role("checkbox", name="Choose question 30", exact=True).click(modifiers=["Shift"])
    me.clicks += 2
    me.click("Balance answers")
    me.sees(re.compile("balanced"))
    golds = [q.answer for q in me.questions()]
    assert max(map(golds.count, range(4))) - min(map(golds.count, range(4))) <= 1


def take_it_back(me: Person) -> None:
    mend_a_text(me)
    me.click("Undo")
    assert not me.questions()[0].question.endswith("Please say")


def rename_the_set(me: Person) -> None:
    me.copies_example()
    me.go("Sets")
    card = me.page.get_by_test_id("stMain").locator("[class*=st-key-card_]").filter(has_text=OWN)
    me.click("Menu", within=card.first)
    me.page.get_by_test_id("stPopoverBody").get_by_label("Title").fill("Animals, grade 5")
    me.click("Save the title")
    me.sees("Animals, grade 5")


def restore_a_version(me: Person) -> None:
    mend_a_text(me)
    me.click("History")
    me.page.get_by_role("combobox", name="Version").first.click()
    me.page.get_by_role("option").nth(1).click()
    me.clicks += 1
    me.click("Restore …")
    me.click("Restore it")
    assert not me.questions()[0].question.endswith("Please say")


def read_the_result(me: Person) -> None:
    me.copies_example()
    me.page.locator('.qt-row[aria-rowindex="1"]').get_by_role("radio", name="A is right").click()
    me.clicks += 1
    me.go("Result")
    me.sees("up to date", RUN_MS)
    me.sees("SQ")


def take_bundle_and_report(me: Person) -> None:
    me.copies_example()
    me.go("Share")
    assert me.takes(f"Download {OWN}.zip").stat().st_size > 1000
    assert me.takes("Download the report").stat().st_size > 10_000


# --- ten of a researcher ----------------------------------------------------------------------------------


def find_questions_that_spoil_the_ranking(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Curves", "Ranking")
    me.click("By question", "tab")
    me.sees("Which questions support the ranking?")


def tell_two_architectures_apart(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Curves", "Accuracy")
    me.click("Telling models apart", "tab")
    me.pick("First model", "medium-arch1")
    me.pick("Second model", "medium-arch2")
    me.sees(re.compile("medium-arch. (is ahead|does better)|cannot be told apart|no reliable lead"))


def plan_how_many_questions(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Decide", "How many questions")
    me.sees(re.compile("questions"))
    me.sees(re.compile("chance of|in 80%|newly trained"))


def ask_who_ends_ahead(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Decide", "Ahead at the end")
    me.click("When the set decides", "tab")
    me.sees("What would decide earlier?")


def compare_with_the_other_example(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Decide", "Compare")
    me.sees("What differs")


def import_results(me: Person) -> None:
    file = me.folder / "results_2026-01-01T00-00-00.json"
    file.write_text(json.dumps(_results()), encoding="utf-8")
    me.go("Models and runs", "From elsewhere")
    me.page.locator("input[type=file]").first.set_input_files(file)
    me.read()
    me.sees("arc_easy")


def lay_a_benchmark_beside(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Result", "Public benchmarks")
    me.sees(re.compile("[Ss]ignal quality|SQ"))


def see_difficulty_of_questions(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Questions", "Measured")
    me.takes("Download CSV")


def add_a_folder_of_checkpoints(me: Person) -> None:
    from tests.support import tiny_models

    tiny_models.make(me.folder / "runs" / "mine" / "step1000", "neox", seed=1)
    me.go("Models and runs", "Models")
    me.click("Add a folder of checkpoints")
    me.type("Folder", str(me.folder / "runs"), within=me.page.get_by_role("dialog"))
    me.sees("1 model with 1 checkpoint")
    me.click("Add", exact=True)
    me.sees(str(me.folder / "runs"))


def cite_a_curve(me: Person) -> None:
    me.opens_set(EXAMPLE, "Open")
    me.go("Curves", "Accuracy")
    me.takes("Download CSV")


class Task(NamedTuple):
    """A task: who does it, its title, and how."""

    who: str
    title: str
    do: Callable[[Person], None]


TASKS = [
    Task("teacher", "Begin a set and write its first question", write_a_question),
    Task("teacher", "Paste twenty rows of a spreadsheet", paste_rows),
    Task("teacher", "Take a colleague's file with German columns", import_a_file),
    Task("teacher", "Mend a text", mend_a_text),
    Task("teacher", "Spread the right answers over the letters", balance_the_answers),
    Task("teacher", "Take a change back", take_it_back),
    Task("teacher", "Rename a set", rename_the_set),
    Task("teacher", "Restore an older version", restore_a_version),
    Task("teacher", "Change an answer and read the result", read_the_result),
    Task("teacher", "Take bundle and report away", take_bundle_and_report),
    Task("researcher", "Find the questions that hurt the ranking", find_questions_that_spoil_the_ranking),
    Task("researcher", "Ask whether two architectures are told apart", tell_two_architectures_apart),
    Task("researcher", "Plan how many questions tell them apart", plan_how_many_questions),
    Task("researcher", "Ask who will be ahead at the end", ask_who_ends_ahead),
    Task("researcher", "Compare a set with another", compare_with_the_other_example),
    Task("researcher", "Import lm-evaluation-harness's results", import_results),
    Task("researcher", "Lay a public benchmark beside a set", lay_a_benchmark_beside),
    Task("researcher", "Take the questions' figures away as CSV", see_difficulty_of_questions),
    Task("researcher", "Add a folder of checkpoints", add_a_folder_of_checkpoints),
    Task("researcher", "Take a curve's figures away as CSV", cite_a_curve),
]


class Counted(NamedTuple):
    """Counts of a task; `failed` is "" if it could be done."""

    task: Task
    clicks: int
    views: int
    words: int
    failed: str = ""


def _results() -> dict:
    """Results of two checkpoints' evaluation as lm-evaluation-harness writes them."""
    return {
        "results": {"arc_easy": {"alias": "arc_easy", "acc,none": 0.31, "acc_stderr,none": 0.01}},
        "configs": {"arc_easy": {"task": "arc_easy", "output_type": "multiple_choice"}},
        "n-shot": {"arc_easy": 0},
        "n-samples": {"arc_easy": {"original": 2376, "effective": 2376}},
        "config": {"model": "hf", "model_args": "pretrained=EleutherAI/pythia-14m,revision=step1000"},
        "model_name": "EleutherAI/pythia-14m",
    }


@contextmanager
def studio(folder: Path) -> Iterator[str]:
    """A server on a new home, as it is delivered."""
    with server(os.environ | {"E2LM_HOME": str(folder / "home"), "E2LM_SHIPPED": "1"}) as url:
        yield url


def count(browser: Browser, task: Task) -> Counted:
    """Do a task on a server of its own, and count."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, studio(Path(name)) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(url)
        me = Person(page, Settings(home=Path(name) / "home"), Path(name))
        failed = ""
        try:
            task.do(me)
        except (AssertionError, Error) as error:
            failed = str(error).strip().splitlines()[0]
        context.close()
    return Counted(task, me.clicks, me.views, me.words, failed)


def table(counted: list[Counted]) -> str:
    """The counts as a Markdown table."""
    rows = [f"| {c.task.who} | {c.task.title} | {c.clicks} | {c.views} | {c.words} |" for c in counted]
    return "\n".join(["| who | task | clicks | views | words |", "|---|---|---|---|---|", *rows])


def main(
    only: Annotated[list[str] | None, typer.Option(help="A part of a task's title; may be repeated.")] = None,
    write: Annotated[bool, typer.Option(help="Write the table into docs/studies/tasks.md.")] = False,
) -> None:
    """Do the tasks, print the table."""
    chosen = [task for task in TASKS if not only or any(part in task.title for part in only)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS
        )
        counted = []
        for task in chosen:
            counted.append(count(browser, task))
            print(counted[-1].task.title, *counted[-1][1:], flush=True)
        browser.close()
    print(table(counted))
    failed = [one for one in counted if one.failed]
    if write and not failed and not only:
        study_pages.put("tasks", "tasks", table(counted))
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
