"""Question formats side by side, and which of them is preferred.

Each half of the models chooses a format, and the other half judges it, by its accuracy over all checkpoints: the one
figure of the five that means the same in every format.

    rule   the format with the highest mean accuracy on one half, over its checkpoints; the two halves must agree
    gain   its mean accuracy on the other half, less that of the set's own format; the mean of both ways
    p      share of draws with at least that gain through the same rule; in each draw the formats of every question
           (of every group of questions) are shuffled, the same for all models

If formats make no difference, they can be shuffled, and p is right however many formats are tried and whatever taste
the models share. The k-th trial on the same questions counts k (k + 1) times (`heldout.adjusted_p`). A format is preferred if
its p, so counted, is at most .05 and the gain above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from e2lm_core.analysis.alternatives.halves import Halves, split_models
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.questions.heldout import ALPHA, adjusted_p
from e2lm_core.base.records import METRICS, Record, Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty.means.clusters import group_numbers

DRAWS, SEED = 999, 0


class FormFigures(Record):
    """Figures of a set under one question format, by one metric.

    Attributes:
        form: Name of the format.
        metric: Name of the metric.
        final: Mean of the metric over the scored models at their last checkpoints; None if it is incomplete.
        sq: Signal quality, with its values under random answers.
        apart: Number of pairs of models that are told apart at their last checkpoint, against other questions.
        pairs: Number of pairs of models.
        leaving: Number of models that leave chance; None for a metric without a chance level.
        tokens: Median tokens seen at which they leave chance; None if none does or tokens are not recorded.
    """

    form: str
    metric: str
    final: float | None
    sq: Value
    apart: int
    pairs: int
    leaving: int | None
    tokens: float | None


class Preference(Record):
    """Format chosen on some models and judged on others.

    Attributes:
        chosen: Name of the chosen format; that of the set's own if none is better.
        own: Name of the set's own format.
        gain: Accuracy over all checkpoints on models that did not choose, less that of the set's own format.
        p: p of the gain through the rule, counted as the trial that it is.
        trial: Number of the trial among those on the same questions.
        tried: Number of formats.
        chosen_on: Models of one half: the other half judges its choice.
        judged_on: Models of the other half: the first judges its choice.
    """

    chosen: str
    own: str
    gain: float
    p: float
    trial: int
    tried: int
    chosen_on: tuple[str, ...]
    judged_on: tuple[str, ...]

    @property
    def is_preferred(self) -> bool:
        """Whether another format than the set's own is preferred."""
        return self.chosen != self.own and self.gain > 0 and self.p <= ALPHA


@dataclass(frozen=True)
class TriedForms:
    """Question formats that were tried.

    Attributes:
        figures: Figures of each format by each metric.
        preference: Format that is chosen and judged; None with the reason `why`.
        why: Reason why no format can be preferred.
    """

    figures: tuple[FormFigures, ...]
    preference: Preference | None
    why: str | None = None


NO_JUDGE = Sentence("No model is left to judge: run models of a second architecture or size.")
ONE_FORM = Sentence("There is one format: try another beside it.")
FEW_QUESTIONS = Sentence("Fewer than 20 questions cannot prefer a format.")
INCOMPLETE = Sentence("Results are missing, so no format is preferred.")
MIN_QUESTIONS = 20


def evaluate_forms(
    measured: Sequence[Measurements], labels: Sequence[str], trial: int = 1, draws: int = DRAWS
) -> TriedForms:
    """Figures of each format, and the one that is preferred.

    Args:
        measured: Results of the same questions under each format, the set's own first.
        labels: Names of the formats.
        trial: Number of the trial among those on the same questions.
        draws: Number of draws of p.
    """
    figures = [
        form_figures(one, label, metric)
        for one, label in zip(measured, labels, strict=True)
        for metric in METRICS
    ]
    preference, why = preferred_form(measured, labels, trial, draws)
    return TriedForms(tuple(figures), preference, why)


