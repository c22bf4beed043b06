"""Tab Relevance.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts import relevance as relevance_charts
from e2lm_core.relevance import messages, tables
from e2lm_core.relevance.embeddings import comparison_models
from e2lm_core.relevance.judge import Relevance
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, polling, urls, viewport
from e2lm_core.ui.cache import embedding_progress, results
from e2lm_core.ui.cache.embedding_progress import EmbeddingJob


def load_relevance(task: TaskSet, model: str | None = None, titled: bool = True) -> Relevance | None:
    """Relevance of a set; None while it is computed in the background, or if it cannot be computed.

    A progress bar, or the reason, is drawn in its place.

    Args:
        task: The set.
        model: Name of the embedder; None for the default.
        titled: Draw a headline as well.
    """
    work = embedding_progress.get_or_start(task, model)
    try:
        if work is None or (work.over and not work.error and not work.cancelled):
            return results.relevance(task, model)
    except StudioError as error:
        reason = error.sentence
    else:
        if not work.error:
            if titled:
                widgets.headline("The questions are being embedded; every other page can be used meanwhile.")
            _on_its_way(work, model)
            return None
        reason = work.error
    if titled:
        widgets.headline("Relevance cannot be computed here.")
    markdown.error(reason, icon=":material/error:")
    if work is not None and st.button(language.translate("Try again"), key=f"relevance_again_{model}"):
        work.start()
        st.rerun()
    return None


def _on_its_way(work: EmbeddingJob, model: str | None) -> None:
    if work.cancelled and work.over:
        st.caption(language.translate("Cancelled. Finished embeddings are kept."))
        if st.button(language.translate("Go on"), icon=":material/play_arrow:", key=f"relevance_on_{model}"):
            work.start()
            st.rerun()
        return

    @st.fragment(run_every=polling.poll_interval(polling.PROGRESS_S, is_own_run=True))
    def bar() -> None:
        if work.over:
            polling.redraw_page()
            return
        share = work.done / work.total if work.total else 0.0
        text = (
            messages.progress_sentence(work.done, work.total)
            if work.total
            else Sentence("Looking for what is embedded already …")
        )
        st.progress(share, text=markdown.escape(text))
        if st.button(language.translate("Cancel"), icon=":material/stop:", key=f"relevance_cancel_{model}"):
            work.cancel()

    bar()


def acceptance_charts(relevance: Relevance) -> None:
    """Draw the distribution of the probabilities, and the fields nearest to the questions."""
    st.header(language.translate("Probability of acceptance"), anchor=False)
    widgets.chart(
        lambda: relevance_charts.probability_histogram(relevance.probability, session.current_theme()),
        "relevance_histogram",
        language.translate("Histogram of acceptance probabilities"),
        inputs=(relevance,),
    )
    st.caption(language.translate("Read those in the middle."))
    st.header(language.translate("Nearest field"), anchor=False)
    widgets.table(
        lambda: tables.field_frame(relevance),
        "fields",
        "relevance_fields",
        column_config={
            "mean_probability": st.column_config.NumberColumn(
                language.translate("mean probability"), format="%.2f"
            )
        },
        inputs=(relevance,),
    )


def exemplar_map(relevance: Relevance, task: TaskSet) -> None:
    """Draw the questions on a map of the labelled exemplars."""
    st.header(language.translate("Map"), anchor=False)
    widgets.chart(
        lambda: relevance_charts.relevance_map(
            *tables.map_frames(relevance, task), session.current_theme(), viewport.is_narrow()
        ),
        "relevance_map",
        language.translate("Map of the questions among exemplars"),
        inputs=(relevance, task),
    )
    st.caption(language.translate("Near points read alike; directions mean nothing."))


def relevance_table(relevance: Relevance, task: TaskSet) -> None:
    """Draw a table of the questions with their probabilities, the lowest first."""
    st.header(language.translate("Least scientific first"), anchor=False)
    widgets.table(
        lambda: tables.question_frame(relevance, task),
        "relevance",
        "relevance_questions",
        height=360,
        phone_columns=("probability", "question"),
        column_config={
            "probability": st.column_config.ProgressColumn(
                language.translate("probability"), format="%.2f", min_value=0, max_value=1
            ),
            tables.WHOLE: st.column_config.NumberColumn(
                format="%.2f",
                help=language.translate(
                    "The question is judged with its right answer; this is the same with the wrong ones too."
                ),
            ),
        },
        inputs=(relevance, task),
    )
    markdown.caption(messages.turned_note(relevance))


def nearest_exemplars(relevance: Relevance, task: TaskSet) -> None:
    """Draw the exemplars most similar to a selected question; at first the least scientific one."""
    st.header(language.translate("Why this score?"), anchor=False)
    order = relevance.probability.argsort(kind="stable")
    key, held = f"relevance_why_{task.address}", st.session_state.get(urls.HELD["question"])
    if held in relevance.ids and key not in st.session_state:
        st.session_state[key] = relevance.ids.index(held)
    place = st.selectbox(
        language.translate("Question"),
        [int(at) for at in order],
        format_func=lambda at: markdown.escape(
            f"{relevance.probability[at]:.2f}  {tables.safe_excerpt(task.questions[at].question, 110)}"
        ),
        key=key,
        on_change=lambda: st.session_state.update(
            {urls.HELD["question"]: relevance.ids[st.session_state[key]]}
        ),
        label_visibility="collapsed",
    )
    if place is None:
        return
    widgets.table(
        lambda: tables.exemplar_frame(relevance, place),
        f"why-{relevance.ids[place]}",
        "relevance_why",
        phone_columns=("is", "exemplar"),
        column_config={"likeness": st.column_config.NumberColumn(format="%.2f")},
    )
    st.caption(language.translate("The most similar labelled questions."))


def reliability(relevance: Relevance) -> None:
    """Draw the reliability of the probabilities."""
    st.header(language.translate("Can the probability be trusted?"), anchor=False)
    widgets.chart(
        lambda: relevance_charts.reliability(tables.reliability_frame(relevance), session.current_theme()),
        "relevance_reliability",
        language.translate("Share of accepted exemplars against the probability given to them"),
        inputs=(relevance,),
    )
    markdown.caption(messages.reliability_sentence(relevance))


def embedder_comparison(relevance: Relevance, task: TaskSet) -> None:
    """Draw the relevance by another embedder, on request, beside the first."""
    st.header(
        language.translate("Another embedder"),
        anchor=False,
        help=language.translate(
            "`words` counts words and pieces of words: where it agrees, words alone decide. The others read "
            "sentences; all-MiniLM-L6-v2 embeds the exemplars too the first time, a minute or two. On the command line "
            "`relevance SET --embedder NAME` takes any sentence-transformers model."
        ),
    )
    asked = st.segmented_control(
        language.translate("Compare with"),
        comparison_models(relevance.embedder),
        format_func=markdown.escape,
        key="relevance_compare",
        label_visibility="collapsed",
    )
    other = load_relevance(task, asked, titled=False) if asked else None
    if other is None:
        return
    markdown.markdown(messages.agreement_sentence(relevance, other))
    widgets.table(
        lambda: tables.compared_frame(relevance, other, task),
        "compared",
        "relevance_compared",
        height=280,
        phone_columns=("probability", other.embedder, "question"),
        inputs=(relevance, other, task),
    )


def how_it_is_computed(relevance: Relevance) -> None:
    """Draw the meaning of the probability and its limits."""
    widgets.how_computed(
        Sentence(
            "An embedding model ({embedder}) turns each question with its right answer into a vector. Every one "
            "of this project's own labelled exemplars speaks for what lies near it, and what they say together becomes "
            "the calibrated probability that the organisers' rubric would accept the question: science and scholarship "
            "accepted; everyday language, common sense, puzzles and reading without technical content rejected. It "
            "reads words, it does not check facts: a proxy, not a verdict. Its discrimination on questions that nobody "
            "here wrote is in docs/relevance.md.",
            embedder=relevance.embedder,
        )
    )
