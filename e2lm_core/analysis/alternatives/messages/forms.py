"""Sentences, tables and the JSON document of question formats that were tried.

Tested in tests/analysis/alternatives/test_forms.py.
"""

from __future__ import annotations

from typing import Any

from e2lm_core.analysis.alternatives.forms import FormFigures, TriedForms
from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence

COLUMNS = ("format", "metric", "SQ", "random guessing", "final", "told apart", "leave chance", "tokens")
HELP = {
    "SQ": Sentence("Signal quality: how clear and steady the learning curves are."),
    "random guessing": Sentence("Signal quality under random answers, up to this in 95% of draws."),
    "final": Sentence("Mean over models at their last checkpoints."),
    "told apart": Sentence("Pairs of models that are told apart at their last checkpoint."),
    "leave chance": Sentence("Models that leave chance."),
    "tokens": Sentence("Tokens at which they leave chance, the median."),
}
HOW = (
    Sentence(
        "Every format is run on the models that count in scores. Each half of them chooses the "
        "format with the highest accuracy over all checkpoints, and the other half judges it. "
        "Both must agree."
    ),
    Sentence(
        "Its p comes from shuffling the formats of every question. Each further trial on the "
        "same questions counts more."
    ),
)


def headline(found: TriedForms) -> str:
    """Sentence (Markdown) on the format that is preferred, or why none is."""
    best = found.preference
    if best is None:
        return Sentence("The formats stand side by side. {why}", why=found.why)
    if best.is_preferred:
        return Sentence(
            "**{chosen}** is preferred: the accuracy is **{value} points** higher on models that did "
            "not choose.",
            chosen=best.chosen,
            value=f"{100 * best.gain:.1f}",
        )
    if best.chosen == best.own:
        return Sentence("Keep **{own}**: no other format is more often right.", own=best.own)
    return Sentence(
        "Keep **{own}**: {chosen} is no better than luck can make it ({value} points on models "
        "that did not choose).",
        own=best.own,
        chosen=best.chosen,
        value=f"{100 * best.gain:+.1f}",
    )


def trial_sentence(found: TriedForms) -> str | None:
    """Sentence on the p and the number of trials; None without a preference."""
    best = found.preference
    if best is None:
        return None
    tried = formatting.count(best.tried, "format")
    place = formatting.ordinal(best.trial, False)
    return Sentence(
        "p = {p}, counted as {place} trial of formats on these questions, of {tried}.",
        p=f"{best.p:.3f}",
        place=place,
        tried=tried,
    )


def rows(found: TriedForms, metric: str | None = None) -> list[dict[str, Any]]:
    """Table of the formats, of all metrics or one.

    Args:
        found: The formats.
        metric: Name of the only metric; None for all.
    """
    return [_row(one) for one in found.figures if metric in (None, one.metric)]


def _row(one: FormFigures) -> dict[str, Any]:
    return {
        "format": one.form,
        "metric": one.metric,
        "SQ": one.sq.value,
        "random guessing": None if one.sq.null is None else one.sq.null.q95,
        "final": one.final,
        "told apart": Sentence("{apart} of {pairs}", apart=one.apart, pairs=one.pairs),
        "leave chance": one.leaving,
        "tokens": one.tokens,
    }


def document(found: TriedForms) -> dict[str, Any]:
    """JSON document of tried formats."""
    return {
        "finding": headline(found).replace("**", ""),
        "formats": [one.model_dump(mode="json") for one in found.figures],
        "preference": None if found.preference is None else found.preference.model_dump(mode="json"),
        "preferred": found.preference.chosen if found.preference and found.preference.is_preferred else None,
        "why": found.why,
    }
