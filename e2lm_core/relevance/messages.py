"""Sentences on relevance."""

from __future__ import annotations

from e2lm_core.base import formatting
from e2lm_core.relevance import calibration
from e2lm_core.relevance.classifier import ACCEPT_AT
from e2lm_core.relevance.judge import Relevance


def headline(judged: Relevance) -> str:
    """Sentences on the number of questions that would be accepted, and on those that wrong answers would turn."""
    if not judged.ids:
        return "This set has no questions yet."
    accepted = int((judged.probability >= ACCEPT_AT).sum())
    return (
        f"**{accepted / len(judged.ids):.0%} of the questions** ({accepted:,} of "
        f"{len(judged.ids):,}) likely count as science.{_turned(judged)}"
    )


def _turned(judged: Relevance) -> str:
    """Sentence on the questions that their wrong answers would turn; "" without one."""
    number = int(judged.turned.sum())
    if not number:
        return ""
    others = formatting.count(number, "verdict")
    return f" Wrong answers would turn **{others}**: read {'it' if number == 1 else 'them'} first."


def turned_note(judged: Relevance) -> str:
    """Sentence on the text that a verdict reads, and on the share accepted with all choices."""
    share = judged.whole_accepted_share
    with_all = "" if share is None else f"; with them {share:.0%} would be accepted"
    return f"Wrong answers do not count{with_all}."


def reliability_sentence(judged: Relevance) -> str:
    """Sentence on the classifier's reliability on the exemplars, by fits that have not seen them."""
    labels, folded = judged.labels, judged.folded
    return (
        f"On unseen exemplars: AUROC **{calibration.auroc(labels, folded):.3f}**, "
        f"balanced accuracy {calibration.balanced_accuracy(labels, folded, ACCEPT_AT):.3f}, calibration error "
        f"{calibration.ece(labels, folded):.3f}."
    )


def agreement_sentence(judged: Relevance, other: Relevance) -> str:
    """Sentence on the agreement of two embedding models on a set."""
    if not judged.ids:
        return "This set has no questions yet."
    one, two = judged.probability >= ACCEPT_AT, other.probability >= ACCEPT_AT
    return (
        f"{judged.embedder} accepts **{one.mean():.0%}** of the questions and {other.embedder} **{two.mean():.0%}**; they "
        f"agree on {(one == two).mean():.0%}."
    )


def progress_sentence(done: int, total: int) -> str:
    """Sentence on the progress of embedding the texts."""
    if done >= total:
        return "The texts are embedded; they are being judged …"
    return f"Embedding texts: {done:,} of {formatting.count(total, 'text')}. The labelled exemplars are among them where a model is new here."
