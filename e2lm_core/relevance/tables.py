"""A set's relevance as tables, for pages and charts.

Tested in tests/relevance/test_judge.py.
"""

from __future__ import annotations

import pandas as pd

from e2lm_core.base.records import TaskSet
from e2lm_core.relevance.judge import Relevance


def question_frame(relevance: Relevance, task: TaskSet) -> pd.DataFrame:
    """One row a question, the least probable first: id, probability, field, question."""
    frame = pd.DataFrame(
        {
            "id": relevance.ids,
            "probability": relevance.probability.round(4),
            "field": relevance.fields,
            "question": [q.question for q in task.questions],
        }
    )
    return frame.sort_values("probability", kind="stable", ignore_index=True)


def field_frame(relevance: Relevance) -> pd.DataFrame:
    """field, questions, mean probability; the largest field first."""
    frame = pd.DataFrame({"field": relevance.fields, "probability": relevance.probability})
    grouped = frame.groupby("field", as_index=False).agg(
        questions=("probability", "size"), mean_probability=("probability", "mean")
    )
    return grouped.sort_values("questions", ascending=False, kind="stable", ignore_index=True).round(3)


def map_frames(relevance: Relevance, task: TaskSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The set and the exemplars in the plane, as `charts.relevance.relevance_map` takes them."""
    questions = pd.DataFrame(
        {
            "x": relevance.map[:, 0],
            "y": relevance.map[:, 1],
            "probability": relevance.probability,
            "label": [short(q.question) for q in task.questions],
        }
    )
    exemplars = pd.DataFrame(
        {
            "x": relevance.exemplar_map[:, 0],
            "y": relevance.exemplar_map[:, 1],
            "accepted": [accepted for _, accepted, _ in relevance.exemplars],
            "label": [f"{short(text)} ({field})" for field, _, text in relevance.exemplars],
        }
    )
    return questions, exemplars


def short(text: str, most: int = 70) -> str:
    """One line of text that a chart may show: cut, and with its angle brackets made harmless."""
    line = " ".join(text.split()).replace("<", "‹").replace(">", "›")
    return line if len(line) <= most else line[: most - 1] + "…"
