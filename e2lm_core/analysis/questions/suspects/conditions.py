"""Accuracy under each condition of the wording control, and what it keeps of the accuracy as written.

    kept = (acc under a condition - chance) / (acc as written - chance)

of the models that count in scores, at their last checkpoint, with a paired bootstrap over questions (groups whole).
It is silent unless the set itself is above chance. A question whose prompt is the same under the condition (one
word, shuffled) is no evidence and is left out, but for the rarest word alone: a question of one word is answered
from one word.

Tested in tests/analysis/questions/suspects/test_conditions.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from e2lm_core.analysis.questions.suspects.keys import probabilities
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, SentenceField
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements, ModelCurve
from e2lm_core.scores.uncertainty import bootstrap, methods

# By the first word of an id of the control set; other questions have a number there.
CONDITIONS = ("nothing", "other", "shuffled", "word", "negated")
NEARLY_ALL, AT_LEAST = 0.9, 0.75  # smallest share kept, and smallest low end of its interval, for a verdict
MIN_QUESTIONS = 20
MIN_MEASURED = 0.5  # smallest share of questions with results: an edit leaves the others' results in place


class ConditionAccuracy(Record):
    """Accuracy of the scored models under one condition, at their last checkpoints.

    Attributes:
        condition: One of `CONDITIONS`.
        questions: Number of questions that it is of.
        accuracy: Mean accuracy over models and questions.
        interval: Its 95% interval; None for fewer than two questions.
        written: Mean accuracy as written, of the same questions.
        kept: Share of the distance to chance that is kept; None with the reason in `why`.
        kept_interval: Its 95% interval; None with `kept`.
        why: Reason why `kept` is None.
    """

    condition: str
    questions: int
    accuracy: float
    interval: tuple[float, float] | None
    written: float
    kept: float | None = None
    kept_interval: tuple[float, float] | None = None
    why: SentenceField | None = None

    @property
    def keeps_nearly_all(self) -> bool:
        """Whether nearly the whole distance to chance is kept, beyond the doubt of its interval."""
        return bool(
            self.kept is not None
            and self.kept_interval is not None
            and self.questions >= MIN_QUESTIONS
            and self.kept >= NEARLY_ALL
            and self.kept_interval[0] >= AT_LEAST
        )


@dataclass(frozen=True)
class ControlResults:
    """Results of the control [V, Q, C] by model, at the last checkpoint that has some, and their conditions [V]."""

    ll: dict[str, Floats]
    step: dict[str, int]
    conditions: tuple[str, ...]
    keys: tuple[tuple[bytes, ...], ...]

    @classmethod
    def read(cls, control: Measurements, number: int) -> ControlResults:
        names = tuple(_condition(name) for name in control.question_ids[::number])
        found = cls({}, {}, names, control.keys)
        for curve in control.curves:
            known = _known(curve, control)
            if not (some := np.flatnonzero(known.any(axis=1))).size:
                continue
            ll = np.where(known[some[-1]][:, None], curve.ll[some[-1]], np.nan)
            ll = ll.reshape(-1, number, ll.shape[-1])
            if np.isfinite(ll[found.guessing]).any(axis=-1).all(axis=0).mean() >= MIN_MEASURED:
                found.ll[curve.model.name] = ll
                found.step[curve.model.name] = int(curve.steps[some[-1]])
        return found

    @property
    def guessing(self) -> list[int]:
        """Variants of the guessing test: no question, then other questions."""
        return [v for v, name in enumerate(self.conditions) if name in ("nothing", "other")]

    @property
    def measured(self) -> np.ndarray:
        """Questions [Q], bool, with all results of the guessing test of all models."""
        return np.all(
            [np.isfinite(ll[self.guessing]).any(axis=-1).all(axis=0) for ll in self.ll.values()], axis=0
        )

    def right(self, model: str, gold: np.ndarray) -> dict[str, Floats]:
        """Share [Q] of the right answer by condition, NaN where not measured."""
        shares = right_shares(_probabilities(self.ll[model]), gold)
        return {
            name: np.mean([shares[v] for v, one in enumerate(self.conditions) if one == name], axis=0)
            for name in CONDITIONS
            if name in self.conditions
        }


def _condition(name: str) -> str:
    """Condition of an id of the control set."""
    first = name.split(" ", 1)[0]
    if first.isdigit():
        return "other" if int(first) else "nothing"
    return first


def _known(curve: ModelCurve, control: Measurements) -> np.ndarray:
    """Mask [K, V·Q] of the questions of the control that have all results."""
    return np.asarray((np.isfinite(curve.ll) | np.isnan(control.chars)).all(axis=2))


def mean_of(right: Floats | None, at: np.ndarray) -> float | None:
    """Mean of shares [Q] over the questions `at` [Q], bool; None without shares or questions."""
    return None if right is None or not at.any() else float(np.mean(right[at]))


def right_shares(chosen: Floats, gold: np.ndarray) -> Floats:
    """Share [V, Q] of the right answer in the preferred choices under V prompts; ties share one vote.

    Args:
        chosen: Probabilities [V, Q, C] of the choices, NaN where not measured: then the share is NaN, too.
        gold: Index of the right choice [Q].
    """
    best = chosen == chosen.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        shares = best / best.sum(axis=-1, keepdims=True)
    return np.asarray(np.take_along_axis(shares, gold[None, :, None], axis=-1)[..., 0])


def _probabilities(ll: Floats) -> Floats:
    """Probabilities [..., C], NaN for a question without results."""
    with np.errstate(invalid="ignore"):
        return probabilities(ll)


def condition_accuracies(
    own: Measurements, found: ControlResults, by_model: dict[str, dict[str, Floats]]
) -> Iterator[ConditionAccuracy]:
    """Accuracy under each condition that was run; none where a model has no results of the set at its step.

    Args:
        own: Results of the set.
        found: Results of its control.
        by_model: Share [Q] of the right answer by condition, NaN where not measured, of each scored model.
    """
    written = written_right(own, {name: found.step[name] for name in by_model})
    if written is None:
        return
    for name in CONDITIONS:
        if name not in found.conditions:
            continue
        right = np.mean([of[name] for of in by_model.values()], axis=0)
        at = np.isfinite(right) & np.isfinite(written)
        if name != "word":
            at &= _differs(own, found, name)
        if at.any():
            yield _accuracy(own, name, right, written, at)


def written_right(own: Measurements, steps: Mapping[str, int]) -> Floats | None:
    """Mean accuracy as written [Q] of some models at one step each, ties shared; None if a model lacks its step.

    Args:
        own: Results of the set.
        steps: Step by name of the model.
    """
    rights = []
    for name, step in steps.items():
        curve = next((c for c in own.curves if c.model.name == name), None)
        if curve is None or step not in curve.steps:
            return None
        rights.append(
            right_shares(_probabilities(curve.ll[np.flatnonzero(curve.steps == step)[-1:]]), own.gold)[0]
        )
    return np.asarray(np.mean(rights, axis=0)) if rights else None


def _differs(own: Measurements, found: ControlResults, name: str) -> np.ndarray:
    """Mask [Q] of the questions with another prompt under a condition; all where prompts are not known."""
    number = len(own.question_ids)
    differs = np.ones(number, bool)
    if own.keys and found.keys:
        for v in (v for v, one in enumerate(found.conditions) if one == name):
            differs &= [own.keys[q] != found.keys[v * number + q] for q in range(number)]
    return differs


def _accuracy(
    own: Measurements, name: str, right: Floats, written: Floats, at: np.ndarray
) -> ConditionAccuracy:
    """Accuracy under a condition on the questions `at`, and what it keeps of the accuracy as written."""
    chance = 1 / own.choice_counts[at]
    labels = own.resampling_groups
    groups = [one for one, here in zip(labels, at, strict=True) if here] if labels else None
    design = bootstrap.resampling_design(int(at.sum()), groups)
    values = {"condition": right[at], "written": written[at], "chance": chance}
    means = bootstrap.resampled_means(values, design, bootstrap.RESAMPLES, 0)
    level = methods.small_sample_level(design.clusters)
    made = ConditionAccuracy(
        condition=name,
        questions=int(at.sum()),
        accuracy=float(right[at].mean()),
        interval=_span(means["condition"], level),
        written=float(written[at].mean()),
    )
    if at.sum() < max(MIN_QUESTIONS, MIN_MEASURED * len(at)):
        return made.model_copy(
            update={
                "why": Sentence(
                    "A wording is judged on at least {min_questions} questions, and half of the set, whose prompt it changes.",
                    min_questions=MIN_QUESTIONS,
                )
            }
        )
    above = _span(means["written"] - means["chance"], level)
    if above is None or above[0] <= 0:
        return made.model_copy(update={"why": Sentence("The set itself is not above chance.")})
    kept = float((right[at] - chance).mean() / (written[at] - chance).mean())
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (means["condition"] - means["chance"]) / (means["written"] - means["chance"])
    shares[~np.isfinite(shares)] = np.nan
    return made.model_copy(update={"kept": kept, "kept_interval": _span(shares, level)})


def _span(samples: Floats, level: float) -> tuple[float, float] | None:
    if not np.isfinite(level):
        return None
    low, high = (float(end) for end in methods.span(samples, level))
    return (low, high) if np.isfinite(low) and np.isfinite(high) else None


def question_conditions(own: Measurements, control: Measurements) -> dict[str, Floats] | None:
    """Share of the scored models that are right on each question, as written and under each condition.

    Returns:
        {"written" or a condition: [Q]}, NaN where not measured; None if the control was not run.
    """
    found = ControlResults.read(control, max(1, len(own.question_ids)))
    scored = {c.model.name for c in control.scored_curves} & set(found.ll) or set(found.ll)
    written = written_right(own, {name: found.step[name] for name in scored})
    if written is None:
        return None
    by_model = [found.right(name, own.gold) for name in found.ll if name in scored]
    return {"written": written} | {
        name: np.mean([of[name] for of in by_model], axis=0)
        for name in CONDITIONS
        if name in found.conditions
    }


def condition_curves(own: Measurements, control: Measurements) -> list[dict[str, Any]]:
    """Accuracy as written and under each condition at every checkpoint that has results of the control.

    Returns:
        One entry a checkpoint: {model, step, tokens_seen, written, nothing, other, …}, None where not measured.
    """
    number, rows = max(1, len(own.question_ids)), []
    names = [_condition(name) for name in control.question_ids[::number]]
    for curve in control.curves:
        known = _known(curve, control).reshape(len(curve.checkpoints), -1, number)
        for k in np.flatnonzero(np.any(np.all(known, axis=2), axis=1)).tolist():
            step = int(curve.steps[k])
            written = written_right(own, {curve.model.name: step})
            shares = right_shares(
                _probabilities(curve.ll[k].reshape(-1, number, curve.ll.shape[-1])), own.gold
            )
            row: dict[str, Any] = {
                "model": curve.model.name,
                "step": step,
                "tokens_seen": curve.checkpoints[k].tokens_seen,
                "written": mean_of(written, np.isfinite(written)) if written is not None else None,
            }
            for name in CONDITIONS:
                at = [v for v, one in enumerate(names) if one == name]
                whole = bool(at) and bool(known[k][at].all())
                row[name] = float(shares[at].mean()) if whole else None
            rows.append(row)
    return rows
