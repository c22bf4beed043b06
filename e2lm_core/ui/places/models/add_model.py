"""Form to add a hub model.

Tested in tests/pages/test_checkpoints.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints import tables
from e2lm_core.checkpoints.families import (
    CheckpointChoice,
    CheckpointLocation,
    Family,
    FamilyModel,
    choose_checkpoints,
    custom_family,
)
from e2lm_core.checkpoints.family_catalogue import FAMILIES
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import client as hub_client
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown

OTHER = language.mark("Another repository")
_IN_NAME, _UNKNOWN = language.mark("in the name"), language.mark("unknown")
_A_STEP = language.mark("so many a step")
_BRANCHES, _FOLDERS = language.mark("branches"), language.mark("folders")
_BILLION = 10**9


def add_model_form() -> None:
    """Draw the form that adds checkpoints of a hub model; the hub is asked only on a click."""
    left, right = st.columns(2, gap="large")
    with left:
        family, model = _model()
        if family is None or model is None:
            return
        markdown.caption(Sentence("{repo}. {note}", repo=model.repo, note=family.note))
    listing = _listing(family, model)
    places = tuple(c.place for c in listing.checkpoints) if listing else family.known_locations(model)
    with right:
        choice = _choice(family, places)
    chosen = _chosen(places, choice, model, listing) if places else ()
    new = _new(chosen, model)
    with st.container(horizontal=True, gap="small"):
        add_these = st.button(
            markdown.escape(_label(places, chosen, new)),
            key="library_go",
            icon=":material/add:",
            disabled=bool(places) and not new,
            type="primary" if new or not places else "secondary",
            help=language.translate("Added at its current commit. The download starts when you run it."),
        )
        ask = st.button(
            language.translate("List available checkpoints"),
            key="library_ask",
            icon=":material/refresh:",
            help=language.translate(
                "Lists the checkpoints that are there now, and their size where a listing tells it."
            ),
        )
    if add_these:
        _add(family, model, choice)
    if ask:
        _ask(family, model)


def _model() -> tuple[Family | None, FamilyModel | None]:
    """The chosen family and model, or the one of another repository; None while that is not named."""
    titles = [*(family.title for family in FAMILIES), OTHER]
    title = st.selectbox(
        language.translate("Family"),
        titles,
        key="library_family",
        format_func=lambda name: language.translate(name) if name == OTHER else name,
    )
    if title == OTHER:
        other = _other()
        return other, other.models[0] if other else None
    family = FAMILIES[titles.index(title)]
    by_name = {m.name: m for m in family.models}
    return family, by_name[
        st.selectbox(language.translate("Model"), list(by_name), key=f"library_add_{family.key}")
    ]


def _other() -> Family | None:
    repo = st.text_input(
        language.translate("Repository"), placeholder="OWNER/NAME", key="library_repo"
    ).strip()
    folders = st.segmented_control(
        language.translate("Its checkpoints are"),
        [_BRANCHES, _FOLDERS],
        default=_BRANCHES,
        required=True,
        key="library_where",
        format_func=language.translate,
    )
    pattern = st.text_input(
        language.translate("They are named"),
        "step{step}",
        key="library_pattern",
        help=language.translate(
            "{step} is the step's number, {tokens}B the tokens read in billions, * anything but a slash."
        ),
    ).strip()
    rule = st.segmented_control(
        language.translate("Tokens seen"),
        [_UNKNOWN, _IN_NAME, _A_STEP],
        default=_UNKNOWN,
        required=True,
        key="library_rule",
        format_func=language.translate,
    )
    tokens = None
    if rule == _A_STEP:
        tokens = int(
            st.number_input(language.translate("Tokens a step"), 1, 10**12, 2**21, key="library_tokens")
        )
    if not repo:
        return None
    try:
        return custom_family(
            repo,
            pattern,
            "subfolder" if folders == _FOLDERS else "revision",
            "name" if rule == _IN_NAME else tokens,
        )
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return None


def _choice(family: Family, places: Sequence[CheckpointLocation]) -> CheckpointChoice:
    every = st.number_input(
        language.translate("Every n-th checkpoint"),
        1,
        1000,
        1,
        key=f"library_every_{family.key}",
        help=language.translate(
            "2 takes the second, the fourth and so on: of E2LM's, the competition's own points."
        ),
    )
    early = family.early_tokens is not None and st.toggle(
        markdown.fill_template(
            "Early window only (to {tokens} tokens)", tokens=formatting.tokens(family.early_tokens)
        ),
        key=f"library_early_{family.key}",
    )
    low = high = None
    if family.tokens is not None or any(p.tokens_seen is not None for p in places):
        from_, to = st.columns(2)
        low = from_.number_input(
            language.translate("From, billion tokens"),
            0.0,
            None,
            None,
            key=f"library_from_{family.key}",
            placeholder=language.translate_count("the first", "the first", 1),
        )
        high = to.number_input(
            language.translate("To, billion tokens"),
            0.0,
            None,
            None,
            key=f"library_to_{family.key}",
            placeholder=language.translate("the last"),
        )
    return CheckpointChoice(
        every=int(every),
        early_only=bool(early),
        min_tokens=None if low is None else round(low * _BILLION),
        max_tokens=None if high is None else round(high * _BILLION),
    )


def _chosen(
    places: Sequence[CheckpointLocation],
    choice: CheckpointChoice,
    model: FamilyModel,
    listing: hub.RemoteListing | None,
) -> tuple[CheckpointLocation, ...]:
    try:
        chosen = choose_checkpoints(places, choice)
    except StudioError as error:
        markdown.warning(error, icon=":material/filter_alt_off:")
        return ()
    listed = None
    if listing is not None:
        sizes = {c.place: c.bytes for c in listing.checkpoints}
        known = [size for place in chosen if (size := sizes[place]) is not None]
        listed = sum(known) if len(known) == len(chosen) else None
    usage = hub_cache.cache_usage(session.studio().settings)
    markdown.caption(tables.selection_summary(chosen, len(places), model, listed, usage))
    return chosen


def _new(chosen: Sequence[CheckpointLocation], model: FamilyModel) -> list[CheckpointLocation]:
    """Chosen checkpoints that the catalogue does not have yet."""
    there = tables.added_by_model(session.studio().catalogue).get(model.name, ())
    steps = {c.step for c in there if c.repo == model.repo}
    return [place for place in chosen if place.step not in steps]


def _label(
    places: Sequence[CheckpointLocation],
    chosen: Sequence[CheckpointLocation],
    new: Sequence[CheckpointLocation],
) -> str:
    if not places:
        return Sentence("Add those that fit")  # only the hub knows the number
    if chosen and not new:
        return Sentence("All of these are added")
    return Sentence("Add {number} checkpoint", "Add {number} checkpoints", number=len(new))


def _listing(family: Family, model: FamilyModel) -> hub.RemoteListing | None:
    """The hub's answer in this session for this model and pattern; None without one."""
    told = st.session_state.get("library_listing")
    return told if told is not None and (told.family, told.model) == (family, model) else None


def _ask(family: Family, model: FamilyModel) -> None:
    try:
        with st.spinner(markdown.fill_template("Asking the hub about {repo}", repo=model.repo)):
            st.session_state["library_listing"] = hub.list_remote(
                session.studio().settings, family, model.name
            )
    except StudioError as error:
        _refused(error)
    else:
        st.rerun()


def _add(family: Family, model: FamilyModel, choice: CheckpointChoice) -> None:
    try:
        with st.spinner(markdown.fill_template("Asking the hub about {repo}", repo=model.repo)):
            new = hub.add_checkpoints(session.studio().settings, family, model.name, choice)
    except StudioError as error:
        _refused(error)
    else:
        st.session_state["library_new"] = model.name
        markdown.toast(
            Sentence(
                "Added {number} checkpoint of {model}.",
                "Added {number} checkpoints of {model}.",
                number=len(new),
                model=model.name,
            )
        )
        st.rerun()


def _refused(error: StudioError) -> None:
    """Show an error: a missing connection as a warning, since local models still work, others as errors."""
    if isinstance(error, hub_client.HubUnreachable):
        markdown.warning(error, icon=":material/cloud_off:")
    else:
        markdown.error(error, icon=":material/error:")
