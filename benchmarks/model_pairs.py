"""Whether Curves, Ranking, Decide and the report give one answer for every two models of the example sets.

    python -m benchmarks.model_pairs [--set NAME …] [--metric NAME …] [--every N]

Of each example, with its included results: numbers and verdicts of all pairs of models, as the table of Curves, the wins and
leads of Ranking, the power of Decide and the report have them. Then the three pages are drawn by AppTest for every
N-th pair, with training noise and without, and must say the answer's sentences word for word. Exits 1 with every
place that differs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from e2lm_core.analysis import leads
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves import onsets
from e2lm_core.analysis.leads import PairAnswer
from e2lm_core.analysis.plan.power import compute_power
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.export import report
from e2lm_core.runs import results, state
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import collection

APP = Path(__file__).resolve().parent.parent / "app.py"
METRICS = ("acc", "norm_prob", "bpb")
# Views, with the keys of their metric and of their two models.
PAGES = {
    "accuracy": ("curves_metric", "curves"),
    "ranking": ("curves_metric", "ranks"),
    "plan": ("plan_metric", "plan"),
}


def main(
    sets: Annotated[list[str] | None, typer.Option("--set", help="Examples; all by default.")] = None,
    metrics: Annotated[list[str] | None, typer.Option("--metric", help="Metrics; three by default.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Draw the pages for every N-th pair.")] = 1,
) -> None:
    """Compare, print, exit."""
    chosen, wrong = tuple(metrics or METRICS), []
    with tempfile.TemporaryDirectory() as home:
        studio = opened(Path(home))
        for name in sets or examples(studio.settings):
            task = collection.open_set(studio.settings, name)
            compared, differing = different_numbers(studio, task, chosen)
            drawn, unsaid = different_pages(Path(home), name, measured(studio, task), chosen, every)
            wrong += [*differing, *unsaid]
            print(f"{name}: {compared} answers, {drawn} pages, {len(differing) + len(unsaid)} differ")
    for one in wrong:
        print(one)
    raise typer.Exit(1 if wrong else 0)


def opened(home: Path) -> Studio:
    """A new home's studio, with the included results of the examples."""
    return open_studio(Settings(home=home, device="cpu", shipped=True))


def examples(settings: Settings) -> list[str]:
    """Names of the examples."""
    return [info.name for info in collection.list_sets(settings) if info.example]


def measured(studio: Studio, task: TaskSet) -> Measurements:
    """Results of a set on its fleet."""
    return results.load_measurements(studio, task, *state.fleet_of_set(studio, task.name).run_arguments)


# --- numbers --------------------------------------------------------------------------------------------


def different_numbers(studio: Studio, task: TaskSet, metrics: Sequence[str]) -> tuple[int, list[str]]:
    """Number of compared answers, and a line for each place with another number or verdict."""
    own = measured(studio, task)
    answers, document = Answers(own), report.build_report(studio, task, state.fleet_of_set(studio, task.name))
    compared, wrong = 0, []
    for metric in metrics:
        found = {_key(one): one for one in answers.pairs(metric)}
        missing = {frozenset(pair) for pair in combinations(own.per_question, 2)} ^ found.keys()
        reported = {
            _key(one): one for one in map(PairAnswer.model_validate, document["pairs"]["metrics"][metric])
        }
        for place, line in (
            *(("pairs", str(sorted(pair))) for pair in missing),
            *(("report", str(sorted(pair))) for pair in found if reported.get(pair) != found[pair]),
            *(("Curves", line) for line in _curves(answers, metric, found)),
            *(("Ranking", line) for line in _ranking(answers, metric, found)),
            *(("Decide", line) for line in _decide(own, metric, found)),
        ):
            wrong.append(f"{task.name}, {metric}, {place}: {line}")
        compared += len(found)
    return compared, wrong


def _key(pair: PairAnswer | onsets.Separation) -> frozenset[str]:
    return frozenset((pair.higher, pair.lower))


