"""Rank stability: ranks, wins, Kendall's tau and decision accuracy over resamples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.analysis import validity
from e2lm_core.analysis.questions.repeatability import correlate_halves, split_models
from e2lm_core.analysis.ranks import question_influence as rank_questions
from e2lm_core.analysis.ranks import rank_probabilities as rank_shares
from e2lm_core.base.json_values import frame_to_records, to_json_value
from e2lm_core.base.records import TaskSet
from e2lm_core.scores.measurements import Grid, Measurements, common_grid
from e2lm_core.scores.metrics import oriented
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.ranking.order import ranks
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null
from e2lm_core.scores.uncertainty.intervals import Resampled
from e2lm_core.scores.uncertainty.means.onset import first_lasting_index
from e2lm_core.scores.uncertainty.methods import quantiles

MIDDLE = (0.025, 0.975)  # quantiles of the resamples
SEEN = 0.005  # smallest share of resamples that is drawn


@dataclass(frozen=True)
class RankStability:
    """Order of the scored models over resamples, at the checkpoints that all of them share.

    Axes: R resamples, M models, T shared checkpoints, L of them after the early window.

    Attributes:
        grid: Measured scores.
        scores: Resampled scores [R, M, T], higher is better.
        shares: Probability of each rank [M models, M ranks, T].
        tau: tau_b of the early window's end with each later checkpoint [L, 3]: measured value and the ends of
            the middle 95% of the resamples; no rows without a later checkpoint.
        decisions: Share of pairs ordered as at the last checkpoint [T, 3], with the same columns.
    """

    grid: Grid
    scores: np.ndarray
    shares: np.ndarray
    tau: np.ndarray
    decisions: np.ndarray

    def win_probabilities(self, at: int) -> np.ndarray:
        """Share of the resamples in which the row's model beats the column's at a checkpoint: [M, M].

        `at` is the index of the checkpoint; see `rank_probabilities.win_probabilities` for ties and NaN.
        """
        return rank_shares.win_probabilities(self.scores[:, :, at])

    @property
    def default_checkpoint(self) -> int:
        """Index of the checkpoint to show first: the early window's last, else the last one."""
        return len(self.grid.steps) - 1 if self.grid.end is None else self.grid.end

    def first_stable_checkpoint(self, share: float) -> int | None:
        """Index of the first checkpoint from which at least `share` of the pairs are in their final order.

        None if that holds only at the last checkpoint itself.
        """
        at = int(first_lasting_index(self.decisions[:, 0] >= share - 1e-9))
        return at if at < len(self.grid.steps) - 1 else None


def rank_stability(measurements: Measurements, resampled: Resampled, metric: str) -> RankStability | None:
    """Order of the scored models over the resamples.

    None if fewer than two scored models share a complete checkpoint, a shared checkpoint lacks results, or
    models may be undeclared seeds of one model.
    """
    grid = common_grid(measurements, metric)
    layout = measurements.layout(metric)
    if grid is None or layout.missing_common or layout.replicates:
        return None
    drawn = np.stack(
        [
            resampled.curves[metric][name][:, np.isin(measurements.curve_of(name).steps, grid.steps)]
            for name in grid.models
        ],
        axis=1,
    )
    scores = oriented(metric, drawn)
    tau = np.empty((0, 3))
    if grid.end is not None:
        tau = _with_range(
            rank_shares.tau_with_later(grid.scores, grid.end), rank_shares.tau_with_later(scores, grid.end)
        )
    return RankStability(
        grid=grid,
        scores=scores,
        shares=rank_shares.rank_probabilities(scores),
        tau=tau,
        decisions=_with_range(
            rank_shares.pair_agreement_by_checkpoint(grid.scores),
            rank_shares.pair_agreement_by_checkpoint(scores),
        ),
    )


def influence_on_ranking(
    measurements: Measurements, grid: Grid, metric: str, reading: str = readings.DEFAULT
) -> rank_questions.QuestionInfluence | None:
    """Influence of the set's questions on the ranking, with its repeatability on other models.

    Args:
        measurements: Results of the set.
        grid: Scores at the shared checkpoints.
        metric: Metric of the scores.
        reading: RC definition.

    Returns:
        The influence [Q] of `question_influence`; None without a checkpoint after the early window.
    """
    if grid.end is None:
        return None
    values = np.stack(
        [
            oriented(metric, measurements.per_question[name][metric])[
                np.isin(measurements.curve_of(name).steps, grid.steps)
            ]
            for name in grid.models
        ]
    )  # [M, T, Q]
    at_end, later = values[:, grid.end], values[:, grid.end + 1 :]
    sizes = measurements.layout(metric).sizes

    def rc(reference: np.ndarray, after: np.ndarray) -> np.ndarray:
        return readings.READINGS[reading](np.concatenate([reference[..., None], after], axis=-1), 0, sizes)

    early = values[:, : grid.end + 1].mean(axis=1) if reading == "early_means" else None
    found = rank_questions.question_influence(at_end, later, rc, early)
    models = [measurements.curve_of(name).model for name in grid.models]
    split = split_models(models, 2)
    if split is None:
        return found
    by_half = np.stack(
        [rank_questions.question_influence(at_end[list(h)], later[list(h)]).support for h in split]
    )
    return replace(found, repeats=correlate_halves(models, split, *by_half), by_half=by_half)


