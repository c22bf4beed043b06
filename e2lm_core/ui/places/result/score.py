"""Tab Score.

Tested in tests/pages/test_score.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from e2lm_core.analysis import validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.questions import null_through_rule as null_words
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.analysis.score import published
from e2lm_core.base import formatting, labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts import score as score_charts
from e2lm_core.scores.composite import WEIGHTS
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty.intervals import MetricIntervals
from e2lm_core.scores.weighted import is_published, normalised, weighted_score
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import questions, results
from e2lm_core.ui.cache import scores as remembered

METRIC = "score_metric"
TABS = (language.mark("Every score"), language.mark("SQ by model"), language.mark("The bars"))


def cards(scores: Scores, silent: bool) -> None:
    """Draw the Score and its three parts, grey where they mean nothing."""
    with st.grid(4, min_column_width=150):
        widgets.score_card("Score", scores.score, silent=silent)
        widgets.score_card("SQ", scores.sq, silent=silent)
        widgets.score_card("RC", scores.rc, silent=silent, by_design=scores.is_rc_by_design)
        widgets.score_card("CS", scores.cs, silent=silent)
    widgets.seed_spread(scores)


def other_weights(measurements: Measurements, metric: str) -> None:
    """Draw a score with the visitor's own weights, folded: it has another name than the Score."""
    with st.expander(
        language.translate("Other weights"), icon=":material/tune:", key="score_weights", on_change="rerun"
    ) as box:
        if not box.open:
            return
        with st.container(horizontal=not viewport.is_narrow(), gap="small"):
            chosen = {
                part: st.number_input(
                    markdown.escape(part.upper()),
                    0.0,
                    1.0,
                    weight,
                    0.05,
                    key=f"score_weight_{part}",
                    width=140,
                )
                for part, weight in WEIGHTS.items()
            }
        try:
            weights = normalised(chosen)
        except StudioError as error:
            markdown.error(error, icon=":material/error:")
            return
        if is_published(weights):
            st.caption(language.translate("These are the published weights: the Score above."))
            return
        drawn = results.answer(Answers.nulls, measurements, metric)
        made = weighted_score(results.scores(measurements, metric), drawn, weights)
        markdown.markdown(score_words.weighted_sentence(made))


@contextmanager
def _null_progress(draws: int) -> Iterator[Callable[[int], object]]:
    """Bar of so many draws of a null through the rule; gives the function that moves it."""
    bar, label, done = (
        st.progress(0.0),
        language.translate("Choosing and scoring under random answer keys …"),
        0,
    )

    def advance(by: int) -> None:
        nonlocal done
        done += by
        bar.progress(min(1.0, done / (2 * draws)), label)  # the rule, and one metric

    yield advance
    bar.empty()


def null_through_rule(task: TaskSet, measurements: Measurements, metric: str, scores: Scores) -> None:
    """Draw, for a set that a rule made, what the rule gives under random answer keys, or the button that draws it."""
    try:
        drawn = questions.null_through_rule(task, measurements, metric)
        if drawn is None:
            seconds = questions.null_through_rule_seconds(task, measurements, metric)
            if not st.button(
                markdown.fill_template(
                    "Compare with the rule under random answer keys ({duration})",
                    duration=formatting.duration(seconds),
                ),
                icon=":material/casino:",
                key="score_null_through_rule",
            ):
                return
            with _null_progress(null_words.required_draws(measurements)) as advance:
                questions.draw_null_through_rule(task, measurements, metric, advance)
            if questions.null_through_rule(task, measurements, metric) is not None:
                st.rerun()  # without the button
    except StudioError as error:
        markdown.caption(error)
        return
    if drawn is not None:
        rules, trial = null_words.rules_through(measurements), null_words.trial_number(measurements)
        for sentence in null_words.null_sentences(scores, drawn, len(rules), trial):
            markdown.markdown(sentence)


