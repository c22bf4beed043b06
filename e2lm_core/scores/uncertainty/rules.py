"""Which interval a score gets: what the coverage study measured, as rules.

The study (`benchmarks/coverage/scores.py`, `docs/uncertainty.md`) counts how often each method's interval holds the expected
score of a fresh set, over kinds of learners, numbers of questions and numbers of models. A score gets the method that
the study chose for it, and none where even that one covers too little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCEPTED = 0.85  # lowest measured coverage at which an interval of nominal 95% is shown
# Of metrics that the study leaves out, the one whose figures stand for it: acc_norm is acc with another argmax.
STANDS_FOR = {"acc_norm": "acc"}
OF_ONE_MODEL = ("mean", "difference", "sq_model", "cs")  # the number of models does not matter


# Kinds of sets, by how far the early curves of the models that count rise, in standard errors: what a learner is like
# decides how far an interval of its scores is from 95%, and this is what a set shows of it.
KINDS = ("whose curves hardly rise", "whose curves rise", "whose curves rise clearly")
RISES = (3.0, 12.0)
FEWEST_MODELS_OF_RC = 4  # with three its interval spans three quarters of its range

NO_METHOD_OF_DIFFERENCES = "The study holds no method for the difference of this score."


@dataclass(frozen=True)
class IntervalRule:
    """How a score, or the difference of one, gets its interval: by `method` with its measured `coverage`; or `why` not.

    `scale` is by how much the method's reach is narrowed or widened, `kind` of what sets the coverage was measured.
    """

    method: str | None
    coverage: float | None = None
    why: str | None = None
    scale: float = 1.0
    kind: str | None = None


def kind_of(rise: float) -> str | None:
    """The kind of a set whose early curves rise by so many standard errors; None where that is not known."""
    return None if math.isnan(rise) else KINDS[sum(rise >= bound for bound in RISES)]


@dataclass(frozen=True)
class CoverageTable:
    """`methods` {score: method or None}; `lowest` {(score, method, metric, models, questions): coverage}, the lowest
    over the kinds of learners; `questions` and `models` are the sizes that were studied.

    `kinds` {(score, metric, kind, models, questions): (scale, coverage)} are those of one kind of sets alone.
    """

    methods: Mapping[str, str | None]
    lowest: Mapping[tuple[str, str, str, int, int], float]
    questions: tuple[int, ...]
    models: tuple[int, ...]
    kinds: Mapping[tuple[str, str, str, int, int], tuple[float, float]] = field(default_factory=dict)

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
            kinds={
                (row["score"], row["metric"], row["kind"], row["models"], row["questions"]): (
                    row["scale"],
                    row["coverage"],
                )
                for row in content.get("kinds", ())
            },
        )

    def rule(
        self, score: str, metric: str, questions: int, models: int, kind: str | None = None
    ) -> IntervalRule:
        """For a set of `questions` (groups of questions count once) on `models` that count, of a `kind` of `KINDS`.

        The coverage is that of the largest sizes studied which are not above these; without a kind, or where that was
        not studied, the lowest over kinds of learners.
        """
        if score == "sq" and models < min(self.models):
            score = "sq_model"  # a mean over one or two models is as noisy as one
        if why := self._not_studied(score, questions, models):
            return IntervalRule(None, why=why)
        sizes = {n for name, _, _, _, n in self.lowest if name == score} or set(self.questions)
        if questions < min(sizes):
            return IntervalRule(None, why=f"Its intervals were studied for {min(sizes)} questions and more.")
        of_questions = max(n for n in sizes if n <= questions)
        of_models = max(m for m in self.models if score in OF_ONE_MODEL or m <= models)
        method = self.methods.get(score)
        studied = {models for name, _, _, models, _ in self.lowest if name == score}
        if studied and of_models < min(studied):
            return IntervalRule(None, why=f"Its intervals were studied for {min(studied)} models and more.")
        of_metric = STANDS_FOR.get(metric, metric)
        measured = self.lowest.get((score, method or "", of_metric, of_models, of_questions))
        scale, of_kind = self.kinds.get((score, of_metric, kind or "", of_models, of_questions), (1.0, None))
        measured = measured if of_kind is None else of_kind
        if method is None or measured is None:
            return IntervalRule(None, why=self._not_measured(score, method, of_metric, of_questions))
        if measured < ACCEPTED:
            return IntervalRule(
                None,
                measured,
                f"No interval is reliable here: in simulations the best method held the expected score in only "
                f"{measured:.0%} of sets of {of_questions} questions, where 95% are promised.",
            )
        return IntervalRule(method, measured, scale=scale, kind=None if of_kind is None else kind)

    def _not_measured(self, score: str, method: str | None, metric: str, questions: int) -> str:
        found = {n for name, how, of, _, n in self.lowest if (name, how, of) == (score, method, metric)}
        if later := [n for n in found if n > questions]:
            return f"No interval with fewer than {min(later)} questions: in simulations this score was undefined in too many resamples of so few."
        return "No method of the coverage study fits this score."

    def _not_studied(self, score: str, questions: int, models: int) -> str | None:
        if score not in OF_ONE_MODEL and models < min(self.models):
            return f"Intervals were studied for {min(self.models)} models and more."
        if score == "rc" and models < FEWEST_MODELS_OF_RC:
            return f"The interval of RC spans most of its range with fewer than {FEWEST_MODELS_OF_RC} models."
        if questions < min(self.questions):
            return f"Intervals were studied for {min(self.questions)} questions and more."
        return None
