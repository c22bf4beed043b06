"""Tab Compare.

Tested in tests/pages/test_score.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables, validity
from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.compare import messages as comparison_words
from e2lm_core.analysis.compare.comparison import Comparison
from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts import compare as comparison_charts
from e2lm_core.runs import start as run_start
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import collection
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import element_replay
from e2lm_core.ui.cache import scores as remembered
from e2lm_core.ui.cache.stale_while_revalidate import Shown
from e2lm_core.ui.editor import version_words
from e2lm_core.ui.places import rc_reading

METRIC = "compare_metric"
TABS = (
    language.mark("Means"),
    language.mark("Scores"),
    language.mark("Questions that differ"),
    language.mark("Curves"),
)
MAX_READ = 30  # number of sets that are searched for shared questions
_NUMBER = st.column_config.NumberColumn
_NUMBERS = ("first", "second", "difference", "low", "high", "detectable")


@dataclass(frozen=True)
class ComparisonTarget:
    """The other side of a comparison with the selected set.

    Attributes:
        kind: "version" for an earlier version of the set, "set" for another set.
        name: Number of the version, or address of the set.
    """

    kind: Literal["version", "set"]
    name: int | str

    @property
    def is_version(self) -> bool:
        """Whether both sides are versions of one set."""
        return self.kind == "version"

    def names(self, task: TaskSet) -> tuple[str, str]:
        """Names of the two sides on the page: the other one, the selected set."""
        return (
            (Sentence("version {number}", number=str(self.name)), Sentence("The set now"))
            if self.is_version
            else (
                session.set_label(str(self.name)),
                session.set_label(task.address),
            )
        )

    def read(self, task: TaskSet) -> TaskSet:
        """Read the other side.

        Raises:
            StudioError: It cannot be read.
        """
        if self.is_version:
            return remembered.version(task.address, int(self.name))
        return session.read_set(str(self.name))


# --- choosing ---------------------------------------------------------------------------------------------


def comparison_targets(shown: Shown) -> dict[ComparisonTarget, str]:
    """Possible targets of a comparison, and their names in the list.

    Versions come first, the newest on top, then sets. Up to `MAX_READ` sets are sorted: sets with the most
    shared questions (originals and copies) first, and among equals those with results.
    """
    address = shown.task.address
    sets = [info for info in session.all_sets() if not info.problem and info.address != address]
    if len(sets) <= MAX_READ:
        texts = {question.question for question in shown.task.questions}
        sets.sort(key=lambda info: (-_shared(texts, info.address), not _was_run(info)))
    return {
        ComparisonTarget("version", version.number): language.translate(
            "version {number}: {action}",
            number=str(version.number),
            action=version_words.action_words(version.action),
        )
        for version in remembered.versions(address, shown.number if shown.before else None)
    } | {ComparisonTarget("set", info.address): session.set_label(info.address) for info in sets}


def _was_run(info: collection.SetInfo) -> bool:
    """Whether there are results to compare with: of a run, or included results of an example."""
    studio = session.studio()
    is_brought = info.example and studio.settings.shipped
    return is_brought or run_start.latest_job(studio, info.address, progress=False) is not None


def _shared(texts: set[str], address: str) -> int:
    """Number of these questions that another set has too."""
    try:
        return sum(question.question in texts for question in session.read_set(address).questions)
    except StudioError:  # reported when the set is chosen
        return 0


def nothing_to_compare() -> NoReturn:
    """End the page of a set that was never edited and is the only one."""
    urls.link("write", "Copy or edit this set", ":material/edit_note:")
    st.stop()


def controls(task: TaskSet, others: dict[ComparisonTarget, str]) -> tuple[ComparisonTarget, str]:
    """Draw the controls; the chosen target and metric."""
    listed = [(other.kind, other.name) for other in others]
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="medium"):
        kind, name = st.selectbox(
            markdown.fill_template("Compare {set} with", set=session.set_label(task.address)),
            listed,
            format_func=lambda one: others[ComparisonTarget(*one)],
            key=f"compare_{task.address}",
            width=320,
            help=language.translate(
                "An earlier version of this set, or another set. It is the first, this set the second: differences "
                "are second minus first."
            ),
        )
        metric = widgets.metric_control(METRIC)
        rc_reading.rc_reading_control("compare")
        return ComparisonTarget(kind, name), metric


def load_comparison(
    task: TaskSet, measurements: Measurements, other: ComparisonTarget, metric: str
) -> tuple[TaskSet, Comparison]:
    """Read the other side of a comparison and compare.

    Args:
        task: The selected set.
        measurements: Its results.
        other: The other side.
        metric: Name of a metric.

    Returns:
        The other set, and its comparison with the selected one.

    Raises:
        StudioError: The other side cannot be read.
    """
    first = other.read(task)
    matched = comparison.match_questions(first, task, versions=other.is_version)
    before = remembered.measured_with(first, task)
    return first, remembered.compared(other.names(task), before, measurements, matched, metric)


# --- the charts -------------------------------------------------------------------------------------------


def missing_note(compared: Comparison) -> None:
    """Draw a note for each side that is incomplete on this fleet.

    Another note names facts of the other set that are unknown to the mini models.
    """
    told = validity.unknown_facts_warning(compared.first.told)
    if told and told != validity.unknown_facts_warning(
        compared.second.told
    ):  # the status bar shows the same for the selected set
        markdown.caption(
            markdown.fill_template(":material/school: {name}: {told}", name=compared.names[0], told=told)
        )
    for name, one in zip(compared.names, (compared.first, compared.second), strict=True):
        if one.complete_checkpoints < one.checkpoints or not one.complete_pairs:
            markdown.caption(
                markdown.fill_template(
                    ":material/info: {name} is complete at {complete} of this model group's {all}; what is missing there is "
                    "left out of both.",
                    name=name,
                    complete=one.complete_checkpoints if one.complete_pairs else 0,
                    all=formatting.count(one.checkpoints, "checkpoint"),
                )
            )


def curve_chart(compared: Comparison) -> None:
    """Draw the curves of both sides, the first's faint behind the second's."""
    element_replay.once(("compared", compared), lambda: _curves(compared))


def _curves(compared: Comparison) -> None:
    now, metric = compared.second, compared.metric
    frame, before = (tables.curve_frame(one, (metric,)) for one in (now, compared.first))
    widgets.curve_chart(
        now,
        frame,
        metric,
        "compare_curves",
        language.translate(
            "{metric} of each model against tokens seen, the first set's curves faint behind the second's",
            metric=metric,
        ),
        now.chance if metric in BOUNDED_METRICS else None,
        before,
    )
    first, second = compared.names
    markdown.caption(
        Sentence("{second} in full, {first} faint in the same colours.", second=second, first=first)
    )


def difference_chart(compared: Comparison, means: pd.DataFrame) -> None:
    """Draw each model's difference of means at one point of the curves."""
    st.header(language.translate("What differs"), anchor=False)
    points = list(dict.fromkeys(means["point"]))
    point = points[0]
    if len(points) > 1:
        point = st.segmented_control(
            language.translate("At the"),
            points,
            format_func=markdown.escape,
            default=points[0],
            required=True,
            key="compare_point",
        )
    models = [curve.model for curve in compared.second.curves]
    widgets.chart(
        lambda: comparison_charts.differences(
            means, models, compared.metric, point, session.current_theme(), viewport.is_narrow()
        ),
        "compare_differences",
        language.translate(
            "Difference of each model's mean {metric} with its 95% interval", metric=compared.metric
        ),
        inputs=(compared, point),
    )
    first, second = compared.names
    widgets.how_computed(
        Sentence(
            "{second} minus {first}, with 95% intervals. The dashed line marks no difference.",
            second=second,
            first=first,
        ),
        comparison_words.pairing_note(compared),
    )


