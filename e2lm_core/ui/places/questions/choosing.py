"""Tab Choosing.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis import tables, validity
from e2lm_core.analysis.questions import messages as choice_words
from e2lm_core.analysis.questions import problems, selection, selection_null
from e2lm_core.analysis.questions.heldout import SCORES
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.rules import COLUMNS
from e2lm_core.analysis.questions.selection import Selection
from e2lm_core.base import formatting, labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import SelectionOrigin, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts import questions as question_charts
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets import selection_origin
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import question_view

OWN = language.mark("a rule of my own")
BEST_SOURCE = language.mark("the one that rises most")
THE_COPY = Sentence(
    "The copy is what the rule chooses by all models, so no model is left that could judge it: its scores on them have no "
    "p, and nothing is advised from them."
)


def choosing_tab(task: TaskSet, measurements: Measurements, pool: Pool, head: DeltaGenerator) -> None:
    """Draw the tab: a rule, its gain in-sample and held out, and its selection as a copy.

    Args:
        task: The set.
        measurements: Its results.
        pool: Its question pool.
        head: Container of the headline.
    """
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="medium"):
        name, rule, source = _rule(pool)
        metric = widgets.metric_control("choosing_metric")
    silent = validity.no_advice_reason(
        measurements, results.scores(measurements, metric), results.is_running(task)
    )
    try:
        chosen = remembered.chosen(task, measurements, rule, metric, source, silent)
    except StudioError as error:
        with head:
            widgets.headline("Nothing is chosen.")
        markdown.error(error, icon=":material/error:")
        return
    chosen = remembered.gain_null(task, measurements, chosen)
    if chosen.null is None and (seconds := selection_null.estimated_seconds(pool, chosen)):
        _draw_null(task, measurements, chosen, seconds)
    with head:
        widgets.headline(choice_words.selection_headline(chosen, len(pool.ids)))
    for sentence in choice_words.selection_warnings(chosen):
        markdown.warning(sentence, icon=":material/warning:")
    covers = None
    if chosen.folds:
        covers = chosen.scores[_judgement(chosen)].covers
    else:
        widgets.redraw_while_running(task)
    question_view.copy_selection(
        task.address,
        list(chosen.ids),
        "choosing_keep",
        partial(_origin, task, pool, rule, metric, source),
    )
    _questions(task, chosen, pool)
    bar = choice_words.INTERVAL_HELP[covers] if covers else ""
    judged = [
        Sentence("Each row leaves one family of models out of the choice and lets it judge. {bar}", bar=bar),
        THE_COPY,
    ]
    widgets.how_computed(
        *[selection.PRESETS[rule] for rule in (name,) if rule in selection.PRESETS],
        choice_words.GAIN_HELP,
        *(judged if chosen.folds else []),
    )


def _questions(task: TaskSet, chosen: Selection, pool: Pool) -> None:
    """Draw a folded table of all questions, those that the rule leaves out first; made when it is opened."""
    left = language.translate_count(
        "{number} question", "{number} questions", len(pool.ids) - len(chosen.ids)
    )
    with st.expander(
        markdown.fill_template(
            "The questions: {chosen} chosen, {left} left out",
            chosen=language.whole_number(len(chosen.ids)),
            left=left,
        ),
        icon=":material/list:",
        on_change="rerun",
        key="choosing_questions",
    ) as box:
        if not box.open:
            return
        kept = set(chosen.ids)
        shown = sorted(task.questions, key=lambda question: question.id in kept)
        picked = st.dataframe(
            pd.DataFrame(
                {
                    "chosen": [question.id in kept for question in shown],
                    "question": [question.question for question in shown],
                    "choices": [
                        language.translate(problems.lettered_choices(question)) for question in shown
                    ],
                }
            ),
            hide_index=True,
            height=300,
            on_select="rerun",
            selection_mode="multi-row",
            key=f"choosing_table_{task.address}_{hash(chosen.ids)}",
            column_config=widgets.headings(("chosen", "question", "choices")),
        )
        ids = [shown[row].id for row in picked.selection.rows]
        question_view.show_selected(task, ids, "choosing", pool.models)


def _origin(task: TaskSet, pool: Pool, rule: str, metric: str, source: str | None) -> SelectionOrigin:
    trial = remembered.record_choice(task, pool, rule, metric, source)
    read = pool.models if selection.reads_models(selection.resolve_rule(pool, rule, source)) else ()
    return selection_origin.origin_of_selection(task, rule, source, read, trial)


def _draw_null(task: TaskSet, measurements: Measurements, chosen: Selection, seconds: float) -> None:
    """Draw the button that compares the gain with that under random answer keys, for sets that take long."""
    if not st.button(
        markdown.fill_template(
            "Compare with random answer keys ({duration})", duration=formatting.duration(seconds)
        ),
        icon=":material/casino:",
        key="choosing_null",
    ):
        return
    draws, done = selection_null.required_draws(chosen.tried), 0
    label = language.translate("Choosing under random answer keys …")
    bar = st.progress(0.0, label)

    def advance(by: int) -> None:
        nonlocal done
        done += by
        bar.progress(min(1.0, done / draws), label)

    remembered.draw_gain_null(task, measurements, chosen, advance)
    st.rerun()


def _rule(pool: Pool) -> tuple[str, str, str | None]:
    """Name in the list, the rule itself, and the source that it keeps or None."""
    name = st.selectbox(
        language.translate("Rule"),
        (*selection.PRESETS, OWN),
        key="choosing_rule",
        format_func=lambda rule: markdown.escape(language.translate(rule) if rule == OWN else rule),
        width=240,
        help=widgets.explained_lines(selection.PRESETS),
    )
    if name == OWN:
        rule = st.text_input(
            language.translate("Keep questions where"),
            "margin > 0 and slope > 0",
            key="choosing_own",
            width=340,
            help=markdown.safe_sentence(
                Sentence(
                    'Comparisons joined by `and`, of these columns: {columns}. Texts in quotes: `subject = "earth & space"`.',
                    columns=", ".join(f"`{c}`" for c in COLUMNS),
                )
            ),
        )
        return name, rule, None
    if name == "one-source" and pool.has_sources:
        known = sorted({s for s in pool.sample.traits["source"] if s})
        wish = st.selectbox(
            language.translate("Source"),
            (BEST_SOURCE, *known),
            key="choosing_source",
            width=280,
            format_func=lambda one: markdown.escape(language.translate(one) if one == BEST_SOURCE else one),
        )
        return name, name, None if wish == BEST_SOURCE else wish
    return name, name, None


def _judgement(chosen: Selection) -> str:
    """Draw the gain of the selection in one score, by fold, as chart and table; return the chosen score."""
    score = st.segmented_control(
        language.translate("Score"),
        SCORES,
        default=chosen.target,
        required=True,
        key="choosing_score",
        format_func=lambda s: markdown.escape(language.translate(labels.SCORES[s])),
        help=language.translate(choice_words.GAIN_HELP),
    )
    _gains(chosen, score)
    if chosen.why:
        markdown.caption(chosen.why)
    frame = tables.sentence_table(selection.fold_table(chosen))
    gains = [c for c in frame.columns if c.endswith((", in-sample", ", held out"))]
    widgets.table(
        frame,
        f"choosing-{chosen.metric}",
        "choosing_folds",
        phone_columns=("held out", f"{labels.SCORES[score]}, in-sample", f"{labels.SCORES[score]}, held out"),
        column_config={
            c: st.column_config.NumberColumn(
                language.translate(f"gain {c.split(', ')[1]}")
                if viewport.is_narrow()
                else ", ".join(language.translate(part) for part in c.split(", ")),
                format="%+.3f",
                help=language.translate(choice_words.GAIN_HELP),
            )
            for c in gains
        },
    )
    return score


def _gains(chosen: Selection, score: str) -> None:
    gain = chosen.scores[score]
    if gain.in_sample is None or gain.held_out is None:
        widgets.empty_state(
            Sentence("The gain in {score} is undefined: {why}", score=labels.SCORES[score], why=gain.why),
            icon=":material/block:",
        )
        return
    widgets.chart(
        question_charts.gains(chosen, score, session.current_theme(), narrow=viewport.is_narrow()),
        "choosing_gains",
        language.translate(
            "Gain in {score} of each fold, in-sample and held out",
            score=choice_words.score_label(score, chosen.metric),
        ),
    )
