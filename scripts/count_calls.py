"""Count modules and calls between them on the way of an edit: `python -m scripts.count_calls`.

A copy of `ladder_science` in a home of its own is run on the built-in models, which the package brings the results
of. Then one question is edited in the table, a worker computes it at every checkpoint, and the page Questions is
drawn with what the edit changed; last, the page is drawn once more with nothing new. An arrow is an ordered pair of
modules of `e2lm_core`: a function of one called a function of the other, directly. Calls of functions that were
passed as arguments count; imports do not, nor does the next item of a generator expression. A pair of modules that
call each other is two-way, unless one of them is a cache that calls what it was asked to compute.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

import typer

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = f"{ROOT / 'e2lm_core'}{os.sep}"
SOURCE, SET = "ladder_science", "counted"
# Caches: all functions of a module, or one.
CACHES = frozenset({"base/cache", "base/memory/memo", "ui/base/page_cache", "ui/session:once_a_run"})
Arrow = tuple[str, str]


@dataclass
class Calls:
    """Modules that ran, and arrows between them; `controls` are those that are no callbacks of a cache."""

    modules: set[str] = field(default_factory=set)
    arrows: set[Arrow] = field(default_factory=set)
    controls: set[Arrow] = field(default_factory=set)

    def __or__(self, other: Calls) -> Calls:
        return Calls(self.modules | other.modules, self.arrows | other.arrows, self.controls | other.controls)

    @property
    def interface(self) -> set[str]:
        """Modules of the interface."""
        return {module for module in self.modules if module.startswith("ui/")}

    @property
    def two_way_pairs(self) -> list[Arrow]:
        """Pairs of modules that call each other, other than to compute for a cache."""
        return sorted(
            (one, other) for one, other in self.controls if one < other and (other, one) in self.controls
        )

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the calls of this thread, and of threads that begin meanwhile."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        called = module_of(frame.f_code) if event == "call" else None
        if called is None:
            return
        self.modules.add(called)
        back = frame.f_back
        caller = module_of(back.f_code) if back is not None else None
        if back is None or caller is None or caller == called or frame.f_code.co_name == "<genexpr>":
            return
        self.arrows.add((caller, called))
        if not CACHES & {caller, f"{caller}:{back.f_code.co_name}"}:
            self.controls.add((caller, called))


def module_of(code: CodeType) -> str | None:
    """Path of the module in the package that holds this code, without suffix; None for other code and imports."""
    name = code.co_filename
    if code.co_name == "<module>" or not name.startswith(PACKAGE) or not name.endswith(".py"):
        return None
    return name[len(PACKAGE) : -3]


def count_edit(home: Path) -> dict[str, Calls]:
    """Calls of an edit by step: save, worker, page, at rest.

    Args:
        home: An empty folder.
    """
    os.environ |= {"E2LM_HOME": str(home), "E2LM_DEVICE": "cpu"}
    from streamlit.testing.v1 import AppTest

    from e2lm_core.base.settings import Settings
    from e2lm_core.checkpoints.catalogue import without_extras
    from e2lm_core.runs import start, worker
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets import collection
    from e2lm_core.ui import run_launcher, session
    from e2lm_core.ui.requests.component_requests import ComponentRequest, verify_token
    from e2lm_core.ui.requests.middleware import browser_cookie
    from e2lm_core.ui.server import table_routes

    run_launcher.ensure_worker = lambda: None
    session.redraw_through_app = lambda: None
    settings = Settings.from_env()
    collection.copy_set(settings, SOURCE, SET)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600).run()
    at.session_state["set"] = SET
    studio = session.studio()

    def draw() -> None:
        at.switch_page("pages/questions.py").run()
        if at.exception:
            raise RuntimeError(at.exception[0].value)

    def work() -> None:
        job = studio.jobs.claim("counted", 600)
        if job is None:
            raise RuntimeError("The edit has queued no run.")
        worker.run_job(open_studio(settings), job)

    def edit(number: int) -> None:
        question = collection.open_set(settings, SET).questions[number]
        drawn = next(e for e in at.get("bidi_component") if e.proto.component_name == "studio_table")
        runs = verify_token(studio.settings, json.loads(drawn.proto.json)["pass"]).runs
        body = {
            "do": "save",
            "id": question.id,
            "fields": {"question": f"{question.question} Now?"},
            "seen": {"question": question.question},
            "since": None,
        }
        author = browser_cookie.author(at.session_state["browser"])
        table_routes.perform_action(
            ComponentRequest(studio.settings.for_person(None, author), SET, body, runs)
        )

    draw()
    start.submit_run(studio, collection.open_set(settings, SET), without_extras(studio.local_checkpoints))
    work()
    draw()
    steps = {name: Calls() for name in ("save", "worker", "page", "at rest")}
    for number in (0, 5):  # the first makes everything warm
        steps = {name: Calls() for name in steps}
        with steps["save"].counted():
            edit(number)
        with steps["worker"].counted():
            work()
        with steps["page"].counted():
            draw()
        with steps["at rest"].counted():
            at.run()
    return steps


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        steps = count_edit(Path(home))
    steps["save to page"] = steps["save"] | steps["worker"] | steps["page"]
    typer.echo(f"{'':14}  modules   arrows  two-way  of ui")
    for name, calls in steps.items():
        numbers = len(calls.modules), len(calls.arrows), len(calls.two_way_pairs), len(calls.interface)
        typer.echo(f"{name:14}  {numbers[0]:7}  {numbers[1]:7}  {numbers[2]:7}  {numbers[3]:5}")
    for one, other in steps["save to page"].two_way_pairs:
        typer.echo(f"two-way: {one} and {other}")


if __name__ == "__main__":
    typer.run(main)
