"""Live results of an edit.

Polling is done by a separate fragment, only while a run goes on: it draws beside the editor, never inside
it.

Tested in tests/pages/test_live.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.analysis.questions import cue_words
from e2lm_core.analysis.questions import edits as question_edits
from e2lm_core.base import formatting, labels
from e2lm_core.base.database import change_stamp
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import SHARES, ModelInfo, Question, TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.export.picture import edited
from e2lm_core.runs import start
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.queue import claims
from e2lm_core.runs.store import control_results
from e2lm_core.scores.measurements import Measurements, final_values
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import svg_chart, widgets
from e2lm_core.ui.base import language, markdown, page_cache, polling, viewport
from e2lm_core.ui.cache import process_pool, questions, results
from e2lm_core.ui.editor import control_run, last_edit, table_notes
from e2lm_core.ui.editor.drafts import forms

POINTS_WAIT_S, END_WAIT_S = 0.5, 1.0
POINTS_LOOK_S, END_LOOK_S = 0.005, 0.05  # the first interval is short as it only reads a file's time
YIELD_S = 0.02
CHART_PX = 310
METRICS = ("norm_prob", "margin", "acc")
# Number of changed questions in the selector; the table shows all.
PICKED_FROM = 8
_POINTS = {side: st.column_config.NumberColumn(format="%.3f") for side in ("before", "now")}
_Both = tuple[Measurements, Measurements]  # before and after an edit


def edit_effect_panel(task: TaskSet) -> None:
    """Draw the effects of the last edit, redrawn while a run goes on."""
    edit = last_edit.last_edit(task)
    every_s = None if _is_settled(task, edit) else widgets.run_poll_interval(task, polling.EDIT_S)
    _panel(task, edit, run_every=every_s)


def edit_effect_line(task: TaskSet) -> None:
    """Draw the last edit's effect on its question in one sentence with its curve, redrawn while a run goes on."""
    edit = last_edit.last_edit(task)
    every_s = None if _is_settled(task, edit) else widgets.run_poll_interval(task, polling.EDIT_S)

    @st.fragment(run_every=every_s)
    def drawn() -> None:
        if edit.before is None:
            return
        changed = results.changed(task, edit.before, edit.after)
        if not changed.measured:
            return
        with st.container(border=True, key="edit_effect"):
            _finding(task, changed)
            if name := next((e.question_id for e in changed.effects if e.kind != "deleted"), None):
                _picture(task, edit, changed, edited.question_chart, name, METRICS[0])
        _end(task, every_s)

    drawn()


def question_results(task: TaskSet, shown: Question, chart_px: int = CHART_PX) -> None:
    """Draw one question's own curves and margin, before and after its last change; the chart is `chart_px` high."""
    every_s = widgets.run_poll_interval(task, polling.EDIT_S)
    _question(task, last_edit.last_edit(task).before, shown, every_s, chart_px)


def all_questions_table(task: TaskSet) -> None:
    """Draw a folded table of all questions with their curves and margins; computed when it is opened."""
    measurements = results.measurements(task)
    if not measurements.complete_pairs:
        return
    with st.expander(
        language.translate("Each question's curves and margin"),
        icon=":material/show_chart:",
        on_change="rerun",
    ) as box:
        if box.open:
            widgets.table(
                question_edits.finals_frame(measurements, task),
                "questions",
                "author_questions",
                height=320,
                phone_columns=("id", "norm_prob curve", "margin"),
                percent=("acc",),
                column_config=_columns(),
            )


# --- within -------------------------------------------------------------------------------------------


def _is_settled(task: TaskSet, edit: last_edit.LastEdit) -> bool:
    """Whether the run that goes on is another person's, and adds nothing to the visitor's own edit."""
    if not edit.mine or edit.before is None or run_launcher.is_own_run(results.state(task)):
        return False
    return results.is_known(task, edit.before, edit.after)


def _panel(task: TaskSet, edit: last_edit.LastEdit, run_every: float | None) -> None:
    # True once the browser shows points of the current version.
    has_points = False

    @st.fragment(run_every=run_every)
    def drawn() -> None:
        nonlocal has_points
        st.header(
            language.translate("What your last edit changed")
            if edit.mine
            else language.translate("What the last edit changed"),
            anchor=False,
        )
        # The whole page is redrawn: status bar, table and checks must show the end of the run too.
        waits = bool(run_every) and edit.before is not None and run_launcher.is_own_run(results.state(task))
        if waits and has_points and _soon_over(task):
            polling.redraw_page()
        if waits:
            _await_points(task)
        changed = None if edit.before is None else results.changed(task, edit.before, edit.after)
        has_points = changed is not None and changed.done > 0
        if changed is not None and changed.measured:
            _changes(task, edit, changed)
        elif results.measurements(task).complete_pairs:
            st.caption(language.translate("Edit a question to see here how the results change."))
        else:
            st.caption(language.translate("Run this set first to see the effect of your edits."))
        if not (waits and has_points):  # the browser must show this drawing before the page is redrawn
            _end(task, run_every)

    drawn()


