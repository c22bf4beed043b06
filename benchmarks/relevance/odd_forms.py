"""Relevance of 100 questions in odd forms: hard science, and what only looks like it.

`odd_forms.jsonl` was written and labelled for this look, and committed before any of it was judged. Counted are the
verdict (question and right answer) and the judgement of the whole (all choices), and which right verdicts turn where
the wrong answers are exchanged or a phrase is added, as an author might without a thought.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from e2lm_core.base.records import Question
from e2lm_core.relevance.calibration import auroc, balanced_accuracy, calibration_table, ece
from e2lm_core.relevance.classifier import ACCEPT_AT, Array
from e2lm_core.relevance.embeddings import FORMS, Embedder, Form, relevance_classifier

FILE = Path(__file__).parent / "odd_forms.jsonl"
FORM_NAMES: dict[Form, str] = {"answer": "question and right answer (the verdict)", "whole": "all choices"}
LEARNED, SILLY = ("photosynthesis", "electron", "enzyme"), ("pizza", "my uncle", "football")
WRONG_ANSWERS = "three wrong answers"
# Phrases that speak for science are put to look-alikes, the others to science: (before, after) the question.
PHRASES = {
    "“Physics, chapter 4.” before it": (False, "Physics, chapter 4. ", ""),
    "“(quantum, entropy, DNA, enzyme)” after it": (False, "", " (quantum, entropy, DNA, enzyme)"),
    "“quick one for the pub quiz tonight” before it": (True, "quick one for the pub quiz tonight: ", ""),
    "“(asked in the kitchen while baking cookies)” after it": (
        True,
        "",
        " (asked in the kitchen while baking cookies)",
    ),
}


class Item(NamedTuple):
    """A question with its label and the form that it is written in."""

    question: Question
    accepted: bool
    form: str


def items() -> list[Item]:
    """The labelled questions, in the order of the file."""
    found = []
    for line in FILE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        question = Question(
            id=row["id"], question=row["question"], choices=tuple(row["choices"]), answer=row["answer"]
        )
        found.append(Item(question, row["accepted"], row["form"]))
    return found


def other_wrong_answers(item: Item) -> Question:
    """The question with three wrong answers that speak against its label."""
    question = item.question
    choices = list(SILLY if item.accepted else LEARNED)
    choices.insert(question.answer, question.choices[question.answer])
    return question.model_copy(update={"choices": tuple(choices)})


def judge(embedder: Embedder, form: Form, questions: Sequence[Question]) -> Array:
    """Probabilities [Q] of questions in one form."""
    vectors = embedder.embed_questions(questions, form)
    return relevance_classifier(embedder, form).probability(vectors)


def report(embedders: Sequence[Embedder]) -> str:
    """Tables of both judgements by each embedder: how good, how calibrated, what turns them."""
    found = items()
    questions, labels = [i.question for i in found], np.array([i.accepted for i in found])
    lines = [
        f"{labels.sum()} questions of science and {(~labels).sum()} look-alikes:",
        "",
        "| embedder | judged by | AUROC | balanced accuracy | science accepted | look-alikes rejected | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    calibration = [
        "Calibration of the verdict:",
        "",
        "| embedder | probability | rows | mean probability | accepted |",
        "|---|---|---|---|---|",
    ]
    turned = [
        "Right verdicts that turn:",
        "",
        f"| embedder | judged by | {WRONG_ANSWERS}: science | look-alikes | {' | '.join(PHRASES)} |",
        "|---|---|" + "---|" * (2 + len(PHRASES)),
    ]
    for embedder in embedders:
        for form in FORMS:
            p = judge(embedder, form, questions)
            right = (p >= ACCEPT_AT) == labels
            lines.append(
                f"| {embedder.model_name} | {FORM_NAMES[form]} | {auroc(labels, p):.3f} "
                f"| {balanced_accuracy(labels, p, ACCEPT_AT):.3f} | {right[labels].mean():.2f} "
                f"| {right[~labels].mean():.2f} | {ece(labels, p):.3f} |"
            )
            exchanged = judge(embedder, form, [other_wrong_answers(item) for item in found])
            cells = [_turned(exchanged, labels, right & (labels == label)) for label in (True, False)]
            for label, before, after in PHRASES.values():
                said = [q.model_copy(update={"question": f"{before}{q.question}{after}"}) for q in questions]
                cells.append(_turned(judge(embedder, form, said), labels, right & (labels == label)))
            turned.append(f"| {embedder.model_name} | {FORM_NAMES[form]} | {' | '.join(cells)} |")
            if form == "answer":
                calibration += [
                    f"| {embedder.model_name} | {b.low:.1f} to {b.high:.1f} | {b.rows} | {b.mean_probability:.2f} "
                    f"| {b.accepted_share:.2f} |"
                    for b in calibration_table(labels, p)
                    if b.rows
                ]
    return "\n".join([*lines, "", *turned, "", *calibration])


def _turned(p: Array, labels: Array, among: Array) -> str:
    """Share of the verdicts `among` [Q], all right before, that are wrong by the probabilities p [Q]."""
    return f"{((p >= ACCEPT_AT) != labels)[among].mean():.0%} of {among.sum()}"
