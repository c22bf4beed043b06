"""Item pool: item statistics of a set's questions over the scored models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.analysis.questions import item_correlations
from e2lm_core.analysis.questions import traits as question_traits
from e2lm_core.analysis.questions.item_correlations import Reliability
from e2lm_core.analysis.questions.repeatability import Repeatability, correlate_halves, split_models
from e2lm_core.analysis.questions.rules import OF_MODELS, Sample, TwinFinal, Where
from e2lm_core.base.errors import StudioError
from e2lm_core.base.memory.memo import Filled
from e2lm_core.base.records import ModelInfo, Question, TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores import metrics
from e2lm_core.scores.compliance import NO_TWIN
from e2lm_core.scores.measurements import Measurements, ModelCurve, map_beside

_BLOCK = 4_096  # questions of a large set that are stacked at once


@dataclass(frozen=True)
class Pool:
    """Questions with all results, and the scored models' results on them.

    Attributes:
        task: Name of the set.
        rows: Index [Q] of each question in the set, in the order of `sample`.
        ids: Ids of the questions.
        groups: Group of each question, None for a question by itself.
        models: Scored models with results.
        steps: Steps [T] of the shared checkpoints.
        tokens_seen: Tokens [T] of the shared checkpoints, NaN if unknown.
        sample: Results of the models on the questions.
        incomplete: Number of left-out questions without a result at one of the shared checkpoints.
    """

    task: str
    rows: np.ndarray
    ids: tuple[str, ...]
    groups: tuple[str | None, ...]
    models: tuple[ModelInfo, ...]
    steps: np.ndarray
    tokens_seen: np.ndarray
    sample: Sample
    incomplete: int

    @cached_property
    def discrimination_is_repeatable(self) -> Repeatability:
        """Repeatability of discrimination between two halves of the models; cached for redraws of a table."""
        split = split_models(self.models, question_traits.MIN_MODELS)
        if split is None:
            return Repeatability(why=Sentence("It takes six models to see whether it repeats on others."))
        by_half = (self.sample.for_models(half).column("discrimination") for half in split)
        return correlate_halves(self.models, split, *by_half)

    @property
    def has_sources(self) -> bool:
        """Whether any question names its source."""
        return bool((self.sample.traits["source"] != "").any())


def build_pool(
    measurements: Measurements,
    task: TaskSet,
    taught: Mapping[str, bool] | None = None,
    relevance: np.ndarray | None = None,
) -> Pool:
    """Build the item pool of a set, the input of selection rules.

    A checkpoint enters if every scored model has results there for at least half of the questions, so that
    one edited question does not empty the page.

    Args:
        measurements: Results of the set.
        task: Question set.
        taught: By question id, True if the answer is known to the mini models; None if unknown.
        relevance: Scientific relevance of all questions of the set [Q], a probability; None if not computed.

    Raises:
        StudioError: There is no such checkpoint, or no question is complete at all of them.
    """
    curves, steps = shared_checkpoints(measurements, measurements.scored_curves)
    if not steps.size:
        raise StudioError(
            Sentence(
                "{name} has no checkpoint yet at which every model that counts is at least half done: "
                "let the run go on, or run it.",
                name=task.name,
            )
        )
    ready = complete_questions(measurements, curves, steps)
    questions = [task.questions[row] for row in ready]
    at = np.searchsorted(curves[0].steps, steps)
    tokens = curves[0].tokens_seen[at]
    return Pool(
        task=task.name,
        rows=ready,
        ids=tuple(q.id for q in questions),
        groups=tuple(q.group for q in questions),
        models=tuple(c.model for c in curves),
        steps=steps,
        tokens_seen=tokens,
        sample=Sample(
            values=Filled(partial(_stacked, measurements, curves, steps, ready)),
            doublings=question_traits.log2_tokens(tokens, steps),
            early=curves[0].early[at],
            traits=_traits(questions, taught, None if relevance is None else np.asarray(relevance)[ready]),
            twins=_twins(measurements, curves, int(steps[-1]), ready),
        ),
        incomplete=len(task.questions) - len(ready),
    )


def _traits(
    questions: Sequence[Question], taught: Mapping[str, bool] | None, relevance: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Columns [Q] that do not depend on models, where known."""
    traits: dict[str, np.ndarray] = {
        **question_traits.text_traits(questions),
        "subject": np.array([q.subject or "" for q in questions], dtype=object),
        "source": np.array([q.source or "" for q in questions], dtype=object),
    }
    if taught is not None:
        traits["taught"] = np.array([taught[q.id] for q in questions], bool)
    if relevance is not None:
        traits["relevance"] = np.asarray(relevance, dtype=np.float64)
    return traits


