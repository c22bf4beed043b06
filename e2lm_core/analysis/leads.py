"""The lead of one of two models over the other: the one answer of Curves, Ranking, Decide, the report and the commands.

A pair has one claim for its checkpoints as they are, and one for newly trained models of these kinds. Verdicts
are those of all pairs judged together (`curves.onsets`); each interval is of the pair alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from e2lm_core.analysis.curves.onsets import Point, Separation
from e2lm_core.base import formatting
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, SentenceField, after_colon, joined
from e2lm_core.scores.measurements import Measurements

ClaimKind = Literal["now", "newly_trained", "same_models"]
TRAINING_NOISE_INCLUDED = True
NOISE_LABEL = Sentence("Training noise")
NOISE_HELP = Sentence(
    "On by default. Training noise is how far another seed moves a model's mean. Off: other "
    "questions alone, for these same models."
)
HELP = Sentence(
    "*On these checkpoints*: would other questions of the kind show the lead? *Newly trained*: would models "
    "trained again, from other seeds, show it as well? All pairs of models are judged together (Holm), so that any "
    "wrong lead has a chance of 5%. Intervals are 95%, for the pair alone. *Or earlier*: other seeds have no results "
    "before that checkpoint."
)
INTERVAL = "95%"
NO_SEED = Sentence("No model has results from another seed at the last checkpoint.")
CAN_BE_CHANCE = Sentence("Judged together with all other pairs, such a difference can be chance.")
_OPENING: dict[ClaimKind, str] = {
    "now": Sentence("On these checkpoints"),
    "newly_trained": Sentence("For newly trained models of these kinds"),
    "same_models": Sentence("Without training noise"),
}


class Claim(Record):
    """One claim on the lead of a pair.

    Attributes:
        of: `now`: these checkpoints. `newly_trained`: training noise included. `same_models`: left out.
        leads: Whether the lead is reliable; None if that is not known.
        since: First checkpoint from which it lasts to the end; None without a lead, and for `now`.
        interval: 95% interval of the difference at the last checkpoint, in the metric's unit.
        why: Reason why nothing is known.
    """

    of: ClaimKind
    leads: bool | None = None
    since: Point | None = None
    interval: tuple[float, float] | None = None
    why: SentenceField | None = None


class PairAnswer(Record):
    """Answer to "can this set tell these two models apart?" on one metric.

    Attributes:
        metric: Metric of the difference.
        higher: Name of the model that is ahead at the last common checkpoint.
        lower: Name of the other model.
        at: That checkpoint; None if they cannot be compared, see `why`.
        difference: Lead at `at`, in the metric's unit.
        training_noise: Standard deviation of a model's mean between seeds; None if unknown.
        known_from: Checkpoint before which training noise is unknown, if the lead may begin earlier.
        first: First checkpoint compared.
        judged: Number of pairs judged together.
        claims: Claims in the order in which they are said; none if the models cannot be compared.
        why: Reason why they cannot be compared.
    """

    metric: str
    higher: str
    lower: str
    at: Point | None = None
    difference: float | None = None
    training_noise: float | None = None
    known_from: Point | None = None
    first: Point | None = None
    judged: int = 1
    claims: tuple[Claim, ...] = ()
    why: SentenceField | None = None


def answer_pair(
    pair: Separation, metric: str, with_training_noise: bool = TRAINING_NOISE_INCLUDED
) -> PairAnswer:
    """Answer for two models: who is ahead, by how much, from which checkpoint, with which interval.

    Args:
        pair: Their separation, judged together with all pairs.
        metric: Metric of the separation.
        with_training_noise: The second claim is on newly trained models; else on the same models.
    """
    since = pair.since
    if pair.at is None:
        return PairAnswer(metric=metric, higher=pair.higher, lower=pair.lower, why=since.why)
    now = Claim(of="now", leads=since.on_these is not None, interval=pair.interval, why=since.why)
    if with_training_noise:
        second = Claim(
            of="newly_trained", leads=since.sure is not None, since=since.sure, interval=pair.retrained
        )
        if since.retraining is None:
            second = Claim(of="newly_trained", why=NO_SEED)
    else:
        second = Claim(
            of="same_models", leads=since.on_these is not None, since=since.on_these, interval=pair.interval
        )
    if since.why:
        now, second = now.model_copy(update={"leads": None}), Claim(of=second.of, why=since.why)
    return PairAnswer(
        metric=metric,
        higher=pair.higher,
        lower=pair.lower,
        at=pair.at,
        difference=pair.difference,
        training_noise=since.retraining,
        known_from=since.retraining_from if with_training_noise and since.sure_or_before else None,
        first=since.first,
        judged=since.judged,
        claims=(now, second),  # a claim on the end of training would follow here
    )


def find_answer(
    pairs: Sequence[Separation],
    metric: str,
    one: str,
    other: str,
    with_training_noise: bool = TRAINING_NOISE_INCLUDED,
) -> PairAnswer | None:
    """Answer for two models in either order, of all pairs judged together; None if they are not among them."""
    both = {one, other}
    found = next((pair for pair in pairs if {pair.higher, pair.lower} == both), None)
    return None if found is None else answer_pair(found, metric, with_training_noise)


# --- sentences ------------------------------------------------------------------------------------------


def pair_sentences(measurements: Measurements, answer: PairAnswer) -> tuple[str, ...]:
    """The answer in words, one text for each claim; one text alone if the models cannot be compared."""
    return tuple(joined(parts) for parts in _texts(measurements, answer))


def short_answer(measurements: Measurements, answer: PairAnswer) -> str:
    """The answer for a headline: the last claim's verdict alone if it shows a lead, else every claim's."""
    verdicts = [parts[0] for parts in _texts(measurements, answer)]
    return verdicts[-1] if answer.claims and answer.claims[-1].leads else joined(verdicts)


def _texts(measurements: Measurements, answer: PairAnswer) -> list[list[str]]:
    """Sentences for each claim, its verdict first."""
    names = measurements.short_names
    higher, lower = names[answer.higher], names[answer.lower]
    if answer.at is None:
        why = after_colon(answer.why or "")
        names = {"higher": higher, "lower": lower}
        return [[Sentence("**{higher} and {lower} cannot be told apart**: {why}", why=why, **names)]]
    return [
        _now_sentences(answer, claim, higher, lower)
        if claim.of == "now"
        else _lasting_sentences(answer, claim, higher, lower)
        for claim in answer.claims
    ]


def _now_sentences(answer: PairAnswer, claim: Claim, higher: str, lower: str) -> list[str]:
    size = formatting.lead(answer.metric, answer.difference or 0.0)
    if claim.interval:
        size = Sentence("{size} (95% interval {ends})", size=size, ends=_ends(answer, claim, False))
    names = {"opening": _OPENING[claim.of], "higher": higher, "lower": lower, "by": size}
    if claim.leads:
        return [Sentence("{opening}, **{higher} is ahead of {lower}** by {by}.", **names)]
    said = Sentence(
        "{opening}, **no reliable lead is shown**: {higher} does better than {lower} by {by}.", **names
    )
    return [said, *([claim.why] if claim.why else _chance(claim))]


def _lasting_sentences(answer: PairAnswer, claim: Claim, higher: str, lower: str) -> list[str]:
    opening, same_models = _OPENING[claim.of], claim.of == "same_models"
    if claim.why is not None:
        why = after_colon(claim.why)
        return [Sentence("{opening}, **nothing is known**: {why}", opening=opening, why=why)]
    if not claim.leads or claim.since is None:
        said = Sentence("{opening}, **no reliable lead is shown**.", opening=opening)
        # Without training noise the interval is the one of the first claim.
        return [said] if same_models else [said, *_hidden_lead(answer, claim), *_chance(claim)]
    place = claim.since.unbroken
    if claim.since == answer.first:
        place = Sentence("the first checkpoint ({place})", place=place)
    said = Sentence(
        "{opening}, **{higher} is ahead of {lower} from {place} on, or earlier**."
        if answer.known_from
        else "{opening}, **{higher} is ahead of {lower} from {place} on**.",
        opening=opening,
        higher=higher,
        lower=lower,
        place=place,
    )
    if same_models:
        return [said, Sentence("Newly trained models may differ.")]
    if claim.interval is None:
        return [said]
    ends = _ends(answer, claim)
    return [said, Sentence("At the end it leads by {ends} ({interval}).", ends=ends, interval=INTERVAL)]


def _hidden_lead(answer: PairAnswer, claim: Claim) -> list[str]:
    """Sentences on the training noise that hides a lead, and on the interval with that noise."""
    if claim.interval is None:
        return []
    ends = _ends(answer, claim)
    said = Sentence("At the end they differ by {ends} ({interval}).", ends=ends, interval=INTERVAL)
    if not (answer.claims[0].leads and answer.training_noise):
        return [said]
    noise = formatting.lead(answer.metric, answer.training_noise)
    return [
        Sentence("Training noise moves a model by {noise}, too much for this difference.", noise=noise),
        said,
    ]


def _chance(claim: Claim) -> list[str]:
    """Sentence on why an interval above 0 shows no lead; none for another one."""
    return [CAN_BE_CHANCE] if claim.interval is not None and claim.interval[0] > 0 else []


def _ends(answer: PairAnswer, claim: Claim, unit: bool = True) -> str:
    assert claim.interval is not None
    low, high = claim.interval
    return Sentence(
        "{low} to {high}",
        low=formatting.lead(answer.metric, low, False),
        high=formatting.lead(answer.metric, high, unit),
    )
