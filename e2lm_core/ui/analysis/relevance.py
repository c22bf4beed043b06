"""Questions, their relevance: how probably each question would be accepted as science, why, and how true that is.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.charts import relevance as relevance_charts
from e2lm_core.relevance import tables, words
from e2lm_core.relevance.embeddings import others
from e2lm_core.relevance.judge import Relevance
from e2lm_core.ui import session
from e2lm_core.ui.analysis import embedding
from e2lm_core.ui.analysis.embedding import Embedding
from e2lm_core.ui.frame import addresses, parts, polling, say
from e2lm_core.ui.remembered import results


def judged(task: TaskSet, model: str | None = None, titled: bool = True) -> Relevance | None:
    """The set's relevance; None while it is computed in the background, which is shown with a bar, or where it cannot be."""
    work = embedding.begun(task, model)
    try:
        if work is None or (work.over and not work.error and not work.cancelled):
            return results.relevance(task, model)
    except StudioError as error:
        reason = str(error)
    else:
        if not work.error:
            if titled:
                parts.finding("The questions are being embedded; every other page can be used meanwhile.")
            _on_its_way(work, model)
            return None
        reason = work.error
    if titled:
        parts.finding("Relevance cannot be computed here.")
    say.error(reason, icon=":material/error:")
    if work is not None and st.button("Try again", key=f"relevance_again_{model}"):
        work.start()
        st.rerun()
    return None


def _on_its_way(work: Embedding, model: str | None) -> None:
    if work.cancelled and work.over:
        st.caption("Cancelled; what was embedded is kept.")
        if st.button("Go on", icon=":material/play_arrow:", key=f"relevance_on_{model}"):
            work.start()
            st.rerun()
        return

    @st.fragment(run_every=polling.every(polling.PROGRESS_S, mine=True))
    def bar() -> None:
        if work.over:
            st.rerun()
        share = work.done / work.total if work.total else 0.0
        text = (
            words.embedding(work.done, work.total) if work.total else "Looking for what is embedded already …"
        )
        st.progress(share, text=say.plain(text))
        if st.button("Cancel", icon=":material/stop:", key=f"relevance_cancel_{model}"):
            work.cancel()

    bar()


def acceptance(relevance: Relevance) -> None:
    """How the probabilities are spread, and the fields that the questions are nearest to."""
    st.subheader("Probability of acceptance", anchor=False)
    parts.chart(
        lambda: relevance_charts.probability_histogram(relevance.probability, session.current_theme()),
        "relevance_histogram",
        "Histogram of acceptance probabilities",
        of=(relevance,),
    )
    st.caption("The questions between the two sides are worth reading.")
    st.subheader("Nearest field", anchor=False)
    parts.table(
        lambda: tables.field_frame(relevance),
        "fields",
        "relevance_fields",
        column_config={"mean_probability": st.column_config.NumberColumn("mean probability", format="%.2f")},
        of=(relevance,),
    )


def exemplars(relevance: Relevance, task: TaskSet) -> None:
    """The questions on a map of the labelled exemplars."""
    st.subheader("The set among labelled exemplars", anchor=False)
    parts.chart(
        lambda: relevance_charts.relevance_map(*tables.map_frames(relevance, task), session.current_theme()),
        "relevance_map",
        "Map of the questions among exemplars",
        of=(relevance, task),
    )
    st.caption("Near points read alike; directions (principal components) mean nothing.")


def least_scientific(relevance: Relevance, task: TaskSet) -> None:
    """Every question with its probability, the lowest first."""
    st.subheader("The least scientific first", anchor=False)
    parts.table(
        lambda: tables.question_frame(relevance, task),
        "relevance",
        "relevance_questions",
        height=360,
        few=("probability", "question"),
        column_config={
            "probability": st.column_config.ProgressColumn(
                "probability", format="%.2f", min_value=0, max_value=1
            )
        },
        of=(relevance, task),
    )


def why(relevance: Relevance, task: TaskSet) -> None:
    """The exemplars most like one question, which is chosen; the least scientific one at first."""
    st.subheader("Why a question scores so", anchor=False)
    order = relevance.probability.argsort(kind="stable")
    key, held = f"relevance_why_{task.address}", st.session_state.get(addresses.HELD["question"])
    if held in relevance.ids and key not in st.session_state:
        st.session_state[key] = relevance.ids.index(held)
    place = st.selectbox(
        "Question",
        [int(at) for at in order],
        format_func=lambda at: say.plain(
            f"{relevance.probability[at]:.2f}  {tables.short(task.questions[at].question, 110)}"
        ),
        key=key,
        on_change=lambda: st.session_state.update(
            {addresses.HELD["question"]: relevance.ids[st.session_state[key]]}
        ),
        label_visibility="collapsed",
    )
    if place is None:
        return
    parts.table(
        lambda: tables.reasons_frame(relevance, place),
        f"why-{relevance.ids[place]}",
        "relevance_why",
        few=("is", "exemplar"),
        column_config={"likeness": st.column_config.NumberColumn(format="%.2f")},
    )
    st.caption(
        "The exemplars with the nearest embeddings; the probability weighs all, so some may speak against it."
    )


def reliability(relevance: Relevance) -> None:
    """How true the probabilities are."""
    st.subheader("Is 0.8 right in 80%?", anchor=False)
    parts.chart(
        lambda: relevance_charts.reliability(tables.reliability_frame(relevance), session.current_theme()),
        "relevance_reliability",
        "Share of accepted exemplars against the probability given to them",
        of=(relevance,),
    )
    say.caption(words.reliability(relevance))


def compared(relevance: Relevance, task: TaskSet) -> None:
    """The same judged by another embedder, where that is asked for."""
    st.subheader("Another embedder", anchor=False)
    asked = st.segmented_control(
        "Compare with",
        others(relevance.embedder),
        format_func=say.plain,
        key="relevance_compare",
        help="`words` counts words and pieces of words: where it agrees, words alone decide. The others read "
        "sentences; all-MiniLM-L6-v2 embeds the exemplars too the first time, a minute or two. On the command line "
        "`relevance SET --embedder NAME` takes any sentence-transformers model.",
    )
    other = judged(task, asked, titled=False) if asked else None
    if other is None:
        return
    say.markdown(words.compared(relevance, other))
    parts.table(
        lambda: tables.compared_frame(relevance, other, task),
        "compared",
        "relevance_compared",
        height=280,
        few=("probability", other.embedder, "question"),
        of=(relevance, other, task),
    )


def how_it_is_computed(relevance: Relevance) -> None:
    """What the probability is, and what it is not."""
    with st.expander("How this is computed", icon=":material/info:"):
        say.markdown(
            f"An embedding model ({relevance.embedder}) turns each question with its choices into a vector. Every one "
            "of this project's own labelled exemplars speaks for what lies near it, and what they say together becomes "
            "the calibrated probability that the organisers' rubric would accept the question: science and scholarship "
            "accepted; everyday language, common sense, puzzles and reading without technical content rejected. It "
            "reads words, it does not check facts: a proxy, not a verdict. Its discrimination on questions that nobody "
            "here wrote is in docs/relevance.md."
        )
