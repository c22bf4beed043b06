"""The place Sets.

Results are read for the selected set and for examples with included results, their scores last. Other sets
that nobody has opened show only their last run.

Tested in tests/pages/test_sets.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import start as run_start
from e2lm_core.runs.fleets import LADDER
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.messages.doors import Door
from e2lm_core.runs.messages.fleets import fleet_label, missing_sentence
from e2lm_core.runs.queue import permissions
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.queue.records import Job
from e2lm_core.scores.set_scores import Scores
from e2lm_core.sets import collection
from e2lm_core.sets.collection import SetInfo
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import doors, recovery, storage_notice, widgets
from e2lm_core.ui.app.status_bar import state_text
from e2lm_core.ui.base import language, markdown, polling, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import toolbar
from e2lm_core.ui.places.sets import card_menu, finding, preview, welcome

WHAT = language.mark(
    "Write multiple-choice questions **that tell better young language models from weaker ones**."
)
_MONTHS = (
    *(language.mark("January"), language.mark("February"), language.mark("March"), language.mark("April")),
    *(language.mark("May"), language.mark("June"), language.mark("July"), language.mark("August")),
    *(language.mark("September"), language.mark("October"), language.mark("November")),
    language.mark("December"),
)
MAX_CARDS, MAX_DELETED = 12, 8
_DAY_S = 24 * 3600
_SINCE = {
    "done": language.mark("last run {ago}"),
    "failed": language.mark("last run failed {ago}"),
    "cancelled": language.mark("last run cancelled {ago}"),
}


def draw() -> None:
    """Draw the place."""
    session.redraw_through_app()
    urls.current_tab(urls.SETS)
    settings = session.studio().settings
    gone = session.missing_set()
    chosen = None if gone else session.current_set_name()
    urls.write_url(urls.SETS, "")
    markdown.title(urls.SETS.title, anchor=False)
    widgets.headline(WHAT)
    storage_notice.storage_notice(settings.home)
    if gone:
        recovery.missing_set_page(settings, gone, session.choose_set)
    infos = _listed(chosen)
    welcome.draw(next((info.address for info in infos if info.example and not info.problem), None))
    _runs()
    later = _cards(infos, chosen)
    _picture(infos, chosen)
    _deleted()
    for fill in later:
        fill()


def _picture(infos: Sequence[SetInfo], chosen: str | None) -> None:
    """Draw the curves of the selected example beside real ones, until the visitor has sets of their own."""
    if chosen is None or not all(info.example for info in infos):
        return
    try:
        task = session.read_set(chosen)
        if results.state(task).kind == "up to date":
            preview.previews(task)
    except StudioError:  # reported on its card
        return


def _listed(chosen: str | None) -> list[SetInfo]:
    """All listed sets, and the selected one if it is unlisted; an error if that cannot be opened."""
    settings = session.studio().settings
    infos = session.all_sets()
    if chosen is not None and all(info.address != chosen for info in infos):
        try:
            return [collection.find_set(settings, chosen), *infos]
        except StudioError as error:
            markdown.error(error, icon=":material/error:")
    return infos


# --- cards ------------------------------------------------------------------------------------------------


def _cards(infos: Sequence[SetInfo], chosen: str | None) -> list[Callable[[], None]]:
    """Draw the cards; return the functions that draw slow scores later, the selected set's first."""
    later: list[Callable[[], None]] = []
    sound = [info for info in infos if not info.problem]
    if not sound:
        widgets.empty_state("No sets yet. Write one, or import one.", icon=":material/folder_open:")
    found = finding.found_sets(sound, MAX_CARDS)
    most = len(found) if st.session_state.get("sets_all") else MAX_CARDS
    with st.grid(finding.ROW, min_column_width=280):
        for info in found[:most]:
            with st.container(border=True, key=f"card_{info.address.replace('/', '-')}", height="stretch"):
                fill = _card(info, info.address == chosen)
            if fill is not None:
                later.insert(0 if info.address == chosen else len(later), fill)
    if len(found) > MAX_CARDS:
        st.toggle(
            markdown.escape(
                language.translate("Show all {number}", number=language.whole_number(len(found)))
            ),
            key="sets_all",
        )
    for info in infos:
        if info.problem:
            markdown.warning(
                language.translate(
                    "{address} is left out: {problem}", address=info.address, problem=info.problem
                ),
                icon=":material/folder_off:",
            )
    return later