def shared_checkpoints(
    measurements: Measurements, among: Iterable[ModelCurve]
) -> tuple[list[ModelCurve], np.ndarray]:
    """Models with results, and the steps [T] (int) at which all of them are at least half complete.

    Args:
        measurements: Results of the set.
        among: Curves of the models to take.
    """
    half = max(1, len(measurements.question_ids) / 2)
    curves, steps = [], None
    for curve in among:
        known = measurements.complete[curve.model.name].sum(axis=1) >= half
        if known.any():
            curves.append(curve)
            steps = curve.steps[known] if steps is None else np.intersect1d(steps, curve.steps[known])
    return curves, np.array([], int) if steps is None else steps


def _stacked(
    measurements: Measurements, curves: list[ModelCurve], steps: np.ndarray, ready: np.ndarray, metric: str
) -> np.ndarray:
    """Values [M, T, Q] of one metric for these models, steps and questions."""
    parts = [measurements.per_question[curve.model.name][metric] for curve in curves]
    at = [np.searchsorted(curve.steps, steps) for curve in curves]
    lying = _in_file(parts, at, ready)
    if lying is not None:
        return lying
    whole = np.stack([values[rows] for values, rows in zip(parts, at, strict=True)])
    return whole[..., ready]


def _in_file(parts: list[np.ndarray], at: list[np.ndarray], ready: np.ndarray) -> np.ndarray | None:
    """Values [M, T, Q] of a large set, in a file next to that of its metric; None if none can be written.

    The layout is question by question, as it is in memory otherwise: sums over other layouts differ in their
    last digits.
    """

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(ready), _BLOCK):
            some = ready[start : start + _BLOCK]
            block = np.stack([part[np.ix_(rows, some)] for part, rows in zip(parts, at, strict=True)])
            yield block.transpose(2, 0, 1)

    made = map_beside(parts, (*at, ready), "pool", blocks, (len(ready), len(parts), len(at[0])))
    return None if made is None else made.transpose(1, 2, 0)


def complete_questions(measurements: Measurements, curves: list[ModelCurve], steps: np.ndarray) -> np.ndarray:
    """Indices [Q] (int) of the questions that are complete at all these steps [T] of these models.

    Raises:
        StudioError: No question is.
    """
    whole = np.ones(len(measurements.question_ids), bool)
    for curve in curves:
        at = np.searchsorted(curve.steps, steps)
        whole &= measurements.complete[curve.model.name][at].all(axis=0)
    ready = np.flatnonzero(whole)
    if not ready.size:
        raise StudioError(
            Sentence(
                "No question of {task} is complete at every shared checkpoint: run the rest.",
                task=measurements.task,
            )
        )
    return ready


def _twins(
    measurements: Measurements, curves: list[ModelCurve], step: int, ready: np.ndarray
) -> tuple[TwinFinal, ...]:
    places = {c.model.name: place for place, c in enumerate(curves)}
    finals = []
    for twin in measurements.curves:
        at = np.flatnonzero(twin.steps == step)
        if twin.model.twin_of in places and at.size:
            values = measurements.per_question[twin.model.name]["norm_prob"][at[0], ready]
            if np.isfinite(values).any():
                finals.append(TwinFinal(places[twin.model.twin_of], values))
    return tuple(finals)


# --- the questions --------------------------------------------------------------------------------------


def question_frame(pool: Pool, task: TaskSet) -> pd.DataFrame:
    """Item statistics as a table, one row per question of the pool.

    Columns: id, question, subject, source, the statistics of `OF_MODELS`, those of `item_correlations` and the
    traits of the text. A column
    is empty if it is undefined for every question, or if it does not repeat on other models (see
    `undefined_reasons`).
    """
    columns: dict[str, Any] = {
        "id": pool.ids,
        "question": [task.questions[row].question for row in pool.rows],
    }
    columns |= {name: pool.sample.column(name) for name in ("subject", "source")}
    columns |= {name: pool.sample.column(name) for name in OF_MODELS}
    if "discrimination" in undefined_reasons(pool):
        columns["discrimination"] = np.full(len(pool.ids), np.nan)
    columns |= _item_correlations(pool)
    columns |= {name: pool.sample.column(name) for name in ("length", "choices", "gold_ratio", "digits")}
    columns |= {name: pool.sample.column(name) for name in ("taught", "relevance")}
    return pd.DataFrame(columns)


def _item_correlations(pool: Pool) -> dict[str, np.ndarray]:
    """Item-rest correlations [Q] by name, at the last shared checkpoint; NaN with too few models."""
    if item_correlations.too_few_reason(len(pool.models)):
        return {name: np.full(len(pool.ids), np.nan) for name in item_correlations.COLUMNS}
    right = pool.sample.values["acc"][:, -1, :]
    return {
        "biserial": item_correlations.biserial(right),
        "tetrachoric": item_correlations.tetrachoric(right),
    }