# --- tables -------------------------------------------------------------------------------------------


def bump_frame(stability: RankStability) -> pd.DataFrame:
    """Rank probabilities from 0.5% on, one row per model, checkpoint and rank, for the chart of ranks.

    Columns: model, step, tokens_seen, early, at rank, share, and the measured rank and value.
    """
    grid = stability.grid
    measured = ranks(grid.scores)
    at = np.argwhere(stability.shares >= SEEN)
    models, places, steps = at.T
    return pd.DataFrame(
        {
            "model": [grid.models[m] for m in models],
            "step": grid.steps[steps],
            "tokens_seen": grid.tokens_seen[steps],
            "early": grid.early[steps],
            "at rank": places + 1,
            "share": stability.shares[models, places, steps],
            "rank": measured[models, steps],
            "value": grid.values[models, steps],
        }
    )


def share_table(stability: RankStability, checkpoint: int) -> pd.DataFrame:
    """Rank probabilities at a checkpoint, one row per model, best model first.

    Columns: model, rank (measured), and one per rank. `checkpoint` is an index.
    """
    rank = ranks(stability.grid.scores)[:, checkpoint]
    frame = pd.DataFrame(
        stability.shares[:, :, checkpoint], columns=[f"rank {k + 1}" for k in range(len(rank))]
    )
    frame.insert(0, "model", stability.grid.models)
    frame.insert(1, "rank", rank)
    return frame.sort_values("rank", kind="stable", ignore_index=True)


def win_table(stability: RankStability, checkpoint: int) -> pd.DataFrame:
    """Win probabilities of each model against each other at a checkpoint, best model first.

    `checkpoint` is an index.
    """
    order = np.argsort(ranks(stability.grid.scores)[:, checkpoint], kind="stable")
    names = [stability.grid.models[m] for m in order]
    frame = pd.DataFrame(stability.win_probabilities(checkpoint)[np.ix_(order, order)], columns=names)
    frame.insert(0, "model", names)
    return frame


def tau_table(stability: RankStability) -> pd.DataFrame:
    """tau_b of the early window's end with each later checkpoint, with its range over the resamples."""
    grid = stability.grid
    after = slice(len(grid.steps) if grid.end is None else grid.end + 1, None)
    return _ranged(stability.tau, grid, after, "τ_b")


def decision_table(stability: RankStability) -> pd.DataFrame:
    """Share of model pairs in their final order at each checkpoint, with its range over the resamples."""
    return _ranged(stability.decisions, stability.grid, slice(None), "pairs as at the end")


def influence_table(
    measurements: Measurements,
    task: TaskSet,
    influence: rank_questions.QuestionInfluence,
    with_gain: bool = True,
) -> pd.DataFrame:
    """Influence of each question on the ranking, one row per question, strongest support first.

    Args:
        measurements: Results of the set.
        task: Question set.
        influence: Influence of its questions.
        with_gain: Fill the column "RC gain"; without a meaningful RC it stays empty.
    """
    frame = pd.DataFrame(
        {
            "id": measurements.question_ids,
            "subject": measurements.subjects,
            "question": [q.question for q in task.questions],
            "support": influence.support,
            "± 95%": np.full(len(measurements.question_ids), influence.repeats.reach, dtype=np.float64),
            **{
                f"by half {n + 1}": half
                for n, half in enumerate(() if influence.by_half is None else influence.by_half)
            },
            "agreement": influence.agreement,
            "RC gain": influence.rc_gain if with_gain else np.full(len(influence.rc_gain), np.nan),
        }
    )
    return frame.sort_values(["support", "agreement"], ascending=False, kind="stable", ignore_index=True)


# --- the document -------------------------------------------------------------------------------------


