"""Validity of a set's scores: which conclusions the training facts, the keys and the null distribution allow.

Every page, command and report asks `no_advice_reason` and uses its sentences. A score is silent if the models
measured know too few of the questions, contradict the keys throughout, answer them without understanding them
(the wording control), or if Score and SQ are not both defined and outside their null distributions. Silent
scores support no advice, ranking or plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from e2lm_core.analysis.questions.suspects.shifted_keys import find_shifted_keys
from e2lm_core.base import formatting
from e2lm_core.base.records import BOUNDED_METRICS, ModelInfo, SelectionOrigin, Value
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import CurveScores, Scores
from e2lm_core.scores.uncertainty import null

NOTHING_TAUGHT = Sentence(
    "The built-in mini models never learned these facts, so their results on this set mean nothing."
)
ADVICE = Sentence("Add larger models.")
NOTHING_TOLD = Sentence(
    "This score is no better than guessing, so no advice is given. Add questions, or use "
    "models that know these facts."
)

CHOSEN = Sentence("These questions were chosen on these models")


NO_SIGNAL = Sentence(
    "Signal quality (SQ), over the early window where one is known, is not distinguishable from that of random answers "
    "to the same questions, so nothing is advised, ranked or planned from these scores: more questions, or others that "
    "these models learn early, come first."
)
NO_NULL = Sentence(
    "What random answers to the same questions would score is not known, so nothing is advised, ranked or planned "
    "from the score."
)
NO_ADVICE = Sentence("Nothing is advised, ranked or planned from its scores.")
MIN_KNOWN, MIN_KNOWN_SHARE = 20, 0.5  # questions that mini models must know for the set's scores to count


def unknown_facts_warning(known: Sequence[bool] | None) -> str | None:
    """Sentence on questions that the mini models do not know; None if they know all, or if that is unknown.

    Args:
        known: For each question [Q], True if a choice is known to the mini models as the answer, be it the key
            or not (`Measurements.told`); None if unknown, or if no mini model was measured.
    """
    if not known or all(known):
        return None
    number, told = len(known), sum(known)
    if not told:
        return NOTHING_TAUGHT
    if told < MIN_KNOWN_SHARE * number:
        return _too_few_known_sentence(told, number)
    return Sentence(
        "The built-in mini models know {known} of these {all} questions; on the others their results mean nothing.",
        known=told,
        all=number,
    )


def _too_few_known_sentence(known: int, number: int) -> str:
    return Sentence(
        "The built-in mini models know {known} of {all} question, too few to judge the set: it takes half of a set, and {least}.",
        "The built-in mini models know {known} of these {all} questions, too few to judge the set: it takes half of a set, "
        "and {least}.",
        number=number,
        known=known,
        all=number,
        least=MIN_KNOWN,
    )


def known_facts_summary(measurements: Measurements) -> dict[str, Any] | None:
    """Number of answers known to the mini models, as `{questions, of, sentence}`.

    The sentence says how many questions the models do not know, or that the keys are shifted or other choices: then
    they know the answers, and not those of the keys. None if no mini model is measured, or if its training facts
    are unknown.
    """
    if measurements.taught is None:
        return None
    shifted = find_shifted_keys(measurements)
    unknown = unknown_facts_warning(measurements.told)
    keys = None if unknown else too_few_known_reason(measurements)
    return {
        "questions": sum(measurements.taught),
        "of": len(measurements.taught),
        "sentence": shifted.sentence if shifted else f"{unknown} {ADVICE}" if unknown else keys,
    }


def selection_note(measurements: Measurements) -> str | None:
    """Sentence on a set that a rule chose by results of the models measured; None for others.

    Such scores have no p under random answer keys: the rule chose for them, too.
    """
    return origin_note(measurements.chosen, [curve.model for curve in measurements.curves])


def origin_note(origin: SelectionOrigin | None, models: Sequence[ModelInfo]) -> str | None:
    """Sentence of `selection_note` from a set's origin and the models that it is scored on."""
    if (found := _origin_on(origin, models)) is None:
        return None
    rules = [Sentence("from {set} by the rule {rule}", set=found.parent, rule=found.rule)]
    if (earlier := found.earlier) is not None:
        rules.append(
            Sentence(", and before that from {set} by the rule {rule}", set=earlier.parent, rule=earlier.rule)
        )
    if origin is not None and origin.trial is not None:
        tried = formatting.ordinal(origin.trial).lower()
        rules.append(Sentence(" ({ordinal} choice tried on these questions)", ordinal=tried))
    return Sentence(
        "{chosen}, {rules}: their scores here are chosen as well, so they have no p, and nothing is advised, ranked or "
        "planned from them. Measure them on models of another family.",
        chosen=CHOSEN,
        rules=joined(rules, ""),
    )


def _origin_on(origin: SelectionOrigin | None, models: Sequence[ModelInfo]) -> SelectionOrigin | None:
    """First origin, from the last rule back, whose rule read results of these models or of their families.

    A model's seeds and twins are that model, and models of one family share their text, and so which questions are
    easy. Where only the number of the models is known, any model may be one of them.
    """
    while origin is not None:
        known = {name for m in models for name in (m.name, m.seed_of, m.twin_of) if name}
        families = {model.family for model in models}
        unnamed = bool(origin.model_count and not origin.models and models)
        if unnamed or known & {*origin.models} or families & {*origin.families}:
            return origin
        origin = origin.earlier
    return None


def origins_on(measurements: Measurements) -> tuple[SelectionOrigin, ...]:
    """Rules that made a set, the last one first, back to the first one that read results of the models measured."""
    models, found, origin = [c.model for c in measurements.curves], [], measurements.chosen
    while origin is not None and _origin_on(origin, models) is not None:
        found.append(origin)
        origin = origin.earlier
    return tuple(found)


