"""Effect of an edit on each question's metrics and on the set's means.

    final(metric) = mean over models of the metric at the model's last checkpoint

over the scored models, or over all models if none is scored; NaN until each is computed there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from e2lm_core.analysis import tables
from e2lm_core.base import formatting
from e2lm_core.base.json_values import to_json_value
from e2lm_core.base.records import SHARES, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements, ModelCurve, final_values

SHOWN = ("margin", "norm_prob", "acc")
UNITS = {"margin": Sentence(" nats")}
MARGIN_HELP = Sentence(
    "Margin: the right answer's log-likelihood less the mean of the others', in nats, at "
    "each model's last checkpoint, averaged over the models that count in scores. Above 0 "
    "the models lean to the right answer; one nat more means that it has become 2.7 times as "
    "likely beside the others. Longer choices have larger margins."
)


@dataclass(frozen=True)
class MetricChange:
    """Final value of a metric before and after an edit, in the metric's unit.

    Attributes:
        metric: Name of the metric.
        before: Value before; None if it is not computed, or the question did not exist.
        after: Value after; None if it is not computed yet, or the question is deleted.
    """

    metric: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """Value after less value before, in the metric's unit; None if either is missing."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def current_text(self) -> str:
        """Current value in words, such as "margin 0.61 nats"."""
        return Sentence(
            "{metric} **{value}{unit}**",
            metric=self.metric,
            value=_value(self.metric, self.after),
            unit=UNITS.get(self.metric, ""),
        )

    @property
    def text(self) -> str:
        """Change in words, such as "margin 0.42 → 0.61 nats ↑ (+0.19)"."""
        unit = UNITS.get(self.metric, "")
        text = Sentence(
            "{metric} {before} → {after}{unit}",
            metric=self.metric,
            before=_value(self.metric, self.before),
            after=_value(self.metric, self.after),
            unit=unit,
        )
        if self.difference is None:
            return text
        shown = _difference(self.metric, self.difference)
        return Sentence("{text} {arrow} ({shown})", text=text, arrow=_arrow(self.difference), shown=shown)


@dataclass(frozen=True)
class EditEffect:
    """Effect of an edit on one question.

    Attributes:
        question_id: Id of the question.
        kind: "edited", "added" or "deleted".
        changes: Change of each metric of `SHOWN`.
    """

    question_id: str
    kind: str
    changes: tuple[MetricChange, ...]

    @property
    def text(self) -> str:
        """Effect in words, such as "**q3** (edited): margin 0.42 → 0.61 nats ↑ (+0.19) · acc …"."""
        return f"**{self.question_id}** ({self.kind}): {' · '.join(change.text for change in self.changes)}"


def scored_models(measurements: Measurements) -> list[ModelCurve]:
    """Curves of the scored models; of all models if none is scored."""
    return list(measurements.scored_curves or measurements.curves)


def edit_effects(before: Measurements, after: Measurements) -> tuple[EditEffect, ...]:
    """Effects on the questions with changed prompts or right answers, in the newer version's order.

    Deleted questions come last. Changes outside the prompts (a note, the order of choices) have no effect and
    are left out.
    """
    was, is_ = ({name: n for n, name in enumerate(m.question_ids)} for m in (before, after))
    finals_of = [{metric: final_values(m, metric) for metric in SHOWN} for m in (before, after)]
    changed = []
    for name in (*after.question_ids, *(n for n in before.question_ids if n not in is_)):
        places = was.get(name), is_.get(name)
        if None not in places and _asks(before, was[name]) == _asks(after, is_[name]):
            continue
        kind = "added" if places[0] is None else "deleted" if places[1] is None else "edited"
        changes = tuple(
            MetricChange(
                metric,
                *(_at(by_metric[metric], place) for by_metric, place in zip(finals_of, places, strict=True)),
            )
            for metric in SHOWN
        )
        changed.append(EditEffect(name, kind, changes))
    return tuple(changed)


def set_changes(before: Measurements, after: Measurements) -> tuple[MetricChange, ...]:
    """Changes of the set's own means."""
    return tuple(
        MetricChange(metric, *(_mean(final_values(m, metric)) for m in (before, after))) for metric in SHOWN
    )


def headline(
    effects: tuple[EditEffect, ...], whole: tuple[MetricChange, ...], done: int, total: int, running: str = ""
) -> str:
    """Headline on the last edit: its effect on the question and on the set.

    Args:
        effects: Effects on the changed questions.
        whole: Changes of the set's means.
        done: Number of checkpoints with all results.
        total: Number of checkpoints.
        running: Progress of a run of the set in words, shown in place of `done` and `total`.
    """
    if not effects:
        return Sentence("The last edit did not change any prompt or right answer. Results are still valid.")
    coming = (
        Sentence(" {done} of {total} checkpoints so far.", done=done, total=total) if done < total else ""
    )
    if running:
        coming = Sentence(" So far {running}.", running=running)
    acc = next(change for change in whole if change.metric == "acc")
    of_set = Sentence(
        "The set's final accuracy: {before} → {after}.",
        before=_value("acc", acc.before),
        after=_value("acc", acc.after),
    )
    if len(effects) > 1:
        differences = [d for e in effects if (d := e.changes[0].difference) is not None]
        risen = Sentence(", {rose} margins rose", rose=sum(d > 0 for d in differences)) if differences else ""
        return Sentence(
            "**{questions}** changed{risen}. {of_set}{coming}",
            questions=formatting.count(len(effects), "question"),
            risen=risen,
            of_set=of_set,
            coming=coming,
        )
    effect = effects[0]
    if effect.kind == "deleted":
        return Sentence(
            "**{question_id}** is gone. {of_set}{coming}",
            question_id=effect.question_id,
            of_set=of_set,
            coming=coming,
        )
    (margin, *_) = effect.changes
    if margin.after is None:
        return Sentence(
            "**{question_id}** has no results yet.{coming}", question_id=effect.question_id, coming=coming
        )
    if margin.before is None:
        return Sentence(
            "**{question_id}** has a final margin of **{after} nats**. {of_set}{coming}",
            question_id=effect.question_id,
            after=_value(margin.metric, margin.after),
            of_set=of_set,
            coming=coming,
        )
    return Sentence(
        "**{question_id}**: {change}. {of_set}{coming}",
        question_id=effect.question_id,
        change=margin.text,
        of_set=of_set,
        coming=coming,
    )


