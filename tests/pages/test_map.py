"""Questions → Map as a visitor uses it: points and rows lead to their questions, and to what can be done to them."""

from __future__ import annotations

import json

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from e2lm_core.analysis.questions import learning_map as maps
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.runs import results
from e2lm_core.sets import collection
from e2lm_core.ui.base import page_cache
from tests.support.visits import OWN, Visit, touched


def points(visit: Visit, curve: int, indices: list[int]) -> None:
    """What the browser sends when points of the chart were selected."""
    sent = {
        "selection": {
            "points": [{"curve_number": curve, "point_number": at, "point_index": at} for at in indices],
            "point_indices": indices,
            "box": [],
            "lasso": [],
        }
    }
    _send(visit, touched(visit.at)[0].proto.id, sent)


def rows(visit: Visit, indices: list[int], column: str = "learnt") -> None:
    """What the browser sends when rows of the table were selected."""
    table = next(d for d in visit.at.dataframe if column in d.value.columns)
    _send(visit, table.proto.id, {"selection": {"rows": indices, "columns": [], "cells": []}})


def _send(visit: Visit, element: str, sent: dict) -> None:
    states = visit.at._tree.get_widget_states()
    states.widgets.append(WidgetState(id=element, string_value=json.dumps(sent)))
    visit.at._run(states)
    assert not visit.at.exception


def order(visit: Visit, model: str | None = None) -> list[str]:
    task = collection.open_set(visit.studio.settings, OWN)
    measured = results.load_measurements(visit.studio, task, visit.studio.catalogue.checkpoints)
    return [measured.question_ids[row] for row in maps.learning_map(measured, model).rows]


def test_nothing_to_show_yet(visit):
    visit.open("map")
    assert "No results for single questions yet" in visit.said


def test_the_map_has_a_line_for_each_question_and_the_table_the_same_order(taught):
    taught.open("map")
    assert "of 40** questions are learnt by at least half of 2 models" in taught.said
    assert "random answer keys give" in taught.said
    spec = json.loads(touched(taught.at)[0].proto.spec)
    assert spec["data"][0]["y"] == order(taught)
    table = next(d.value for d in taught.at.dataframe if "learnt" in d.value.columns)
    assert table["id"].tolist() == order(taught)
    name = next(c.model.name for c in taught.studio.catalogue.checkpoints)
    taught.at.selectbox(key="map_model").set_value(name).run()
    assert not taught.at.exception
    assert "of 40** questions are learnt by " in taught.said
    assert "at least half of 2" not in taught.said
    table = next(d.value for d in taught.at.dataframe if "learnt" in d.value.columns)
    assert table["id"].tolist() == order(taught, name)


def test_selected_points_and_rows_are_shown_tagged_and_deleted_and_undo_brings_them_back(taught):
    taught.open("map")
    ids = order(taught)
    points(taught, 1, [0, 2])
    rows(taught, [1])
    assert "3 selected questions" in {block.label for block in taught.at.expander}
    for question in ids[:3]:
        assert f"**{question}**" in taught.said
    taught.at.text_input(key="map_subject").set_value("early").run()
    taught.at.button(key="map_retag").click().run()
    assert not taught.at.exception
    task = collection.open_set(taught.studio.settings, OWN)
    assert {q.id for q in task.questions if q.subject == "early"} == set(ids[:3])
    rows(taught, [])
    points(taught, 1, [0])
    taught.at.button(key="map_gone").click().run()
    assert not taught.at.exception
    left = {q.id for q in collection.open_set(taught.studio.settings, OWN).questions}
    assert left == set(ids) - {ids[0]}
    taught.open("write")
    taught.click("Undo")
    assert {q.id for q in collection.open_set(taught.studio.settings, OWN).questions} == set(ids)


def test_a_copy_without_the_selected_questions(taught):
    taught.open("map")
    ids = order(taught)
    points(taught, 1, [0, 1])
    taught.at.text_input(key="map_without_name").set_value("without").run()
    taught.at.button(key="map_without_go").click().run()
    assert not taught.at.exception
    kept = collection.open_set(taught.studio.settings, "without")
    assert {q.id for q in kept.questions} == set(ids[2:])


def test_points_of_cells_select_nothing_and_one_that_is_gone_neither(taught):
    taught.open("map")
    points(taught, 0, [0])
    assert not [b for b in taught.at.button if b.key == "map_gone"]
    points(taught, 1, [4000])
    assert not [b for b in taught.at.button if b.key == "map_gone"]


def test_the_scatter_says_why_there_is_none(taught):
    taught.open("map")
    taught.at.segmented_control(key="map_view").set_value("Difficulty and discrimination").run()
    assert "There is no discrimination to show. It takes three models" in taught.said
    assert not touched(taught.at)


def test_a_point_of_the_scatter_leads_to_its_question(taught, monkeypatch):
    """Two models have no discrimination that repeats: here it is that of the last probability."""
    whole = question_pool.question_frame
    monkeypatch.setattr(question_pool, "undefined_reasons", lambda _: {})
    monkeypatch.setattr(
        question_pool,
        "question_frame",
        lambda pool, task: (made := whole(pool, task)).assign(discrimination=made["norm_prob"] - 0.5),
    )
    page_cache.clear()
    taught.open("map")
    taught.at.segmented_control(key="map_view").set_value("Difficulty and discrimination").run()
    assert not taught.at.exception
    table = next(d.value for d in taught.at.dataframe if "discrimination" in d.value.columns)
    assert table["discrimination"].is_monotonic_increasing
    points(taught, 0, [3])
    assert f"**{table['id'].iloc[3]}**" in taught.said
    assert taught.at.button(key="map_gone")
    page_cache.clear()


@pytest.mark.parametrize("name", ["map_learnt", "map_scatter"])
def test_each_chart_has_its_numbers_as_csv(taught, monkeypatch, name):
    if name == "map_scatter":
        monkeypatch.setattr(question_pool, "undefined_reasons", lambda _: {})
        whole = question_pool.question_frame
        monkeypatch.setattr(
            question_pool,
            "question_frame",
            lambda pool, task: (made := whole(pool, task)).assign(discrimination=made["norm_prob"]),
        )
    page_cache.clear()
    taught.open("map")
    if name == "map_scatter":
        taught.at.segmented_control(key="map_view").set_value("Difficulty and discrimination").run()
    assert any(button.proto.id.endswith(f"{name}_csv") for button in taught.at.get("download_button"))
    page_cache.clear()