def ranking_document(
    measurements: Measurements,
    stable: RankStability | None,
    scores: Scores,
    task: TaskSet,
    at_step: int | None = None,
) -> dict[str, Any]:
    """Return the ranking of the models and its stability as a JSON document.

        {task, metric, assumption, rc, rc_reading, rc_readings, decision_accuracy, models, checkpoints, tau,
        wins, decisions, questions, questions_why, questions_repeat}

    `checkpoints` hold each model's rank and its probabilities of ranks 1 to M. Without two models that share
    a complete checkpoint the lists are empty, and `rc.why` is the reason. `questions` is also empty if single
    questions may not be named, with the reason of `validity.no_ranking_advice_reason` in `questions_why`, or
    if their influence is not repeatable on other models.

    Args:
        measurements: Results of the set.
        stable: Order of the models; None without one.
        scores: Scores of one metric, with their null distributions.
        task: Question set.
        at_step: Step of the checkpoint of `wins`; by default the early window's last.
    """
    heading = {
        "task": measurements.task,
        "metric": scores.metric,
        "assumption": measurements.independence_note,
        "rc": scores.rc.model_dump(),
        "rc_reading": scores.rc_reading,
        "rc_readings": {name: value.model_dump() for name, value in scores.rc_readings.items()},
        "decision_accuracy": scores.decision_accuracy.model_dump(),
    }
    if stable is None:
        return heading | {
            "models": [],
            "checkpoints": [],
            "tau": [],
            "wins": None,
            "decisions": [],
            "questions": [],
            "questions_why": None,
            "questions_repeat": None,
        }
    why = validity.no_ranking_advice_reason(measurements, scores)
    told: dict[str, Any] = {"questions": [], "questions_repeat": None}
    told = told if why else _questions(measurements, task, stable.grid, scores)
    return heading | _order(stable, at_step) | told | {"questions_why": why}


def _order(stable: RankStability, at_step: int | None) -> dict[str, Any]:
    """Order of the models at each checkpoint and its stability; `at_step` as of `ranking_document`."""
    grid = stable.grid
    at = stable.default_checkpoint if at_step is None else int(np.flatnonzero(grid.steps == at_step)[0])
    later = len(grid.steps) - len(stable.tau)
    return {
        "models": list(grid.models),
        "checkpoints": _checkpoints(stable),
        "tau": [{**_place(grid, later + k), **_triple(row)} for k, row in enumerate(stable.tau)],
        "wins": {**_place(grid, at), "shares": _nested(grid.models, stable.win_probabilities(at))},
        "decisions": [{**_place(grid, k), **_triple(row)} for k, row in enumerate(stable.decisions)],
    }


def _checkpoints(stability: RankStability) -> list[dict[str, Any]]:
    grid, rank = stability.grid, ranks(stability.grid.scores)
    return [
        {
            **_place(grid, k),
            "early": bool(grid.early[k]),
            "ranks": dict(zip(grid.models, rank[:, k].tolist(), strict=True)),
            "shares": dict(zip(grid.models, stability.shares[:, :, k].tolist(), strict=True)),
        }
        for k in range(len(grid.steps))
    ]


def _questions(measurements: Measurements, task: TaskSet, grid: Grid, scores: Scores) -> dict[str, Any]:
    """Influence of the questions, if it is repeatable on other models, and its repeatability."""
    effects = influence_on_ranking(measurements, grid, scores.metric, scores.rc_reading)
    if effects is None or not effects.repeats.is_significant:
        return {"questions": [], "questions_repeat": effects and effects.repeats.model_dump()}
    table = influence_table(measurements, task, effects, not null.is_within_null(scores.rc))
    named = {"RC gain": "rc_gain", "± 95%": "reach", "by half 1": "by_half_1", "by half 2": "by_half_2"}
    told = frame_to_records(table.drop(columns=["subject", "question"]).rename(columns=named))
    return {"questions": told, "questions_repeat": effects.repeats.model_dump()}


# --- within -------------------------------------------------------------------------------------------


def _with_range(observed: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Stack values [T] with the middle 95% of the resamples [R, T] as [T, 3]."""
    return np.stack([observed, *quantiles(drawn, list(MIDDLE))], axis=-1)


def _ranged(values: np.ndarray, grid: Grid, at: slice, name: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "step": grid.steps[at],
            "tokens_seen": grid.tokens_seen[at],
            "early": grid.early[at],
            name: values[:, 0],
            "resamples from": values[:, 1],
            "to": values[:, 2],
        }
    )


def _place(grid: Grid, k: int) -> dict[str, Any]:
    return {"step": int(grid.steps[k]), "tokens_seen": to_json_value(grid.tokens_seen[k])}


def _triple(row: np.ndarray) -> dict[str, float | None]:
    return {"value": to_json_value(row[0]), "low": to_json_value(row[1]), "high": to_json_value(row[2])}


def _nested(names: tuple[str, ...], matrix: np.ndarray) -> dict[str, dict[str, float | None]]:
    return {
        row: {column: to_json_value(matrix[i, j]) for j, column in enumerate(names) if i != j}
        for i, row in enumerate(names)
    }
