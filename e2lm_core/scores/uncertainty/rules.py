"""Which interval a score gets: what the coverage study measured, as rules.

The study (`benchmarks/coverage/scores.py`, `docs/uncertainty.md`) counts how often each method's interval holds the expected
score of a fresh set, over kinds of learners, numbers of questions and numbers of models. A score gets the method that
the study chose for it, and none where even that one covers too little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCEPTED = 0.85  # lowest measured coverage at which an interval of nominal 95% is shown
# Of metrics that the study leaves out, the one whose figures stand for it: acc_norm is acc with another argmax.
STANDS_FOR = {"acc_norm": "acc"}
OF_ONE_MODEL = ("mean", "difference", "sq_model", "cs")  # the number of models does not matter


NO_METHOD_OF_DIFFERENCES = "The study holds no method for the difference of this score."


@dataclass(frozen=True)
class IntervalRule:
    """How a score, or the difference of one, gets its interval: by `method` with its measured `coverage`; or `why` not."""

    method: str | None
    coverage: float | None = None
    why: str | None = None


@dataclass(frozen=True)
class CoverageTable:
    """`methods` {score: method or None}; `lowest` {(score, method, metric, models, questions): coverage}, the lowest
    over the kinds of learners; `questions` and `models` are the sizes that were studied."""

    methods: Mapping[str, str | None]
    lowest: Mapping[tuple[str, str, str, int, int], float]
    questions: tuple[int, ...]
    models: tuple[int, ...]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> CoverageTable:
        """From the content of `coverage.json`."""
        return cls(
            methods=content["chosen"],
            lowest={
                (score, method, metric, int(models), int(questions)): figures["lowest"]
                for score, by_method in content["coverage"].items()
                for method, by_metric in by_method.items()
                for metric, by_models in by_metric.items()
                for models, by_questions in by_models.items()
                for questions, figures in by_questions.items()
            },
            questions=tuple(content["questions"]),
            models=tuple(content["models"]),
        )

    def rule(self, score: str, metric: str, questions: int, models: int) -> IntervalRule:
        """For a set of `questions` (groups of questions count once) on `models` that count.

        The coverage is that of the largest sizes studied which are not above these.
        """
        if score == "sq" and models < min(self.models):
            score = "sq_model"  # a mean over one or two models is as noisy as one
        if why := self._not_studied(score, questions, models):
            return IntervalRule(None, why=why)
        of_questions = max(n for n in self.questions if n <= questions)
        of_models = max(m for m in self.models if score in OF_ONE_MODEL or m <= models)
        method = self.methods.get(score)
        studied = {models for name, _, _, models, _ in self.lowest if name == score}
        if studied and of_models < min(studied):
            return IntervalRule(None, why=f"Its intervals were studied for {min(studied)} models and more.")
        measured = self.lowest.get(
            (score, method or "", STANDS_FOR.get(metric, metric), of_models, of_questions)
        )
        if method is None or measured is None:
            return IntervalRule(None, why="No method of the coverage study fits this score.")
        if measured < ACCEPTED:
            return IntervalRule(
                None,
                measured,
                f"No interval is reliable here: in simulations the best method held the expected score in only "
                f"{measured:.0%} of sets of {of_questions} questions, where 95% are promised.",
            )
        return IntervalRule(method, measured)

    def _not_studied(self, score: str, questions: int, models: int) -> str | None:
        if score not in OF_ONE_MODEL and models < min(self.models):
            return f"Intervals were studied for {min(self.models)} models and more."
        if questions < min(self.questions):
            return f"Intervals were studied for {min(self.questions)} questions and more."
        return None