# --- the tables -------------------------------------------------------------------------------------------


def mean_table(means: pd.DataFrame, metric: str) -> None:
    """Draw a table of the differences of means with their intervals."""
    numbers = [column for column in _NUMBERS if column != "detectable"]
    plain = {} if metric in SHARES else {column: _NUMBER(format="%.4f") for column in numbers}
    widgets.table(
        means,
        f"means-{metric}",
        "compare_means",
        phone_columns=("model", "point", "difference", "low", "high"),
        percent=(*(_NUMBERS if metric in SHARES else ()), "share"),
        column_config={
            "share": _NUMBER(
                language.mark("higher in"),
                format="%.0f%%",
                help=language.mark("The share of resamples in which the second is higher."),
            ),
            "together": _NUMBER(
                "p",
                format="%.3f",
                help=language.mark(
                    "The chance of so large a difference where there is none, for all models of a point judged "
                    "together (Holm): below .05 is more than luck."
                ),
            ),
            "detectable": _NUMBER(
                language.mark("would be told"),
                format="%.1f%%" if metric in SHARES else "%.4f",
                help=language.mark("Smallest difference found with 80% power."),
            ),
            "why": st.column_config.TextColumn(language.mark("why no interval"), width="large"),
            **plain,
        },
        inputs=(means,),
    )


def score_table(compared: Comparison) -> None:
    """Draw a table of the differences of scores, their intervals and the intervals' coverage."""
    widgets.table(
        lambda: comparison.score_frame(compared),
        f"differences-{compared.metric}",
        "compare_scores",
        phone_columns=("score", "difference", "low", "high"),
        percent=("coverage",),
        column_config={
            **{c: _NUMBER(format="%.3f") for c in ("first", "second", "difference")},
            "low": _NUMBER(language.mark("95% from"), format="%.3f"),
            "high": _NUMBER(language.mark("to"), format="%.3f"),
            "coverage": _NUMBER(
                language.mark("measured coverage"),
                format="%.0f%%",
                help=language.mark(
                    "How often such an interval held the true difference in simulations (docs/comparing.md)."
                ),
            ),
            "why": st.column_config.TextColumn(language.mark("why no value or no interval"), width="large"),
        },
        inputs=(compared,),
    )


def question_table(compared: Comparison, first: TaskSet, second: TaskSet) -> None:
    """Draw a table of the questions that differ, or that only one side has."""
    differing = remembered.of_comparison(
        compared, "questions", lambda: comparison.question_frame(compared, first, second)
    )
    if differing.empty:
        markdown.caption("Both hold the same questions.")
        return
    counts = [
        Sentence("{count} {what}", count=int(n), what=Sentence(str(kind)))
        for kind, n in differing["what"].value_counts().items()
    ]
    markdown.caption(
        Sentence(
            "{counts}. Values are means over the models that count, at the end.",
            counts=formatting.join_words(counts),
        )
    )
    widgets.table(
        differing,
        f"questions-{compared.metric}",
        "compare_questions",
        height=320,
        phone_columns=("what", "id", "difference"),
        column_config={c: _NUMBER(format="%.3f") for c in ("value before", "value after", "difference")},
        inputs=(differing,),
        words=("what",),
    )


def curve_table(compared: Comparison) -> None:
    """Draw a table of the points of both curves side by side."""
    widgets.table(
        lambda: comparison.curve_pairs(compared),
        f"curves-{compared.metric}",
        "compare_values",
        height=320,
        phone_columns=("model", "tokens_seen", "first", "second"),
        column_config={c: _NUMBER(format="%.4f") for c in ("first", "second")},
        inputs=(compared,),
    )