def _await_points(task: TaskSet) -> None:
    """Wait a moment for an edit's points, so that points which come soon are drawn once.

    Points of other seeds are not waited for.
    """
    checkpoints, _ = results.fleet(task).run_arguments
    own = {checkpoint.name for checkpoint in checkpoints if checkpoint.model.seed_of is None}
    studio, seen = session.studio(), None
    for _ in _moments(POINTS_WAIT_S, polling.poll_interval(POINTS_LOOK_S, is_own_run=False)):
        if (stamp := change_stamp(studio.settings.database)) == seen:
            continue
        seen, job = stamp, start.latest_job(studio, task.address, progress=False)
        if job is None or job.over or own <= claims.completed_checkpoints(studio.jobs, job.id):
            break


def _soon_over(task: TaskSet) -> bool:
    """Wait a moment for the run's end; whether it came.

    A drawing just before the last one would delay the last one.
    """
    for _ in _moments(END_WAIT_S, polling.poll_interval(END_LOOK_S, is_own_run=False)):
        job = start.latest_job(session.studio(), task.address, progress=False)
        if job is None or job.over:
            return True
    return False


def _moments(most_s: float, every_s: float) -> Iterator[None]:
    """Yield now and every `every_s` seconds; in between Streamlit can handle the visitor's input."""
    now = time.monotonic()
    until, yields_at, tick = now + most_s, now, st.empty()
    while now < until:
        yield
        time.sleep(every_s)
        if (now := time.monotonic()) >= yields_at:
            yields_at = now + YIELD_S
            tick.empty()


def _changes(task: TaskSet, edit: last_edit.LastEdit, changed: results.Changed) -> None:
    effects = changed.effects
    running = _finding(task, changed)
    asks, controls = _cue_words(task, edit, changed)
    metric = _metric_control("live_metric")
    drawable = [e.question_id for e in effects if e.kind != "deleted"][:PICKED_FROM]
    name = drawable[0] if drawable else None
    if name:
        if len(drawable) > 1:
            name = (
                st.selectbox(language.translate("Question"), drawable, key=f"live_question_{len(drawable)}")
                or name
            )
        models = _models(task)
        many = formatting.count(sum(m.counts_in_scores for m in models) or len(models), "model")
        markdown.caption(
            markdown.fill_template(
                "**{name}** · {metric}, mean over {models}", name=name, metric=metric, models=many
            )
        )
    drawn = _picture(task, edit, changed, edited.question_chart, name, metric) if name else ""
    table_notes.send_note(
        task, "effects", effects=_row_effects(changed, running, asks, controls, name, drawn)
    )
    _caption(
        Sentence("The whole set"),
        metric,
        before=True,
        seeds=sum(m.seed_of is not None for m in _models(task)),
    )
    _picture(task, edit, changed, edited.chart_of_set, metric, viewport.is_narrow())
    if effects:
        with st.expander(language.translate("As a table"), on_change="rerun", key="live_as_a_table") as box:
            if box.open:
                _tables(effects, _measured_of(task, edit, changed), name, metric)


def _finding(task: TaskSet, changed: results.Changed) -> str:
    """Draw the sentence on an edit's effect, with the progress of its run, and return that; "" without one."""
    run = results.state(task).run
    running = run_words.progress_sentence(run) if run and changed.done < changed.total else ""
    finding = question_edits.headline(changed.effects, changed.whole, changed.done, changed.total, running)
    markdown.markdown(finding, help=language.translate(question_edits.MARGIN_HELP))
    return running


def _cue_words(
    task: TaskSet, edit: last_edit.LastEdit, changed: results.Changed
) -> tuple[bool, dict[str, cue_words.EditControl]]:
    """Draw whether one word made the rise, or the button that finds out; nothing of an edit that raised nothing.

    Returns:
        Whether the button is drawn, and by question id the controls that have a sentence.
    """
    risen = _risen(changed)
    if edit.before is None or not risen or changed.done < changed.total:
        return False, {}
    found = questions.edit_controls(task, edit.before, edit.after, risen)
    for sentence in cue_words.control_sentences(found):
        markdown.markdown(sentence)
    controls = {one.question_id: one for one in found if one.sentence}
    words = _untested_words(task, edit, risen, found)
    if not words or control_run.progress_or_error(task, "live_words", start.CUE_WORDS):
        return False, controls
    if st.button(
        language.translate("Is it one word?"),
        icon=":material/quiz:",
        key="live_words",
        help=language.translate(cue_words.HELP),
    ):
        run_cue_words()
        st.rerun()
    return True, controls


