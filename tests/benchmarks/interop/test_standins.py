"""Rows that stand in for a task's data: columns and kinds from its templates."""

from __future__ import annotations

from benchmarks.interop import standins


def test_columns_come_from_the_templates() -> None:
    raw = {
        "doc_to_text": "{{goal.strip()}} {{options[3]}} {% for i in range(more['text']|length) %}{{more['text'][i]}}{% endfor %}",
        "doc_to_choice": "{{choices.text}}",
        "doc_to_target": "{{choices.label.index(answerKey.lstrip())}}",
        "description": "About {{topic}}.",
    }
    rows = standins.rows_of(raw, 5, 0)
    for row in rows:
        assert set(row) == {"goal", "options", "more", "choices", "answerKey", "topic"}
        assert len(row["options"]) == 4
        assert len(row["choices"]["text"]) == len(row["choices"]["label"])
        assert row["answerKey"] in row["choices"]["label"]


def test_targets_are_numbers_or_texts() -> None:
    number = standins.rows_of(
        {"doc_to_text": "t", "doc_to_choice": ["a", "b"], "doc_to_target": "{{label - 1}}"}, 9, 0
    )
    assert {row["label"] for row in number} == {1, 2}
    text = standins.rows_of(
        {"doc_to_text": "t", "doc_to_choice": ["a", "b"], "doc_to_target": "answerKey"}, 9, 0
    )
    assert {row["answerKey"] for row in text} == {"a", "b"}
    listed = standins.rows_of({"doc_to_target": "{{['x', 'y'].index(k)}}", "doc_to_choice": "choices"}, 9, 0)
    assert {row["k"] for row in listed} == {"x", "y"}