def form_figures(measured: Measurements, label: str, metric: str) -> FormFigures:
    """Figures of one format by one metric.

    Args:
        measured: Results under the format.
        label: Name of the format.
        metric: Name of the metric.
    """
    answers = Answers(measured)
    scores = answers.scores(metric)
    separations, onsets = answers.separations(metric), answers.onsets(metric)
    has_chance = any(onset.points for onset in onsets.values())
    left = [onset.on_these for onset in onsets.values() if onset.on_these is not None]
    tokens = [point.tokens_seen for point in left if point.tokens_seen is not None]
    last = [measured.values(c.model.name, metric)[-1] for c in measured.scored_curves if c.checkpoints]
    final = float(np.mean(last)) if last else float("nan")
    return FormFigures(
        form=label,
        metric=metric,
        final=final if np.isfinite(final) else None,
        sq=scores.sq,
        apart=sum(pair.since.on_these is not None for pair in separations),
        pairs=len(separations),
        leaving=len(left) if has_chance else None,
        tokens=float(np.median(tokens)) if tokens else None,
    )


def preferred_form(
    measured: Sequence[Measurements], labels: Sequence[str], trial: int = 1, draws: int = DRAWS
) -> tuple[Preference | None, str | None]:
    """The format that half of the models choose, judged by the others; or None with the reason.

    Arguments as of `evaluate_forms`.
    """
    halves = split_models([curve.model for curve in measured[0].curves])
    why = None
    if len(labels) < 2:
        why = ONE_FORM
    elif not halves.judging:
        why = NO_JUDGE
    elif len(measured[0].question_ids) < MIN_QUESTIONS:
        why = FEW_QUESTIONS
    if why is not None:
        return None, why
    choosing, judging = (np.stack([_accuracy(one, names) for one in measured]) for names in halves)
    if np.isnan(choosing).any() or np.isnan(judging).any():
        return None, INCOMPLETE
    chosen, gain, p = gain_through_rule(
        choosing, judging, group_numbers(measured[0].resampling_groups or [None] * choosing.shape[1]), draws
    )
    return _named(labels, chosen, gain, adjusted_p(p, trial), trial, halves), None


def _named(
    labels: Sequence[str], chosen: int, gain: float, p: float, trial: int, halves: Halves
) -> Preference:
    return Preference(
        chosen=labels[chosen],
        own=labels[0],
        gain=gain,
        p=p,
        trial=trial,
        tried=len(labels),
        chosen_on=halves.choosing,
        judged_on=halves.judging,
    )


def gain_through_rule(
    choosing: Floats, judging: Floats, clusters: np.ndarray, draws: int = DRAWS, seed: int = SEED
) -> tuple[int, float, float]:
    """The format that both halves choose, its gain on the models that did not choose, and the p of that.

    Args:
        choosing: Accuracy [F, Q] of each question over one half's checkpoints, the set's own format first.
        judging: Accuracy [F, Q] over the other half's checkpoints.
        clusters: Number of each question's group [Q], int; questions of one group are shuffled alike.
        draws: Number of draws.
        seed: Seed of the draws.

    Returns:
        Index of the format, 0 if the halves do not agree; gain; and p.
    """
    rng, forms = np.random.default_rng(seed), len(choosing)
    both = np.stack([choosing, judging])
    gain, chosen = _crossed(both)
    above, questions = 0, np.arange(choosing.shape[1])
    for _ in range(draws):
        order = rng.permuted(np.tile(np.arange(forms)[:, None], int(clusters.max()) + 1), axis=0)[:, clusters]
        above += _crossed(both[:, order, questions])[0] >= gain - 1e-12
    return (chosen[0] if chosen[0] == chosen[1] else 0), gain, (above + 1) / (draws + 1)


def _crossed(values: Floats) -> tuple[float, tuple[int, int]]:
    """Mean gain of the format that each half chooses on the other half, and the two formats, from [2, F, Q]."""
    means = values.mean(axis=2)
    first, second = int(means[0].argmax()), int(means[1].argmax())
    gains = means[1, first] - means[1, 0], means[0, second] - means[0, 0]
    return float(np.mean(gains)), (first, second)


def _accuracy(measured: Measurements, names: Sequence[str]) -> Floats:
    """Accuracy [Q] of each question, the mean over models of the mean over their checkpoints."""
    return np.mean([measured.per_question[name]["acc"].mean(axis=0) for name in names], axis=0)
