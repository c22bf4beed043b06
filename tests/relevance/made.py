"""Relevance made by hand: two exemplars, and whatever questions are asked for."""

from __future__ import annotations

import numpy as np

from e2lm_core.relevance.judge import Relevance

EXEMPLARS = (("physics", True, "Why <b>does</b> it fall?"), ("none", False, "What rhymes with cat?"))


def judged(probability: list[float], fields: list[str], **changes: object) -> Relevance:
    """Questions a, b, c … of which those above a half are nearest to the first exemplar."""
    likely = np.array(probability, float)
    nearest = np.where(likely[:, None] >= 0.5, [[0, 1]], [[1, 0]])
    made = {
        "ids": tuple("abcdefgh"[: len(fields)]),
        "probability": likely,
        "whole_probability": likely,
        "fields": tuple(fields),
        "map": np.arange(2.0 * len(fields)).reshape(-1, 2),
        "exemplar_map": np.array([[0.5, 0.5], [0.0, 1.0]]),
        "exemplars": EXEMPLARS,
        "nearest": nearest,
        "likeness": np.tile([0.75, 0.25], (len(fields), 1)),
        "folded": np.array([0.9, 0.7, 0.2, 0.4]),
        "labels": np.array([True, True, False, False]),
    }
    return Relevance(**(made | changes))
