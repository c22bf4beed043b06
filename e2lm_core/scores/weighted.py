"""A score of SQ, RC and CS with weights other than the published ones, under a name of its own.

Where a part is undefined, a weight of 0 leaves it out: what is then computed over the defined parts is no Score either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record, Value
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores.composite import WEIGHTS
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import CurveScores, Scores
from e2lm_core.scores.uncertainty import null

NAME = Sentence("Weighted score")
NO_INTERVAL = Sentence("No interval: intervals were studied for the published weights.")
ALLOWED = Sentence("give three numbers of 0 or more for SQ, RC and CS, such as 0.6,0,0.4")


class WeightedScore(Record):
    """A score with weights of one's own.

    Attributes:
        name: Its name with the weights, such as `Weighted score (0.6 SQ + 0.4 CS)`.
        weights: Weights of the parts, which add up to 1; a part of weight 0 is left out.
        value: The score with its null distribution, without an interval.
    """

    name: str
    weights: dict[str, float]
    value: Value


def normalised(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights that add up to 1, in order of the parts.

    Args:
        weights: Weight of each of sq, rc and cs.

    Raises:
        StudioError: A weight is negative or no number, or all are 0.
    """
    if any(not math.isfinite(one) or one < 0 for one in weights.values()) or not any(weights.values()):
        raise StudioError(Sentence("These weights make no score: {allowed}.", allowed=ALLOWED))
    total = math.fsum(weights.values())
    return {part: weights[part] / total for part in WEIGHTS}


def parse_weights(text: str) -> dict[str, float]:
    """Weights of a text such as `0.6,0,0.4`, which add up to 1.

    Raises:
        StudioError: The text is no three weights.
    """
    try:
        sq, rc, cs = (float(part) for part in text.split(","))
    except ValueError as error:
        raise StudioError(
            Sentence("{text} is no weights: {allowed}.", text=formatting.quote(text), allowed=ALLOWED)
        ) from error
    return normalised({"sq": sq, "rc": rc, "cs": cs})


def is_published(weights: Mapping[str, float]) -> bool:
    """Whether weights are the competition's."""
    return all(math.isclose(weights[part], WEIGHTS[part], abs_tol=1e-9) for part in WEIGHTS)


def weighted_score(scores: Scores, drawn: CurveScores | None, weights: Mapping[str, float]) -> WeightedScore:
    """Sum of the parts times their weights, beside what random answer keys give.

    Args:
        scores: Scores of the set on one metric, with the reading of RC that counts.
        drawn: The same under random answer keys; None where they are not known.
        weights: Weight of each of sq, rc and cs, which add up to 1.
    """
    counted = {part: weight for part, weight in weights.items() if weight > 0}
    said = " + ".join(f"{weight:.3g} {part.upper()}" for part, weight in counted.items())
    name = Sentence("{name} ({weights})", name=NAME, weights=said)
    values = {part: getattr(scores, part) for part in counted}
    lacking = [
        Sentence("{part}: {why}", part=part.upper(), why=value.why)
        for part, value in values.items()
        if value.value is None
    ]
    if lacking:
        value = Value(
            value=None,
            why=Sentence(
                "A part is undefined; a weight of 0 leaves it out. {reasons}", reasons=joined(lacking)
            ),
        )
        return WeightedScore(name=name, weights=dict(weights), value=value)
    found = math.fsum(weight * values[part].value for part, weight in counted.items())
    of_null = None
    if drawn is not None:
        keys = {"sq": "sq", "rc": readings.score_key("rc", scores.rc_reading), "cs": "cs"}
        parts = [weight * drawn.whole[keys[part]] for part, weight in counted.items()]
        of_null = null.null_distribution(found, np.sum(parts, axis=0))
    value = Value(value=found, why=NO_INTERVAL, null=of_null)
    return WeightedScore(name=name, weights=dict(weights), value=value)