def _untested_words(
    task: TaskSet, edit: last_edit.LastEdit, risen: tuple[str, ...], found: Sequence[cue_words.EditControl]
) -> dict[str, str]:
    """Rarest new word by id of each raised question whose word was not run alone yet; empty for an older edit."""
    rest = set(risen) - {one.question_id for one in found}
    if edit.before is None or task.digest != edit.after.digest:
        return {}
    return control_results.new_words(edit.before, edit.after, tuple(rest))


def run_cue_words() -> None:
    """Run the words that the last edit of the selected set added, alone, for the panel and for the table's row."""
    try:
        task = session.read_set(str(st.session_state.get("set")))
        edit = last_edit.last_edit(task)
        if edit.before is None:
            return
        risen = _risen(results.changed(task, edit.before, edit.after))
        found = questions.edit_controls(task, edit.before, edit.after, risen)
        if words := _untested_words(task, edit, risen, found):
            ends, num_fewshot = questions.control_fleet(task)
            run_launcher.start_run(task, ends, num_fewshot, kind=start.CUE_WORDS, words=words)
    except StudioError as error:
        forms.queue_error(error)


def _row_effects(
    changed: results.Changed,
    running: str,
    asks: bool,
    controls: Mapping[str, cue_words.EditControl],
    name: str | None,
    drawn: str,
) -> dict[str, dict[str, Any]]:
    """An edit as the table's rows show it, by question id: words, and the lines of the picture of one question."""
    effects: dict[str, dict[str, Any]] = {}
    for effect in changed.effects[:PICKED_FROM]:
        if effect.kind == "deleted":
            continue
        (margin, *_) = effect.changes
        words = markdown.unmarked(margin.current_text if margin.before is None else margin.text)
        shown: dict[str, Any] = {
            "text": words if margin.after is not None else language.translate("No results yet")
        }
        if running:
            shown["running"] = language.translate("So far {running}", running=running)
        if control := controls.get(effect.question_id):
            shown |= {
                "said": markdown.unmarked(control.sentence or ""),
                "warns": control.verdict == "cue words",
            }
        if effect.question_id == name:
            shown |= {"lines": edited.lines_of_chart(drawn), "box": edited.QUESTION_BOX, "ask": asks}
        effects[effect.question_id] = shown
    return effects


def _risen(changed: results.Changed) -> tuple[str, ...]:
    """Ids of the edited questions whose probability of the right answer rose, at most `PICKED_FROM`."""
    risen = [
        effect.question_id
        for effect in changed.effects
        if effect.kind == "edited"
        for change in effect.changes
        if change.metric == "norm_prob" and (change.difference or 0) > 0
    ]
    return tuple(risen[:PICKED_FROM])


def _metric_control(key: str) -> str:
    return st.segmented_control(
        language.translate("Metric"),
        METRICS,
        default=METRICS[0],
        required=True,
        key=key,
        label_visibility="collapsed",
    )


def _tables(
    effects: Sequence[question_edits.EditEffect], measured: _Both, name: str | None, metric: str
) -> None:
    """Draw the final values of the changed questions, and all points of the pictures, as tables."""
    widgets.table(
        question_edits.effect_frame(tuple(effects)),
        "edit",
        "live_effects",
        phone_columns=("question", "margin, before", "margin, after"),
        percent=("acc, before", "acc, after", "acc Δ"),
        column_config=_columns(),
    )
    widgets.table(
        question_edits.points_frame(*measured, name, metric),
        "edit_points",
        "live_points",
        height=320,
        phone_columns=("of", "before", "now"),
        percent=("before", "now") if metric in SHARES else (),
        column_config={} if metric in SHARES else _POINTS,
    )


def _picture(
    task: TaskSet,
    edit: last_edit.LastEdit,
    changed: results.Changed,
    draw: Callable[..., str],
    *arguments: Hashable,
) -> str:
    """Draw the picture that `draw` makes of the set before and after the edit, and return its SVG text.

    It is computed once for all sessions, in a worker process.
    """
    theme = session.current_theme().name
    drawn = page_cache.get_or_compute(
        "picture of an edit",
        (changed, draw.__name__, *arguments, theme),
        lambda: process_pool.edits(draw, *_measured_of(task, edit, changed), *arguments, theme),
    )
    svg_chart.show_svg(f"live_{draw.__name__}", [drawn])
    return drawn


