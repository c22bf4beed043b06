"""The sentence about a set's scientific relevance."""

from __future__ import annotations

import numpy as np

from e2lm_core.base import phrasing
from e2lm_core.relevance.classifier import ACCEPT_AT
from e2lm_core.relevance.judge import Relevance


def relevance(judged: Relevance) -> str:
    """How many questions would be accepted, and the nearest fields."""
    if not judged.ids:
        return "This set has no questions yet."
    accepted = int((judged.probability >= ACCEPT_AT).sum())
    names, counts = np.unique([f for f in judged.fields if f != "none"], return_counts=True)
    nearest = ""
    if names.size:
        top = [str(names[i]) for i in np.argsort(-counts, kind="stable")[:3]]
        nearest = f" The nearest fields are {phrasing.listing(top)}."
    return (
        f"**{accepted:,} of {len(judged.ids):,}** questions would probably be accepted as science "
        f"({accepted / len(judged.ids):.0%}).{nearest}"
    )
