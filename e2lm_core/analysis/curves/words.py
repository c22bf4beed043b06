"""What the page of curves has found, in sentences that follow from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from e2lm_core.analysis.curves import smoothing
from e2lm_core.analysis.curves.axes import Axis
from e2lm_core.analysis.curves.crossings import Parted, Point, Since
from e2lm_core.base import labels, phrasing
from e2lm_core.base.records import SHARES, ModelInfo
from e2lm_core.scores.measurements import Grid, Measurements, common_grid

SINCE_HELP = {
    "surely from": "The first checkpoint from which, at every later one as well, the lower end of the 95% "
    "interval of the difference (paired: the same resamples for both) is above 0.",
    "measured from": "The first checkpoint from which the measured curve itself stays above to the end.",
    "95% from": "In 95% of the resamples the curve begins to stay above for good between this checkpoint …",
    "to": "… and this one. Resampled curves are noisier than the measured one, so this range leans late. It "
    "is told where it held the true place in at least 85% of simulated sets (docs/scores.md).",
    "why": "Why something is undefined.",
}
SHARE_HELP = "In how many resamples it is above at the last checkpoint; ties count half."
SINCE = (
    "From a place on: there and at every later checkpoint. *Never*: not even at the last one. Intervals are "
    "about other questions of the same kind, on these checkpoints; they are pointwise, one checkpoint at a "
    "time."
)
NOISE_HELP = {
    "question noise": "The standard deviation of one point of the curve that comes from the choice of "
    "questions; more questions take it away.",
    "checkpoint noise": "What the curve moves from checkpoint to checkpoint beyond that: the model's own "
    "training, which more questions do not take away. The curve's own bend counts with it.",
}
NOISE = (
    "Both in the metric's unit, from how far each point lies off the line between its neighbours. Where "
    "question noise is the larger, more questions make the curve smoother; where checkpoint noise is, they "
    "do not."
)


def telling_pair(measurements: Measurements) -> tuple[str, str] | None:
    """The two models whose parting says most: the largest and the smallest of one shape, else any two that
    count."""
    counted = [c.model for c in measurements.curves if c.model.counts_in_scores]
    best: tuple[float, str, str] | None = None
    for smaller in counted:
        for larger in counted:
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


def curves(
    measurements: Measurements, metric: str, above: Mapping[str, Since], pair: Parted | None, few: str
) -> str:
    """When two models part, who leaves chance and since when, and how far the mean goes.

    `few`: the sentence for when no two models share two complete checkpoints.
    """
    grid = common_grid(measurements, metric)
    if grid is None or len(grid.steps) < 2:
        return few
    said = []
    if so_far := _so_far(measurements):
        said.append(so_far)
    if pair is not None and not so_far:
        said.append(parting(measurements, pair))
    if leaving := chance(measurements, above):
        said.append(leaving)
    said.append(f"{_mean_course(grid, metric)}.")
    return " ".join(said)


def parting(measurements: Measurements, pair: Parted) -> str:
    """From which checkpoint on one model stands above another, and how sure that is."""
    models = {c.model.name: c.model for c in measurements.curves}
    higher, lower = (models[name].short_name for name in (pair.higher, pair.lower))
    since = pair.since
    if not since.points:
        return f"{higher} and {lower} do not part: {_lower_first(since.why)}"
    if since.sure is not None:
        place = f"**{_unbroken(since.sure)}**"
        if since.sure == since.first:
            place = f"the first checkpoint (**{_unbroken(since.sure)}**)"
        return f"From {place} on, {higher} stands surely above {lower}{_range(since)}."
    share = f"in {since.share:.0%} of resamples" if since.share is not None else ""
    return f"{higher} ends above {lower} {share}, but at no checkpoint surely and to the end.".replace(
        "  ", " "
    )


def chance(measurements: Measurements, above: Mapping[str, Since]) -> str | None:
    """How many models leave chance, and the last of them; what the twin does. None where a metric has no
    chance."""
    models: Mapping[str, ModelInfo] = {c.model.name: c.model for c in measurements.curves}
    told = {name: since for name, since in above.items() if since.points and since.why is None}
    counted = [name for name in told if models[name].counts_in_scores]
    if not counted:
        return None
    left = [place for name in counted if (place := told[name].sure) is not None]
    if not left:
        return "No model is surely above chance at the end."
    last = max(left, key=lambda place: place.step)
    if len(left) < len(counted):
        which = f"{len(left)} of {len(counted)} models {'is' if len(left) == 1 else 'are'}"
    else:
        which = {1: "The model is", 2: "Both models are"}.get(len(left), f"All {len(left)} models are")
    sentence = f"{which} above chance from {_unbroken(last)} on{' at the latest' if len(left) > 1 else ''}"
    twins = [name for name in told if models[name].twin_of]
    if twins and all(told[name].sure is None for name in twins):
        sentence += "; the web-only twin never is" if len(twins) == 1 else "; no web-only twin is"
    return f"{sentence}."


def drawing(axis: Axis, overlay: smoothing.Method | None) -> str:
    """What the axis leaves out, and how the line over the points was made."""
    said = []
    if overlay:
        said.append(f"The thick line is {smoothing.HELP[overlay]}; the points are as measured.")
    if axis.kind == "compute":
        said.append(
            "Compute is 6 · parameters · tokens; models of different sizes leave the early window at "
            "different places, so it is not drawn."
        )
    if axis.left_out:
        unknown = "tokens are" if axis.kind == "tokens" else "compute is"
        said.append(
            f"Not shown, since their {unknown} not known: {phrasing.listing(list(axis.left_out), most=6)}."
        )
    if axis.at_zero:
        said.append("Checkpoints at 0 have no place on a logarithmic axis.")
    return " ".join(said)


def subjects(shown: int, others: Sequence[str], axis: Axis) -> str:
    """What the small charts share, and which subjects have none."""
    said = "All charts share both axes; bands are of the subject's own questions. " if shown > 1 else ""
    if others:
        said += f"Smaller subjects without a chart: {phrasing.listing(list(others), most=len(others))}. "
    return said + drawing(axis, None)


def _range(since: Since) -> str:
    """Where the parting lies in 95% of the resamples, unless that is one place or is not told."""
    if since.no_range or since.low == since.high:
        return ""
    low, high = ("never" if place is None else place.words for place in (since.low, since.high))
    return f" (95% of resamples: {low.removesuffix(' tokens')} to {high})"


def _unbroken(place: Point) -> str:
    """Words that stay on one line."""
    return place.words.replace(" ", "\N{NO-BREAK SPACE}")


def _lower_first(text: str | None) -> str:
    return text[0].lower() + text[1:] if text else ""


def rise(measurements: Measurements, metric: str) -> str:
    """How far the science models' mean rises, what the twin does, and since when the sizes stand in order."""
    grid = common_grid(measurements, metric)
    if grid is None or len(grid.steps) < 2:
        return _few(measurements, metric)
    so_far = _so_far(measurements)
    order = None if so_far else sizes_in_order_from(measurements, grid)
    in_order = (
        f"; from {order} on, larger models stand above smaller ones at every checkpoint" if order else ""
    )
    said = [f"{_mean_course(grid, metric)}{in_order}.", *_twins(measurements, metric)]
    if so_far:
        said.insert(0, so_far)
    return " ".join(said)


