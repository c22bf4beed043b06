"""Other wrong answers in place of one choice: how much of the models' errors each takes, and what speaks against it.

    taken = Σ p(candidate) / Σ (1 - p(right answer))      over all checkpoints of some models
    young, grown = mean of p(candidate) over the first half of the checkpoints, and over the last checkpoints of the
                   better half of the models

p is the probability among the question's choices, the softmax of their log-likelihoods. Weighting by the probability of
an error makes `taken` the share that a choice has of the models that miss the question. Candidates are ordered by it on
the choosing models. The first one without an objection is the proposal; the judging models took no part in that.

Random guessing of the same choice: each candidate in turn plays the right answer in place of the real one, the same
rule chooses among the rest, and the judging models judge. What is compared is the *gain*: how much more the right
answer rises from young to grown models than with the choice as it stands. (`taken` hardly depends on which answer is
right.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from e2lm_core.analysis.alternatives.halves import Halves, grown_models
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, SentenceField
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.measurements import Measurements

LONGER = 1.2  # times the longest of the other choices: above it a candidate stands out by its length
PREFERRED_BY = 0.9  # share of grown models from which a candidate is a second right answer
MIN_RANDOM = 5  # texts that can play the right answer; below it there is no random guessing


class Candidate(Record):
    """A text that is tried in place of a choice.

    Attributes:
        text: The text.
        origin: Its origin, such as "this set" or "your list".
        fact: Sentence if it is a right answer by a training fact of the mini models; None for others.
        same: The other wrong answer that it repeats in other words; None for none.
    """

    text: str
    origin: str
    fact: str | None = None
    same: str | None = None


class TriedChoice(Record):
    """Effect of one text in place of a choice.

    Attributes:
        text: The text.
        origin: Its origin.
        taken: Share of the choosing models' errors that it takes, in [0, 1].
        young: Probability that young choosing models give it.
        grown: Probability that grown choosing models give it.
        judged: Share of the judging models' errors that it takes; None if no model judges.
        judged_gain: Rise of the right answer's probability from young to grown judging models, more than with the
            choice as it stands; None if no model judges.
        preferred: Share of all grown models that prefer it to the right answer.
        objections: Sentences against it; a text without one can be proposed.
    """

    text: str
    origin: str
    taken: float
    young: float
    grown: float
    judged: float | None
    judged_gain: float | None
    preferred: float
    objections: tuple[SentenceField, ...] = ()

    @property
    def is_second_answer(self) -> bool:
        """Whether the models or the training facts take it for a right answer."""
        return any(one.startswith(SECOND) for one in self.objections)


SECOND = "A second right answer?"


@dataclass(frozen=True)
class TriedChoices:
    """Texts tried in place of one choice.

    Attributes:
        question_id: Id of the question.
        place: Index of the replaced choice.
        present: The choice as it stands.
        tried: The candidates, the best first; those with an objection last.
        halves: Models that chose and models that judged.
        random: `judged_gain` of the same rule's choice under each random right answer; empty if too few texts
            can play it, if no model judges, or if the prompt shows the choices.
    """

    question_id: str
    place: int
    present: TriedChoice
    tried: tuple[TriedChoice, ...]
    halves: Halves
    random: tuple[float, ...] = ()

    @property
    def proposal(self) -> TriedChoice | None:
        """The best candidate without an objection; None if there is none."""
        best = next(iter(self.tried), None)
        return None if best is None or best.objections else best

    @property
    def p_value(self) -> float | None:
        """Share of random right answers under which the same rule gains at least as much."""
        if self.proposal is None or self.proposal.judged_gain is None or not self.random:
            return None
        above = sum(value >= self.proposal.judged_gain for value in self.random)
        return (above + 1) / (len(self.random) + 1)


def evaluate_candidates(
    tried: Measurements,
    question_id: str,
    place: int,
    choices: Sequence[str],
    candidates: Sequence[Candidate],
    halves: Halves,
    final: dict[str, float],
    shows_choices: bool = False,
) -> TriedChoices:
    """Effect of each candidate in place of a choice, and the proposal among them.

    Args:
        tried: Results of the question as it stands (first) and with each candidate, in their order; Q = 1 + N.
        question_id: Id of the question.
        place: Index of the replaced choice.
        choices: The question's choices as they stand.
        candidates: The N candidates.
        halves: Models that choose, and models that judge.
        final: Last value of each model on the whole set, which tells grown models from others.
        shows_choices: Whether the prompt shows the choices: random guessing cannot be told from these results then.

    Returns:
        Effects, the best candidate first.
    """
    gold = int(tried.gold[0])
    others = [len(text) for index, text in enumerate(choices) if index != place]
    grown = grown_models({name: final.get(name, 0.0) for name in (*halves.choosing, *halves.judging)})
    parts = {half: _Part(tried, names, grown) for half, names in zip(("c", "j"), halves, strict=True)}
    every = _Part(tried, (*halves.choosing, *halves.judging), grown)

    def one(row: int, text: str, origin: str, objections: Sequence[str] = ()) -> TriedChoice:
        preferred = every.preferred(row, place, gold)
        said = list(objections)
        if preferred >= PREFERRED_BY:
            said.insert(
                0,
                Sentence(
                    "{second} {preferred} of the grown models prefer it to the right answer.",
                    second=SECOND,
                    preferred=f"{preferred:.0%}",
                ),
            )
        return TriedChoice(
            text=text,
            origin=origin,
            taken=parts["c"].error_share(row, place, gold),
            young=parts["c"].young(row, place),
            grown=parts["c"].grown(row, place),
            judged=parts["j"].error_share(row, place, gold) if halves.judging else None,
            judged_gain=parts["j"].rise(row, gold) - parts["j"].rise(0, gold) if halves.judging else None,
            preferred=preferred,
            objections=tuple(said),
        )

    effects = [
        one(row, candidate.text, candidate.origin, _objections(candidate, others))
        for row, candidate in enumerate(candidates, start=1)
    ]
    allowed = [row for row, effect in enumerate(effects, start=1) if not effect.objections]
    return TriedChoices(
        question_id=question_id,
        place=place,
        present=one(0, choices[place], Sentence("as it stands")),
        tried=tuple(sorted(effects, key=lambda e: (bool(e.objections), -e.taken))),
        halves=halves,
        random=()
        if shows_choices or not halves.judging
        else _random(parts["c"], parts["j"], place, gold, len(choices), allowed),
    )


def _objections(candidate: Candidate, others: Sequence[int]) -> list[str]:
    said = []
    if candidate.fact is not None:
        said.append(f"{SECOND} {candidate.fact}")
    if candidate.same is not None:
        said.append(Sentence("The same as {same}.", same=candidate.same))
    if others and len(candidate.text) > LONGER * max(others):
        said.append(Sentence("Longer than every other choice."))
    return said


class _Part:
    """Checkpoints of some models, one model after another."""

    def __init__(self, tried: Measurements, names: Sequence[str], grown: Sequence[str]) -> None:
        curves = [curve for curve in tried.curves if curve.model.name in set(names)]
        ends = [curve.model.name in grown for curve in curves]
        ends = ends if any(ends) else [True] * len(curves)
        steps = [np.arange(len(curve.ll)) for curve in curves]
        nothing = np.zeros(0, bool)
        self._ll = np.concatenate([np.zeros((0, *tried.chars.shape)), *(curve.ll for curve in curves)])
        self._p = _softmax(self._ll)
        self._young = np.concatenate([nothing, *(at < max(1, len(at) // 2) for at in steps)])
        self._last = np.concatenate(
            [nothing, *((at == len(at) - 1) & end for at, end in zip(steps, ends, strict=True))]
        )

    def error_share(self, row: int, place: int, gold: int) -> float:
        """Share of the errors that a choice takes."""
        return float(_error_share(self._p[:, row, place], self._p[:, row, gold]))

    def young(self, row: int, index: int) -> float:
        """Probability of a choice at young checkpoints."""
        return _mean(self._p[self._young, row, index])

    def grown(self, row: int, index: int) -> float:
        """Probability of a choice at the last checkpoints of grown models."""
        return _mean(self._p[self._last, row, index])

    def rise(self, row: int, index: int) -> float:
        """Probability of a choice at grown models' last checkpoints, less that at young checkpoints."""
        return self.grown(row, index) - self.young(row, index)

    def preferred(self, row: int, place: int, gold: int) -> float:
        """Share of grown models that prefer a choice to the right answer at their last checkpoint."""
        return _mean(self._p[self._last, row, place] > self._p[self._last, row, gold])

    def with_answers(self, rows: Sequence[int], place: int, others: Sequence[int]) -> tuple[Floats, Floats]:
        """Share of the errors and rise of the right answer, with each text as the right answer and as a choice.

        Args:
            rows: Rows [N] of the texts.
            place: Index of the choice whose place the texts take.
            others: Indices of the choices that stay wrong answers.

        Returns:
            `taken` [N, N] and the rise [N, N]; the first axis is the text that plays the right answer.
        """
        shift = np.nanmax(self._ll[:, rows, place], axis=1)
        raised = np.exp(self._ll[:, rows, place] - shift[:, None])
        rest = np.exp(self._ll[:, 0, others] - shift[:, None]).sum(axis=1)
        whole = raised[:, :, None] + raised[:, None, :] + rest[:, None, None]
        right = raised[:, :, None] / whole
        rise = np.nanmean(right[self._last], axis=0) - np.nanmean(right[self._young], axis=0)
        return _error_share(raised[:, None, :] / whole, right), rise


