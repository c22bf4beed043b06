"""Panel of people and quotas.

Tested in tests/people/test_pages.py.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts, quotas
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown

_GROUPS = {quotas.EVERYBODY: language.mark("everybody"), quotas.VISITORS: language.mark("visitors")}
_IN = {"bytes": 1e6, "seconds": 60.0}  # units of typed numbers: MB, minutes
_UNITS = {"bytes": "MB", "seconds": language.mark("Minutes"), "": language.mark("At most")}


def people() -> None:
    """Draw the section People; nothing without sign-in."""
    settings = session.studio().settings
    if settings.auth == "none" or settings.person is None or settings.readonly:
        return
    st.header(language.translate("People"), anchor=False)
    if not accounts.is_administrator(settings):
        own = quotas.quotas_of(settings, settings.person)
        markdown.caption(
            Sentence(
                "Yours to use: {quotas}.",
                quotas=joined([joined((quota.kind.label, quota.text)) for quota in own], ", "),
            )
        )
        return
    widgets.table(_frame(settings), "people", "people_table", phone_columns=("id", "administrator"))
    _change(settings)


def _frame(settings: Settings) -> pd.DataFrame:
    """Table of people, one row each: account and use of the quotas."""
    rows = []
    for person in accounts.list_people(settings):
        used = {quota.kind.label: quota.text for quota in quotas.quotas_of(settings, person.id)}
        seen = pd.Timestamp(person.seen_at, unit="s").floor("s")
        rows.append(
            {
                "id": person.id,
                "name": person.name,
                "administrator": person.administrator,
                "seen": seen,
                **used,
            }
        )
    return tables.sentence_table(rows)


def _change(settings: Settings) -> None:
    names = [*_GROUPS, *(person.id for person in accounts.list_people(settings))]
    with st.popover(language.translate("Change a quota"), icon=":material/tune:"):
        whose = st.selectbox(
            language.translate("Whose"),
            names,
            key="quota_whose",
            format_func=lambda who: markdown.escape(
                language.translate(_GROUPS[who]) if who in _GROUPS else who
            ),
        )
        kind = st.selectbox(
            language.translate("Of what"),
            quotas.KINDS,
            format_func=lambda kind: language.translate(kind.label),
            key="quota_kind",
        )
        scale = _IN.get(kind.unit, 1.0)
        now = _now(settings, whose, kind)
        most = st.number_input(
            markdown.escape(language.translate(_UNITS[kind.unit])),
            0.0,
            None,
            now / scale,
            key=f"quota_most_{whose}_{kind.key}",
        )
        with st.container(horizontal=True):
            if st.button(language.translate("Save"), type="primary", key="quota_save"):
                widgets.perform_action(lambda: quotas.set_limit(settings, kind.key, most * scale, whose))
            if st.button(
                language.translate("As before"),
                key="quota_unset",
                help=language.translate("Reset to the default."),
            ):
                widgets.perform_action(lambda: quotas.set_limit(settings, kind.key, None, whose))


def _now(settings: Settings, whose: str, kind: quotas.QuotaKind) -> float:
    said = {who: number for who, one, number in quotas.limit_overrides(settings) if one.key == kind.key}
    visits = whose == quotas.VISITORS or whose.startswith(accounts.VISITOR)
    group, default = (
        (quotas.VISITORS, kind.most_of_visitor)
        if visits
        else (quotas.EVERYBODY, quotas.default_limit(settings, kind))
    )
    return float(said.get(whose, said.get(group, default)))