def _card(info: SetInfo, in_hand: bool) -> Callable[[], None] | None:
    """Draw a card; return the function that fills in its score later, if it is to come."""
    kind = _kind(info)
    marks = [mark for mark in (language.translate("selected") if in_hand else "", kind) if mark]
    label = session.set_label(info.address)
    markdown.markdown(
        markdown.fill_template(
            "**{name}**" + (" :gray[{marks}]" if marks else ""), name=label, marks=" · ".join(marks)
        )
    )
    if info.title:
        markdown.caption(f"`{info.address}`")
    place, fill = st.empty(), None
    doors_here: tuple[Door, ...] = ()
    try:
        task = session.read_set(info.address)
        if (in_hand or results.is_state_cached(task)) and (found := results.doors(task)) is not None:
            doors_here = found.doors[:1] if found.first == "door" else ()
        comes = info.example and not in_hand and _follows(task)
        with place.container():
            scored = _about(task, in_hand)
            if comes:
                st.caption(language.translate("Computing the Score …"))
            elif in_hand and not scored:
                fill = partial(_score_of, task, st.container())
        if comes:
            fill = partial(_filled, task, place)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return None
    preview.card_curve(task)
    if not info.example and (last := toolbar.last_change(info.address)):
        markdown.caption(markdown.escape(last))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if st.button(
            language.translate("Open"), key=f"open_{info.address}", type="primary" if in_hand else "secondary"
        ):
            welcome.enter(info.address, "overview")
        if st.button(
            language.translate("Questions"),
            key=f"write_{info.address}",
            type="tertiary",
            icon=":material/edit_note:",
        ):
            welcome.enter(info.address, "write")
        for door in doors_here:
            if st.button(
                markdown.escape(language.translate(door.label)),
                key=f"door_{door.view}_{info.address}",
                type="tertiary",
                icon=doors.ICONS[door],
            ):
                welcome.enter(info.address, door.view)
        card_menu.menu(info)
    return fill


def _kind(info: SetInfo) -> str:
    """Mark of a set that is not the visitor's own; "" for an own one."""
    if info.example:
        return language.translate("example")
    return language.translate("shared with you") if info.owner else ""


def _follows(task: TaskSet) -> bool:
    """Whether an example's included score is still to be computed, as nobody has opened the example yet."""
    if not results.is_brought(task):
        return False
    return not results.is_state_cached(task) or (
        results.state(task).kind == "up to date" and results.known_scores(task) is None
    )


def _filled(task: TaskSet, place: DeltaGenerator) -> None:
    """Fill the card of an example that nobody has opened: state and score, computed once for all sessions."""
    now = results.measurements(task)
    if results.state(task).kind == "up to date" and now.complete_checkpoints:
        results.scores(now, "acc")
    with place.container():
        _about(task, False)


def _about(task: TaskSet, in_hand: bool) -> bool:
    """Draw the known state of a set and its score; whether the score is known."""
    if in_hand or results.is_state_cached(task):
        fleet = results.fleet(task)
        state = markdown.SafeMarkdown(state_text(task, results.state(task)))
        if fleet.name == LADDER:
            markdown.markdown(state)
        else:
            group = fleet_label(fleet.name)
            markdown.markdown(markdown.fill_template("{state} · {group}", state=state, group=group))
        if in_hand and (lost := missing_sentence(fleet)):
            markdown.caption(markdown.fill_template(":material/link_off: {lost}", lost=lost))
        if (found := results.doors(task)) is not None:
            markdown.caption(found.share)
        if (known := results.known_scores(task)) is not None:
            _score(*known, in_full=in_hand)
        return known is not None
    said = language.translate_count("{number} question", "{number} questions", len(task.questions))
    job = run_start.latest_job(session.studio(), task.address, progress=False)
    if job is not None:
        said += f" · {_run_said(job, task)}"
    markdown.markdown(markdown.escape(said))
    return False


def _score_of(task: TaskSet, place: DeltaGenerator) -> None:
    now = results.measurements(task)
    if 0 < now.checkpoints == now.complete_checkpoints:
        with place:
            scores = results.scores(now, "acc")
            _score(scores, results.silence_reason(now, scores))


def _run_said(job: Job, task: TaskSet) -> str:
    if not job.over:
        run = run_progress(session.studio().jobs, job, task)
        progress = run_words.progress_sentence(run)
        return (
            language.translate("running {progress}", progress=progress)
            if job.state == "running"
            else language.translate(progress)
        )
    return language.translate(_SINCE[job.state], ago=_ago(job.finished_at or job.created_at))