def selection_summary(measurements: Measurements) -> dict[str, Any] | None:
    """Origin of a set that a rule chose by results of the models measured, with `sentence`; None for others."""
    if (sentence := selection_note(measurements)) is None or measurements.chosen is None:
        return None
    return {**measurements.chosen.model_dump(mode="json", exclude_none=True), "sentence": sentence}


def null_scores(measurements: Measurements, metric: str) -> CurveScores | None:
    """Scores under random answer keys, see `null.null_scores`; None for questions chosen on the same models.

    Under random keys the rule would have chosen other questions, so these draws are not what chance gives.
    """
    return None if selection_note(measurements) else null.null_scores(measurements, metric)


def scores_with_null(measurements: Measurements, metric: str, rc_reading: str = readings.DEFAULT) -> Scores:
    """Scores of one metric with their null distributions, without intervals."""
    scores = set_scores.scores(measurements, metric, rc_reading)
    return null.attach_null(scores, null_scores(measurements, metric))


def incomplete_reason(measurements: Measurements, running: bool = False) -> str | None:
    """Reason against advice and plans, and for undefined numbers: some chosen checkpoints lack results.

    None if all have results. With `running`, a run of the set is in progress, and nothing needs to be done.
    """
    if measurements.complete_checkpoints == measurements.checkpoints:
        return None
    return joined(
        (
            Sentence(
                "{done} of {number} checkpoint so far: numbers that need the others, advice and plans follow when all have results.",
                "{done} of {number} checkpoints so far: numbers that need the others, advice and plans follow when all have results.",
                done=measurements.complete_checkpoints,
                number=measurements.checkpoints,
            ),
            Sentence("The run goes on." if running else "Run the rest, or choose others."),
        )
    )


def no_advice_reason(measurements: Measurements, scores: Scores, running: bool = False) -> str | None:
    """Reason against any advice, plan or selection from these scores; None if they support one.

    Results are missing, or the scores are silent: see `silence_reason`.

    Args:
        measurements: Results of the set.
        scores: Scores of one metric, with their null distributions.
        running: A run of the set is in progress.
    """
    return incomplete_reason(measurements, running) or silence_reason(measurements, scores)


def silence_reason(measurements: Measurements, scores: Scores) -> str | None:
    """Reason why the scores of complete results mean nothing; None if they mean something.

    In this order: the models contradict the keys throughout; only mini models were measured and were taught
    fewer than `MIN_KNOWN` of the answers, or fewer than half; a rule chose the set on these models; the wording
    control was run and the questions are answered without being understood; SQ or Score is undefined, or within
    its null distribution. Where the models and the metric leave no Score to any set (no web-only twin, say), SQ decides
    alone.

    Args:
        measurements: Results of the set.
        scores: Scores of one metric, with their null distributions.
    """
    if why := meaningless_reason(measurements) or _no_meaning_reason(scores.sq, NO_SIGNAL):
        return why
    return _no_meaning_reason(scores.score, NOTHING_TOLD) if _can_have_score(measurements, scores) else None


def meaningless_reason(measurements: Measurements) -> str | None:
    """Reason why no score of a set means anything, whatever it is: those of `silence_reason` that need no score."""
    if shifted := find_shifted_keys(measurements):
        return shifted.sentence
    if why := too_few_known_reason(measurements) or selection_note(measurements):
        return why
    return joined((measurements.cue_words, NO_ADVICE)) if measurements.cue_words else None


def too_few_known_reason(measurements: Measurements) -> str | None:
    """Reason against the scores of questions of which the mini models know too few, if only these were measured.

    None where they know enough of them, or where it is not known what a model was taught. Where they know the questions
    and the keys are other choices, the keys are asked about.
    """
    if not measurements.taught or not measurements.taught_of_all:
        return None
    known, number = sum(measurements.taught), len(measurements.taught)
    enough = max(MIN_KNOWN, MIN_KNOWN_SHARE * number)
    if known >= enough:
        return None
    if (told := sum(measurements.told or ())) >= enough:
        return Sentence(
            "Of {told} questions that the built-in mini models know, the key is another choice in {wrong}: are the keys right?",
            told=told,
            wrong=told - known,
        )
    return _too_few_known_sentence(known, number) if known else NOTHING_TAUGHT


def _can_have_score(measurements: Measurements, scores: Scores) -> bool:
    """Whether any set has a Score on these models and this metric."""
    layout = measurements.layout(scores.metric)
    shapes = Counter(size for size in layout.sizes if size is not None)
    ranked = scores.rc_reading == "all_models" or any(number > 1 for number in shapes.values())
    twins = scores.metric in BOUNDED_METRICS and bool(layout.twins)
    return twins and ranked and layout.comparable and layout.end is not None


def _no_meaning_reason(value: Value, within_null: str) -> str | None:
    if value.value is None:
        said = Sentence("Nothing is advised, ranked or planned from an undefined score.")
        return joined((said, value.why or "None"))
    if value.null is None:
        return NO_NULL
    return within_null if null.is_within_null(value) else None


def no_ranking_advice_reason(measurements: Measurements, scores: Scores, running: bool = False) -> str | None:
    """Reason against saying that single questions help or hurt the ranking; None if they may be named.

    In addition to `no_advice_reason`, decision accuracy must exceed its null distribution: a question's
    influence is its part of decision accuracy, and answers under random keys agree with themselves as well.
    """
    if why := no_advice_reason(measurements, scores, running):
        return why
    if not null.is_within_null(scores.decision_accuracy):
        return None
    return Sentence(
        "That the models stand later as they stand early is not distinguishable from random answers to the same questions "
        "({random}), so no question is said to hold their order up or to spoil it.",
        random=formatting.random_baseline(scores.decision_accuracy.null),
    )
