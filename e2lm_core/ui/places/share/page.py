"""The place Share.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.export import html as report_html
from e2lm_core.export import patch, submission, upstream
from e2lm_core.export import report as set_report
from e2lm_core.people import accounts
from e2lm_core.runs import state as run_state
from e2lm_core.ui import session
from e2lm_core.ui.app import guide, navigation, widgets
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import check_panel
from e2lm_core.ui.places.share import access, last_view, verification

PROFILE = "export_profile"
_PROFILES = {"plain": language.mark("plain"), "competition": language.mark("competition")}


def draw() -> None:
    """Draw the place."""
    task, _ = navigation.open_place(urls.SHARE)
    access.sharing_popover(task)
    if not task.questions:
        widgets.headline("This set has no questions yet, so there is nothing to share.")
        widgets.write_first()
    profile = profile_chosen()
    findings = results.findings(task, profile)
    errors = [finding for finding in findings if finding.severity == "error"]
    widgets.headline(
        language.translate_count(
            "Fix **{number} error** before you can download this set.",
            "Fix **{number} errors** before you can download this set.",
            len(errors),
        )
        if errors
        else language.translate("**Ready to download.**")
    )
    choose_profile()
    if not errors:
        bundle(task, profile)
    st.header(language.translate("Report"), anchor=False)
    markdown.caption(
        "Curves, scores with their intervals, ranks, checks, questions and what it takes to get the same numbers, in "
        "one HTML file that needs no network."
    )
    report(task)
    link(task)
    st.header(language.translate("Checks"), anchor=False)
    if findings:
        check_panel.findings_panel(findings, max_shown=3)
    else:
        markdown.success("Every check passes.", icon=":material/check_circle:")


def link(task: TaskSet) -> None:
    """Draw the address of the set's result, for everybody who may open the set, and that of the last view."""
    st.header(language.translate("Link"), anchor=False)
    at = urlsplit(st.context.url or "")
    above = f"{at.scheme}://{at.netloc}{at.path.rpartition('/')[0]}" if at.netloc else ""
    shared = _address_for_others(task)
    st.code(f"{above}/{urls.address('overview', shared)}", language=None, wrap_lines=True)
    last_view.show_last_view(above, task.address, shared)
    markdown.caption("Links keep the set, tab, metric, filters and question.")


def _address_for_others(task: TaskSet) -> str:
    """Address of a set for everybody who may open it: with its owner, where people sign in and it is no example."""
    person = session.studio().settings.person
    if person is None or person.startswith(accounts.VISITOR) or session.set_entry(task.address).example:
        return task.address
    return f"{task.owner or person}/{task.name}"


def profile_chosen() -> submission.Profile:
    """Profile chosen by the control, for elements above the control."""
    return st.session_state.get(PROFILE) or "plain"


def choose_profile() -> None:
    """Draw the control that chooses the profile of the checks."""
    st.segmented_control(
        language.translate("Profile"),
        list(_PROFILES),
        default="plain",
        required=True,
        key=PROFILE,
        format_func=lambda profile: language.translate(_PROFILES[profile]),
        help=language.translate(
            "*Competition* also requires 100 to 15,000 questions and prompts that do not contain the "
            "answer, as the E2LM organisers did."
        ),
    )


def bundle(task: TaskSet, profile: submission.Profile) -> None:
    """Draw the download of the bundle, and the command that runs it."""
    limits, found = session.studio().settings.limits, results.findings(task, "plain")
    try:
        data = results.bundle(task, profile)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    st.download_button(
        markdown.fill_template("Download {file}", file=f"{task.name}.zip"),
        data,
        f"{task.name}.zip",
        "application/zip",
        type="primary",
        icon=":material/download:",
        on_click=guide.note_download if guide.is_downloading(task) else "ignore",
        key="export_zip",
    )
    markdown.caption(
        language.translate(
            "{size} kB. The same set gives the same bytes.",
            size=language.whole_number(round(len(data) / 1024)),
        )
    )
    if profile == "competition":
        submitted(task)
    verification.verify_panel(data, task.name)
    st.download_button(
        language.translate("Download for a pull request"),
        lambda: upstream.pull_request(task, limits, found),
        f"{task.name}-upstream.zip",
        "application/zip",
        type="tertiary",
        icon=":material/merge:",
        on_click="ignore",
        key="export_upstream",
        help=language.translate(
            "Everything for a pull request to lm-evaluation-harness: the set's folder, its row in "
            "the list of tasks, and what to tick off."
        ),
    )
    markdown.markdown("Unzip it, then run it with your model:")
    st.code(
        f"lm_eval --include_path . --tasks {task.name} --model hf --model_args pretrained=EleutherAI/pythia-70m",
        language=None,
        wrap_lines=True,
    )


def submitted(task: TaskSet) -> None:
    """Draw the download of a competition submission: a patch of the harness and its metadata."""
    limits = session.studio().settings.limits
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        metric = st.segmented_control(
            language.translate("Judged by"),
            patch.METRICS,
            default=patch.METRICS[0],
            required=True,
            key="patch_metric",
        )
        st.download_button(
            markdown.fill_template("Download {file}", file="submission.zip"),
            lambda: patch.submission(task, limits, metric),
            "submission.zip",
            "application/zip",
            icon=":material/difference:",
            on_click="ignore",
            key="export_patch",
            help=language.translate(
                "A patch that git applies to a checkout of the harness, and its metadata; your token is left to you."
            ),
        )


def report(task: TaskSet) -> None:
    """Draw the downloads of the report, as HTML and JSON, on the set's fleet."""
    with_relevance = st.toggle(
        language.translate("With scientific relevance"),
        key="report_relevance",
        help=language.translate(
            "Judges each question with the embedding model; the first time takes some seconds."
        ),
    )
    read = results.reading()  # read here, as the downloads are made outside the session's script
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            language.translate("Download the report"),
            lambda: report_html.render(_document(task, with_relevance, read)).encode(),
            f"{task.name}-report.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
            key="report_html",
        )
        st.download_button(
            language.translate("Download as JSON"),
            lambda: json.dumps(_document(task, with_relevance, read)).encode(),
            f"{task.name}-report.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
            key="report_json",
        )


def _document(task: TaskSet, with_relevance: bool, rc_reading: str) -> dict[str, Any]:
    studio = session.studio()
    fleet = run_state.fleet_of_set(studio, task.address)
    return set_report.build_report(studio, task, fleet, with_relevance, rc_reading)
