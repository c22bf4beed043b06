"""Sentences, tables and the JSON document of suspects and of the guessing test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from e2lm_core.analysis.questions.suspects import (
    keys,
    shifted_keys,
    weak_distractors,
    wrong_question_control,
)
from e2lm_core.analysis.questions.suspects.records import KINDS, Kind, Suspect, SuspectList
from e2lm_core.analysis.questions.suspects.wrong_question_control import (
    CLEARLY,
    ControlAccuracy,
    WrongQuestionControl,
)
from e2lm_core.base import formatting
from e2lm_core.base.records import Question
from e2lm_core.scores.measurements import Measurements

_SAID: dict[Kind, str] = {
    "wrong key": "with a key that the models doubt",
    "two right answers": "that may have two right answers",
    "twin answers": "with two choices that are alike",
    "giveaway": "answered right unread",
    "dead answer": "with a choice that no model ever takes",
    "dead": "that every model answers alike throughout",
}
COLUMNS = ("id", "why", "key", "about", "evidence", "what it is", "models", "question")
SHOWN = ("id", "why", "key", "about", "what it is", "question")  # columns in a terminal
CONTROL_HELP = (
    "Each question's choices are scored under the prompts of other questions, and under an empty one. Where the right "
    "choice wins all the same, it is what the models find familiar, and the question is answered without being read."
)
NO_CONTROL = "Whether the set can be answered unread is not known yet"


def all_suspects(
    measurements: Measurements, without_question: Measurements | None = None
) -> tuple[SuspectList, WrongQuestionControl | None]:
    """All questions to check, most serious kind first, and the guessing test if it was run.

    Args:
        measurements: Results of the set.
        without_question: Results of its guessing test, the wrong-question control; None if it was not run.
    """
    found = keys.find_doubtful_keys(measurements)
    controlled = (
        wrong_question_control.evaluate_control(measurements, without_question)
        if without_question is not None
        else None
    )
    listed = [
        *found.listed,
        *(controlled.listed if controlled else ()),
        *weak_distractors.find_weak_distractors(measurements),
    ]
    listed.sort(key=lambda suspect: KINDS.index(suspect.kind))
    pattern = shifted_keys.find_shifted_keys(measurements)
    shifted = pattern.sentence if pattern else None
    return found.model_copy(update={"listed": tuple(listed), "shifted": shifted}), controlled


def headline(suspects: SuspectList) -> str:
    """Headline on the number of questions to check of each kind, or the reason why keys are not judged.

    Keys that are shifted throughout come first.
    """
    listed = [suspect.kind for suspect in suspects.listed]
    said = [f"**{listed.count(kind):,}** {_SAID[kind]}" for kind in KINDS if kind in listed]
    sentence = f"Questions to look at: {formatting.join_words(said, len(KINDS))}." if said else ""
    if "wrong key" in listed and suspects.expected_false is not None:
        sentence += f" Of the doubted keys {suspects.expected_false:.1f} are expected to be right."
    if suspects.shifted:
        return f"{suspects.shifted} {sentence}".strip()
    if suspects.why:
        return f"{suspects.why} {sentence}".strip()
    left = formatting.count(suspects.left_out, "question")
    untold = (
        f" The models were never told of {left}, whose keys they cannot doubt." if suspects.left_out else ""
    )
    return (sentence or "No question stands out.") + untold


def control_sentence(controlled: WrongQuestionControl) -> str:
    """Sentence on the result of the guessing test for the set."""
    if controlled.others is None or controlled.p is None:
        return "The set has one question, so no other's prompt could be borrowed."
    chance = f"{controlled.chance:.0%} is chance"
    share = f"{controlled.others:.0%}"
    if controlled.p >= CLEARLY:
        return f"Under other questions' prompts the models are right in **{share}** ({chance}): this set must be read."
    given = len(controlled.listed)
    return (
        f"Under other questions' prompts the models are right in **{share}** ({chance}, {_p(controlled.p)}): in part this "
        f"set is answered unread. {formatting.count(given, 'question')} {'is' if given == 1 else 'are'} given away, where luck "
        f"would give {controlled.by_luck:.0f}. Wrong choices as familiar as the right one mend it."
    )


def _p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}"


def evidence_text(suspect: Suspect) -> str:
    """Meaning of a suspect's evidence in a few words."""
    value, models = suspect.evidence, f"{suspect.models} of {suspect.of} models"
    return {
        "wrong key": f"{value:.2f} more probable than the key, for {models}",
        "two right answers": f"the two hold {value:.2f} together",
        "twin answers": f"{value:.0%} alike at every checkpoint",
        "giveaway": f"the key has {value:.2f} unread, first for {models}",
        "dead answer": f"at most {value:.2f} at any checkpoint",
        "dead": "always right" if value else "always wrong",
    }[suspect.kind]


def suspect_frame(suspects: SuspectList, questions: Sequence[Question]) -> pd.DataFrame:
    """Questions to check as a table, one row per suspect.

    Columns: id, why (kind), key (right answer), about (the choices concerned), evidence, what it is (the
    evidence in words), models, question.
    """
    by_id = {question.id: question for question in questions}
    rows = []
    for suspect in suspects.listed:
        question = by_id[suspect.question_id]
        rows.append(
            {
                "id": suspect.question_id,
                "why": suspect.kind,
                "key": question.choices[suspect.gold],
                "about": " / ".join(question.choices[c] for c in suspect.about) or None,
                "evidence": suspect.evidence,
                "what it is": evidence_text(suspect),
                "models": suspect.models,
                "question": question.question,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def control_frame(controlled: WrongQuestionControl) -> pd.DataFrame:
    """Accuracy of each model on the guessing test, as shares in [0, 1].

    Columns: model, asked (own prompts), others' prompts (other questions' prompts), no question (an empty
    question).
    """
    return pd.DataFrame(
        [
            {"model": one.model, "asked": one.own, "others' prompts": one.others, "no question": one.blank}
            for one in controlled.models
        ]
    )


def control_document(controlled: WrongQuestionControl | None) -> dict[str, Any] | None:
    """Return the result of the guessing test as a JSON document; None if it was not run.

    {acc, chance, p, giveaways, giveaways_by_luck, finding, models: [{model, acc, acc_others, acc_blank}]}
    """
    if controlled is None:
        return None
    return {
        "acc": controlled.others,
        "chance": controlled.chance,
        "p": controlled.p,
        "giveaways": len(controlled.listed),
        "giveaways_by_luck": controlled.by_luck,
        "finding": control_sentence(controlled).replace("**", ""),
        "models": [_model(one) for one in controlled.models],
    }


def _model(one: ControlAccuracy) -> dict[str, Any]:
    return {"model": one.model, "acc": one.own, "acc_others": one.others, "acc_blank": one.blank}