def reliability(pool: Pool, measurements: Measurements) -> Reliability:
    """Cronbach's alpha of the questions at the last shared checkpoint, see `item_correlations.reliability`."""
    return item_correlations.reliability(
        pool.sample.values["acc"][:, -1, :],
        measurements,
        tuple(model.name for model in pool.models),
        int(pool.steps[-1]),
        pool.rows,
    )


def undefined_reasons(pool: Pool) -> dict[str, str]:
    """Reason for each column of `question_frame` without values.

    These are the columns of `empty_columns`, item-rest correlations with too few models, and discrimination if it
    does not repeat on other models. A rule may use discrimination all the same, since a rule is tested on models
    not used for choosing.
    """
    empty = empty_columns(pool)
    if why := item_correlations.too_few_reason(len(pool.models)):
        empty |= dict.fromkeys(item_correlations.COLUMNS, why)
    if "discrimination" not in empty and not (found := pool.discrimination_is_repeatable).is_significant:
        noise = Sentence("So it tells nothing of a single question.")
        empty["discrimination"] = found.sentence if found.why else joined((found.sentence, noise))
    return empty


def sparkline_rows(pool: Pool, rows: np.ndarray) -> list[list[float]]:
    """Mean norm_prob over models at the shared checkpoints, as small curves for a table.

    Args:
        pool: Item pool.
        rows: Indices [N] (int) of the questions in the pool.

    Returns:
        One list of T values per question, rounded to 3 decimals.
    """
    return pool.sample.values["norm_prob"][..., rows].mean(axis=0).T.round(3).tolist()


def filter_rows(
    frame: pd.DataFrame,
    subjects: Sequence[str] = (),
    search: str = "",
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> np.ndarray:
    """Filter the rows of a `question_frame` by subject, text and ranges.

    Args:
        frame: Table of N questions.
        subjects: Subjects to keep; all if empty.
        search: Text that the id or the question must contain, in any case.
        ranges: By column, the lowest and the highest value to keep, both included; an undefined value is in
            no range.

    Returns:
        Mask [N] (bool) of the rows to keep.
    """
    kept = np.ones(len(frame), bool)
    if subjects:
        kept &= frame["subject"].isin(list(subjects)).to_numpy()
    if search.strip():
        wanted = search.strip().casefold()
        kept &= np.array(
            [wanted in f"{i}\n{q}".casefold() for i, q in zip(frame["id"], frame["question"], strict=True)],
            bool,
        )
    for column, (low, high) in (ranges or {}).items():
        kept &= frame[column].between(low, high).to_numpy()
    return kept


def matching_questions(pool: Pool, rule: Where) -> np.ndarray:
    """Questions of the pool that meet a user's rule on all models, as a mask [Q] (bool).

    Raises:
        StudioError: The rule uses a column that is undefined for this pool.
    """
    empty = empty_columns(pool)
    for condition in rule.conditions:
        if condition.column in empty:
            raise StudioError(
                Sentence(
                    "The rule uses {column}, which is undefined here: {empty}",
                    column=condition.column,
                    empty=empty[condition.column],
                )
            )
    return np.asarray(rule(pool.sample))


def empty_columns(pool: Pool) -> dict[str, str]:
    """Reason for each column that is undefined for every question of the pool."""
    why: dict[str, str] = {}
    if pool.sample.early.sum() < 2:
        why["slope"] = Sentence("The early window has fewer than two shared checkpoints: run more of them.")
    if len(pool.models) < question_traits.MIN_MODELS:
        why["discrimination"] = Sentence(
            "It takes three models that count, or every question would seem to part them: run more."
        )
    elif len(pool.ids) < 2:
        why["discrimination"] = Sentence("There is one question, and nothing to compare it with.")
    if not pool.sample.twins:
        why["contrast"] = NO_TWIN
    if "taught" not in pool.sample.traits:
        why["taught"] = Sentence("The models here come without a list of what they were taught.")
    if "relevance" not in pool.sample.traits:
        why["relevance"] = Sentence("Not computed.")
    return why


def compared_frame(pool: Pool, chosen: np.ndarray, metric: str) -> pd.DataFrame:
    """Mean curves over models of the chosen questions and of the rest, one row per checkpoint.

    Columns: step, tokens_seen, early, selection, rest, difference.

    Args:
        pool: Item pool.
        chosen: Mask of the chosen questions [Q] (bool); an empty side is NaN.
        metric: Metric of the curves.
    """
    mean = pool.sample.values[metric].mean(axis=0)  # [T, Q]
    selection, rest = (
        metrics.curve(mean[:, side]) if side.any() else np.full(len(mean), np.nan)
        for side in (chosen, ~chosen)
    )
    return pd.DataFrame(
        {
            "step": pool.steps,
            "tokens_seen": pool.tokens_seen,
            "early": pool.sample.early,
            "selection": selection,
            "rest": rest,
            "difference": selection - rest,
        }
    )
