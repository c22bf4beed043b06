"""Panel of hub models: download, verify, evict, remove.

Tested in tests/pages/test_checkpoints.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.records import Checkpoint
from e2lm_core.checkpoints import tables
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import background as fetching
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import on_disk as hub_disk
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import markdown, polling, viewport

_NUMBER = st.column_config.NumberColumn
COLUMNS = {
    "parameters": _NUMBER("parameters", format="compact"),
    "checkpoints": _NUMBER("checkpoints", help="How many the catalogue knows."),
    "here": _NUMBER("here", help="How many are on this machine and run without a download."),
    "first": _NUMBER("first tokens", format="compact", help="Tokens seen at the first checkpoint."),
    "last": _NUMBER("last tokens", format="compact", help="Tokens seen at the last checkpoint."),
    "bytes": _NUMBER(
        "on disk", format="bytes", help="Packed and unpacked, or downloaded in whole and in part."
    ),
}


class _Desk:
    """The one process that downloads or verifies: the disk is filled by one visitor at a time."""

    def __init__(self) -> None:
        self.fetch: fetching.BackgroundFetch | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> fetching.BackgroundFetch | None:
        return self.fetch if self.fetch is not None and self.fetch.running else None

    def start(self, action: fetching.Action, checkpoints: Sequence[Checkpoint]) -> None:
        """Start a download or verification, unless one runs already: the page then shows that one."""
        with self._lock:
            if self.running is None:
                self.fetch = fetching.start_fetch(action, checkpoints, session.studio().settings)


@st.cache_resource(show_spinner=False)
def fetch_manager() -> _Desk:
    """The process that downloads or verifies, one for all visitors of this server."""
    return _Desk()


def hub_models_panel() -> None:
    """Draw the hub models, redrawn during a download."""
    busy = fetch_manager().running is not None

    @st.fragment(run_every=polling.PROGRESS_S if busy else None)
    def drawn() -> None:
        if busy and fetch_manager().running is None:
            polling.redraw_page()
        _added()

    drawn()


def _added() -> None:
    studio = session.studio()
    have = tables.added_by_model(studio.catalogue)
    usage = hub_cache.cache_usage(studio.settings)
    if have or usage.used_bytes:
        st.header("From a hub", anchor=False)
        _room(usage)
    if not have:
        return
    model = _choose_model(list(have))
    if model not in have:
        return
    _outcome(model)
    checkpoints = have[model]
    on_disk = hub_disk.disk_usage(studio.settings, checkpoints)
    have_words = (
        f"{on_disk.whole} of {formatting.count(len(checkpoints), 'checkpoint')} of {model} "
        f"{'is' if on_disk.whole == 1 else 'are'} downloaded."
    )
    markdown.markdown(
        markdown.fill_template("{here} :gray[Mark rows to act on those alone.]", here=have_words)
    )
    _actions(model, checkpoints, _marked(model, checkpoints), fetch_manager().running)


def _choose_model(names: list[str]) -> str:
    """Draw the choice of a model; at first the one being downloaded, else the one added last."""
    running = fetch_manager().running
    first = running.model if running else st.session_state.get("library_new")
    return st.pills(
        "Model",
        names,
        default=first if first in names else names[0],
        required=True,
        wrap=True,
        format_func=markdown.escape,
        key=f"library_model_{'_'.join(names)}",
        label_visibility="collapsed",
    )


def _marked(model: str, checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Draw the table of a model's checkpoints; the checkpoints of the marked rows."""
    frame = tables.added_frame(session.studio().settings, checkpoints)
    event = st.dataframe(
        frame.dropna(axis=1, how="all"),
        hide_index=True,
        height=min(360, 40 + 35 * len(frame)),
        on_select="rerun",
        selection_mode="multi-row",
        # Marks belong to row numbers: after a change of the rows none is marked.
        key=f"library_rows_{model}_{hash(tuple(c.step for c in checkpoints))}",
        placeholder=formatting.DASH,
        column_order=("checkpoint", "state") if viewport.is_narrow() else None,
        column_config={
            "bytes": COLUMNS["bytes"],
            "tokens_seen": _NUMBER("tokens seen", format="compact"),
            "pinned": st.column_config.CheckboxColumn("pinned", width="small", help="Nothing evicts it."),
            "early": st.column_config.CheckboxColumn("early window", width="small"),
            "commit": st.column_config.TextColumn(
                "commit",
                help="What is downloaded, and what results are kept under, whatever the hub changes.",
            ),
        },
    )
    return [checkpoints[row] for row in event.selection.rows if row < len(checkpoints)]


def _room(usage: hub_cache.CacheUsage) -> None:
    part = f", {formatting.size(usage.partial_bytes)} of it half downloaded" if usage.partial_bytes else ""
    st.progress(
        min(1.0, usage.used_bytes / usage.quota_bytes),
        text=markdown.escape(
            f"Disk: {formatting.size(usage.used_bytes)} of the {formatting.size(usage.quota_bytes)} allowed{part}"
        ),
    )


