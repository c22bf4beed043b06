"""Interval rules chosen by the coverage studies.

The study (`benchmarks/coverage/scores.py`, `docs/uncertainty.md`) counts how often each method's interval
holds the expected score of a fresh set, over kinds of models, numbers of questions and numbers of models. A
score gets the method that the study chose for it, and no interval if even that method covers too little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.set_scores import OF_READINGS

ACCEPTED = 0.9  # lowest measured coverage at which an interval of nominal 95% is shown
# Stand-ins for metrics that the study leaves out: acc_norm is acc with another argmax.
STANDS_FOR = {"acc_norm": "acc"}
OF_ONE_MODEL = ("mean", "difference", "sq_model", "cs")  # the number of models does not matter
NOT_OF_ORDER = (*OF_ONE_MODEL, "sq")
# Two models that differ on fewer questions may tie in a resample and not in a set, or the other way round.
MIN_DIFFERING = 5
MIN_OF_A_DIFFERENCE = 30  # on sets of 20 and 25, intervals of acc differences held in 98%
MIN_MODELS_OF_RC = 4  # with three its interval spans three quarters of its range

# Shapes of one size tie at the last checkpoint in most sets by acc. The few that are left are no fair draw of all: on
# another generator RC held in 86 to 93% of them, and too few were left on the first one to calibrate it.
NOT_COUNTED = Sentence(
    "No interval: it compares models of one size, and in simulations too few sets of this "
    "kind were told one by this metric to count how often it holds."
)
NO_METHOD_OF_DIFFERENCES = Sentence("The study holds no method for the difference of this score.")


@dataclass(frozen=True)
class IntervalRule:
    """Rule for the interval of a score, or of the difference of one.

    Attributes:
        method: Name of the method in `methods.METHODS`; None where there is no interval, see `why`.
        coverage: Measured coverage of the method.
        why: Reason why there is no interval.
        scale: Factor on the distance of the interval's ends from the estimate.
        kind: Kind of sets that the coverage was measured on; None for the lowest over kinds.
        calibrated: True if the scale is also multiplied by that of the set itself
            (`calibration.calibration_scales`).
    """

    method: str | None
    coverage: float | None = None
    why: str | None = None
    scale: float = 1.0
    kind: str | None = None
    calibrated: bool = False


def few_differing(score: str, differing: float) -> str | None:
    """Reason why a score of the models' order has no interval: models differ on too few questions.

    Args:
        score: Name of the score.
        differing: Number of questions on which two models differ, the median over pairs; NaN where it is not
            known.

    Returns:
        The reason; None for enough questions, where the number is not known, or for a score that does not
        rest on the models' order.
    """
    if score in NOT_OF_ORDER or not differing < MIN_DIFFERING:
        return None
    return Sentence(
        "No interval: it rests on how models differ, and two of them typically do on {number} question. "
        "In simulations it held from {least} on.",
        "No interval: it rests on how models differ, and two of them typically do on {number} questions. "
        "In simulations it held from {least} on.",
        number=round(differing),
        least=MIN_DIFFERING,
    )


def few_for_a_difference(questions: int, differing: float) -> str | None:
    """Reason why the difference of two models has no interval: the set has too few questions.

    The rule is applied to the set and not to the pair, whose own count is partly chance.

    Args:
        questions: Number of questions (groups count once).
        differing: Number of questions on which two models typically differ; NaN where it is not known.

    Returns:
        The reason, also where too few questions tell models apart; None for enough questions.
    """
    if questions < MIN_OF_A_DIFFERENCE:
        return Sentence(
            "No interval: the difference of two models needs {min_of_a_difference} questions, and "
            "here are {questions} that count by themselves. With fewer it holds in nearly every set, "
            "not in 95%.",
            min_of_a_difference=MIN_OF_A_DIFFERENCE,
            questions=questions,
        )
    if not differing < MIN_DIFFERING:
        return None
    return Sentence(
        "No interval: two models typically differ on {questions} of such a set. On fewer than "
        "{min_differing} any interval holds in nearly every set, not in 95%: take more "
        "questions, or harder ones.",
        questions=formatting.count(round(differing), "question"),
        min_differing=MIN_DIFFERING,
    )


@dataclass(frozen=True)
class CoverageTable:
    """Measured coverage of interval methods by score, metric and size.

    Attributes:
        methods: Method of each score; None where no method covers.
        lowest: Lowest coverage over the kinds of models, {(score, method, metric, models, questions):
            coverage}.
        questions: Numbers of questions that were studied.
        models: Numbers of models that were studied.
        kinds: Scale and coverage of one kind of sets, {(score, metric, kind, models, questions): (scale,
            coverage)}.
        calibrated: Method of the scores whose entries in `kinds` are of that method, calibrated on the set
            itself.
    """

    methods: Mapping[str, str | None]
    lowest: Mapping[tuple[str, str, str, int, int], float]
    questions: tuple[int, ...]
    models: tuple[int, ...]
    kinds: Mapping[tuple[str, str, str, int, int], tuple[float, float]] = field(default_factory=dict)
    calibrated: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> CoverageTable:
        """Build the table from the content of `coverage.json`."""
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
            calibrated=content.get("calibrated", {}),
        )

    def rule(
        self,
        score: str,
        metric: str,
        questions: int,
        models: int,
        kind: str | None = None,
        differing: float = math.nan,
    ) -> IntervalRule:
        """Interval rule of a score for a set.

        The coverage is that of the largest sizes studied which are not above these; without a kind, or where
        the kind was not studied, the lowest over kinds of models.

        Args:
            score: Name of the score.
            metric: Name of the metric.
            questions: Number of questions (groups count once).
            models: Number of models that count in scores.
            kind: Kind of the set, one of `strata.KINDS`; None where it is not known.
            differing: Number of questions on which two of the models differ; NaN where it is not known.
        """
        if score == "sq" and models < min(self.models):
            score = "sq_model"  # a mean over one or two models is as noisy as one
        if why := self._not_studied(score, questions, models) or few_differing(score, differing):
            return IntervalRule(None, why=why)
        sizes = {n for name, _, _, _, n in self.lowest if name == score} or set(self.questions)
        if questions < min(sizes):
            return IntervalRule(
                None,
                why=Sentence(
                    "Its intervals were studied for {least} questions and more, groups counted once; this set has {number}.",
                    least=min(sizes),
                    number=questions,
                ),
            )
        of_questions = max(n for n in sizes if n <= questions)
        of_models = max(m for m in self.models if score in OF_ONE_MODEL or m <= models)
        method = self.methods.get(score)
        studied = {models for name, _, _, models, _ in self.lowest if name == score}
        if studied and of_models < min(studied):
            return IntervalRule(
                None,
                why=Sentence(
                    "Its intervals were studied for {studied} models and more.", studied=min(studied)
                ),
            )
        of_metric = STANDS_FOR.get(metric, metric)
        measured = self.lowest.get((score, method or "", of_metric, of_models, of_questions))
        of_kind = self._of_kind(score, of_metric, kind, of_models, questions)
        scale, counted = of_kind or (1.0, None)
        if counted is not None:
            method, measured = self.calibrated.get(score, method), counted
        elif kind is not None and self.kinds and score in OF_READINGS and method and measured is not None:
            return IntervalRule(None, why=NOT_COUNTED)
        if method is None or measured is None:
            return IntervalRule(None, why=self._not_measured(score, method, of_metric, of_questions))
        if measured < ACCEPTED:
            return IntervalRule(
                None,
                measured,
                Sentence(
                    "In simulations, the best method was right in only {measured} of sets of {of_questions} "
                    "questions (95% are promised).",
                    measured=f"{measured:.0%}",
                    of_questions=of_questions,
                ),
            )
        return IntervalRule(
            method,
            measured,
            scale=scale,
            kind=None if counted is None else kind,
            calibrated=of_kind is not None and score in self.calibrated,
        )

    def _of_kind(
        self, score: str, metric: str, kind: str | None, models: int, questions: int
    ) -> tuple[float, float | None] | None:
        """Scale and coverage of a kind, for the largest number of questions counted that the set reaches.

        Below all counted numbers, those of the smallest. A metric of which too few sets were counted has the
        scale of `norm_prob` where the method is the same, and no coverage of its own. None where there is
        neither.
        """
        own = {key[4]: found for key, found in self.kinds.items() if key[:4] == (score, metric, kind, models)}
        if own:
            return own[max((n for n in own if n <= questions), default=min(own))]
        method = self.methods.get(score)
        if metric == "norm_prob" or self.calibrated.get(score, method) != method:
            return None
        found = self._of_kind(score, "norm_prob", kind, models, questions)
        return found and (found[0], None)

    def _not_measured(self, score: str, method: str | None, metric: str, questions: int) -> str:
        found = {n for name, how, of, _, n in self.lowest if (name, how, of) == (score, method, metric)}
        if later := [n for n in found if n > questions]:
            return Sentence(
                "No interval with fewer than {later} questions, groups counted once; this set has {number}: in "
                "simulations this score was undefined in too many resamples of so few.",
                later=min(later),
                number=questions,
            )
        return Sentence("No method of the coverage study fits this score.")

    def _not_studied(self, score: str, questions: int, models: int) -> str | None:
        if score not in OF_ONE_MODEL and models < min(self.models):
            return Sentence("Intervals were studied for {models} models and more.", models=min(self.models))
        if score == "rc" and models < MIN_MODELS_OF_RC:
            return Sentence(
                "The interval of RC spans most of its range with fewer than {min_models_of_rc} models.",
                min_models_of_rc=MIN_MODELS_OF_RC,
            )
        if questions < min(self.questions):
            return Sentence(
                "Intervals were studied for {least} questions and more, groups counted once; this set has {number}.",
                least=min(self.questions),
                number=questions,
            )
        return None
