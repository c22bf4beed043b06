"""Relevance as tables.

Tested in tests/relevance/test_judge.py.
"""

from __future__ import annotations

import pandas as pd

from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.relevance import calibration
from e2lm_core.relevance.judge import Relevance, nearest_exemplars

WHOLE = "with all choices"


def question_frame(relevance: Relevance, task: TaskSet) -> pd.DataFrame:
    """Table of the questions with their most similar exemplar, the least probable question first.

    Columns: id, probability (of the question with its right answer), the same with all choices, field,
    question, and the label and text of the exemplar.
    """
    exemplars = [relevance.exemplars[at] for at in relevance.nearest[:, 0]]
    frame = pd.DataFrame(
        {
            "id": relevance.ids,
            "probability": relevance.probability.round(4),
            WHOLE: relevance.whole_probability.round(4),
            "field": relevance.fields,
            "question": [q.question for q in task.questions],
            "nearest is": ["accepted" if accepted else "rejected" for _, accepted, _ in exemplars],
            "nearest exemplar": [text for _, _, text in exemplars],
        }
    )
    return frame.sort_values("probability", kind="stable", ignore_index=True)


def exemplar_frame(relevance: Relevance, place: int) -> pd.DataFrame:
    """Exemplars most similar to one question: likeness, accepted or rejected, field, text."""
    rows = nearest_exemplars(relevance, place)
    return pd.DataFrame(
        {
            "likeness": [row["likeness"] for row in rows],
            "is": ["accepted" if row["accepted"] else "rejected" for row in rows],
            "field": [row["field"] for row in rows],
            "exemplar": [row["question"] for row in rows],
        }
    )


def reliability_frame(relevance: Relevance) -> pd.DataFrame:
    """Calibration table: for each tenth of probability the exemplars there, and the share accepted.

    The probabilities are by fits without the exemplar.
    """
    table = calibration.calibration_table(relevance.labels, relevance.folded, calibration.BINS)
    return pd.DataFrame(
        {
            "from": [b.low for b in table],
            "to": [b.high for b in table],
            "rows": [b.rows for b in table],
            "mean probability": [b.mean_probability for b in table],
            "accepted": [b.accepted_share for b in table],
        }
    )


def compared_frame(relevance: Relevance, other: Relevance, task: TaskSet) -> pd.DataFrame:
    """Judgements of a set by two embedding models, the largest difference first.

    Columns: id, probability, the other model's probability under its name, question.
    """
    frame = pd.DataFrame(
        {
            "id": relevance.ids,
            "probability": relevance.probability.round(4),
            other.embedder: other.probability.round(4),
            "question": [q.question for q in task.questions],
        }
    )
    apart = (frame["probability"] - frame[other.embedder]).abs()
    return frame.loc[apart.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def field_frame(relevance: Relevance) -> pd.DataFrame:
    """Number of questions and mean probability by field, the largest field first."""
    frame = pd.DataFrame({"field": relevance.fields, "probability": relevance.probability})
    grouped = frame.groupby("field", as_index=False).agg(
        questions=("probability", "size"), mean_probability=("probability", "mean")
    )
    return grouped.sort_values("questions", ascending=False, kind="stable", ignore_index=True).round(3)


def map_frames(relevance: Relevance, task: TaskSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Coordinates of the questions and of the exemplars, for `charts.relevance.relevance_map`."""
    questions = pd.DataFrame(
        {
            "x": relevance.map[:, 0],
            "y": relevance.map[:, 1],
            "probability": relevance.probability,
            "label": [safe_excerpt(q.question) for q in task.questions],
        }
    )
    exemplars = pd.DataFrame(
        {
            "x": relevance.exemplar_map[:, 0],
            "y": relevance.exemplar_map[:, 1],
            "accepted": [accepted for _, accepted, _ in relevance.exemplars],
            "label": pd.Series(
                [
                    Sentence("{text} ({field})", text=safe_excerpt(text), field=Sentence(field))
                    for field, _, text in relevance.exemplars
                ],
                dtype=object,
            ),
        }
    )
    return questions, exemplars


def safe_excerpt(text: str, max_chars: int = 70) -> str:
    """Text as one line for a chart: cut to `max_chars`, its angle brackets made harmless."""
    line = " ".join(text.split()).replace("<", "‹").replace(">", "›")
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"