def _error_share(choice: Floats, right: Floats) -> Floats:
    """Share [...] of the errors that a choice takes, from probabilities [K, ...]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(np.nansum(choice, axis=0) / np.nansum(1.0 - right, axis=0))


def _random(
    choosing: _Part, judging: _Part, place: int, gold: int, width: int, allowed: Sequence[int]
) -> tuple[float, ...]:
    """`judged_gain` of the rule's choice with each allowed candidate as the right answer, in place of the real one."""
    others = [index for index in range(width) if index not in (place, gold)]
    if len(allowed) < MIN_RANDOM:
        return ()
    rows = [0, *allowed]  # the choice as it stands comes first
    taken, rise = choosing.with_answers(rows, place, others)[0], judging.with_answers(rows, place, others)[1]
    found = []
    for answer in range(1, len(rows)):
        rest = [row for row in range(1, len(rows)) if row != answer]
        best = rest[int(np.argmax(taken[answer, rest]))]
        found.append(float(rise[answer, best] - rise[answer, 0]))
    return tuple(found)


def _softmax(ll: Floats) -> Floats:
    """[..., C] probabilities among the choices; NaN where a log-likelihood is missing, 0 where there is no choice."""
    peak = np.nanmax(np.where(np.isnan(ll), -np.inf, ll), axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        raised = np.exp(ll - peak)
    return raised / np.nansum(raised, axis=-1, keepdims=True)


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if values.size and not np.isnan(values).all() else 0.0
