"""Sentences, tables and the JSON document of suspects and of the wording control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from e2lm_core.analysis.questions.suspects import (
    conditions,
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
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.scores.measurements import Measurements

_SAID: dict[Kind, str] = {
    "wrong key": Sentence("**{n}** with a possibly wrong answer key"),
    "two right answers": Sentence("**{n}** that may have two right answers"),
    "twin answers": Sentence("**{n}** with two choices alike"),
    "giveaway": Sentence("**{n}** answered right unread"),
    "dead answer": Sentence("**{n}** with a wrong answer nobody picks"),
    "dead": Sentence("**{n}** that all models answer alike"),
}
COLUMNS = ("id", "why", "key", "about", "evidence", "what it is", "models", "question")
SHOWN = ("id", "why", "key", "about", "what it is", "question")  # columns in a terminal
CONTROL_HELP = Sentence(
    "Each question's choices are scored under the prompts of other questions, under an empty one, and after its own words "
    "shuffled, its rarest word alone, and a negation. Where the right answer wins all the same, the question is answered "
    "without being read."
)
CONDITION_LABEL = {
    "written": "as written",
    "nothing": "no question",
    "other": "another question",
    "shuffled": "shuffled words",
    "word": "rarest word alone",
    "negated": "negated",
}
_ANSWERED_FROM = {
    "nothing": Sentence("without any question"),
    "other": Sentence("under another question's text"),
    "word": Sentence("from one word of each question"),
}
_MEND = {
    "nothing": Sentence("Fix: use wrong answers that are as common as the right one."),
    "other": Sentence("Fix: use wrong answers that are as common as the right one."),
    "word": Sentence(
        "Questions that share a word and their choices, each with another right answer, mend it."
    ),
}
NO_CONTROL = Sentence("Whether the set can be answered unread is not known yet")


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
    said = [Sentence(_SAID[kind], n=listed.count(kind)) for kind in KINDS if kind in listed]
    sentences = []
    if said:
        kinds = formatting.join_words(said, len(KINDS))
        sentences.append(Sentence("Questions to check: {kinds}.", kinds=kinds))
    if "wrong key" in listed and suspects.expected_false is not None:
        expected = f"{suspects.expected_false:.1f}"
        sentences.append(
            Sentence("Of the possibly wrong keys {expected} are expected to be right.", expected=expected)
        )
    if first := suspects.shifted or suspects.why:
        return joined((first, *sentences))
    if not said:
        sentences.insert(0, Sentence("No question stands out."))
    if suspects.left_out:
        left = formatting.count(suspects.left_out, "question")
        sentences.append(
            Sentence(
                "The models were never told of {questions}, whose keys they cannot doubt.", questions=left
            )
        )
    return joined(sentences)


def control_sentence(controlled: WrongQuestionControl) -> str:
    """Sentence on the result of the guessing test for the set."""
    if controlled.others is None or controlled.p is None:
        return Sentence("The set has one question, so no other's prompt could be borrowed.")
    chance, share = f"{controlled.chance:.0%}", f"{controlled.others:.0%}"
    if controlled.p >= CLEARLY:
        return Sentence(
            "Without the question, models get **{share}** ({chance} is chance)."
            if controlled.answered_from
            else "Without the question, models get **{share}** ({chance} is chance): this set must be read.",
            share=share,
            chance=chance,
        )
    guessed = Sentence(
        "Without the question, models get **{share}** ({chance} is chance, {p}): part of this set can be guessed.",
        share=share,
        chance=chance,
        p=_p(controlled.p),
    )
    given = Sentence(
        "{number} question is given away ({luck} expected by luck).",
        "{number} questions are given away ({luck} expected by luck).",
        number=len(controlled.listed),
        luck=f"{controlled.by_luck:.0f}",
    )
    return joined((guessed, given, _MEND["other"]))


def cue_sentence(controlled: WrongQuestionControl | None) -> str | None:
    """Sentence against a set that is answered without being understood; None without a control or a verdict."""
    found = controlled.answered_from if controlled else None
    if found is None:
        return None
    said = Sentence(
        "The models answer **{share}** {condition}: this set does not measure whether the question is understood.",
        share=f"{found.accuracy:.0%}",
        condition=_ANSWERED_FROM[found.condition],
    )
    return joined((said, _MEND[found.condition]))


def wording_sentences(controlled: WrongQuestionControl) -> list[str]:
    """Sentences on the wordings: the verdict if there is one, else one word's accuracy; order and NOT if not read.

    Empty if the wordings were not run. That word order or NOT is not read is no verdict against a set: the smallest
    models are bags of words.
    """
    word, shuffled, negation = (controlled.condition(name) for name in ("word", "shuffled", "negated"))
    sentences = [cue_sentence(controlled)]
    if word is not None and sentences == [None]:
        known = (
            Sentence(", of {written} as written", written=f"{word.written:.0%}")
            if word.kept is not None
            else ""
        )
        sentences = [
            Sentence(
                "One word of each question alone answers **{accuracy}**{known}.",
                accuracy=f"{word.accuracy:.0%}",
                known=known,
            )
        ]
        if word.why:
            sentences.append(word.why)
    if shuffled is not None and shuffled.keeps_nearly_all:
        sentences.append(
            Sentence(
                "Word order is not read: with the words shuffled the models answer **{accuracy}**.",
                accuracy=f"{shuffled.accuracy:.0%}",
            )
        )
    if negation is not None and negation.keeps_nearly_all:
        sentences.append(
            Sentence(
                "NOT is not read: behind it the models give the same answer in **{accuracy}**.",
                accuracy=f"{negation.accuracy:.0%}",
            )
        )
    return [sentence for sentence in sentences if sentence]


def _p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}"


def evidence_text(suspect: Suspect) -> str:
    """Meaning of a suspect's evidence in a few words."""
    value, models = (
        suspect.evidence,
        Sentence("{models} of {of} models", models=suspect.models, of=suspect.of),
    )
    return {
        "wrong key": Sentence(
            "{models} prefer another choice by {value}", models=models, value=f"{value:.2f}"
        ),
        "two right answers": Sentence("the two hold {value} together", value=f"{value:.2f}"),
        "twin answers": Sentence("{value} alike at every checkpoint", value=f"{value:.0%}"),
        "giveaway": Sentence(
            "{models} guess the right answer without the question ({value})",
            models=models,
            value=f"{value:.2f}",
        ),
        "dead answer": Sentence("at most {value} at any checkpoint", value=f"{value:.2f}"),
        "dead": Sentence("always right") if value else Sentence("always wrong"),
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
    """Accuracy of each model under the control, as shares in [0, 1].

    Columns: model, asked (own prompts), others' prompts (other questions' prompts), no question (an empty
    question), shuffled words, rarest word alone, negated.
    """
    return pd.DataFrame(
        [
            {
                "model": one.model,
                "asked": one.own,
                "others' prompts": one.others,
                "no question": one.blank,
                **{CONDITION_LABEL[name]: getattr(one, name) for name in ("shuffled", "word", "negated")},
            }
            for one in controlled.models
        ]
    )


def condition_frame(controlled: WrongQuestionControl) -> pd.DataFrame:
    """Accuracy of the scored models under each condition, as shares in [0, 1].

    Columns: condition, accuracy, low, high (95% interval), kept (share of the distance to chance), kept low, kept
    high, questions.
    """
    nothing = (None, None)
    rows = []
    for one in controlled.conditions:
        (low, high), (kept_low, kept_high) = one.interval or nothing, one.kept_interval or nothing
        kept = {"kept": one.kept, "kept low": kept_low, "kept high": kept_high}
        of = {"condition": CONDITION_LABEL[one.condition], "accuracy": one.accuracy, "low": low, "high": high}
        rows.append(of | kept | {"questions": one.questions})
    return pd.DataFrame(rows)


def wordings_frame(
    shares: Mapping[str, np.ndarray] | None, questions: Sequence[Question], words: Sequence[str]
) -> pd.DataFrame:
    """Share of the scored models that answer each question right, as written and under each condition.

    Columns: id, rarest word, as written, one for each condition that was run, question.

    Args:
        shares: Shares [Q] by condition, see `conditions.question_conditions`; None for an empty table.
        questions: The questions.
        words: Rarest word of each question.
    """
    if shares is None:
        return pd.DataFrame()
    columns = {CONDITION_LABEL[name]: values for name, values in shares.items()}
    ids, texts = [question.id for question in questions], [question.question for question in questions]
    return pd.DataFrame({"id": ids, "rarest word": list(words), **columns, "question": texts})


def condition_curve_frame(own: Measurements, control: Measurements) -> pd.DataFrame:
    """Mean accuracy of the scored models as written and under each condition, one row for each step that all have.

    Columns: step, tokens_seen (of the first model), as written, one for each condition that was run.
    """
    scored = [curve.model.name for curve in control.scored_curves or control.curves]
    rows = [row for row in conditions.condition_curves(own, control) if row["model"] in scored]
    frame = pd.DataFrame(rows, columns=["model", "step", "tokens_seen", *CONDITION_LABEL])
    by_step = frame.groupby("step")
    means = by_step[list(CONDITION_LABEL)].mean()[by_step["model"].nunique() == len(scored)]
    means = means.dropna(axis=1, how="all").rename(columns=CONDITION_LABEL)
    means.insert(0, "tokens_seen", by_step["tokens_seen"].first())
    return means.reset_index()


def control_document(
    controlled: WrongQuestionControl | None, curves: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any] | None:
    """Return the result of the wording control as a JSON document; None if it was not run.

    {acc, chance, p, giveaways, giveaways_by_luck, finding, cue_words, wording, conditions: [{condition, questions,
    accuracy, interval, written, kept, kept_interval, why}], left_out, models: [{model, acc, acc_others, acc_blank,
    acc_shuffled, acc_word, acc_negated}], curves}

    `cue_words` is the sentence against the set, null without one; `wording` are all sentences on the wordings.

    Args:
        controlled: The result.
        curves: Its curves, see `conditions.condition_curves`.
    """
    if controlled is None:
        return None
    cue = cue_sentence(controlled)
    return {
        "acc": controlled.others,
        "chance": controlled.chance,
        "p": controlled.p,
        "giveaways": len(controlled.listed),
        "giveaways_by_luck": controlled.by_luck,
        "finding": control_sentence(controlled).replace("**", ""),
        "cue_words": cue and cue.replace("**", ""),
        "wording": [sentence.replace("**", "") for sentence in wording_sentences(controlled)],
        "conditions": [one.model_dump(mode="json") for one in controlled.conditions],
        "left_out": controlled.left_out,
        "models": [_model(one) for one in controlled.models],
        "curves": [dict(row) for row in curves],
    }


def _model(one: ControlAccuracy) -> dict[str, Any]:
    return {
        "model": one.model,
        "acc": one.own,
        "acc_others": one.others,
        "acc_blank": one.blank,
        "acc_shuffled": one.shuffled,
        "acc_word": one.word,
        "acc_negated": one.negated,
    }
