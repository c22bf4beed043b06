"""Sentences, tables and the JSON document of orders of choices.

Tested in tests/analysis/alternatives/test_order.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from e2lm_core.analysis.alternatives.messages.choices import LETTERS
from e2lm_core.analysis.alternatives.order import OrderEffect
from e2lm_core.base.sentences import Sentence

MAX_LISTED = 20
NO_ORDER = Sentence(
    "This question format does not show the choices: their order does not change what a "
    "model reads, so nothing is run again. Try it as A–D letters."
)
HOW = (
    Sentence(
        "Every question is asked with its choices in other places, at each model's last "
        "checkpoint. The effect of the place is compared with orders shuffled within each "
        "question."
    ),
)


def headline(found: OrderEffect) -> str:
    """Sentence (Markdown) on the spread over orders beside the interval over questions."""
    beside = ""
    if found.interval is not None:
        low, high = found.interval
        beside = Sentence(
            "; other questions would move it by {value} (95% interval)", value=f"{100 * (high - low):.1f}"
        )
    return Sentence(
        "The order of the choices moves the accuracy by **{value} points** over {labels} orders{beside}.",
        value=f"{100 * found.spread:.1f}",
        labels=len(found.labels),
        beside=beside,
    )


def place_sentence(found: OrderEffect) -> str:
    """Sentence on the effect of the right answer's place."""
    if found.p > 0.05:
        return Sentence(
            "The place of the right answer makes no difference that shuffled orders do not make (p = {p}).",
            p=f"{found.p:.2f}",
        )
    best, worst = int(np.nanargmax(found.by_place)), int(np.nanargmin(found.by_place))
    return Sentence(
        "Right answers at {best} are found **{value} points** more often than at {worst} (p = {p}).",
        best=LETTERS[best],
        value=f"{100 * found.effect:.1f}",
        worst=LETTERS[worst],
        p=f"{found.p:.3f}",
    )


def questions_sentence(found: OrderEffect) -> str:
    """Sentence on the number of questions that hang on the place, beside that expected by chance."""
    return Sentence(
        "{hanging} of {questions} questions hang on the place; up to {expected} would be called "
        "so by chance.",
        hanging=len(found.hanging),
        questions=len(found.questions),
        expected=f"{found.expected:.0f}",
    )


def place_rows(found: OrderEffect) -> list[dict[str, Any]]:
    """Table by place: accuracy with the right answer there, and share of all answers."""
    return [
        {
            "place": LETTERS[index],
            "accuracy": None if np.isnan(value) else float(value),
            "answers": float(found.answered[index]),
        }
        for index, value in enumerate(found.by_place)
    ]


def question_rows(found: OrderEffect) -> list[dict[str, Any]]:
    """Table of the questions that hang on the place, at most `MAX_LISTED`."""
    return [
        {"id": one.question_id, "effect": one.effect, "p": one.p}
        | {LETTERS[index]: value for index, value in enumerate(one.by_place)}
        for one in found.hanging[:MAX_LISTED]
    ]


def document(found: OrderEffect) -> dict[str, Any]:
    """JSON document of the effect of the order."""
    return {
        "finding": headline(found).replace("**", ""),
        "orders": [
            {"order": label, "accuracy": float(value)}
            for label, value in zip(found.labels, found.accuracy, strict=True)
        ],
        "spread": found.spread,
        "interval": found.interval,
        "places": place_rows(found),
        "effect": found.effect,
        "p": found.p,
        "questions": [one.model_dump(mode="json") for one in found.questions],
        "hanging": len(found.hanging),
        "expected": found.expected,
        "models": found.models,
    }