def _so_far(measurements: Measurements) -> str:
    if measurements.complete_checkpoints == measurements.checkpoints:
        return ""
    return f"{measurements.complete_checkpoints} of {measurements.checkpoints} checkpoints so far."


def _mean_course(grid: Grid, metric: str) -> str:
    """Where the mean of all models goes, from the first shared checkpoint to the last."""
    first, last = (phrasing.metric_value(metric, float(v)) for v in grid.values.mean(axis=0)[[0, -1]])
    models = phrasing.count(len(grid.models), "model")
    return f"Over {models}, mean {labels.METRIC_LABEL[metric]} {_course(first, last)}"


def _twins(measurements: Measurements, metric: str) -> list[str]:
    """Between which values each web-only twin stays."""
    said = []
    chance = f" (chance {measurements.chance:.0%})" if metric in SHARES else ""
    for curve in measurements.curves:
        values = measurements.values(curve.model.name, metric) if curve.model.twin_of else np.empty(0)
        if np.isfinite(values).any():
            low, high = (phrasing.metric_value(metric, v) for v in (np.nanmin(values), np.nanmax(values)))
            said.append(f"The web-only twin stays between {low} and {high}{chance}.")
    return said


def _few(measurements: Measurements, metric: str) -> str:
    """What can be said where no two models that count share two complete checkpoints."""
    if measurements.complete_checkpoints < measurements.checkpoints:
        return (
            f"{measurements.complete_checkpoints} of "
            f"{phrasing.count(measurements.checkpoints, 'checkpoint')} so far: too few to say what the "
            "curves do."
        )
    label = labels.METRIC_LABEL[metric]
    for curve in sorted(measurements.curves, key=lambda c: not c.model.counts_in_scores):
        values = measurements.values(curve.model.name, metric)
        if len(values) > 1:
            first, last = (phrasing.metric_value(metric, v) for v in (values[0], values[-1]))
            return f"The {label} of {curve.model.name} {_course(first, last)} over {len(values)} checkpoints."
    return "Every model has one checkpoint here: run more of them to see curves."


def _course(first: str, last: str) -> str:
    return f"stays at **{last}**" if first == last else f"goes from **{first} to {last}**"


def sizes_in_order_from(measurements: Measurements, grid: Grid) -> str | None:
    """The tokens (or step) from which sizes stand in order for every shape, to the end; None if never."""
    parameters = {c.model.name: c.model.parameters or 0 for c in measurements.curves}
    shapes = {c.model.name: c.model.arch for c in measurements.curves}
    in_order = np.ones(len(grid.steps), bool)
    compared = False
    for shape in set(shapes.values()):
        rows = [m for m, name in enumerate(grid.models) if shapes[name] == shape]
        rows.sort(key=lambda m: parameters[grid.models[m]])
        for smaller, larger in pairwise(rows):
            if parameters[grid.models[smaller]] < parameters[grid.models[larger]]:
                compared = True
                in_order &= grid.scores[larger] > grid.scores[smaller]
    if not compared or not in_order[-1]:
        return None
    broken = np.flatnonzero(~in_order)
    start = int(broken[-1]) + 1 if broken.size else 0
    return phrasing.place(int(grid.steps[start]), grid.tokens_seen[start])