def bars(task: TaskSet, scores: Scores, metric: str) -> dict[str, Scores]:
    """Draw the set's Score beside those of the example sets, as stacked bars; return the scores by set."""
    examples, lacking = remembered.examples(task)
    others = {name: remembered.scored(example, metric)[0] for name, example in examples.items()}
    shown = {task.address: scores, **others}
    frame = remembered.bars(shown)
    if not frame["contribution"].notna().any():
        widgets.empty_state(score_words.NO_BARS)
        return shown
    widgets.chart(
        lambda: score_charts.score_bars(frame, session.current_theme(), viewport.is_narrow()),
        "score_bars",
        language.translate(
            "The Score of this set and of the example sets as stacked bars of its three parts"
        ),
        inputs=(shown,),
    )
    widgets.how_computed(
        "From left to right SQ, RC and CS, each times its weight. Above a bar, the thick line is the 95% interval of the whole; below it, "
        "thin lines are those of the parts, each about its segment's end. The parts move together, so theirs do not add up. "
        "A part could still gain its weight times what it lacks of 1; RC of the built-in models is by design and gains nothing.",
        score_words.NO_SINGLE_QUESTION,
    )
    for name, example in examples.items():
        if told := validity.unknown_facts_warning(example.told):
            markdown.caption(markdown.fill_template(":material/school: {name}: {told}", name=name, told=told))
    for sentence in lacking:
        markdown.caption(
            markdown.fill_template(":material/info: {sentence}", sentence=markdown.safe_sentence(sentence))
        )
    return shown


def what_would_raise_it(advice: score_parts.Advice) -> None:
    """Draw the advice on raising the Score, the most effective first."""
    st.header(language.translate("What would raise it most"), anchor=False)
    said = score_words.advice_sentences(advice)
    for sentence in said[:1]:
        markdown.markdown(sentence)
    if more := said[1:]:
        with st.expander(
            markdown.fill_count(
                "{number} more thing that would", "{number} more things that would", len(more)
            ),
            icon=":material/trending_up:",
        ):
            markdown.markdown(markdown.bullet_list(markdown.safe_sentence(sentence) for sentence in more))
    urls.link("choosing", "Choose among the questions", ":material/checklist:")


# --- the tables -------------------------------------------------------------------------------------------


def every_score(
    measurements: Measurements, scores: Scores, metric: str, bounds: MetricIntervals | None
) -> None:
    """Draw a table of all scores with their intervals, coverage, and the reasons for missing values.

    Args:
        measurements: Results of the set.
        scores: Its scores.
        metric: Name of the metric.
        bounds: Intervals of the scores; None without a complete checkpoint.
    """
    number = st.column_config.NumberColumn
    widgets.table(
        lambda: score_parts.score_frame(measurements, scores, metric, bounds),
        f"scores-{metric}",
        "score_every",
        phone_columns=("score", "value", "low", "high"),
        percent=("coverage",),
        column_config={
            "low": number("95% from", format="%.3f", help=labels.PART_HELP["interval"]),
            "high": number("to", format="%.3f"),
            "value": number("value", format="%.3f"),
            "random": number("random", format="%.3f"),
            "random 95%": number("random 95%", format="%.3f"),
            "p": number("p", format="%.3f"),
            "coverage": number(
                "measured coverage",
                format="%.0f%%",
                help=language.translate(
                    "How often such an interval held in simulations (docs/uncertainty.md)."
                ),
            ),
            "why": st.column_config.TextColumn(
                language.translate("why no value or no interval"), width="large"
            ),
        },
        inputs=(measurements, scores.rc_reading),
    )


# --- beside the competition -------------------------------------------------------------------------------


def the_competition() -> None:
    """Draw the competition's own words on each score, and the studio's interpretation."""
    with st.expander(
        language.translate("The competition's words, and our reading"), icon=":material/format_quote:"
    ):
        for name, (words, ours) in score_words.SAID_BY_THE_COMPETITION.items():
            markdown.markdown(
                Sentence("**{score}**: “{words}”. {ours}", score=labels.SCORES[name], words=words, ours=ours)
            )


def published_sets() -> None:
    """Draw published figures of other sets, apart from the selected set's: they are not comparable."""
    with st.container(border=True):
        st.header(language.translate("Published sets · :orange[not comparable]"), anchor=False)
        figures = published.published_figures()
        widgets.chart(
            lambda: score_charts.published_bars(
                score_charts.published_frame(figures), session.current_theme(), viewport.is_narrow()
            ),
            "score_published",
            language.translate("Published figures of other sets, not comparable"),
            inputs=(),
        )
        markdown.caption(
            Sentence(
                "Hatched: from SQ. Dotted: from RC and CS together. Source of the total: {source}. Without a total: {other}.",
                source=figures.totals[0].source,
                other=figures.curve_means_source,
            )
        )
        widgets.table(
            lambda: score_charts.published_frame(figures),
            "published",
            "score_published",
            phone_columns=("benchmark", "SQ", "total"),
            column_config={
                name: st.column_config.NumberColumn(name, format="%.3f")
                for name in ("total", "from SQ", "from RC and CS")
            },
            inputs=(),
        )
