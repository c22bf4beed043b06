"""Whether an edit raised a question's curve by a cue word: the edited question against its rarest new word alone.

    gain_m    = p_m(after) - p_m(before)          p: probability of the right answer (norm_prob)
    control_m = p_m(word)  - p_m(before)          word: the rarest word that the edit added, alone

for each model m but web-only twins, other seeds included, at its last checkpoint; each mean with Student's interval
over the models. An edit that added no word has a control of 0, and nothing is said of it. Nor is anything said
unless the edit's gain lies above 0.
Then the edit is called *cue words* if the control itself rises and the paired difference gain - control does not lie
above 0, *beyond one word* if the difference lies above 0, and nothing otherwise: a wide interval alone accuses nobody.

How often that is right: benchmarks/wording/edits.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements

MIN_MODELS = 3
LEVEL = 0.95
HELP = Sentence("Runs the rarest word that the edit added, alone, at each model's last checkpoint.")
Verdict = Literal["cue words", "beyond one word"]


class MeanGain(Record):
    """Mean over models of a gain in probability, with its 95% interval over the models."""

    value: float
    low: float
    high: float


class EditControl(Record):
    """An edit's gain beside that of the rarest word that it added, alone.

    Attributes:
        question_id: Id of the question.
        word: The word; "" if the edit added none.
        verdict: Cause of the rise; None if the edit did not raise the question, or if it cannot be told.
        gain: Gain of the question.
        control: Gain of the word alone over the question before.
        difference: Gain less that of the control.
    """

    question_id: str
    word: str
    verdict: Verdict | None
    gain: MeanGain
    control: MeanGain
    difference: MeanGain

    @property
    def sentence(self) -> str | None:
        """Sentence (Markdown) on the cause of the rise; None without one."""
        if self.verdict == "cue words":
            return Sentence(
                "**Cue words**: the new word {word} alone raises the right answer's probability by "
                "**{value}**, as much as the edit does. Take it out, or let the wrong answers share it.",
                word=self.word,
                value=f"{self.control.value:.2f}",
            )
        if self.verdict == "beyond one word" and self.word:
            return Sentence(
                "The rise is not one new word's: the edit raises the right answer's probability by **{value}** more than "
                "the new word {word} alone.",
                word=self.word,
                value=f"{self.difference.value:.2f}",
            )
        return None


def edit_control(
    before: Measurements, after: Measurements, word_alone: Measurements | None, question_id: str, word: str
) -> EditControl | None:
    """An edit's gain on one question, beside that of the rarest word that it added, alone.

    Args:
        before: Results of the set before the edit.
        after: Results after it.
        word_alone: Results of the word alone, under the question's id; None if the edit added no word.
        question_id: Id of the question.
        word: The word; "" if the edit added none.

    Returns:
        The gains; None where the word was not run, or with fewer than `MIN_MODELS` models.
    """
    found = [
        _last_probabilities(before if one is None else one, question_id)
        for one in (before, after, word_alone)
    ]
    models = sorted(set.intersection(*(set(one) for one in found)))
    if len(models) < MIN_MODELS:
        return None
    was, now, alone = (np.array([one[model] for model in models]) for one in found)
    means = _mean(now - was), _mean(alone - was), _mean(now - alone)
    return EditControl(
        question_id=question_id,
        word=word,
        verdict=_verdict(*means),
        gain=means[0],
        control=means[1],
        difference=means[2],
    )


def _last_probabilities(measured: Measurements, name: str) -> Mapping[str, float]:
    """Probability of the right answer of one question at each model's last checkpoint, where known."""
    if name not in measured.question_ids:
        return {}
    place = measured.question_ids.index(name)
    values = {
        curve.model.name: float(measured.per_question[curve.model.name]["norm_prob"][-1, place])
        for curve in measured.curves
        if curve.checkpoints and curve.model.twin_of is None
    }
    return {model: value for model, value in values.items() if np.isfinite(value)}


def _verdict(gain: MeanGain, control: MeanGain, difference: MeanGain) -> Verdict | None:
    if gain.low <= 0:
        return None
    if difference.low > 0:
        return "beyond one word"
    return "cue words" if control.low > 0 else None


def _mean(values: Floats) -> MeanGain:
    """Mean of values [M] with Student's interval."""
    count, mean = len(values), float(values.mean())
    reach = float(stdtrit(count - 1, (1 + LEVEL) / 2) * values.std(ddof=1) / np.sqrt(count))
    return MeanGain(value=mean, low=mean - reach, high=mean + reach)


def control_sentences(found: Sequence[EditControl]) -> list[str]:
    """Sentences on the edited questions whose rise has a known cause; of several edits, the cue words alone."""
    said = [(one, sentence) for one in found if (sentence := one.sentence)]
    if len(found) > 1:
        return [
            joined((one.question_id, sentence), ": ") for one, sentence in said if one.verdict == "cue words"
        ]
    return [sentence for _, sentence in said]
