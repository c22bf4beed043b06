"""Panel of hub models: download, verify, evict, remove.

Tested in tests/pages/test_checkpoints.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.records import Checkpoint
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints import tables
from e2lm_core.checkpoints.hub import added_models as hub
from e2lm_core.checkpoints.hub import background as fetching
from e2lm_core.checkpoints.hub import cache as hub_cache
from e2lm_core.checkpoints.hub import on_disk as hub_disk
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, polling, viewport

_NUMBER, _TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
_CHECKBOX = st.column_config.CheckboxColumn
COLUMNS = {
    "parameters": _NUMBER(format="compact"),
    "checkpoints": _NUMBER(help=language.mark("How many the catalogue knows.")),
    "here": _NUMBER(help=language.mark("How many are on this machine and run without a download.")),
    "first": _NUMBER(
        language.mark("first tokens"),
        format="compact",
        help=language.mark("Tokens seen at the first checkpoint."),
    ),
    "last": _NUMBER(
        language.mark("last tokens"),
        format="compact",
        help=language.mark("Tokens seen at the last checkpoint."),
    ),
    "bytes": _NUMBER(
        language.mark("on disk"),
        format="bytes",
        help=language.mark("Packed and unpacked, or downloaded in whole and in part."),
    ),
}
FAMILY_COLUMNS = {
    "parameters": COLUMNS["parameters"],
    "checkpoints": _NUMBER(
        help=language.mark("A dash means unknown: *List available checkpoints* asks the hub.")
    ),
}
_ROW_COLUMNS = {
    "bytes": COLUMNS["bytes"],
    "tokens_seen": _NUMBER("tokens seen", format="compact"),
    "pinned": _CHECKBOX(width="small", help=language.mark("Nothing evicts it.")),
    "early": _CHECKBOX("early window", width="small"),
    "commit": _TEXT(
        help=language.mark("What is downloaded, and what results are kept under, whatever the hub changes.")
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
        st.header(language.translate("From a hub"), anchor=False)
        _room(usage)
    if not have:
        return
    model = _choose_model(list(have))
    if model not in have:
        return
    _outcome(model)
    checkpoints = have[model]
    on_disk = hub_disk.disk_usage(studio.settings, checkpoints)
    here = Sentence(
        "{number} of {checkpoints} of {model} is downloaded.",
        "{number} of {checkpoints} of {model} are downloaded.",
        number=on_disk.whole,
        checkpoints=formatting.count(len(checkpoints), "checkpoint"),
        model=model,
    )
    markdown.markdown(markdown.fill_template("{here} :gray[Mark rows to act on those alone.]", here=here))
    _actions(model, checkpoints, _marked(model, checkpoints), fetch_manager().running)


def _choose_model(names: list[str]) -> str:
    """Draw the choice of a model; at first the one being downloaded, else the one added last."""
    running = fetch_manager().running
    first = running.model if running else st.session_state.get("library_new")
    return st.pills(
        language.translate("Model"),
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
    shown = frame.dropna(axis=1, how="all")
    event = st.dataframe(
        shown.assign(state=[language.translate(state) for state in shown["state"]]),
        hide_index=True,
        height=min(360, 40 + 35 * len(frame)),
        on_select="rerun",
        selection_mode="multi-row",
        # Marks belong to row numbers: after a change of the rows none is marked.
        key=f"library_rows_{model}_{hash(tuple(c.step for c in checkpoints))}",
        placeholder=formatting.DASH,
        column_order=("checkpoint", "state") if viewport.is_narrow() else None,
        column_config=widgets.headings(shown.columns, _ROW_COLUMNS),
    )
    return [checkpoints[row] for row in event.selection.rows if row < len(checkpoints)]


def _room(usage: hub_cache.CacheUsage) -> None:
    part = (
        Sentence(", {size} of it half downloaded", size=formatting.size(usage.partial_bytes))
        if usage.partial_bytes
        else ""
    )
    st.progress(
        min(1.0, usage.used_bytes / usage.quota_bytes),
        text=markdown.fill_template(
            "Disk: {used} of the {quota} allowed{part}",
            used=formatting.size(usage.used_bytes),
            quota=formatting.size(usage.quota_bytes),
            part=part,
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
                st.progress(
                    share,
                    text=markdown.fill_template("Downloading {model}: {text}", model=fetch.model, text=text),
                )
            else:
                read = formatting.size(fetch.before.whole_bytes)
                markdown.markdown(
                    Sentence("Verifying {model}: {size} are read again.", model=fetch.model, size=read)
                )
            may_stop = fetch.may_stop(session.studio().settings)
            if may_stop and st.button(language.translate("Stop"), key="library_stop", icon=":material/stop:"):
                fetch.stop()
                st.rerun()
    elif model not in {checkpoint.model.name for checkpoint in fetch.checkpoints}:
        return
    elif fetch.error:
        markdown.error(fetch.error, icon=":material/error:")
    elif fetch.stopped:
        markdown.info(
            "Stopped; what is downloaded stays, and *Download* goes on from there.", icon=":material/pause:"
        )
    else:
        number = len(fetch.checkpoints)
        if fetch.action == "verify":
            sentence = Sentence(
                "{number} checkpoint verified: every byte is as the hub gave it.",
                "{number} checkpoints verified: every byte is as the hub gave it.",
                number=number,
            )
        else:
            sentence = Sentence(
                "Downloaded {number} checkpoint: they can be chosen on Run.",
                "Downloaded {number} checkpoints: they can be chosen on Run.",
                number=number,
            )
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
        _begin(
            "download",
            missing,
            markdown.fill_count("Download {number} checkpoint", "Download {number} checkpoints", len(missing))
            if missing
            else language.translate("Download"),
            ":material/download:",
            busy,
            primary=True,
        )
        _begin(
            "verify",
            whole,
            markdown.fill_count("Verify {number} checkpoint", "Verify {number} checkpoints", len(whole))
            if whole
            else language.translate("Verify"),
            ":material/verified:",
            busy,
        )
        _pin(chosen, all(c.name in pinned for c in chosen))
        with st.popover(
            markdown.fill_count("Evict {number} checkpoint", "Evict {number} checkpoints", len(some))
            if some
            else language.translate("Evict"),
            icon=":material/delete_sweep:",
            disabled=busy or not some,
        ):
            markdown.markdown(
                Sentence(
                    "Delete {size} of weights? They stay listed and can be downloaded again; results stay too.",
                    size=formatting.size(hub_disk.disk_usage(settings, some).bytes),
                )
            )
            if st.button(language.translate("Evict them"), type="primary", key="library_evict"):
                _act(lambda: hub.evict_checkpoints(settings, some))
        with st.popover(language.translate("Remove"), icon=":material/delete:", disabled=busy):
            what = (
                Sentence(
                    "{marked} of {all} checkpoints of {model}",
                    marked=str(len(marked)),
                    all=str(len(checkpoints)),
                    model=model,
                )
                if marked
                else Sentence("all of {model}", model=model)
            )
            markdown.markdown(
                Sentence("Remove {what} and delete its downloads? Results are kept.", what=what)
            )
            if st.button(language.translate("Remove"), type="primary", key="library_remove"):
                _act(lambda: hub.remove_checkpoints(settings, model, tuple(c.name for c in marked)))


def _pin(chosen: list[Checkpoint], all_are: bool) -> None:
    if st.button(
        markdown.fill_count("Unpin {number} checkpoint", "Unpin {number} checkpoints", len(chosen))
        if all_are
        else markdown.fill_count("Pin {number} checkpoint", "Pin {number} checkpoints", len(chosen)),
        key="library_pin",
        icon=":material/keep_off:" if all_are else ":material/keep:",
        help=language.translate("Pinned checkpoints are never deleted automatically."),
    ):
        widgets.perform_action(lambda: hub.pin(session.studio().settings, chosen, not all_are))


def _begin(
    action: fetching.Action,
    chosen: list[Checkpoint],
    label: str,
    icon: str,
    busy: bool,
    primary: bool = False,
) -> None:
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
    widgets.perform_action(lambda: markdown.toast(Sentence("{size} freed.", size=formatting.size(deed()))))
