"""Score = 0.5 SQ + 0.1 RC + 0.4 CS."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.records import Value
from e2lm_core.base.sentences import Sentence, joined

WEIGHTS = {"sq": 0.5, "rc": 0.1, "cs": 0.4}
_NAMES = {
    "sq": Sentence("Signal quality"),
    "rc": Sentence("Ranking consistency"),
    "cs": Sentence("Compliance with science"),
}


def weighted_sum(sq: ArrayLike, rc: ArrayLike, cs: ArrayLike) -> NDArray[np.float64]:
    """Weighted sum 0.5 sq + 0.1 rc + 0.4 cs, elementwise over arrays [...]; NaN where a part is NaN."""
    parts = {"sq": sq, "rc": rc, "cs": cs}
    weighted = [weight * np.asarray(parts[name], dtype=np.float64) for name, weight in WEIGHTS.items()]
    return np.asarray(sum(weighted))


def score(sq: Value, rc: Value, cs: Value) -> Value:
    """Score = 0.5 SQ + 0.1 RC + 0.4 CS; undefined where a part is, with the reason of every such part.

    The intervals of the parts cannot be combined, because the parts are correlated: the interval of the Score
    comes from the bootstrap. A score in which relevance replaces CS is another score and needs another name.

    Source: the E2LM competition, arXiv 2506.07731.
    """
    reasons = [
        Sentence("{name}: {why}", name=_NAMES[name], why=part.why)
        for name, part in (("sq", sq), ("rc", rc), ("cs", cs))
        if part.value is None
    ]
    if sq.value is None or rc.value is None or cs.value is None:
        return Value(
            value=None, why=Sentence("A part of the score is undefined. {reasons}", reasons=joined(reasons))
        )
    return Value(value=float(weighted_sum(sq.value, rc.value, cs.value)))
