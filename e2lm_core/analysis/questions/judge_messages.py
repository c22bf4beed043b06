"""Sentences, tables and the JSON document of judgements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.analysis import tables
from e2lm_core.analysis.questions import agreement
from e2lm_core.analysis.questions.agreement import Agreement, Judge, Judged
from e2lm_core.base import formatting
from e2lm_core.base.judgements import LABELS, NAMES, VALUES, What, current_judgements
from e2lm_core.base.records import Question
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores.arrays import Floats

EACH_OTHER, RELEVANCE, SUSPECTS = Sentence("each other"), Sentence("relevance"), Sentence("suspects")
AGREEMENT_COLUMNS = ("about", "judge", "with", "questions", "equal", "alpha", "why")
_NO_KEYS = Sentence("No key of these questions is judged by the models' results.")


def judge_name(judge: Judge) -> str:
    """Name of a judge as it is shown: a model is called one."""
    return Sentence("{name} (model)", name=judge.name) if judge.by == "model" else judge.name


def headline(judged: Judged, total: int) -> str:
    """Headline on the number of judged questions, the judges and their agreement."""
    if not judged.judges:
        return Sentence("**No question is judged yet.**{outdated}", outdated=_outdated(judged))
    models = sum(judge.by == "model" for judge in judged.judges)
    people = len(judged.judges) - models
    judges = [
        *([formatting.count(people, "person", "people")] if people else []),
        *([formatting.count(models, "model")] if models else []),
    ]
    return Sentence(
        "**{number} of {questions}** judged by {names}.{alpha}{outdated}",
        number=judged.number,
        questions=formatting.count(total, "question"),
        names=formatting.join_words(judges),
        alpha=_alpha(judged),
        outdated=_outdated(judged),
    )


def _alpha(judged: Judged) -> str:
    found = agreement.judges_agreement(judged)
    values = [
        Sentence("{aspect} {alpha}", aspect=NAMES[what], alpha=formatting.score(own.alpha.value))
        for what, own in found.items()
        if own.alpha.value is not None
    ]
    if values:
        return Sentence(" Krippendorff's α: {values}.", values=joined(values, ", "))
    reasons = dict.fromkeys(own.alpha.why for own in found.values() if own.alpha.why)
    return Sentence(" No α: {why}", why=next(iter(reasons))) if reasons else ""


def _outdated(judged: Judged) -> str:
    if not judged.outdated:
        return ""
    return Sentence(
        " {number} judgement of earlier texts left out.",
        " {number} judgements of earlier texts left out.",
        number=judged.outdated,
    )


def judgement_document(questions: Sequence[Question]) -> dict[str, Any] | None:
    """Judgements of a set as JSON: judges, agreement, review states and a sentence; None without any."""
    judged = agreement.collect_judgements(questions)
    if not judged.judges and not judged.outdated:
        return None
    states = agreement.reviews(questions)
    return {
        "sentence": headline(judged, len(questions)).replace("**", ""),
        "questions": len(questions),
        "judged": judged.number,
        "outdated": judged.outdated,
        "judges": [
            {"name": judge.name, "by": judge.by, "judged": judged.counts(place)}
            for place, judge in enumerate(judged.judges)
        ],
        "agreement": {
            what: _agreement_document(own) for what, own in agreement.judges_agreement(judged).items()
        },
        "reviews": {state: states.count(state) for state in VALUES["review"] if state in states},
        "disagreements": int(agreement.disagreements(judged).sum()),
    }


def _agreement_document(found: Agreement) -> dict[str, Any]:
    return {
        "shared": found.shared,
        "share": found.share,
        "alpha": found.alpha.value,
        "why": found.alpha.why,
    }


def judgement_frame(questions: Sequence[Question], judged: Judged) -> pd.DataFrame:
    """One row a question: the judges' values of each aspect, review, comments, and whether judges disagree."""
    apart = agreement.disagreements(judged)
    rows = []
    for place, question in enumerate(questions):
        current = current_judgements(question)
        by_aspect: dict[What, list[str]] = {what: [] for what in agreement.JUDGED}
        for one in current:
            if one.what in by_aspect:
                by_aspect[one.what].append(f"{judge_name(Judge(name=one.judge, by=one.by))}: {one.value}")
        comments = dict.fromkeys(f"{one.judge}: {one.comment}" for one in current if one.comment)
        rows.append(
            {
                "id": question.id,
                "question": question.question,
                **{NAMES[what]: " · ".join(texts) for what, texts in by_aspect.items()},
                "review": agreement.review_state(current),
                "comments": " · ".join(comments),
                "disagree": bool(apart[place]),
            }
        )
    columns = [*(NAMES[what] for what in agreement.JUDGED), "review", "comments", "disagree"]
    return pd.DataFrame(rows, columns=["id", "question", *columns])


def agreement_frame(
    judged: Judged,
    relevance: Floats | None = None,
    suspects: Floats | None = None,
    no_suspects: str | None = None,
) -> pd.DataFrame:
    """Agreement of the judges with each other, and of each with relevance and suspects where these are given.

    Args:
        judged: The judgements.
        relevance: Codes [Q] of relevance, see `agreement.relevance_verdicts`.
        suspects: Codes [Q] of the suspects, see `agreement.suspect_verdicts`.
        no_suspects: Reason why the models' results judge no key.
    """
    rows = [
        _row(what, Sentence("all judges"), EACH_OTHER, found)
        for what, found in agreement.judges_agreement(judged).items()
    ]
    others: tuple[tuple[What, str, Floats | None], ...] = (
        ("scientific", RELEVANCE, relevance),
        ("key", SUSPECTS, suspects),
    )
    for what, name, verdicts in others:
        if verdicts is None:
            continue
        silent = (no_suspects or _NO_KEYS) if not np.isfinite(verdicts).any() else None
        for judge, own, found in zip(
            judged.judges,
            judged.codes[what],
            agreement.agreement_with(judged, what, verdicts),
            strict=True,
        ):
            if np.isfinite(own).any():
                rows.append(_row(what, judge_name(judge), name, found, silent))
    frame = pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))
    return tables.with_sentences(
        frame, **{name: [row[name] for row in rows] for name in ("about", "judge", "with", "why")}
    )


def _row(what: What, judge: str, other: str, found: Agreement, silent: str | None = None) -> dict[str, Any]:
    why = silent or found.alpha.why
    return dict(
        zip(
            AGREEMENT_COLUMNS,
            (LABELS[what], judge, other, found.shared, found.share, found.alpha.value, why),
            strict=True,
        )
    )