def _ago(at: float) -> str:
    """Time of an event as text, for example: about 20 s ago; on 3 May 2026."""
    seconds = time.time() - at
    if seconds < 2 * _DAY_S:
        return language.translate("{duration} ago", duration=formatting.duration(seconds))
    day = datetime.fromtimestamp(at)
    month = language.translate(_MONTHS[day.month - 1])
    return language.translate("on {day} {month} {year}", day=day.day, month=month, year=day.year)


def _score(scores: Scores, silent: str | None, in_full: bool = True) -> None:
    """Draw the Score and its null, in full or in a few words; grey, with the reason, if it means nothing."""
    score = scores.score
    if score.value is None:
        markdown.caption("No Score yet: Result says why.")
        if silent and in_full:
            markdown.caption(silent)
        return
    bounds = formatting.interval(*score.interval) if score.interval else ""
    said = markdown.fill_template(
        "Score **{value}** {bounds}", value=formatting.score(score.value), bounds=bounds
    )
    if silent:
        said = markdown.fill_template(
            ":gray[Score {value} {bounds}]", value=formatting.score(score.value), bounds=bounds
        )
    markdown.markdown(said)
    if silent and in_full:
        markdown.caption(silent)
    elif score.null is not None:
        random = language.translate(formatting.random_baseline_short(score.null))
        markdown.caption(f"{random[:1].upper()}{random[1:]}.")


# --- runs -------------------------------------------------------------------------------------------------


def _runs() -> None:
    if jobs := _open_jobs():
        st.header(language.translate("Running"), anchor=False)
        pace_s = polling.poll_interval(polling.PROGRESS_S, is_own_run=False)
        st.fragment(_follow, run_every=pace_s)([job.id for job in jobs])


def _open_jobs() -> list[Job]:
    return permissions.list_open_runs(session.studio())


def _follow(drawn: Sequence[int]) -> None:
    """Draw the open runs; redraw the whole page once one has ended or another has begun."""
    jobs = _open_jobs()
    if [job.id for job in jobs] != list(drawn):
        polling.redraw_page()
    run_launcher.ensure_worker()
    for job in jobs:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            share, said = _far(job)
            st.progress(share, text=markdown.escape(said))
            run_launcher.cancel_button(
                job.id, language.translate("Cancel"), f"sets_cancel_{job.id}", type="tertiary"
            )


def _far(job: Job) -> tuple[float, str]:
    """Progress of a run, in [0, 1] and as text with the set's address."""
    settings = session.studio().settings
    _, name = permissions.resolve_run_set(settings, job)
    owner = job.payload.get("owner")
    address = f"{owner}/{job.payload['set']}" if owner not in (None, settings.person) else name
    try:
        task = session.read_set(address)
    except StudioError:  # deleted since
        return 0.0, address
    run = run_progress(session.studio().jobs, job, task)
    return run.share, f"{session.set_label(address)}: {language.translate(run_words.progress_sentence(run))}"


# --- deleted ----------------------------------------------------------------------------------------------


def _deleted() -> None:
    settings = session.studio().settings
    deleted = collection.list_deleted(settings)
    if not deleted:
        return
    with st.expander(
        markdown.fill_count("Deleted: {number} set", "Deleted: {number} sets", len(deleted)),
        icon=":material/delete:",
        key="deleted",
    ):
        for one in deleted[:MAX_DELETED]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                label = collection.deleted_label(one)
                markdown.markdown(markdown.fill_template("**{name}**", name=label), width="content")
                markdown.caption(
                    markdown.fill_template("deleted {when}", when=_when(one.at)), width="content"
                )
                if st.button(
                    language.translate("Restore"),
                    key=f"restore_{one.name}_{one.at}",
                    icon=":material/restore_from_trash:",
                ):
                    widgets.perform_action(
                        partial(collection.restore_set, settings, one.name, one.at),
                        partial(session.choose_set, one.name),
                    )
        if len(deleted) > MAX_DELETED:
            markdown.caption(
                language.translate(
                    "{more} more in the trash. Restore them with `sets restore`.",
                    more=language.whole_number(len(deleted) - MAX_DELETED),
                )
            )


def _when(at: str) -> str:
    try:
        return _ago(datetime.fromisoformat(at).timestamp())
    except ValueError:
        return language.translate("some time ago")