def _measured_of(task: TaskSet, edit: last_edit.LastEdit, changed: results.Changed) -> _Both:
    """Measurements before and after the edit; if known, the pair from which the effects were computed."""
    assert edit.before is not None
    return changed.of or (_measured(task, edit.before), _measured(task, edit.after))


def _question(
    task: TaskSet, before: TaskSet | None, shown: Question, run_every: float | None, chart_px: int
) -> None:
    @st.fragment(run_every=run_every)
    def drawn() -> None:
        now = results.measurements(task)
        if not now.complete_pairs:
            st.caption(
                language.translate("This question has no results yet: run the set on Models and runs.")
            )
        else:
            was = None if before is None else _measured(task, before)
            changed = () if was is None else question_edits.edit_effects(was, now)
            effect = next((e for e in changed if e.question_id == shown.id), None)
            metric = _metric_control("live_card_metric")
            old = None
            if was is not None and effect is not None and shown.id in was.question_ids:
                old = tables.question_frame(was, shown.id, metric)
            _caption(Sentence("Its curves"), metric, old is not None)
            widgets.curve_chart(
                now,
                tables.question_frame(now, shown.id, metric),
                metric,
                "live_card_chart",
                f"{metric}, {language.translate('Its curves')}",
                edited.question_chance(now, shown.id, metric),
                old,
                chart_px,
            )
            _figures(now, shown.id, effect)
        _end(task, run_every)

    drawn()


def _figures(now: Measurements, name: str, effect: question_edits.EditEffect | None) -> None:
    """Draw the final values, with the effect of the last edit if it changed this question."""
    place = now.question_ids.index(name)
    for metric in question_edits.SHOWN:
        value = float(final_values(now, metric)[place])
        change = next((c for c in effect.changes if c.metric == metric), None) if effect else None
        words = change or question_edits.MetricChange(metric, None, None if np.isnan(value) else value)
        help_text = language.translate(
            question_edits.MARGIN_HELP if metric == "margin" else labels.METRIC_HELP[metric]
        )
        markdown.markdown(
            words.text if change else words.current_text, help=markdown.safe_sentence(help_text)
        )


def _models(task: TaskSet) -> list[ModelInfo]:
    return list(
        {checkpoint.model.name: checkpoint.model for checkpoint in results.fleet(task).checkpoints}.values()
    )


def _caption(title: str, metric: str, before: bool, seeds: int = 0) -> None:
    about = joined(
        [
            metric,
            *([Sentence("before the edit faint")] if before else []),
            *([Sentence("without {seeds}", seeds=formatting.count(seeds, "further seed"))] if seeds else []),
        ],
        "; ",
    )
    markdown.caption(markdown.fill_template("**{title}** · {about}", title=title, about=about))


def _measured(task: TaskSet, version: TaskSet) -> Measurements:
    checkpoints, num_fewshot = results.fleet(task).run_arguments
    return results.measure(version, checkpoints, num_fewshot)


def _end(task: TaskSet, run_every: float | None) -> None:
    """Redraw the whole page once a polled run is over; it no longer polls then."""
    if run_every is None:
        return
    if results.state(task).kind == "running":
        run_launcher.ensure_worker()
    else:
        polling.redraw_page()


def _columns() -> dict:
    number, line = st.column_config.NumberColumn, st.column_config.LineChartColumn
    columns = {
        "question": st.column_config.TextColumn(language.translate("question"), width="medium"),
        "norm_prob curve": line(
            "norm_prob",
            y_min=0,
            y_max=1,
            width="small",
            help=language.translate("Mean over models, by checkpoint."),
        ),
        "acc curve": line(
            "acc",
            y_min=0,
            y_max=1,
            width="small",
            help=language.translate("Mean over models, by checkpoint."),
        ),
        "margin": number(
            language.translate("margin, nats"),
            format="%.2f",
            help=language.translate(question_edits.MARGIN_HELP),
        ),
        "norm_prob": number(
            "norm_prob", format="%.2f", help=language.translate(labels.METRIC_HELP["norm_prob"])
        ),
    }
    for metric in ("margin", "norm_prob"):
        for suffix in (", before", ", after", " Δ"):
            columns[f"{metric}{suffix}"] = number(language.translate(f"{metric}{suffix}"), format="%.2f")
    return columns