def _curves(answers: Answers, metric: str, found: dict[frozenset[str], PairAnswer]) -> Iterator[str]:
    """Rows of the table on Curves that differ."""
    for row in onsets.separation_table(answers.separations(metric)).to_dict("records"):
        answer = found[frozenset((row["higher"], row["lower"]))]
        told: list[object] = [row["higher"], row["difference"], row["low"], row["high"]]
        if not answer.claims:
            yield from () if row["why"] == answer.why else [str(row)]
            continue
        now, new = answer.claims
        if told != [answer.higher, answer.difference, *(now.interval or (None, None))]:
            yield str(row)
        since = "never" if new.since is None else new.since.text.removesuffix(" tokens")
        since += " or before" if answer.known_from else ""
        if row["surely from"] != (onsets.NOT_KNOWN if new.leads is None else since):
            yield f"{row['surely from']} and {since}: {row}"
        if (row["on these questions from"] == "never") == now.leads:
            yield str(row)


def _ranking(answers: Answers, metric: str, found: dict[frozenset[str], PairAnswer]) -> Iterator[str]:
    """Pairs whose wins, difference or lead at the last checkpoint differ on Ranking."""
    stable = answers.rank_stability(metric)
    if stable is None:
        return
    last, names = len(stable.grid.steps) - 1, stable.grid.models
    at_last = {_key(one): one for one in answers.pairs(metric, int(stable.grid.steps[last]))}
    shares = {_key(one): one.since.share for one in answers.separations(metric)}
    wins = stable.win_probabilities(last)
    for i, j in combinations(range(len(names)), 2):
        pair = frozenset((names[i], names[j]))
        answer = found[pair]
        if not answer.claims:
            continue
        first, second = (i, j) if answer.higher == names[i] else (j, i)
        gap = stable.grid.scores[first, last] - stable.grid.scores[second, last]
        same = [
            np.isclose(wins[first, second], shares[pair]),
            np.isclose(gap, answer.difference or 0.0),
            at_last[pair].claims[0].leads == answer.claims[0].leads,
        ]
        if not all(same):
            yield f"{sorted(pair)}: {same}"


def _decide(own: Measurements, metric: str, found: dict[frozenset[str], PairAnswer]) -> Iterator[str]:
    """Pairs whose difference, checkpoint or training noise differ in the power on Decide."""
    for pair, answer in found.items():
        if answer.at is None:
            continue
        planned = compute_power(own, metric, sorted(pair))
        same = [
            planned.step == answer.at.step,
            np.isclose(abs(planned.spread.difference), answer.difference or 0.0),
            planned.spread.training_sd == answer.training_noise,
        ]
        if not all(same):
            yield f"{sorted(pair)}: {same}"


# --- pages ----------------------------------------------------------------------------------------------


def different_pages(
    home: Path, name: str, own: Measurements, metrics: Sequence[str], every: int
) -> tuple[int, list[str]]:
    """Number of drawn pages, and a line for each sentence of an answer that a page does not say."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from e2lm_core.ui import session
    from e2lm_core.ui.base import urls

    os.environ.update({"E2LM_HOME": str(home), "E2LM_DEVICE": "cpu", "E2LM_SHIPPED": "1"})
    # AppTest takes every run for a server's first, and would draw twice.
    session.redraw_through_app = lambda: None
    st.cache_resource.clear()
    at = AppTest.from_file(str(APP), default_timeout=120)
    at.session_state["set"] = name
    at.run()
    answers, drawn, wrong = Answers(own), 0, []
    for page, (switch, prefix) in PAGES.items():
        place, tab = urls.find(page)
        at.query_params.update({"tab": tab, "followed": "1"})  # as a link within a place
        at.switch_page(place.script).run()
        for metric in metrics:
            at.segmented_control(key=switch).set_value(metric).run()
            if f"{prefix}_pair_one" not in {box.key for box in at.selectbox}:
                continue  # the page is silent on a set like that
            for one, other in list(combinations(own.per_question, 2))[::every]:
                for noise in (True, False):
                    at.selectbox(key=f"{prefix}_pair_one").set_value(one)
                    at.selectbox(key=f"{prefix}_pair_other").set_value(other)
                    at.toggle(key=f"{prefix}_pair_noise").set_value(noise).run()
                    answer = answers.pair(metric, one, other, noise)
                    said = {element.value.replace("\\", "") for element in at.markdown}
                    drawn += 1
                    if at.exception or answer is None:
                        wrong.append(f"{name}, {metric}, {page}, {one}, {other}: nothing is said")
                        continue
                    wrong += [
                        f"{name}, {metric}, {page}, {one}, {other}: {sentence}"
                        for sentence in leads.pair_sentences(own, answer)
                        if sentence not in said
                    ]
    return drawn, wrong


if __name__ == "__main__":
    typer.run(main)
