"""The parts of the page Results: giving files, what is kept, and the curves of what was read."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.base import phrasing
from e2lm_core.base.records import BOUNDED_METRICS, METRICS, ModelInfo, Record, TaskSet
from e2lm_core.charts import imported as imported_charts
from e2lm_core.imported import documents, scores
from e2lm_core.imported import words as imported_words
from e2lm_core.imported.records import SAME_METRIC, Imported
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import set_intervals
from e2lm_core.ui import parts, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered.keep import Kept

MOST_CURVES = 8  # drawn at first; more can be chosen
MOST_PROBLEMS = 100
TYPES = ["zip", "json", "jsonl", "csv", "tsv", "parquet"]
HELP = (
    "The results_….json and samples_….jsonl that lm_eval writes (zip the whole folder, all revisions in it), the "
    "competition's curve file, a table of OLMES or DataDecide, or a CSV with model, task, metric, step, tokens_seen and "
    "score. Nothing in them is executed."
)
PERCENT = st.column_config.NumberColumn
_BANDS, _SCORES = Kept("bands of results", None), Kept("scores of results", None)


class Shown(Record):
    """What the visitor has open: a fresh import, or a kept one by its name."""

    imported: Imported
    name: str | None = None


def curves(shown: Shown, task: TaskSet) -> None:
    """The curves of one task and metric, with the studio's own runs on demand, and their tables."""
    imported = shown.imported
    with st.container(horizontal=not window.narrow(), vertical_alignment="bottom", gap="medium"):
        tasks = imported.tasks
        name = st.selectbox("Task", tasks, key=f"results_task_{_key(shown)}", width=260)
        metrics = imported.metrics(name)
        metric = st.selectbox("Metric", metrics, key=f"results_metric_{_key(shown)}_{name}", width=200)
        own = _own(task, metric)
        with_own = own is not None and st.toggle(
            f"Beside {task.name}'s own runs",
            key="results_own",
            help="The studio's own results of the set in hand, on the same metric. Only curves of the same questions "
            "can be compared point by point.",
        )
    found = imported.curves_of(name, metric)
    every = scores.models(found)
    names = [model.name for model in every]
    if len(names) > 1:
        chosen = st.multiselect(
            "Models",
            names,
            default=names[:MOST_CURVES],
            key=f"results_models_{_key(shown)}_{name}_{metric}",
            placeholder="no model",
        )
    else:
        chosen = names
    st.markdown(imported_words.finding(found))
    frame = scores.curve_frame(found)
    bands = _bands(shown, name, metric)
    if bands is not None:
        frame = frame.merge(bands, on=["model", "step"], how="left")
    sampled = next((m for m in imported.measured.values() if m.task == name), None)
    chance = (
        sampled.chance if sampled is not None and SAME_METRIC.get(metric, metric) in BOUNDED_METRICS else None
    )
    mine: list[tuple[str, ModelInfo]] = []
    if with_own and own is not None:
        mine = _choose_own(own, every, shown)
        rows = tables.curve_frame(own, (SAME_METRIC.get(metric, metric),)).assign(metric=metric)
        rows = rows[rows["model"].isin([model.name for _, model in mine])].dropna(subset=["value"])
        rows = rows.assign(model=rows["model"].map({model.name: label for label, model in mine}))
        frame = pd.concat([frame, rows], ignore_index=True)
    looks = imported_charts.looks([m for m in every if m.name in chosen], mine)
    parts.chart(
        imported_charts.imported_curves(
            frame[frame["model"].isin(looks)],
            looks,
            metric,
            session.current_theme(),
            chance,
            narrow=window.narrow(),
        ),
        "results_curves",
        f"{metric} on {name} of each model against tokens seen",
    )
    st.caption(_about(imported, name, with_own, bands is not None))
    if sampled is not None and SAME_METRIC.get(metric, metric) in METRICS:
        _scores(sampled, SAME_METRIC.get(metric, metric))
    quality, values, files = st.tabs(["Signal quality", "Values", "Files"])
    with quality:
        parts.table(
            scores.quality_frame(found),
            f"imported-sq-{metric}",
            "results_sq",
            few=("model", "SQ", "ρ", "AC"),
            column_config={
                "points": PERCENT(
                    "points",
                    help="How many points SQ is taken over: the early window's where the family names one.",
                ),
                "of": PERCENT("of", help="How many points the curve has."),
                "first": PERCENT("first", format="%.4f"),
                "last": PERCENT("last", format="%.4f"),
            },
        )
    with values:
        parts.table(
            frame.drop(columns=["early"]),
            f"imported-{metric}",
            "results_values",
            height=320,
            few=("model", "step", "value"),
        )
    with files:
        _files(imported)


