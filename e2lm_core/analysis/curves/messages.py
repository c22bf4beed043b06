"""Sentences of the page Curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from e2lm_core.analysis.curves import smoothing
from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.analysis.curves.onsets import Onset, Point
from e2lm_core.analysis.curves.subjects import SubjectCurves
from e2lm_core.analysis.leads import PairAnswer, short_answer
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import SHARES, ModelInfo
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores.measurements import Grid, Measurements, common_grid

NO_CURVE = Sentence("No curve is drawn: each model of this group has one checkpoint here.")
SINCE_HELP = {
    "surely from": Sentence(
        "The first checkpoint from which, at every later one as well, the difference is above 0 on other "
        "questions of the kind *and* with the models trained again, at 95% for all rows of the table together (Holm). Not "
        "known where no model was trained twice, and before the first checkpoint of another seed."
    ),
    "on these questions from": Sentence("The same, of these very models: against other questions alone."),
    "measured from": Sentence(
        "The first checkpoint from which the measured curve itself stays above to the end."
    ),
    "95% from": Sentence(
        "In 95% of the resamples the curve begins to stay above for good between this checkpoint …"
    ),
    "to": Sentence(
        "… and this one. Resampled curves are noisier than the measured one, so this range leans late. It "
        "is told where it held the true place in at least 85% of simulated sets (docs/scores.md)."
    ),
    "why": Sentence("Why something is undefined."),
}
SINCE_LABEL = {
    "surely from": Sentence("newly trained, from"),
    "on these questions from": Sentence("these models, from"),
    "measured from": Sentence("in the data, from"),
    "95% from": Sentence("95% range from"),
}
LEAD_LABEL = {"difference": Sentence("lead"), "low": Sentence("95% low"), "high": Sentence("95% high")}
SHARE_HELP = Sentence("In how many resamples it is above at the last checkpoint; ties count half.")
SINCE = Sentence(
    "From a place on: there and at every later checkpoint. *Never*: not even at the last one. The rows are judged "
    "together: that any of them is wrong has a chance of 5%, not each."
)
NOISE_HELP = {
    "question noise": Sentence(
        "The standard deviation of one point of the curve that comes from the choice of "
        "questions; more questions take it away."
    ),
    "checkpoint noise": Sentence(
        "Variation between neighbouring checkpoints that more questions cannot remove: the "
        "model's own training, and the curve's own bend."
    ),
    "seed noise": Sentence(
        "What the curve would move with another seed, beyond its checkpoint noise: from models that were "
        "trained more than once. Missing where none was."
    ),
}
NO_NOISE = {
    "question noise": Sentence("it takes three complete checkpoints: run more."),
    "checkpoint noise": Sentence("it takes three complete checkpoints: run more."),
    "seed noise": Sentence("no model was run in two seeds, which checkpoints.json declares by seed_of."),
}
NOISE = Sentence(
    "In the metric's unit; questions and checkpoints from how far each point lies off the line between its "
    "neighbours, seeds from replicates. Where question noise is the largest, more questions make the curve surer; "
    "where one of the others is, they do not."
)


def most_informative_pair(measurements: Measurements) -> tuple[str, str] | None:
    """Names of the largest and smallest model of one shape, the pair with the most informative separation.

    Without such a pair, any two models, scored models first; None with fewer than two models.
    """
    counted = [c.model for c in measurements.scored_curves]
    shaped = [model for model in counted if _has_shape(model)]
    best: tuple[float, str, str] | None = None
    for smaller in shaped:
        for larger in shaped:
            if smaller.arch != larger.arch or not smaller.parameters or not larger.parameters:
                continue
            ratio = larger.parameters / smaller.parameters
            if ratio > 1 and (best is None or ratio > best[0]):
                best = (ratio, larger.name, smaller.name)
    if best:
        return best[1], best[2]
    names = [model.name for model in counted] + [
        c.model.name for c in measurements.curves if not c.model.counts_in_scores
    ]
    return (names[0], names[1]) if len(names) > 1 else None


def headline(
    measurements: Measurements,
    metric: str,
    onsets: Mapping[str, Onset],
    model_pair: PairAnswer | None,
    few_questions_note: str,
    silent: str | None = None,
) -> str:
    """Headline of the page Curves: lead of one of two models, onsets above chance, course of the mean.

    Args:
        measurements: Results of the set.
        metric: Metric of the curves.
        onsets: Onset above chance by model.
        model_pair: Answer for two models, if any.
        few_questions_note: Headline to use if no two models share two complete checkpoints.
        silent: Reason why the curves mean nothing (`validity.meaningless_reason`), which stands in place of leads and
            onsets; None if they mean something.
    """
    grid = common_grid(measurements, metric)
    if grid is None or len(grid.steps) < 2:
        return few_questions_note
    said = []
    if so_far := progress_note(measurements):
        said.append(so_far)
    if silent:
        said.append(silent)
    elif model_pair is not None and not so_far:
        said.append(short_answer(measurements, model_pair))
    if not silent and (leaving := chance_sentence(measurements, onsets)):
        said.append(leaving)
    said.append(Sentence("{course}.", course=_mean_course(grid, metric)))
    return joined(said)


def chance_sentence(measurements: Measurements, onsets: Mapping[str, Onset]) -> str | None:
    """Sentence on the number of models above chance, the last onset, and the web-only twins.

    None if no scored model has a defined onset, as for a metric without chance.
    """
    models: Mapping[str, ModelInfo] = {c.model.name: c.model for c in measurements.curves}
    told = {name: since for name, since in onsets.items() if since.points and since.why is None}
    counted = [name for name in told if models[name].counts_in_scores]
    if not counted:
        return None
    known = any(told[name].retraining is not None for name in counted)
    # "Surely" is used only if every onset on these questions also holds against training noise.
    sure = known and all((told[name].sure is None) == (told[name].on_these is None) for name in counted)

    def place(name: str) -> Point | None:
        return told[name].sure if sure else told[name].on_these

    left = [at for name in counted if (at := place(name)) is not None]
    if not left:
        return Sentence("At the end, no model is reliably above chance.")
    last = max(left, key=lambda at: at.step)
    said = {
        "number": len(left),
        "models": _models_above(len(left), len(counted)),
        "place": last.unbroken,
    }
    parts = [
        Sentence(
            "{models} surely above chance from {place} on",
            "{models} surely above chance from {place} on at the latest",
            **said,
        )
        if sure
        else Sentence(
            "{models} above chance on these questions from {place} on",
            "{models} above chance on these questions from {place} on at the latest",
            **said,
        )
    ]
    twins = [name for name in told if models[name].twin_of]
    if twins and all(place(name) is None for name in twins):
        parts.append(Sentence("; the web-only twin never is", "; no web-only twin is", number=len(twins)))
    if sure and any(told[name].sure_or_before for name in counted):
        begins = min(filter(None, (told[name].retraining_from for name in counted)), key=lambda at: at.step)
        parts.append(
            Sentence(
                ". Whether it is so before is not known: other seeds have results from {place} on",
                place=begins.unbroken,
            )
        )
    if known and not sure:
        parts.append(Sentence("; trained again, they may not be"))
    return joined((*parts, "."), "")


def _models_above(above: int, counted: int) -> str:
    """The models above chance, with their verb."""
    if above < counted:
        return Sentence(
            "{number} of {counted} models is",
            "{number} of {counted} models are",
            number=above,
            counted=counted,
        )
    if above > 2:
        return Sentence("All {number} models are", number=above)
    return Sentence("Both models are") if above == 2 else Sentence("The model is")


def axis_note(axis: Axis, overlay_method: smoothing.Method | None) -> str:
    """Note on the axis of the chart, its left-out points, and the smoothed line over the points."""
    said = []
    if overlay_method:
        said.append(
            Sentence(
                "The thick line is {line}; the points are as measured.", line=smoothing.HELP[overlay_method]
            )
        )
    if axis.kind == "compute":
        said.append(
            Sentence(
                "Compute is 6 · parameters · tokens; models of different sizes leave the early window at "
                "different places, so it is not drawn."
            )
        )
    if axis.untold:
        names = formatting.join_words(list(axis.untold), max_items=6)
        said.append(
            Sentence(
                "The axis shows training steps, because the token counts of {names} are unknown.", names=names
            )
        )
    if axis.at_zero:
        said.append(Sentence("Checkpoints at 0 have no place on a logarithmic axis."))
    return joined(said)


def omitted_models_note(axis: Axis) -> str | None:
    """Note on models without a position on the axis, which the sentences still count; None without any."""
    if not axis.left_out:
        return None
    return Sentence(
        "{names} is not in this chart, since its compute is not known. Over *steps* all models are.",
        "{names} are not in this chart, since their compute is not known. Over *steps* all models are.",
        number=len(axis.left_out),
        names=formatting.join_words(list(axis.left_out), max_items=6),
    )


def subject_panels_note(shown_subjects: int, omitted_subjects: Sequence[str], axis: Axis) -> str:
    """Note on the axes that the small charts share, and on the subjects without a chart."""
    said: list[str] = []
    if shown_subjects > 1:
        said.append(Sentence("All charts share both axes; bands are of the subject's own questions."))
    if omitted_subjects:
        names = formatting.join_words(list(omitted_subjects), max_items=len(omitted_subjects))
        said.append(Sentence("Smaller subjects without a chart: {names}.", names=names))
    return joined((*said, axis_note(axis, None)))


def subjects_headline(
    measurements: Measurements,
    metric: str,
    shown_subjects: Sequence[SubjectCurves],
    omitted_subjects: Sequence[str],
) -> str:
    """Headline on the subjects with the highest and lowest final mean over the scored models.

    Args:
        measurements: Results of the set.
        metric: Metric of the curves.
        shown_subjects: Subjects with a chart.
        omitted_subjects: Names of the subjects without a chart.
    """
    ends = []
    counted = {curve.model.name for curve in measurements.scored_curves}
    for one in shown_subjects:
        own = one.frame[one.frame["model"].isin(counted)].dropna(subset=["value"])
        if len(own):
            last = own.sort_values("step").groupby("model")["value"].last()
            ends.append((float(last.mean()), one.subject, one.questions))
    if not ends:
        return Sentence("No checkpoint is complete yet, so nothing is known of single subjects.")
    number = len(shown_subjects) + len(omitted_subjects)
    if number == 1:
        said = Sentence("All questions are of one subject, **{subject}**.", subject=ends[0][1])
    else:
        (high, best, of_best), (low, worst, of_worst) = max(ends), min(ends)
        said = Sentence(
            "Of {subjects}, mean {label} ends highest on **{best}** ({high}, {of_best}) and lowest on **{worst}** "
            "({low}, {of_worst}).",
            subjects=formatting.count(number, "subject"),
            label=labels.METRIC_LABEL[metric],
            best=best,
            high=formatting.metric_value(metric, high),
            of_best=formatting.count(of_best, "question"),
            worst=worst,
            low=formatting.metric_value(metric, low),
            of_worst=formatting.count(of_worst, "question"),
        )
    return joined(filter(None, (progress_note(measurements), said)))


def questions_headline(questions: pd.DataFrame, has_curve: bool = True) -> str:
    """Headline on the number of questions answered right more often, or less often, at the end.

    Args:
        questions: Table of `tables.question_table`.
        has_curve: Whether a model has more than one checkpoint; else the number answered right by all models.
    """
    if "acc_first" not in questions:
        return Sentence("No model here counts in scores, so nothing is said of single questions.")
    rise = (questions["acc_last"] - questions["acc_first"]).dropna()
    if not has_curve and len(rise):
        right = int((questions["acc_last"] == 1).sum())
        return Sentence(
            "At its one checkpoint every model here answers **{right} of {all}** questions right.",
            right=right,
            all=len(rise),
        )
    if rise.empty:
        return Sentence(
            "No question has its first and last results yet, so nothing is said of single questions."
        )
    said = [
        Sentence(
            "From first to last checkpoint, **{up} of {all}** questions come to be answered right by more models and "
            "**{down}** by fewer.",
            up=int((rise > 0).sum()),
            all=len(rise),
            down=int((rise < 0).sum()),
        )
    ]
    if missing := len(questions) - len(rise):
        said.append(
            Sentence(
                "{number} question without both results is left out.",
                "{number} questions without both results are left out.",
                number=missing,
            )
        )
    return joined(said)


def rise_sentence(
    measurements: Measurements, metric: str, with_twins: bool = True, with_order: bool = True
) -> str:
    """Sentence on the course of the mean, the order of the model sizes, and the web-only twins.

    Args:
        measurements: Results of the set.
        metric: Metric of the curves.
        with_twins: Say where the twins lie; not beside a card of CS, which compares with them.
        with_order: Say from where on larger models lead; not of scores that mean nothing.
    """
    grid = common_grid(measurements, metric)
    if grid is None or len(grid.steps) < 2:
        return _few(measurements, metric)
    so_far = progress_note(measurements)
    order = first_ordered_checkpoint(measurements, grid) if with_order and not so_far else None
    in_order = Sentence("; of each shape, larger models lead from {place} on", place=order) if order else ""
    said: list[str] = [joined((_mean_course(grid, metric), in_order, "."), "")]
    if with_twins:
        said += _twins(measurements, metric)
    if so_far:
        said.insert(0, so_far)
    return joined(said)


def progress_note(measurements: Measurements) -> str:
    """Note on the number of complete checkpoints; "" if all are complete."""
    if measurements.complete_checkpoints == measurements.checkpoints:
        return ""
    return Sentence(
        "{done} of {all} checkpoints so far.",
        done=str(measurements.complete_checkpoints),
        all=str(measurements.checkpoints),
    )


def _mean_course(grid: Grid, metric: str) -> str:
    """Clause on the mean of all models at the first and the last shared checkpoint."""
    first, last = (formatting.metric_value(metric, float(v)) for v in grid.values.mean(axis=0)[[0, -1]])
    models = formatting.count(len(grid.models), "model")
    label, course = labels.METRIC_LABEL[metric], _course(first, last)
    return Sentence("Over {models}, mean {label} {course}", models=models, label=label, course=course)


def _twins(measurements: Measurements, metric: str) -> list[str]:
    """Sentence on the range of the web-only twins; none without a result of theirs."""
    curves = [c for c in measurements.curves if c.model.twin_of]
    values = np.concatenate([np.empty(0), *(measurements.values(c.model.name, metric) for c in curves)])
    if not np.isfinite(values).any():
        return []
    low, high = (formatting.metric_value(metric, v) for v in (np.nanmin(values), np.nanmax(values)))
    chance = Sentence(" (chance {chance})", chance=f"{measurements.chance:.0%}") if metric in SHARES else ""
    if low == high:
        return [
            Sentence(
                "The web-only twin stays at {level}{chance}.",
                "The web-only twins stay at {level}{chance}.",
                number=len(curves),
                level=low,
                chance=chance,
            )
        ]
    return [
        Sentence(
            "The web-only twin lies between {low} and {high}{chance}.",
            "The web-only twins lie between {low} and {high}{chance}.",
            number=len(curves),
            low=low,
            high=high,
            chance=chance,
        )
    ]


def _few(measurements: Measurements, metric: str) -> str:
    """Sentence for sets without two complete checkpoints shared by two scored models."""
    if measurements.complete_checkpoints < measurements.checkpoints:
        return Sentence(
            "{done} of {number} checkpoint so far: too few to say what the curves do.",
            "{done} of {number} checkpoints so far: too few to say what the curves do.",
            done=str(measurements.complete_checkpoints),
            number=measurements.checkpoints,
        )
    label = labels.METRIC_LABEL[metric]
    for curve in sorted(measurements.curves, key=lambda c: not c.model.counts_in_scores):
        values = measurements.values(curve.model.name, metric)
        if len(values) > 1:
            first, last = (formatting.metric_value(metric, v) for v in (values[0], values[-1]))
            return Sentence(
                "The {label} of {model} {course} over {number} checkpoints.",
                label=label,
                model=curve.model.short_name,
                course=_course(first, last),
                number=str(len(values)),
            )
    if len(measurements.curves) != 1:
        return Sentence(
            "Every model has one checkpoint here, so there is no curve: run more, or choose a model group that has several."
        )
    [curve] = measurements.curves
    return Sentence(
        "The {label} of {model} is **{value}** at its one checkpoint, so there is no curve: run more, or choose a model "
        "group that has several.",
        label=label,
        model=curve.model.short_name,
        value=formatting.metric_value(metric, float(measurements.values(curve.model.name, metric)[-1])),
    )


def _course(first: str, last: str) -> str:
    if first == last:
        return Sentence("stays at **{last}**", last=last)
    return Sentence("goes from **{first} to {last}**", first=first, last=last)


def first_ordered_checkpoint(measurements: Measurements, grid: Grid) -> str | None:
    """Tokens (or step) from which larger models of every shape lead smaller ones; None if never."""
    parameters = {c.model.name: c.model.parameters or 0 for c in measurements.curves}
    shapes = {c.model.name: c.model.arch for c in measurements.curves if _has_shape(c.model)}
    in_order = np.ones(len(grid.steps), bool)
    compared = False
    for shape in set(shapes.values()):
        rows = [m for m, name in enumerate(grid.models) if name in shapes and shapes[name] == shape]
        rows.sort(key=lambda m: parameters[grid.models[m]])
        for smaller, larger in pairwise(rows):
            if parameters[grid.models[smaller]] < parameters[grid.models[larger]]:
                compared = True
                in_order &= grid.scores[larger] > grid.scores[smaller]
    if not compared or not in_order[-1]:
        return None
    broken = np.flatnonzero(~in_order)
    start = int(broken[-1]) + 1 if broken.size else 0
    return formatting.checkpoint_position(int(grid.steps[start]), grid.tokens_seen[start])


def _has_shape(model: ModelInfo) -> bool:
    """Whether a model may be compared with another by size alone; one's own without a declared `arch` may not."""
    return model.arch is not None or model.family != "local"