def effect_frame(effects: tuple[EditEffect, ...]) -> pd.DataFrame:
    """Effects of an edit as a table, one row per changed question.

    Columns: question, change (kind), and for each metric its final value before, after, and the difference.
    """
    return pd.DataFrame(
        [
            {"question": effect.question_id, "change": effect.kind}
            | {
                f"{c.metric}{suffix}": value
                for c in effect.changes
                for suffix, value in ((", before", c.before), (", after", c.after), (" Δ", c.difference))
            }
            for effect in effects
        ]
    )


def finals_frame(measurements: Measurements, task: TaskSet) -> pd.DataFrame:
    """Final values of every question, one row per question.

    Columns: id, question, the curves of norm_prob and acc (mean over models, by checkpoint), and each metric
    of `SHOWN`.
    """
    frame = tables.question_table(measurements, task)
    shown = pd.DataFrame({"id": frame["id"], "question": frame["question"]})
    for metric in ("norm_prob", "acc"):
        if f"{metric}_curve" in frame:
            shown[f"{metric} curve"] = frame[f"{metric}_curve"].map(_computed)
    for metric in SHOWN:
        shown[metric] = final_values(measurements, metric)
    return shown


def mean_frame(measurements: Measurements, name: str, metric: str) -> pd.DataFrame:
    """Mean of one question's metric over the scored models, one row per step.

    Columns: step, tokens_seen, value, models (their number). Steps that not all of the models have are left
    out; `value` is NaN until all are computed there.

    Args:
        measurements: Results of the set.
        name: Id of the question.
        metric: Metric of the curve.
    """
    place, curves = measurements.question_ids.index(name), scored_models(measurements)
    steps = sorted(set.intersection(*(set(curve.steps.tolist()) for curve in curves))) if curves else []
    at = [np.searchsorted(curve.steps, steps) for curve in curves]
    values = [
        measurements.per_question[curve.model.name][metric][rows, place]
        for curve, rows in zip(curves, at, strict=True)
    ]
    return pd.DataFrame(
        {
            "step": steps,
            "tokens_seen": curves[0].tokens_seen[at[0]] if curves else np.empty(0),
            "value": np.mean(values, axis=0) if curves else np.empty(0),
            "models": len(curves),
        }
    )


def points_frame(before: Measurements, after: Measurements, name: str | None, metric: str) -> pd.DataFrame:
    """Points of the charts of an edit, one row per point: of, step, tokens_seen, before, now.

    First the mean of one question over the models, if `name` is its id; then the means of the whole set for
    each model, without replicates from other seeds.

    Args:
        before: Results before the edit.
        after: Results after the edit.
        name: Id of the question; None for the whole set alone.
        metric: Metric of the curves.
    """
    versions = {"before": before, "now": after}
    questions, models = {}, {}
    for side, measured in versions.items():
        if name in measured.question_ids:
            of = mean_frame(measured, name, metric).assign(of=name)
            questions[side] = of.set_index(["of", "step", "tokens_seen"])["value"]
        own = {curve.model.name for curve in measured.curves if curve.model.seed_of is None}
        frame = tables.curve_frame(measured, (metric,)).rename(columns={"model": "of"})
        models[side] = frame[frame["of"].isin(own)].set_index(["of", "step", "tokens_seen"])["value"]
    parts = [pd.DataFrame(part, columns=list(versions)) for part in (questions, models) if part]
    return pd.concat(parts).reset_index().dropna(subset=list(versions), how="all")


def _computed(curve: np.ndarray | None) -> list[float] | None:
    return None if curve is None else [float(v) for v in curve if np.isfinite(v)]


def _asks(measurements: Measurements, place: int) -> tuple[frozenset[bytes], bytes]:
    keys = measurements.keys[place]
    return frozenset(keys), keys[int(measurements.gold[place])]


def _at(values: np.ndarray, place: int | None) -> float | None:
    return None if place is None else to_json_value(values[place])


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size and np.isfinite(values).all() else None


def _value(metric: str, value: float | None) -> str:
    if value is None:
        return formatting.DASH
    return formatting.with_minus(f"{value:.1%}" if metric in SHARES else f"{value:.2f}")


def _difference(metric: str, difference: float) -> str:
    if metric in SHARES:
        return Sentence("{value} points", value=formatting.with_minus(f"{difference * 100:+.1f}"))
    return formatting.with_minus(f"{difference:+.2f}")


def _arrow(difference: float) -> str:
    if abs(difference) < 5e-4:
        return "="
    return "↑" if difference > 0 else "↓"
