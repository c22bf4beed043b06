"""Panel of check findings and similar questions.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from e2lm_core.analysis.questions import groups as grouping
from e2lm_core.base import formatting
from e2lm_core.base.records import Finding, TaskSet
from e2lm_core.sets.checks import groups as proposals
from e2lm_core.sets.editing import assign_groups as grouped
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import toolbar

MAX_FOLDED = 200
_WAYS = {"template": language.mark("template"), "answer": language.mark("answer")}


def headline(task: TaskSet, findings: Sequence[Finding], example: bool) -> str:
    """Headline of the editor: the outcome of the checks, or the first thing to do.

    Args:
        task: The set.
        findings: Findings of its checks.
        example: Whether the caller cannot edit the set.
    """
    if example and task.owner:
        return language.translate(
            "You can view this set of {owner}. **Copy it** to edit the copy.", owner=task.owner
        )
    if example:
        return language.translate("Examples are read-only. **Copy it** to edit the copy.")
    if not task.questions:
        return language.translate("This set has no questions yet. Add the first one, or import a file.")
    if not findings:
        return language.translate("**All checks passed.**")
    errors, warnings = (sum(f.severity == severity for f in findings) for severity in ("error", "warning"))
    return language.translate(
        "The checks find **{errors}** and {warnings}.",
        errors=language.translate_count("{number} error", "{number} errors", errors),
        warnings=language.translate_count("{number} warning", "{number} warnings", warnings),
    )


def similar_questions_panel(task: TaskSet) -> None:
    """Draw proposed groups of similar questions, with the effect of accepting each.

    A click accepts a proposal; it can be undone as any edit.
    """
    with st.expander(
        language.translate("Similar questions"), icon=":material/hub:", on_change="rerun"
    ) as box:
        if not box.open:
            return
        measured = results.measurements(task)
        assign = partial(_assign, task.address)
        known = tuple(question.group for question in task.questions)
        if any(known):
            markdown.markdown(
                grouping.grouping_sentence(grouping.grouping_effect("known", known, measured), len(known))
            )
        elif measured.independent:
            markdown.markdown("Marked as independent by the author.")
        elif measured.block_length > 1 and measured.independence_note:
            markdown.markdown(measured.independence_note)
        else:
            markdown.markdown("Not decided yet. For now, intervals treat all questions as independent.")
        for way, proposed in proposals.PROPOSALS.items():
            labels = results.groups(task, way, proposed)
            if any(labels) and labels != known:
                markdown.markdown(
                    grouping.grouping_sentence(grouping.grouping_effect(way, labels, measured), len(labels))
                )
                if st.button(
                    markdown.fill_template("Group by {way}", way=language.translate(_WAYS[way])),
                    key=f"groups_{way}",
                ):
                    assign(labels)
        if any(known) and st.button(language.translate("Remove groups"), key="groups_none"):
            assign(None)
        if (
            not any(known)
            and not measured.independent
            and st.button(language.translate("They are independent"), key="groups_alone")
        ):
            assign(None, independent=True)


def _assign(name: str, labels: Sequence[str | None] | None, independent: bool = False) -> None:
    settings = session.studio().settings
    toolbar.run_action(lambda: grouped.set_groups(settings, name, labels, independent), name)


def findings_panel(findings: Sequence[Finding], max_shown: int = 12) -> None:
    """Draw findings, errors first; beyond `max_shown` of a severity they are folded."""
    for severity, icon, box in (
        ("error", ":material/error:", markdown.error),
        ("warning", ":material/warning:", markdown.warning),
    ):
        sentences = [finding.sentence for finding in findings if finding.severity == severity]
        for sentence in sentences[:max_shown]:
            box(sentence, icon=icon)
        if len(sentences) > max_shown:
            with st.expander(
                markdown.escape(
                    formatting.count(len(sentences) - max_shown, "more error")
                    if severity == "error"
                    else formatting.count(len(sentences) - max_shown, "more warning")
                )
            ):
                markdown.markdown(markdown.bullet_list(sentences[max_shown : max_shown + MAX_FOLDED]))
