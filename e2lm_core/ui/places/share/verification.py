"""Verification of a bundle.

Tested in tests/export/test_background_verify.py.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.export import background_verify
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown, polling

_KEY, _LOOK_S = "verification", 1.0


def verify_panel(data: bytes, name: str) -> None:
    """Draw the verification of a bundle: the button, the progress with Cancel, then the outcome."""
    if not background_verify.is_possible():
        markdown.caption(
            "Where lm-evaluation-harness is installed, the command `verify` runs the bundle in it."
        )
        return
    begun: background_verify.BackgroundVerification | None = st.session_state.get(_KEY)
    if begun is not None and (begun.name != name or st.session_state.get(f"{_KEY}_of") != hash(data)):
        begun = None  # a verification of another set, or of this one before an edit
    if begun is None or begun.is_over:
        if st.button(
            language.translate("Verify in lm-evaluation-harness"),
            key="verify_go",
            icon=":material/verified:",
            help=language.translate(
                "Runs the bundle in the harness itself, on the smallest embedded model, and compares each question's "
                "log-likelihoods with the studio's. About half a minute."
            ),
        ):
            try:
                st.session_state[_KEY] = background_verify.start_verification(
                    session.studio().settings, data, name
                )
            except StudioError as error:
                markdown.error(error, icon=":material/error:")
                return
            st.session_state[f"{_KEY}_of"] = hash(data)
            st.rerun()
        if begun is not None:
            _answer(begun)
        return
    st.fragment(_follow, run_every=_LOOK_S)(begun)


def _follow(begun: background_verify.BackgroundVerification) -> None:
    if begun.is_over:
        polling.redraw_page()
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        markdown.markdown(markdown.fill_template(":material/hourglass_top: {said}", said=begun.progress_text))
        if st.button(language.translate("Cancel"), key="verify_cancel", type="tertiary"):
            begun.cancel()
            st.rerun()


def _answer(begun: background_verify.BackgroundVerification) -> None:
    try:
        found = begun.answer()
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    if found["verified"]:
        markdown.success(verification_sentence(found), icon=":material/verified:")
    else:
        markdown.error(verification_sentence(found), icon=":material/error:")


def verification_sentence(found: dict[str, Any]) -> Sentence:
    """Sentence on the outcome of a verification, over all its runs."""
    where = Sentence(
        "lm-eval {version}, {shots}, at {checkpoint}",
        version=found["harness"]["lm_eval"],
        shots=formatting.join_words([f"{run['num_fewshot']}-shot" for run in found["runs"]]),
        checkpoint=found["checkpoint"],
    )
    apart = found["max_abs_difference"]
    if found["verified"]:
        return Sentence(
            "Verified by {where}: {questions}, no log-likelihood further apart than {apart} nats.",
            where=where,
            questions=formatting.count(found["documents"], "question"),
            apart=f"{apart:.1e}",
        )
    much = (
        Sentence("its documents are others")
        if apart is None
        else Sentence("log-likelihoods are up to {apart} nats apart", apart=f"{apart:.1e}")
    )
    return Sentence(
        "Verification failed in {where}: {much}. The command `verify --questions --json` names them.",
        where=where,
        much=much,
    )
