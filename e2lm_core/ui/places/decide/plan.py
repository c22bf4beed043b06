"""Tab How many questions.

Tested in tests/pages/test_score.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from e2lm_core.analysis import leads
from e2lm_core.analysis.plan import messages as plan_words
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.plan import power as powers
from e2lm_core.analysis.plan.plan import Goal, Plan
from e2lm_core.base import formatting, labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import SHARES, Checkpoint, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import MAX_QUESTIONS
from e2lm_core.charts import plan as plan_charts
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import fleets
from e2lm_core.runs import state as run_state
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, page_cache, urls, viewport
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache import scores as remembered
from e2lm_core.ui.places import rc_reading, two_models

TABS = (language.mark("Two models"), language.mark("Interval width"))
_NUMBER = st.column_config.NumberColumn
_OWN = "own"
_FLEETS = {_OWN: Sentence("This set's group"), "e2lm": Sentence("E2LM's six models")}


@dataclass(frozen=True)
class Fleet:
    """The fleet of a plan.

    Attributes:
        checkpoints: Checkpoints on which the width is simulated.
        num_fewshot: Number of few-shot examples; None for the set's own.
        family: Family of models for the time; None for the time of `checkpoints`.
        seconds: Seconds for a question on one checkpoint; None for the pace of earlier runs.
    """

    checkpoints: list[Checkpoint]
    num_fewshot: int | None
    family: str | None
    seconds: float | None


def can_plan(measurements: Measurements) -> bool:
    """Whether the results allow a plan: at least two questions and a complete checkpoint."""
    return bool(
        measurements.complete_pairs
        and len(measurements.question_ids) >= 2
        and measurements.complete_checkpoints
    )


# --- the controls -----------------------------------------------------------------------------------------


def controls(task: TaskSet, measurements: Measurements, metric: str) -> tuple[Goal, Fleet]:
    """Draw the controls of the goal and of the fleet, side by side on a wide page."""
    left, right = (st.container(), st.container()) if viewport.is_narrow() else st.columns(2, gap="large")
    with left:
        goal = _goal([curve.model.name for curve in measurements.curves], metric)
    with right:
        fleet = _fleet(task, measurements)
    return goal, fleet


def _goal(models: Sequence[str], metric: str) -> Goal:
    markdown.markdown("**Goal**")
    of = st.selectbox(
        language.translate("Interval of"),
        planning.OF,
        index=planning.OF.index("sq"),
        format_func=lambda name: language.translate(planning.LABEL[name]),
        key="plan_of",
        help=widgets.explained_lines({k: h for k, h in labels.SCORE_HELP.items() if k != "SNR"}),
    )
    if of in ("rc", "score"):
        rc_reading.rc_reading_control("plan")
    chosen: list[str] = []
    if of == "mean":
        chosen = [st.selectbox(language.translate("Model"), models, key="plan_model")]
    elif of == "difference":
        chosen = st.multiselect(
            language.translate("Models"),
            models,
            max_selections=2,
            key="plan_pair",
            placeholder=language.translate("closest pair"),
            help=language.translate(
                "Left empty, the two that count and lie nearest at the end: the hardest to tell apart."
            ),
        )
    width = st.number_input(
        language.translate("Wanted width"),
        min_value=0.001,
        max_value=20.0,
        value=0.05,
        step=0.01,
        format="%.3f",
        key=f"plan_width_{of}",
        help=language.translate(
            "The whole width of the 95% interval, from end to end: 0.05 is ± 2.5 points of accuracy."
        ),
    )
    return Goal(of, metric, width, tuple(chosen), results.reading())


def _fleet(task: TaskSet, measurements: Measurements) -> Fleet:
    markdown.markdown("**Models**")
    names = [*_FLEETS, *fleets.saved_names(session.studio().settings)]
    which = st.segmented_control(
        language.translate("Model group"),
        names,
        default=_OWN,
        required=True,
        format_func=lambda key: markdown.escape(_FLEETS.get(key, key)),
        key="plan_fleet",
    )
    at_hand, num_fewshot = results.fleet(task).run_arguments
    checkpoints = list(at_hand)
    if which == _OWN:
        checkpoints = _thinned(task, measurements, checkpoints)
    else:
        markdown.caption(
            "The width is taken from this set's own runs; only the time is that of the other group, scaled by parameters."
        )
    ms = st.number_input(
        language.translate("Milliseconds a question on one checkpoint"),
        min_value=0.001,
        value=None,
        step=1.0,
        format="%.3f",
        placeholder=language.translate("as in earlier runs on this machine"),
        key="plan_pace",
        help=language.translate(
            "Left empty, the pace of this machine's earlier runs. Give your own for another device."
        ),
    )
    return Fleet(
        checkpoints, num_fewshot, None if which == _OWN else which, None if ms is None else ms / 1000
    )


def _thinned(
    task: TaskSet, measurements: Measurements, checkpoints: Sequence[Checkpoint]
) -> list[Checkpoint]:
    models = [curve.model.name for curve in measurements.curves]
    picked = st.pills(
        language.translate("Models of the group"),
        models,
        selection_mode="multi",
        default=models,
        key=f"plan_models_{task.address}",
        format_func=lambda name: markdown.escape(measurements.curve_of(name).model.short_name),
        wrap=True,
    )
    density = st.segmented_control(
        language.translate("Checkpoints"),
        list(run_order.DENSITIES),
        default="all",
        required=True,
        key="plan_density",
        format_func=language.translate,
    )
    return run_order.thin_out([c for c in checkpoints if c.model.name in picked], density)


# --- the answer -------------------------------------------------------------------------------------------


def plan_for(measurements: Measurements, goal: Goal, fleet: Fleet) -> Plan:
    """The plan for a goal; its widths are simulated once for the same results.

    Raises:
        StudioError: No plan can be made.
    """
    names = tuple(checkpoint.name for checkpoint in fleet.checkpoints)
    return run_state.plan_for(
        session.studio(),
        measurements,
        fleet.checkpoints,
        fleet.num_fewshot,
        goal,
        family=fleet.family,
        seconds=fleet.seconds,
        simulated=lambda _, metric, target: remembered.widths(measurements, names, metric, target),
    )


def width_chart(plan: Plan) -> None:
    """Draw the interval's width against the number of questions, and its assumptions."""
    widgets.chart(
        lambda: plan_charts.widths(plan, session.current_theme(), viewport.is_narrow()),
        "plan_widths",
        language.translate(
            "Width of the 95% interval of {subject} against the number of questions", subject=plan.subject
        ),
        inputs=(plan,),
    )
    widgets.how_computed(
        Sentence(
            "Sets of each size are drawn from the {measured} measured questions, and each gets the interval that these "
            "pages would show. Beyond {measured} questions this is a forecast: it holds if further questions are like "
            "these.",
            measured=plan.measured,
        )
    )
    if plan.widths.why and plan.questions is not None:
        markdown.caption(
            markdown.fill_template(
                ":material/info: Small sets have no width here: {why}", why=plan.widths.why
            )
        )