def download(shown: Shown) -> None:
    name = shown.name or "imported"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Download all as CSV",
            documents.csv(shown.imported.curves),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="results_csv",
        )
        st.download_button(
            "Download all as JSON",
            json.dumps(documents.document(shown.imported)),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
            key="results_json",
        )


def problems(imported: Imported, open_up_to: int = 3) -> None:
    """What is to be known of the import, folded where it is much."""
    if not imported.problems:
        return
    count = phrasing.count(len(imported.problems), "thing")
    with st.expander(
        f"{count} to know of these results",
        expanded=len(imported.problems) <= open_up_to,
        icon=":material/info:",
    ):
        st.markdown("\n".join(f"- {_plain(sentence)}" for sentence in imported.problems[:MOST_PROBLEMS]))
        if (more := len(imported.problems) - MOST_PROBLEMS) > 0:
            st.caption(f"{more:,} more are in the JSON.")


# --- within -------------------------------------------------------------------------------------------


def _key(shown: Shown) -> str:
    return shown.name or str(hash(tuple(seen.file for seen in shown.imported.files)))


def _own(task: TaskSet, metric: str) -> Measurements | None:
    """The studio's own results of the set in hand, where there are any of this metric."""
    if SAME_METRIC.get(metric, metric) not in METRICS or not task.questions:
        return None
    measured = results.measurements(task)
    return measured if measured.complete_checkpoints else None


def _choose_own(own: Measurements, imported: list[ModelInfo], shown: Shown) -> list[tuple[str, ModelInfo]]:
    """The studio's own models to draw: at first those that were imported too, else those that count in scores."""
    by_name = {curve.model.name: curve.model for curve in own.curves}
    both = [name for name in by_name if name in {model.name for model in imported}]
    first = both or [name for name, model in by_name.items() if model.counts_in_scores]
    names = st.multiselect(
        "Own runs",
        list(by_name),
        default=first[:MOST_CURVES],
        key=f"results_mine_{_key(shown)}",
        placeholder="no model",
    )
    return [(f"studio: {by_name[name].short_name}", by_name[name]) for name in names]


def _bands(shown: Shown, task: str, metric: str) -> pd.DataFrame | None:
    """Kept while the import is open: a bootstrap is not made twice for a switch."""
    return _BANDS.made_of(
        (shown.imported,), (task, metric), lambda: scores.bands(shown.imported, task, metric)
    )


def _about(imported: Imported, task: str, with_own: bool, bands: bool) -> str:
    counts = {c.questions for c in imported.curves if c.task == task}
    shots = {c.num_fewshot for c in imported.curves if c.task == task}
    said = [
        f"{n}-shot" if n is not None else "an unknown number of examples"
        for n in sorted(shots, key=lambda n: n or -1)
    ]
    sentence = f"{phrasing.listing(said)}. "
    if len(counts) == 1 and (n := next(iter(counts))) is not None:
        sentence = f"{phrasing.count(n, 'question')}, {sentence}"
    sentence += "Bands: 95%, a bootstrap over the questions of the samples. " if bands else ""
    sentence += "Open markers are the studio's own runs." if with_own else ""
    return sentence[0].upper() + sentence[1:]


def _scores(measured: Measurements, metric: str) -> None:
    """What the samples allow: the studio's scores, with intervals."""
    found = _SCORES.made_of((measured,), metric, lambda: _with_intervals(measured, metric))
    with st.grid(4, min_column_width=150):
        parts.score("SQ", found.sq)
        parts.score("RC", found.rc)
        parts.score("SNR", found.snr)
        parts.score("Decision accuracy", found.decision_accuracy)


def _with_intervals(measured: Measurements, metric: str) -> Scores:
    resampled = set_intervals.resample(measured, (metric,))
    bounds = set_intervals.intervals_of(resampled, metric)
    return set_intervals.with_intervals(set_scores.scores(measured, metric), bounds)


def _files(imported: Imported) -> None:
    rows = [
        {
            "file": seen.file,
            "recognised": seen.why is None,
            "as": seen.kind,
            "results": seen.results if seen.why is None else None,
            "why not": seen.why,
        }
        for seen in sorted(imported.files, key=lambda seen: seen.why is None)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        height=300,
        key="results_files_table",
        placeholder=phrasing.DASH,
        column_order=("file", "why not") if window.narrow() else None,
        column_config={"recognised": st.column_config.CheckboxColumn("recognised", width="small")},
    )


def _plain(text: str) -> str:
    """Text of files as it is: Streamlit would read brackets, stars and dollars as marks."""
    for mark in ("\\", "`", "*", "_", "[", "]", "$", "~", "<", ":", "#", "|"):
        text = text.replace(mark, f"\\{mark}")
    return text
