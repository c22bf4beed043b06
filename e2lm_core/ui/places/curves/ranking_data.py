"""Data of the tab Ranking, computed once.

Tested in tests/pages/test_curves.py and tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import pandas as pd

from e2lm_core.analysis import validity
from e2lm_core.analysis.questions.repeatability import Repeatability
from e2lm_core.analysis.ranks import stability
from e2lm_core.analysis.ranks.stability import RankStability
from e2lm_core.base import formatting
from e2lm_core.base.records import ModelInfo, TaskSet
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache import curves as remembered
from e2lm_core.ui.cache import results

T = TypeVar("T")


@dataclass(frozen=True)
class RankingData:
    """The models' order on one metric, as the tab's parts show it.

    Attributes:
        task: The set.
        measurements: Its results.
        metric: Name of a metric.
        stability: Rank stability of the models.
        scores: Scores on the metric.
    """

    task: TaskSet
    measurements: Measurements
    metric: str
    stability: RankStability
    scores: Scores

    @property
    def no_advice_reason(self) -> str | None:
        """Reason why no question is reported to help or hurt the ranking; None if questions are reported."""
        return validity.no_ranking_advice_reason(
            self.measurements, self.scores, results.is_running(self.task)
        )

    @property
    def models(self) -> list[ModelInfo]:
        """All models of the fleet."""
        return [curve.model for curve in self.measurements.curves]

    @property
    def early_end(self) -> float | None:
        """End of the early window in tokens; None without one."""
        return set_scores.early_end(self.measurements)

    @property
    def checkpoint_labels(self) -> list[str]:
        """Labels of the shared checkpoints."""
        grid = self.stability.grid
        return [
            formatting.checkpoint_position(int(s), t)
            for s, t in zip(grid.steps, grid.tokens_seen, strict=True)
        ]

    @property
    def decisions(self) -> pd.DataFrame:
        """Table by `stability.decision_table`, for its chart and its tab."""
        return self._once("decisions", lambda: stability.decision_table(self.stability))

    @property
    def tau(self) -> pd.DataFrame:
        """Table by `stability.tau_table`, for its chart and its tab."""
        return self._once("tau", lambda: stability.tau_table(self.stability))

    @property
    def repeats(self) -> Repeatability | None:
        """Repeatability of the questions' effects on other models; None if no effects are reported."""
        read = self.scores.rc_reading
        holding = None if self.no_advice_reason else remembered.holding(self.measurements, self.metric, read)
        return None if holding is None else holding.repeats

    @cached_property
    def questions(self) -> pd.DataFrame | None:
        """Table by `stability.influence_table`; None if no effects of questions are reported."""
        read = self.scores.rc_reading
        holding = None if self.no_advice_reason else remembered.holding(self.measurements, self.metric, read)
        if holding is None:
            return None
        told = not null.is_within_null(self.scores.rc)
        return self._once(
            f"questions {read}",
            lambda: stability.influence_table(self.measurements, self.task, holding, told),
        )

    def shares_at(self, checkpoint: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Share of resamples at each rank and share of wins of each pair, at one shared checkpoint."""
        return self._once(
            f"at {checkpoint}",
            lambda: (
                stability.share_table(self.stability, checkpoint),
                stability.win_table(self.stability, checkpoint),
            ),
        )

    @property
    def inputs(self) -> tuple[object, ...]:
        """All that a drawing of the ranking depends on, but for the RC definition."""
        return self.measurements, self.metric, self.task

    def _once(self, name: str, make: Callable[[], T]) -> T:
        return page_cache.get_or_compute("ranking", (*self.inputs, name), make)