def _outcome(model: str) -> None:
    """Draw the outcome of the last download or verification, or the progress of the present one."""
    fetch = fetch_manager().fetch
    if fetch is None:
        return
    if fetch.running:
        with st.container(border=True):
            if fetch.action == "download":
                now = hub_disk.disk_usage(session.studio().settings, fetch.checkpoints)
                expected = _expected_bytes(fetch.checkpoints)
                share, text = hub_disk.download_progress(now, fetch.before, fetch.seconds, expected)
                st.progress(share, text=markdown.escape(f"Downloading {fetch.model}: {text}"))
            else:
                read = formatting.size(fetch.before.whole_bytes)
                markdown.markdown(f"Verifying {fetch.model}: {read} are read again.")
            may_stop = fetch.may_stop(session.studio().settings)
            if may_stop and st.button("Stop", key="library_stop", icon=":material/stop:"):
                fetch.stop()
                st.rerun()
    elif model not in {checkpoint.model.name for checkpoint in fetch.checkpoints}:
        return
    elif fetch.error:
        markdown.error(fetch.error, icon=":material/error:")
    elif fetch.stopped:
        st.info(
            "Stopped; what is downloaded stays, and *Download* goes on from there.", icon=":material/pause:"
        )
    else:
        count = formatting.count(len(fetch.checkpoints), "checkpoint")
        if fetch.action == "verify":
            sentence = f"{count} verified: every byte is as the hub gave it."
        else:
            sentence = f"Downloaded {count}: they can be chosen on Run."
        markdown.success(sentence, icon=":material/check:")


def _expected_bytes(checkpoints: Sequence[Checkpoint]) -> int | None:
    """Bytes of checkpoints of several models as the hub lists them; None for one model, or if one is unknown."""
    listed = hub.checkpoint_bytes(session.studio().settings)
    names = [checkpoint.model.name for checkpoint in checkpoints]
    if len(set(names)) == 1 or not set(names) <= listed.keys():
        return None
    return sum(listed[name] for name in names)


def _actions(
    model: str,
    checkpoints: Sequence[Checkpoint],
    marked: list[Checkpoint],
    running: fetching.BackgroundFetch | None,
) -> None:
    settings = session.studio().settings
    chosen = marked or list(checkpoints)
    whole = [c for c in chosen if hub_cache.find_snapshot(c, settings)]
    missing = [c for c in chosen if c not in whole]
    pinned = hub.pinned(settings)
    some = [c for c in chosen if c.name not in pinned and hub_disk.disk_usage(settings, (c,)).bytes]
    busy = running is not None
    with st.container(horizontal=True, gap="small"):
        _begin("download", missing, "Download", ":material/download:", busy, primary=True)
        _begin("verify", whole, "Verify", ":material/verified:", busy)
        _pin(chosen, all(c.name in pinned for c in chosen))
        with st.popover(
            markdown.escape(f"Evict {formatting.count(len(some), 'checkpoint')}" if some else "Evict"),
            icon=":material/delete_sweep:",
            disabled=busy or not some,
        ):
            markdown.markdown(
                f"Delete {formatting.size(hub_disk.disk_usage(settings, some).bytes)} of weights? They stay listed and can be "
                "downloaded again; results stay too."
            )
            if st.button("Evict them", type="primary", key="library_evict"):
                _act(lambda: hub.evict_checkpoints(settings, some))
        with st.popover("Remove", icon=":material/delete:", disabled=busy):
            what = (
                f"{len(marked)} of {len(checkpoints)} checkpoints of {model}" if marked else f"all of {model}"
            )
            markdown.markdown(f"Remove {what} and delete its downloads? Results are kept.")
            if st.button("Remove", type="primary", key="library_remove"):
                _act(lambda: hub.remove_checkpoints(settings, model, tuple(c.name for c in marked)))


def _pin(chosen: list[Checkpoint], all_are: bool) -> None:
    label = f"{'Unpin' if all_are else 'Pin'} {formatting.count(len(chosen), 'checkpoint')}"
    if st.button(
        markdown.escape(label),
        key="library_pin",
        icon=":material/keep_off:" if all_are else ":material/keep:",
        help="Pinned checkpoints are never deleted automatically.",
    ):
        widgets.perform_action(lambda: hub.pin(session.studio().settings, chosen, not all_are))


def _begin(
    action: fetching.Action, chosen: list[Checkpoint], verb: str, icon: str, busy: bool, primary: bool = False
) -> None:
    label = f"{verb} {formatting.count(len(chosen), 'checkpoint')}" if chosen else verb
    if st.button(
        markdown.escape(label),
        key=f"library_{action}",
        icon=icon,
        disabled=busy or not chosen,
        type="primary" if primary and chosen else "secondary",
    ):
        widgets.perform_action(lambda: fetch_manager().start(action, chosen))


def _act(deed: Callable[[], int]) -> None:
    """Perform an action that frees bytes; a refusal is shown."""
    widgets.perform_action(lambda: markdown.toast(f"{formatting.size(deed())} freed."))
