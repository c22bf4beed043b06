"""Choice of two models, and the answer which of them is ahead: the same on Curves, Ranking and Decide.

Tested in tests/pages/test_two_models.py.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from e2lm_core.analysis import leads
from e2lm_core.analysis.curves import messages as curve_words
from e2lm_core.analysis.decisions import messages as outlook_words
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.cache import curves as remembered
from e2lm_core.ui.cache import decisions, element_replay

ONE, OTHER, NOISE = "pair_one", "pair_other", "pair_noise"  # keys of the session state
ALONE = language.mark("The set has results of one model: run a second one.")
SAME = language.mark("Choose two different models.")


def chosen_pair(measurements: Measurements) -> tuple[str, str] | None:
    """Names of the two models chosen in this session, by default the most informative pair; None without two."""
    default = curve_words.most_informative_pair(measurements)
    if default is None:
        return None
    names = {curve.model.name for curve in measurements.curves}
    for key in (ONE, OTHER):
        if st.session_state.get(key) not in names:  # of another set
            st.session_state.pop(key, None)
    return st.session_state.get(ONE, default[0]), st.session_state.get(OTHER, default[1])


def current_answer(measurements: Measurements, metric: str) -> leads.PairAnswer | None:
    """Answer for the chosen models; None without two of them or without a complete checkpoint."""
    pair = chosen_pair(measurements)
    if pair is None or pair[0] == pair[1]:
        return None
    return remembered.pair(measurements, metric, *pair, with_training_noise())


def with_training_noise() -> bool:
    """Whether this session's answers include training noise."""
    return st.session_state.get(NOISE, leads.TRAINING_NOISE_INCLUDED)


def draw(measurements: Measurements, metric: str, page: str) -> tuple[str, str] | None:
    """Draw the answer above the controls of the two models and of the training noise.

    What is chosen holds for all pages of the session.

    Args:
        measurements: Results of the set.
        metric: Metric of the answer.
        page: Prefix of the controls' keys, one for each page.

    Returns:
        Names of the two models; None without two different ones.
    """
    pair = chosen_pair(measurements)
    if pair is None:
        st.caption(language.translate(ALONE))
        return None
    with st.container():
        if pair[0] == pair[1]:
            st.markdown(language.translate(SAME))
        else:
            end = decisions.end_of_training(measurements, *pair)
            element_replay.once(
                ("two models", measurements, metric, pair, with_training_noise(), end),
                lambda: _answer(measurements, metric, pair),
            )

    def keep() -> None:
        st.session_state[NOISE] = st.session_state[f"{page}_{NOISE}"]

    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="small"):
        selectors(measurements, pair, page)
        st.toggle(
            language.translate(leads.NOISE_LABEL),
            value=with_training_noise(),
            key=f"{page}_{NOISE}",
            on_change=keep,
            help=language.translate(leads.NOISE_HELP),
        )
    return None if pair[0] == pair[1] else pair


def _answer(measurements: Measurements, metric: str, pair: tuple[str, str]) -> None:
    if (found := current_answer(measurements, metric)) is None:
        return
    for sentence in leads.pair_sentences(measurements, found):
        widgets.headline(sentence)
    if (ahead := ahead_sentence(measurements, metric, pair)) is not None:
        widgets.headline(ahead)


def ahead_sentence(measurements: Measurements, metric: str, pair: tuple[str, str]) -> str | None:
    """Sentence on who is ahead at the end of training; None where training is over or it is not known."""
    points = decisions.outlooks(measurements, metric, *pair)
    if not points or points[-1].probability is None:
        return None
    first, second = (measurements.curve_of(name).model.short_name for name in pair)
    return outlook_words.headline(points, first, second)


def selectors(measurements: Measurements, pair: tuple[str, str], page: str) -> None:
    """Draw the controls of the two models, with those chosen now; arguments as of `draw`."""
    names = {curve.model.name: markdown.escape(curve.model.short_name) for curve in measurements.curves}
    for label, key, chosen in zip(
        (Sentence("First model"), Sentence("Second model")), (ONE, OTHER), pair, strict=True
    ):
        widgets.selector(
            label,
            list(names),
            chosen,
            partial(_choose, pair, key),
            key=f"{page}_{key}",
            format_func=lambda name: names.get(name, name),
            label_visibility="visible",
            width=260,
        )


def _choose(pair: tuple[str, str], key: str, name: str) -> None:
    """Choose one model of the pair; the other is chosen with it, so that no default replaces it."""
    for other, chosen in zip((ONE, OTHER), pair, strict=True):
        st.session_state.setdefault(other, chosen)
    st.session_state[key] = name
