"""Sentences on relevance."""

from __future__ import annotations

from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence
from e2lm_core.relevance import calibration
from e2lm_core.relevance.classifier import ACCEPT_AT
from e2lm_core.relevance.judge import Relevance


def headline(judged: Relevance) -> str:
    """Sentences on the number of questions that would be accepted, and on those that wrong answers would turn."""
    if not judged.ids:
        return Sentence("This set has no questions yet.")
    accepted = int((judged.probability >= ACCEPT_AT).sum())
    return Sentence(
        "**{share} of the questions** ({accepted} of {all}) likely count as science.{turned}",
        share=f"{accepted / len(judged.ids):.0%}",
        accepted=accepted,
        all=len(judged.ids),
        turned=_turned(judged),
    )


def _turned(judged: Relevance) -> str:
    """Sentence on the questions that their wrong answers would turn; "" without one."""
    number = int(judged.turned.sum())
    if not number:
        return ""
    return Sentence(
        " Wrong answers would turn **{number} verdict**: read it first.",
        " Wrong answers would turn **{number} verdicts**: read them first.",
        number=number,
    )


def turned_note(judged: Relevance) -> str:
    """Sentence on the text that a verdict reads, and on the share accepted with all choices."""
    share = judged.whole_accepted_share
    with_all = (
        "" if share is None else Sentence("; with them {share} would be accepted", share=f"{share:.0%}")
    )
    return Sentence("Wrong answers do not count{with_all}.", with_all=with_all)


def reliability_sentence(judged: Relevance) -> str:
    """Sentence on the classifier's reliability on the exemplars, by fits that have not seen them."""
    labels, folded = judged.labels, judged.folded
    return Sentence(
        "On unseen exemplars: AUROC **{auroc}**, balanced accuracy {balanced_accuracy}, "
        "calibration error {ece}.",
        auroc=f"{calibration.auroc(labels, folded):.3f}",
        balanced_accuracy=f"{calibration.balanced_accuracy(labels, folded, ACCEPT_AT):.3f}",
        ece=f"{calibration.ece(labels, folded):.3f}",
    )


def agreement_sentence(judged: Relevance, other: Relevance) -> str:
    """Sentence on the agreement of two embedding models on a set."""
    if not judged.ids:
        return Sentence("This set has no questions yet.")
    one, two = judged.probability >= ACCEPT_AT, other.probability >= ACCEPT_AT
    return Sentence(
        "{embedder} accepts **{share}** of the questions and {other} **{of_other}**; they agree on {agreed}.",
        embedder=judged.embedder,
        share=f"{one.mean():.0%}",
        other=other.embedder,
        of_other=f"{two.mean():.0%}",
        agreed=f"{(one == two).mean():.0%}",
    )


def progress_sentence(done: int, total: int) -> str:
    """Sentence on the progress of embedding the texts."""
    if done >= total:
        return Sentence("The texts are embedded; they are being judged …")
    return Sentence(
        "Embedding texts: {done} of {texts}. The labelled exemplars are among them where a model "
        "is new here.",
        done=done,
        texts=formatting.count(total, "text"),
    )