def pace_note(plan: Plan) -> None:
    """Draw the origin of the pace, or the way to a first run without a known pace."""
    if plan.pace is not None:
        markdown.caption(Sentence("Pace: {source}.", source=plan.pace.source))
        return
    markdown.info("Speed unknown until the first run.", icon=":material/timer:")
    urls.link("run", "Make a first run", ":material/play_circle:")


def size_table(plan: Plan) -> None:
    """Draw a table of the width and the time at every simulated size."""
    widgets.table(
        lambda: plan_words.size_frame(plan),
        f"plan-{plan.of}-{plan.metric}",
        "plan_sizes",
        phone_columns=("questions", "width", "seconds"),
        column_config={
            "questions": _NUMBER(format="localized"),
            "width": _NUMBER(language.mark("width of the 95% interval"), format="%.4f"),
            "expected": _NUMBER(
                language.mark("expected value"),
                format="%.4f",
                help=language.mark("What a set of that size is expected to show: noise lowers SQ."),
            ),
            "seconds": _NUMBER(language.mark("seconds in all"), format="%.0f"),
        },
        inputs=(plan,),
        undefined=plan_words.size_reasons(plan),
    )


def power(measurements: Measurements, metric: str) -> None:
    """Draw which of two models is ahead, and the power to show it for a number of questions and tokens seen."""
    pair = two_models.draw(measurements, metric, "plan")
    if pair is None:
        return
    (first, second), noise = pair, two_models.with_training_noise()
    head = st.container()
    with st.popover(language.translate("Other sizes"), icon=":material/tune:"):
        own = max(2, len(measurements.question_ids))
        asked = st.number_input(
            language.translate("Questions"), 2, max(MAX_QUESTIONS, own), own, key="plan_power_questions"
        )
        seen = measurements.curve_of(first).tokens_seen
        tokens = st.selectbox(
            language.translate("Tokens seen"),
            [None, *sorted({float(n) for n in seen if math.isfinite(n)})],
            format_func=lambda n: (
                language.translate("the last checkpoint") if n is None else formatting.tokens(n)
            ),
            key="plan_power_tokens",
        )
    try:
        told = page_cache.get_or_compute(
            "power",
            (measurements, metric, first, second, tokens, int(asked), noise),
            lambda: powers.compute_power(
                measurements, metric, (first, second), tokens, int(asked), with_training_noise=noise
            ),
        )
    except StudioError as error:
        markdown.info(error, icon=":material/info:")
        return
    with head:
        markdown.markdown(plan_words.power_headline(told, models_named=True))
    widgets.table(
        lambda: plan_words.power_frame(told),
        f"power-{metric}",
        "plan_power",
        phone_columns=("questions", "power"),
        percent=("power", *(["detectable"] if metric in SHARES else [])),
        column_config={
            "questions": _NUMBER(format="localized"),
            "power": _NUMBER(language.mark("power"), format="%.0f%%"),
            "detectable": _NUMBER(
                language.mark("detectable difference (80% power)"),
                format="%.1f%%" if metric in SHARES else "%.3f",
            ),
        },
        inputs=(told,),
    )
    widgets.how_computed(leads.HELP, plan_words.POWER_HELP, plan_words.power_assumptions(told))


def model_table(plan: Plan) -> None:
    """Draw a table of the time for each model of the fleet."""
    widgets.table(
        lambda: plan_words.fleet_frame(plan),
        f"plan-fleet-{plan.of}",
        "plan_fleet",
        phone_columns=("model", "checkpoints", "seconds"),
        column_config={
            "parameters": _NUMBER(format="compact"),
            "ms a question": _NUMBER(format="%.3f"),
            "seconds": _NUMBER(language.mark("seconds in all"), format="%.0f"),
        },
        inputs=(plan,),
        undefined=plan_words.size_reasons(plan),
    )
