"""Numbers and short sentences as people read them: one place, so that every page says a thing alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

METRIC_LABEL = {
    "acc": "accuracy",
    "acc_norm": "accuracy, length-normalised",
    "margin": "margin (nats)",
    "norm_prob": "probability of the gold choice",
    "bpb": "bits per byte of the gold choice",
}
METRIC_HELP = {
    "acc": "The share of questions whose gold choice has the highest log-likelihood.",
    "acc_norm": "As accuracy, with each log-likelihood divided by its choice's number of characters.",
    "margin": "The gold choice's log-likelihood less the mean of the others', in nats. Long choices weigh more.",
    "norm_prob": "The softmax over the choices' log-likelihoods, read off at the gold choice.",
    "bpb": "Minus the gold choice's log-likelihood by its bytes, in bits. Lower is better; it has no chance level.",
}
SCORE_HELP = {
    "SQ": "Signal quality: the mean of ρ (does the curve rise in step order?) and AC (does it rise smoothly?) "
    "over the early window's points, averaged over models. Source: the E2LM competition's scoring notebook. "
    "More questions and plainer wording raise it.",
    "RC": "Ranking consistency: the mean of max(0, Kendall's τ_b) between the models' order at the early "
    "window's end and at each later checkpoint. It is our reading of the competition's consistency of "
    "rankings at 1 trillion tokens; theirs uses hidden checkpoints.",
    "CS": "Compliance with science: how much of the science model's gain over chance its web-only twin does "
    "not share, averaged over the early window. Our reading; the competition uses a hidden web-only model.",
    "Score": "0.5 · SQ + 0.1 · RC + 0.4 · CS. Undefined where a part is.",
    "Decision accuracy": "The share of model pairs that stand in the same order at the early window's end and at "
    "the last checkpoint. Source: DataDecide (AI2).",
    "SNR": "AI2's signal-to-noise ratio: the spread between models over a model's own wobble at its last 5 "
    "checkpoints.",
}
SHARES = frozenset({"Decision accuracy"})  # said in percent
PART_HELP = {
    "interval": "What a fresh set of as many questions would get from the same checkpoints (docs/uncertainty.md).",
    "ρ": "Spearman's ρ between the curve and its step order, as the competition computes it: ties are broken by "
    "order, so a flat curve has ρ 1. Never below 0.",
    "AC": "The mean absolute autocorrelation over the lags 1 to n/4 − 1: near 1 where the curve is smooth.",
    "Spearman": "The same ρ with ties shared, and negative where the curve falls.",
    "signed AC": "The same autocorrelation with its sign kept.",
    "counts": "Whether the model enters the means: web-only twins and extra seeds do not.",
    "points": "How many complete checkpoints of the early window entered.",
}
PACE_FROM = 0.05  # the share of a run from which its pace says when it ends: its start loads and warms up
DASH = "–"


def percent(value: float | None) -> str:
    return f"{value:.1%}" if _known(value) else DASH


def score(value: float | None) -> str:
    return f"{value:.3f}" if _known(value) else DASH


def with_interval(value: Mapping[str, Any]) -> str:
    """0.830 [0.780, 0.880], from a score as the documents give it; a dash where it is undefined."""
    text = score(value["value"])
    if value["value"] is None or value["interval"] is None:
        return text
    low, high = value["interval"]
    return f"{text} [{score(low)}, {score(high)}]"


def interval(low: float, high: float, share: bool = False) -> str:
    """[0.78, 0.88], or [78%, 88%]."""
    return f"[{low:.0%}, {high:.0%}]" if share else f"[{low:.2f}, {high:.2f}]"


def metric_value(metric: str, value: float | None) -> str:
    return percent(value) if metric in ("acc", "acc_norm") else score(value)


def tokens(count: float | None) -> str:
    """2.1 M, 206 B."""
    if not _known(count):
        return DASH
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            number = count / size
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.1f} {unit}"
    return f"{count:.0f}"


def place(step: int, tokens_seen: float | None) -> str:
    """1.3 M tokens, or step 1,300 where the family records no tokens."""
    return f"{tokens(tokens_seen)} tokens" if _known(tokens_seen) else f"step {step:,}"


def duration(seconds: float | None) -> str:
    """About 20 s, about 3 min."""
    if not _known(seconds):
        return DASH
    if seconds < 1.5:
        return "about 1 s"
    if seconds < 90:
        step = 1 if seconds < 10 else 5
        return f"about {max(step, round(seconds / step) * step):.0f} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """1 question, 300 questions."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(names: list[str], most: int = 3) -> str:
    """a, b and c; a, b, c and 4 more."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= most:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)
